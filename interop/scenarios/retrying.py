"""Messages that could not be consumed: they come again later, and in the end go to the dead letter topic."""

from __future__ import annotations

import json
from collections.abc import Sequence

from interop.deliveries import cluster_name
from interop.expect import equal, holds
from interop.messages import Message, Queue, Stored
from interop.raw_client import RawClient
from interop.scenario import ALL, scenario
from interop.scenarios.delaying import quick_delays_of
from interop.stage import Stage
from rocketpy.protocol.codes import RequestCode

FIRST_LEVEL = 3
"""That of the first retry; each one after it waits a level longer."""
_LATE_MS = 30_000
"""How much later than its delay a retry may be: the consumer has to give the message back first."""




def expect_waited(times: Sequence[Stored], delays: Sequence[int]) -> None:
    """Each of the deliveries of one message came when the delay of the retry before it was over."""
    for before, after, delay in zip(times[:-1], times[1:], delays, strict=True):
        waited = after.store_timestamp - before.store_timestamp
        holds(f"retry {after.reconsume_times} comes after {delay} ms, not {waited}", delay <= waited < delay + _LATE_MS)


def dead_letters(stage: Stage, group: str, count: int) -> list[Stored]:
    """What is in the dead letter topic of `group`, once there are `count` messages."""
    queue = Queue(f"%DLQ%{group}", stage.cluster.broker_name, 0)
    stage.wait_dispatched(queue, count)
    stage.wait_routed(queue.topic)
    return stage.consumer(queue.topic).received(count)


def topic_config(stage: Stage, topic: str) -> dict[str, object]:
    """Queues, permission and sysFlag of a topic, as the broker has them."""
    with RawClient(stage.cluster.broker) as broker:
        table = broker.ask_json(RequestCode.GET_ALL_TOPIC_CONFIG)["topicConfigTable"]
    return {name: table[topic][name] for name in ("readQueueNums", "writeQueueNums", "perm", "topicSysFlag", "order")}


@scenario(*ALL, of_broker=True)
def failed_message_comes_again(stage: Stage) -> None:
    """Twice, each time after the delay of the next level, with what tells of its past, and no third time."""
    delays = quick_delays_of(stage, FIRST_LEVEL, FIRST_LEVEL + 1)
    topic = stage.topic()
    consumer = stage.consumer(topic, group=stage.group(), expression="T")
    message = Message(topic, "noch einmal ü".encode(), tags="T", keys="k", flag=7, properties={"fail": "2"})
    (sent,) = stage.producer().send(message)
    received = consumer.received(3)
    equal("times consumed before", [stored.reconsume_times for stored in received], [0, 1, 2])
    equal("topics", {stored.topic.removeprefix("%RETRY%") for stored in received} - {consumer.group}, {topic})
    equal("bodies, ids and flags", {(one.body, one.msg_id, one.flag) for one in received},
          {(message.body, sent.msg_id, 7)})  # fmt: skip
    expect_waited(received, delays[FIRST_LEVEL - 1 : FIRST_LEVEL + 1])
    for stored in received[1:]:
        found = stored.stored_properties()
        equal("WAIT", found.pop("WAIT", "false"), "false")
        equal("properties of a retry", found, message.own_properties() | {
            "CLUSTER": cluster_name(stage.cluster), "UNIQ_KEY": sent.msg_id, "RETRY_TOPIC": topic,
            "ORIGIN_MESSAGE_ID": sent.offset_msg_id, "DELAY": str(FIRST_LEVEL + stored.reconsume_times - 1),
            "REAL_TOPIC": f"%RETRY%{consumer.group}", "REAL_QID": "0",
        })  # fmt: skip
        equal("born", stored.born_timestamp, received[0].born_timestamp)
        equal("queue", stored.queue_id, 0)
    retry_queue = Queue(f"%RETRY%{consumer.group}", stage.cluster.broker_name, 0)
    consumer.stop()
    stage.wait_committed(consumer.group, retry_queue, 2)
    equal("messages in all", len(received), 3)


