"""What is asked of a fresh broker named "golden" in cluster "GoldenCluster"."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rocketpy.protocol.codes import RequestCode as Ask
from tools.record_golden.exchange import Answers, Step
from tools.record_golden.script import BORN, Fields, Script, batch_body, properties, pull, send_v1, send_v2

TOPIC = "GoldenT"
GROUP = {"consumerGroup": "GoldenGroup"}
TEXT = "Grüße, 世界 😀".encode()
FIRST = properties(UNIQ_KEY="7F00000100002A139A550B8EDA3D0000", WAIT="true", TAGS="TagA", KEYS="k1 schlüssel")


def broker_steps() -> list[Step]:
    """All of them, in an order that gives every physical offset its value."""
    script = Script("broker")
    for part in (unknown, topics, sends, refused_sends, pulls, refused_pulls, offsets, clients, locks, send_backs,
                 departure, queries, administration, malformed, replies, transactions):  # fmt: skip
        part(script)
    return script.steps


def unknown(script: Script) -> None:
    script.ask("unknown code", 9999)
    script.ask("unknown negative code, binary header", -5, {"x": "1"}, binary=True)
    script.ask("unknown code, one-way", 9999, flag=2, answer="none")
    script.ask("response that nobody asked for", 0, flag=1, answer="none")


def topics(script: Script) -> None:
    def create(name: str, topic: str | None, **more: object) -> None:
        fields = {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 4, "writeQueueNums": 4, "perm": 6,
                  "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"}  # fmt: skip
        script.ask(name, Ask.UPDATE_AND_CREATE_TOPIC, fields | more)

    create("create a topic", TOPIC)
    create("create a topic of one queue", "GoldenOne", readQueueNums=1, writeQueueNums=1)
    create("create a topic without a name", "")
    create("create a topic with illegal characters", "a b/ü")
    create("create a topic with a name too long", "x" * 128)
    create("create a system topic", "TBW102")
    create("create a topic with an unknown filter type", TOPIC, topicFilterType="NONE")
    script.ask("all topics", Ask.GET_ALL_TOPIC_CONFIG, mask=("timestamp",))
    script.ask("system topics", Ask.GET_SYSTEM_TOPIC_LIST_FROM_BROKER)


def sends(script: Script) -> None:
    script.ask("send, V2", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 0, FIRST), TEXT)
    v1 = send_v1(TOPIC, 0, properties(TAGS="TagB"))
    script.ask("send, V1, binary header", Ask.SEND_MESSAGE, v1, b"b", binary=True)
    script.ask("send, V2, binary header", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 0), b"c", binary=True)
    batch = batch_body((b"one", properties(TAGS="TagA")), (TEXT, ""), (b"", properties(KEYS="k1")))
    script.ask("send a batch", Ask.SEND_BATCH_MESSAGE, send_v2(TOPIC, 1, properties(B="x"), m="true"), batch)
    script.ask("send with the broker's choice of queue", Ask.SEND_MESSAGE_V2, send_v2("GoldenOne", -1), b"d")
    script.ask("send with a flag and reconsumeTimes", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 2, h=77, j=3, l=9), b"e")
    script.ask("send a compressed body", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 2, f=1), b"no zlib, nobody looks")
    script.ask("send an empty body", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 2), b"")
    script.ask("send one-way", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 3), b"f", flag=2, answer="none")
    script.ask("send to a topic that has to be made", Ask.SEND_MESSAGE_V2, send_v2("GoldenAuto", 0, d=3), b"g")
    script.ask("send delayed", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 3, properties(TAGS="TagA", DELAY="18")), b"h")
    script.ask("send with a delay level too high", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 3, properties(DELAY="99")), b"i")
    script.ask(
        "send to a retry topic whose tries are over",
        Ask.SEND_MESSAGE_V2,
        send_v2("%RETRY%GoldenDead", 0, a="CLIENT_INNER_PRODUCER", j=16, l=16),
        b"j",
    )
    odd = "Z\x011\x02\x02junk\x02A\x012\x02"
    script.ask("send properties out of order", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 3, odd))


def refused_sends(script: Script) -> None:
    def refuse(name: str, fields: dict[str, object] | None, body: bytes = b"x", *, binary: bool = False) -> None:
        script.ask(f"send {name}", Ask.SEND_MESSAGE_V2, fields, body, binary=binary)

    refuse("to a queue that is not there", send_v2(TOPIC, 4))
    refuse("to an unknown topic", send_v2("GoldenNone", 0, c="GoldenT"))
    refuse("to an unknown topic, binary header", send_v2("GoldenNone", 0, c="GoldenT"), binary=True)
    refuse("to a forbidden topic", send_v2("SCHEDULE_TOPIC_XXXX", 0))
    refuse("to a topic without a name", send_v2("", 0))
    refuse("to a topic with illegal characters", send_v2("a b", 0))
    refuse("without any field", None)
    refuse("without a queue id", send_v2(TOPIC, 0, e=None))
    refuse("with a queue id that is no number", send_v2(TOPIC, 0, e="abc"))
    refuse("with a delay that is no number", send_v2(TOPIC, 0, properties(DELAY="soon")))
    refuse("a batch that is cut off", send_v2(TOPIC, 0, m="true"), batch_body((b"one", ""))[:-1])


def pulls(script: Script) -> None:
    def take(name: str, fields: dict[str, object], *, binary: bool = False, **step: Any) -> None:
        script.ask(f"pull {name}", Ask.PULL_MESSAGE, fields, binary=binary, **step)

    take("everything", pull(TOPIC, 0, 0))
    take("everything, binary header", pull(TOPIC, 1, 0), binary=True)
    take("from the second message on", pull(TOPIC, 0, 1))
    take("one message", pull(TOPIC, 0, 0, maxMsgNums=1))
    take("at most no message", pull(TOPIC, 0, 0, maxMsgNums=0))
    take("by a tag", pull(TOPIC, 0, 0, "TagB"))
    take("by two tags", pull(TOPIC, 0, 0, "TagA || TagB"))
    take("by a tag that no message has", pull(TOPIC, 0, 0, "TagC"))
    take("messages with odd fields", pull(TOPIC, 2, 0))
    take("messages sent one-way or out of order", pull(TOPIC, 3, 0))
    take("delayed messages", pull("SCHEDULE_TOPIC_XXXX", 17, 0))
    take("the dead letter", pull("%DLQ%GoldenDead", 0, 0))
    take("at the end", pull(TOPIC, 0, 3))
    take("beyond the end", pull(TOPIC, 0, 99))
    take("below the beginning", pull(TOPIC, 0, -1))
    take("an empty queue", pull("BenchmarkTest", 1000, 0))
    take("the events about offsets", pull("OFFSET_MOVED_EVENT", 0, 0), mask=("born_timestamp",))
    take("an empty queue from beyond its beginning", pull("BenchmarkTest", 1000, 5))
    take("with a message to wait for", pull(TOPIC, 0, 3, sysFlag=6), binary=True, connection="b", answer="later")
    script.ask("send what is waited for", Ask.SEND_MESSAGE_V2, send_v2(TOPIC, 0, properties(TAGS="TagW")), b"w")


def refused_pulls(script: Script) -> None:
    def refuse(name: str, fields: dict[str, object] | None, **step: Any) -> None:
        script.ask(f"pull {name}", Ask.PULL_MESSAGE, fields, **step)

    refuse("an unknown topic", pull("GoldenNone", 0, 0))
    refuse("a queue that is not there", pull(TOPIC, 4, 0))
    refuse("for a group without a heartbeat", pull(TOPIC, 0, 0, sysFlag=0, consumerGroup="GoldenGone"))
    refuse("with an empty subscription", pull(TOPIC, 0, 0, ""))
    refuse("with a subscription of bars", pull(TOPIC, 0, 0, "||"))
    refuse("by SQL", pull(TOPIC, 0, 0, "a > 1", expressionType="SQL92"))
    refuse("a negative number of messages", pull(TOPIC, 0, 0, maxMsgNums=-1))
    refuse("without any field", None)
    refuse("with an offset that is no number", pull(TOPIC, 0, 0, queueOffset="x"))
    refuse("through the VIP port", pull(TOPIC, 0, 0), to="vip")


def offsets(script: Script) -> None:
    queue = {"topic": TOPIC, "queueId": 0}
    nothing = {"topic": "GoldenNone", "queueId": 0}
    script.ask("max offset", Ask.GET_MAX_OFFSET, queue)
    script.ask("max offset through the VIP port, binary header", Ask.GET_MAX_OFFSET, queue, binary=True, to="vip")
    script.ask("max offset of an unknown topic", Ask.GET_MAX_OFFSET, nothing)
    script.ask("max offset without a queue", Ask.GET_MAX_OFFSET, {"topic": TOPIC})
    script.ask("min offset", Ask.GET_MIN_OFFSET, queue)
    script.ask("earliest store time", Ask.GET_EARLIEST_MSG_STORETIME, queue, mask=("timestamp",))
    script.ask("earliest store time of an unknown topic", Ask.GET_EARLIEST_MSG_STORETIME, nothing)
    script.ask("offset by a time long ago", Ask.SEARCH_OFFSET_BY_TIMESTAMP, queue | {"timestamp": 1})
    script.ask("offset by a time to come", Ask.SEARCH_OFFSET_BY_TIMESTAMP, queue | {"timestamp": 99_999_999_999_999})
    group = queue | {"consumerGroup": "GoldenConsumer"}
    script.ask("consumer offset of a new group", Ask.QUERY_CONSUMER_OFFSET, group)
    script.ask("consumer offset of a new group at an unknown topic", Ask.QUERY_CONSUMER_OFFSET, group | nothing)
    script.ask("commit an offset", Ask.UPDATE_CONSUMER_OFFSET, group | {"commitOffset": 2})
    script.ask("commit an offset, binary header", Ask.UPDATE_CONSUMER_OFFSET, group | {"commitOffset": 3}, binary=True)
    commit = group | {"commitOffset": 4}
    script.ask("commit an offset one-way", Ask.UPDATE_CONSUMER_OFFSET, commit, flag=2, answer="none")
    script.ask("consumer offset", Ask.QUERY_CONSUMER_OFFSET, group)
    script.ask("all consumer offsets", Ask.GET_ALL_CONSUMER_OFFSET)


def clients(script: Script) -> None:
    subscription = {"classFilterMode": False, "codeSet": [2598919], "expressionType": "TAG", "subString": "TagA",
                    "subVersion": BORN, "tagsSet": ["TagA"], "topic": TOPIC}  # fmt: skip
    consumer = {"consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "consumeType": "CONSUME_PASSIVELY",
                "groupName": "GoldenGroup", "messageModel": "CLUSTERING", "subscriptionDataSet": [subscription],
                "unitMode": False}  # fmt: skip
    heartbeat = {"clientID": "127.0.0.1@golden", "consumerDataSet": [consumer],
                 "producerDataSet": [{"groupName": "GoldenProducer"}]}  # fmt: skip
    script.ask("heartbeat", Ask.HEART_BEAT, None, as_json(heartbeat))
    script.ask("heartbeat that changes nothing", Ask.HEART_BEAT, None, as_json(heartbeat))
    script.ask("heartbeat without a body", Ask.HEART_BEAT, None)
    script.ask("consumers of a group", Ask.GET_CONSUMER_LIST_BY_GROUP, GROUP)
    script.ask("consumers of an unknown group", Ask.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": "GoldenGone"})
    script.ask("consumer connections", Ask.GET_CONSUMER_CONNECTION_LIST, GROUP)
    script.ask("consumer connections of an unknown group", Ask.GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": "No"})
    script.ask("producer connections", Ask.GET_PRODUCER_CONNECTION_LIST, {"producerGroup": "GoldenProducer"})
    heard = pull(TOPIC, 0, 0, sysFlag=0, subVersion=BORN) | GROUP
    script.ask("pull by the heartbeat's subscription", Ask.PULL_MESSAGE, heard)
    script.ask("pull by a newer subscription", Ask.PULL_MESSAGE, heard | {"subVersion": BORN + 1})
    script.ask("pull a topic that the heartbeat does not have", Ask.PULL_MESSAGE, heard | {"topic": "GoldenOne"})
    check = {"clientId": "127.0.0.1@golden", "group": "GoldenGroup", "subscriptionData": subscription}
    script.ask("check a client's subscription", Ask.CHECK_CLIENT_CONFIG, None, as_json(check))


def locks(script: Script) -> None:
    lock = {"clientId": "127.0.0.1@golden", "consumerGroup": "GoldenGroup",
            "mqSet": [{"brokerName": "golden", "queueId": 0, "topic": TOPIC}]}  # fmt: skip
    script.ask("lock a queue", Ask.LOCK_BATCH_MQ, None, as_json(lock))
    script.ask("lock a queue that is locked", Ask.LOCK_BATCH_MQ, None, as_json(lock | {"clientId": "127.0.0.2@other"}))
    script.ask("unlock a queue", Ask.UNLOCK_BATCH_MQ, None, as_json(lock))


def send_backs(script: Script) -> None:
    script.ask("send a message back to a new group", Ask.CONSUMER_SEND_MSG_BACK,
               {"offset": 0, "group": "GoldenNew", "delayLevel": 17})  # fmt: skip
    script.ask("send back a message that is not there", Ask.CONSUMER_SEND_MSG_BACK,
               {"offset": 99_999_999, "group": "GoldenGroup", "delayLevel": 0})  # fmt: skip
    script.ask("send a message back to be retried", Ask.CONSUMER_SEND_MSG_BACK,
               {"offset": 0, "group": "GoldenGroup", "delayLevel": 18, "originMsgId": "GoldenId", "originTopic": TOPIC,
                "unitMode": "false", "maxReconsumeTimes": 16})  # fmt: skip
    script.ask("send a message back to be given up", Ask.CONSUMER_SEND_MSG_BACK,
               {"offset": 0, "group": "GoldenGroup", "delayLevel": -1}, binary=True)  # fmt: skip
    script.ask("pull what was to be retried", Ask.PULL_MESSAGE, pull("SCHEDULE_TOPIC_XXXX", 17, 2))
    script.ask("pull what was given up", Ask.PULL_MESSAGE, pull("%DLQ%GoldenGroup", 0, 0))


def departure(script: Script) -> None:
    leave = {"clientID": "127.0.0.1@golden", "producerGroup": "GoldenProducer", **GROUP}
    script.ask("leave", Ask.UNREGISTER_CLIENT, leave)
    script.ask("consumers of the group that was left", Ask.GET_CONSUMER_LIST_BY_GROUP, GROUP)


def queries(script: Script) -> None:
    def query(name: str, key: str, **more: object) -> None:
        fields = {"topic": TOPIC, "key": key, "maxNum": 32, "beginTimestamp": 0, "endTimestamp": 1 << 62}
        masked = ("indexLastUpdateTimestamp",)
        script.ask(f"query {name}", Ask.QUERY_MESSAGE, fields | more, mask=masked, binary=True)

    query("by a key", "k1")
    query("by a key beyond ASCII", "schlüssel")
    query("by a unique key", "7F00000100002A139A550B8EDA3D0000", _UNIQUE_KEY_QUERY="true")
    query("by an unknown key", "nobody")
    query("in a time without messages", "k1", beginTimestamp=1, endTimestamp=2)
    query("for no message at all", "k1", maxNum=0)
    script.ask("view a message", Ask.VIEW_MESSAGE_BY_ID, {"offset": 0}, binary=True)
    script.ask("view a message that is not there", Ask.VIEW_MESSAGE_BY_ID, {"offset": 99_999_999})
    queue = {"topic": TOPIC, "queueId": 0, "index": 0, "count": 2, "consumerGroup": "GoldenConsumer"}
    script.ask("entries of a ConsumeQueue", Ask.QUERY_CONSUME_QUEUE, queue)


def replies(script: Script) -> None:
    nobody = properties(REPLY_TO_CLIENT="127.0.0.1@nobody", TTL="3000", CORRELATION_ID="c1")
    script.ask("send a reply to whom?", Ask.SEND_REPLY_MESSAGE_V2, send_v2(TOPIC, 3, properties(TTL="1")), b"k")
    script.ask("send a reply to nobody", Ask.SEND_REPLY_MESSAGE, send_v1(TOPIC, 3, nobody), b"l", binary=True)


def transactions(script: Script) -> None:
    unique = "7F00000100002A139A550B8EDA3D0009"
    half = properties(TRAN_MSG="true", PGROUP="GoldenProducer", TAGS="TagT", UNIQ_KEY=unique)

    def end(of: str, kind: int, **more: object) -> Callable[[Answers], Fields]:
        def fields(answers: Answers) -> Fields:
            ext = answers[of].ext_fields or {}
            return {
                "producerGroup": "GoldenProducer", "tranStateTableOffset": ext["queueOffset"],
                "commitLogOffset": int(ext["msgId"][-16:], 16), "commitOrRollback": kind,
                "fromTransactionCheck": "false", "msgId": unique,
            } | more  # fmt: skip

        return fields

    script.ask("send half a message", Ask.SEND_MESSAGE_V2, send_v2("GoldenTx", 1, half, f=4), b"half")
    script.ask("commit for the wrong group", Ask.END_TRANSACTION, end("send half a message", 8, producerGroup="X"))
    script.ask("commit", Ask.END_TRANSACTION, end("send half a message", 8))
    script.ask("pull what was committed", Ask.PULL_MESSAGE, pull("GoldenTx", 1, 0))
    script.ask("send another half", Ask.SEND_MESSAGE_V2, send_v2("GoldenTx", 1, half, f=4), b"half", binary=True)
    script.ask("roll back", Ask.END_TRANSACTION, end("send another half", 12))
    script.ask("pull after the roll back", Ask.PULL_MESSAGE, pull("GoldenTx", 1, 1))
    script.ask("end with no decision", Ask.END_TRANSACTION, end("send another half", 0), answer="none")


def administration(script: Script) -> None:
    group = {"brokerId": 0, "consumeBroadcastEnable": True, "consumeEnable": True, "consumeFromMinEnable": True,
             "groupName": "GoldenGroup2", "notifyConsumerIdsChangedEnable": True, "retryMaxTimes": 7,
             "retryQueueNums": 2, "whichBrokerWhenConsumeSlowly": 1}  # fmt: skip
    script.ask("create a group", Ask.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, None, as_json(group))
    script.ask("all groups", Ask.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, mask=("timestamp",))
    script.ask("delete a group", Ask.DELETE_SUBSCRIPTIONGROUP, {"groupName": "GoldenGroup2", "removeOffset": "true"})
    script.ask("topic statistics", Ask.GET_TOPIC_STATS_INFO, {"topic": TOPIC}, mask=("lastUpdateTimestamp",))
    script.ask("topic statistics of an unknown topic", Ask.GET_TOPIC_STATS_INFO, {"topic": "GoldenNone"})
    script.ask("consume statistics", Ask.GET_CONSUME_STATS, {"consumerGroup": "GoldenConsumer", "topic": TOPIC},
               mask=("lastTimestamp", "consumeTps"))  # fmt: skip
    script.ask("groups of a topic", Ask.QUERY_TOPIC_CONSUME_BY_WHO, {"topic": TOPIC})
    script.ask("delay offsets", Ask.GET_ALL_DELAY_OFFSET)
    script.ask("statistics that nobody kept", Ask.VIEW_BROKER_STATS_DATA, {"statsName": "X", "statsKey": "Y"})
    script.ask("reset offsets of an unknown group", Ask.INVOKE_BROKER_TO_RESET_OFFSET,
               {"topic": TOPIC, "group": "GoldenGone", "timestamp": 1, "isForce": "true"})  # fmt: skip
    script.ask("running info of a client that is not there", Ask.GET_CONSUMER_RUNNING_INFO,
               {"consumerGroup": "GoldenGone", "clientId": "nobody", "jstackEnable": "false"})  # fmt: skip
    script.ask("clone offsets", Ask.CLONE_GROUP_OFFSET,
               {"srcGroup": "GoldenConsumer", "destGroup": "GoldenClone", "topic": TOPIC,
                "offline": "false"})  # fmt: skip
    script.ask("correct offsets", Ask.QUERY_CORRECTION_OFFSET,
               {"filterGroups": "", "compareGroup": "GoldenConsumer", "topic": TOPIC})  # fmt: skip
    script.ask("delete a topic", Ask.DELETE_TOPIC_IN_BROKER, {"topic": "GoldenAuto"})
    script.ask("delete an unknown topic", Ask.DELETE_TOPIC_IN_BROKER, {"topic": "GoldenNone"})


def malformed(script: Script) -> None:
    def close(name: str, data: bytes) -> None:
        script.raw(name, data, connection="bad", answer="closed")

    close("frame of a negative length", b"\xff\xff\xff\xff")
    close("frame longer than 16 MiB", b"\x01\x00\x00\x01\x00\x00\x00\x00")
    close("header longer than the frame", b"\x00\x00\x00\x08\x00\x00\x00\x20{}{}")
    close("unknown header serialization", b"\x00\x00\x00\x06\x05\x00\x00\x02{}")
    close("header that is no JSON", b"\x00\x00\x00\x07\x00\x00\x00\x03{x}")
    close("binary header that ends early", b"\x00\x00\x00\x08\x01\x00\x00\x04\x00\x0a\x00\x00")
    loose = b"{code:'30', \"opaque\" : 4242, extFields:{topic:'GoldenT', queueId:0}, flag:4, version:\"1\", odd:[1]}"
    script.raw("header in fastjson's own dialect", (len(loose) + 4).to_bytes(4) + len(loose).to_bytes(4) + loose)


def as_json(value: object) -> bytes:
    """Compact JSON, as clients send it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