@scenario(*ALL, of_broker=True)
def consumer_says_when_a_message_comes_again(stage: Stage) -> None:
    """By a level of its own choice."""
    delays = quick_delays_of(stage, 2)
    topic = stage.topic()
    consumer = stage.consumer(topic, group=stage.group())
    stage.producer().send(Message(topic, b"m", properties={"fail": "1", "level": "2"}))
    received = consumer.received(2)
    equal("times consumed before", [stored.reconsume_times for stored in received], [0, 1])
    equal("DELAY", received[1].properties["DELAY"], "2")
    expect_waited(received, [delays[1]])


@scenario(*ALL, of_broker=True)
def consumer_gives_a_message_up(stage: Stage) -> None:
    """By a level below zero: it goes to the dead letter topic at once."""
    topic = stage.topic()
    consumer = stage.consumer(topic)
    message = Message(topic, "tot ü".encode(), tags="T", flag=3, properties={"fail": "1", "level": "-1"})
    (sent,) = stage.producer().send(message)
    consumer.received(1)
    (stored,) = dead_letters(stage, consumer.group, 1)
    equal("body, flag, times", (stored.body, stored.flag, stored.reconsume_times), (message.body, 3, 1))
    equal("id", stored.msg_id, sent.msg_id)
    found = stored.stored_properties()
    equal("WAIT", found.pop("WAIT", "false"), "false")
    equal("properties", found, message.own_properties() | {
        "CLUSTER": cluster_name(stage.cluster), "UNIQ_KEY": sent.msg_id, "RETRY_TOPIC": topic,
        "ORIGIN_MESSAGE_ID": sent.offset_msg_id, "DELAY": "0",
    })  # fmt: skip
    equal("times received", len(consumer.received(1)), 1)


@scenario(*ALL, of_broker=True)
def message_is_given_up_after_the_tries_of_its_consumer(stage: Stage) -> None:
    """maxReconsumeTimes of the consumer counts; the dead letter topic has one queue that may be read and written."""
    quick_delays_of(stage, FIRST_LEVEL, FIRST_LEVEL + 1)
    topic = stage.topic()
    consumer = stage.consumer(topic, group=stage.group(), max_reconsume_times=2)
    (sent,) = stage.producer().send(Message(topic, b"m", properties={"fail": "99"}))
    equal("times consumed before", [stored.reconsume_times for stored in consumer.received(3)], [0, 1, 2])
    (stored,) = dead_letters(stage, consumer.group, 1)
    equal("body and times", (stored.body, stored.reconsume_times), (b"m", 3))
    equal("first id", stored.properties["ORIGIN_MESSAGE_ID"], sent.offset_msg_id)
    equal("first topic", stored.properties["RETRY_TOPIC"], topic)
    equal("dead letter topic", topic_config(stage, f"%DLQ%{consumer.group}"), _topic(1))


@scenario("java", of_broker=True)
def message_is_given_up_after_the_tries_of_its_group(stage: Stage) -> None:
    """retryMaxTimes counts for clients that say no number; retryQueueNums says where retries go, 0 that there are none.
    """
    quick_delays_of(stage, 1)
    topic = stage.topic()
    group = stage.unique("group")
    group_config(stage, group, retryMaxTimes=1, retryQueueNums=3)
    (sent,) = stage.producer().send(Message(topic, b"m"))
    stage.wait_routed(topic)
    offset = int(sent.offset_msg_id[-16:], 16)
    fields = {"offset": str(offset), "group": group, "delayLevel": "1"}
    retry = f"%RETRY%{group}"
    with RawClient(stage.cluster.broker) as broker:
        equal("first try", _code_and_remark(broker, fields), (0, None))
        equal("retry topic", topic_config(stage, retry), _topic(3))
        stage.wait_routed(retry)
        (stored,) = stage.consumer(retry).received(1)
        equal("second try", _code_and_remark(broker, {**fields, "offset": str(stored.physical_offset)}), (0, None))
        (dead,) = dead_letters(stage, group, 1)
        equal("times", dead.reconsume_times, 2)
        equal("first id", dead.properties["ORIGIN_MESSAGE_ID"], sent.offset_msg_id)
        group_config(stage, group, retryQueueNums=0)
        equal("without queues", _code_and_remark(broker, fields), (0, None))
        nowhere = {"offset": "9" * 15, "group": stage.unique("group"), "delayLevel": "1"}
        remark = f"look message by offset failed, {'9' * 15}"
        equal("of no message", _code_and_remark(broker, nowhere), (1, remark))
    stage.wait_dispatched(Queue(f"%DLQ%{group}", stage.cluster.broker_name, 0), 1)


@scenario("java", of_broker=True)
def pull_consumer_gives_a_message_back(stage: Stage) -> None:
    """It comes to whoever reads the group's retry topic."""
    quick_delays_of(stage, 1)
    topic = stage.topic()
    queue = Queue(topic, stage.cluster.broker_name, 0)
    stage.producer().send(Message(topic, b"m", keys="k"))
    stage.wait_dispatched(queue, 1)
    puller = stage.puller()
    puller.ask("send_back", queue=queue.to_json(), queue_offset=0, level=1)
    stage.wait_routed(f"%RETRY%{puller.group}")
    (stored,) = stage.consumer(f"%RETRY%{puller.group}").received(1)
    equal("body and times", (stored.body, stored.reconsume_times), (b"m", 1))


@scenario("java", of_broker=True)
def unit_mode_is_noted_in_the_retry_topic(stage: Stage) -> None:
    """Both at the heartbeat and when a message is given back."""
    quick_delays_of(stage, FIRST_LEVEL)
    topic = stage.topic()
    consumer = stage.consumer(topic, unit_mode=True)
    stage.producer().send(Message(topic, b"m", properties={"fail": "1"}))
    equal("messages", len(consumer.received(2)), 2)
    equal("retry topic", topic_config(stage, f"%RETRY%{consumer.group}"), _topic(1, unit_sub=True))


@scenario("java", of_broker=True)
def broadcast_message_is_not_tried_again(stage: Stage) -> None:
    """Who fails has lost it; nothing comes to the broker."""
    topic = stage.topic()
    consumer = stage.consumer(topic, broadcast=True)
    stage.producer().send(Message(topic, b"lost", properties={"fail": "1"}), Message(topic, b"next"))
    equal("bodies", sorted(stored.body for stored in consumer.received(2)), [b"lost", b"next"])
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.GET_MAX_OFFSET, {"topic": f"%RETRY%{consumer.group}", "queueId": "0"})
    equal("retries", (answer.ext_fields or {})["offset"], "0")


def group_config(stage: Stage, group: str, **fields: object) -> None:
    """Set a subscription group."""
    config = {
        "groupName": group, "consumeEnable": True, "consumeFromMinEnable": True, "consumeBroadcastEnable": True,
        "retryQueueNums": 1, "retryMaxTimes": 16, "brokerId": 0, "whichBrokerWhenConsumeSlowly": 1,
        "notifyConsumerIdsChangedEnable": True, **fields,
    }  # fmt: skip
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, None, json.dumps(config).encode())
    equal("setting a group", answer.code, 0)


def _topic(queues: int, *, unit_sub: bool = False) -> dict[str, object]:
    flag = 2 if unit_sub else 0
    return {"readQueueNums": queues, "writeQueueNums": queues, "perm": 6, "topicSysFlag": flag, "order": False}


def _code_and_remark(broker: RawClient, fields: dict[str, str]) -> tuple[int, str | None]:
    answer = broker.ask(RequestCode.CONSUMER_SEND_MSG_BACK, fields)
    return answer.code, answer.remark
