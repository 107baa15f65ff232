"""Where consumers begin and go on: consumeFromWhere, offsets of their own, offsets that moved, were reset or copied."""

from __future__ import annotations

import json
import time
from typing import Any

from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.raw_client import RawClient
from interop.scenario import JAVA, scenario
from interop.stage import Consumer, Stage
from rocketpy.protocol.api.offset import GetConsumerStatusBody
from rocketpy.protocol.codes import RequestCode

NO_REMARK = "not set any response code"


def _send(stage: Stage, topic: str, *numbers: int) -> None:
    stage.producer().send(*(Message(topic, f"{number}".encode()) for number in numbers))


def _numbers(consumer: Consumer, count: int) -> list[int]:
    return sorted(int(stored.body) for stored in consumer.received(count))


def _consumed(stage: Stage, topic: str, count: int) -> str:
    """A group that has consumed the `count` messages of queue 0, and whose consumer has left."""
    consumer = stage.consumer(topic)
    consumer.received(count)
    time.sleep(0.2)  # until the client has noted what its listener returned
    consumer.stop()
    stage.wait_committed(consumer.group, Queue(topic, stage.cluster.broker_name, 0), count)
    return consumer.group


def client_id(stage: Stage, group: str) -> str:
    """The id of the only member of a group."""
    with RawClient(stage.cluster.broker) as broker:
        fields = {"consumerGroup": group}
        becomes("members", lambda: broker.ask(RequestCode.GET_CONSUMER_LIST_BY_GROUP, fields).code, 0)
        (found,) = broker.ask_json(RequestCode.GET_CONSUMER_LIST_BY_GROUP, fields)["consumerIdList"]
    return str(found)


@scenario(*JAVA, of_broker=True)
def new_group_on_an_old_queue_starts_where_it_wants(stage: Stage) -> None:
    """When the beginning of a queue is not in memory any more: at its end, or at its beginning."""
    stage.configure(accessMessageInMemoryMaxRatio="0")
    topic = stage.topic()
    _send(stage, topic, 0, 1, 2)
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 3)
    with RawClient(stage.cluster.broker) as broker:
        fields = {"consumerGroup": stage.unique("group"), "topic": topic, "queueId": "0"}
        answer = broker.ask(RequestCode.QUERY_CONSUMER_OFFSET, fields)
    remark = "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"
    equal("offset of a new group", (answer.code, answer.remark), (22, remark))
    first, last = stage.consumer(topic), stage.consumer(topic, from_last=True)
    becomes("queues of both", lambda: (len(first.assigned(topic)), len(last.assigned(topic))), (1, 1))
    equal("from the first", _numbers(first, 3), [0, 1, 2])
    _send(stage, topic, 3)
    equal("from the first", _numbers(first, 4), [0, 1, 2, 3])
    equal("from the last", _numbers(last, 1), [3])


@scenario("java", of_broker=True)
def new_group_starts_at_a_time(stage: Stage) -> None:
    """That is, at the message that is nearest to it."""
    stage.configure(accessMessageInMemoryMaxRatio="0")
    topic = stage.topic()
    _send(stage, topic, 0, 1)
    begin = int(time.time()) + 5  # much nearer to what is sent then than to what was sent now
    time.sleep(begin - time.time())
    _send(stage, topic, 2, 3)
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 4)
    consumer = stage.consumer(topic, from_time=time.strftime("%Y%m%d%H%M%S", time.localtime(begin)))
    equal("messages", _numbers(consumer, 2), [2, 3])


@scenario(*JAVA, of_broker=True)
def broadcast_consumer_goes_on_where_it_was(stage: Stage) -> None:
    """It keeps its offsets in a file of its own; the broker knows nothing of them."""
    topic = stage.topic()
    first = stage.consumer(topic, broadcast=True)
    _send(stage, topic, 0, 1, 2)
    equal("messages", _numbers(first, 3), [0, 1, 2])
    time.sleep(0.2)  # until the client has noted what its listener returned
    first.stop()
    _send(stage, topic, 3, 4)
    again = stage.consumer(topic, group=first.group, name=first.name, broadcast=True)
    equal("messages after the restart", _numbers(again, 2), [3, 4])
    with RawClient(stage.cluster.broker) as broker:
        offsets = broker.ask_json(RequestCode.GET_ALL_CONSUMER_OFFSET)["offsetTable"]
    equal("offsets at the broker", offsets.get(f"{topic}@{first.group}"), None)


@scenario("java", of_broker=True)
def pull_beside_the_queue_leaves_an_event(stage: Stage) -> None:
    """In OFFSET_MOVED_EVENT, with the group as key and tag."""
    topic = stage.topic()
    _send(stage, topic, 0, 1)
    broker = stage.cluster.broker_name
    queue = Queue(topic, broker, 0)
    stage.wait_dispatched(queue, 2)
    puller = stage.puller()
    equal("pull", puller.pull(queue, 77).status, "OFFSET_ILLEGAL")
    events = Queue("OFFSET_MOVED_EVENT", broker, 0)
    (bounds,) = (puller.pull(events, 1 << 40),)  # where the events end
    found = puller.pull(events, max(0, bounds.max_offset - 30), expression=puller.group).messages
    event = next(stored for stored in found if json.loads(stored.body)["messageQueue"]["topic"] == topic)
    equal("body", json.loads(event.body), {
        "consumerGroup": puller.group, "offsetNew": 2, "offsetRequest": 77,
        "messageQueue": {"brokerName": broker, "queueId": 0, "topic": topic},
    })  # fmt: skip
    equal("properties", event.stored_properties(), {"TAGS": puller.group, "KEYS": puller.group, "DELAY": "0"})
    equal("place", (event.queue_id, event.flag, event.sys_flag, event.reconsume_times), (0, 0, 0, 0))
    equal("hosts", (event.born_host, event.store_host), (stage.cluster.broker, stage.cluster.broker))


@scenario("java", of_broker=True)
def offsets_are_cloned(stage: Stage) -> None:
    """CLONE_GROUP_OFFSET gives one group the offsets of another."""
    topic = stage.topic()
    _send(stage, topic, 0, 1, 2)
    group = _consumed(stage, topic, 3)
    other = stage.unique("group")
    fields = {"srcGroup": group, "destGroup": other, "topic": topic, "offline": "false"}
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.CLONE_GROUP_OFFSET, fields)
    equal("answer", (answer.code, answer.remark), (0, None))
    stage.wait_committed(other, Queue(topic, stage.cluster.broker_name, 0), 3)
    _send(stage, topic, 3)
    equal("messages", _numbers(stage.consumer(topic, group=other), 1), [3])


@scenario("java", of_broker=True)
def offsets_are_corrected(stage: Stage) -> None:
    """QUERY_CORRECTION_OFFSET: the smallest offset of all groups, or the greatest number if one is behind it."""
    topic = stage.topic()
    _send(stage, topic, 0, 1, 2)
    groups = [_consumed(stage, topic, 3)]
    _send(stage, topic, 3)
    groups.append(_consumed(stage, topic, 4))
    with RawClient(stage.cluster.broker) as broker:
        for fields, expected in (
            ({"compareGroup": groups[0]}, 3),
            ({"compareGroup": groups[1]}, 3),
            ({"compareGroup": "nobody"}, 3),
            ({"compareGroup": groups[1], "filterGroups": groups[0]}, 4),
        ):
            answer = broker.ask_json(RequestCode.QUERY_CORRECTION_OFFSET, {"topic": topic, **fields})
            equal(f"corrected for {fields}", answer, {"correctionOffsets": {0: expected}})
        offsets = broker.ask_json(RequestCode.GET_ALL_CONSUMER_OFFSET)["offsetTable"]
    equal("offsets of the group that was filtered", offsets.get(f"{topic}@{groups[0]}"), None)


@scenario("java", of_broker=True)
def reset_reaches_a_consumer_that_is_there(stage: Stage) -> None:
    """It goes back to a time, and consumes what came since once more; the client takes ten seconds for it."""
    topic = stage.topic()
    before = int(time.time() * 1000) - 1000
    consumer = stage.consumer(topic)
    _send(stage, topic, 0, 1, 2)
    equal("messages", _numbers(consumer, 3), [0, 1, 2])
    time.sleep(0.2)  # until the client has noted what its listener returned
    queue = {"brokerName": stage.cluster.broker_name, "queueId": 0, "topic": topic}
    with RawClient(stage.cluster.broker) as broker:
        status = {"topic": topic, "group": consumer.group}
        table = broker.ask(RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, status)
        equal("answer", (table.code, table.remark), (0, NO_REMARK))
        equal("status", _status(table.body), {client_id(stage, consumer.group): {(topic, 0): 3}})
        _commit(broker, consumer.group, topic, 3)
        fields = {"topic": topic, "group": consumer.group, "timestamp": str(before), "isForce": "true"}
        answer = broker.ask(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, fields)
        equal("answer", (answer.code, answer.remark), (0, NO_REMARK))
        equal("new offsets", answer.body, b'{"offsetTable":{%s:0}}' % json.dumps(queue, separators=(",", ":")).encode())
        nobody = {**fields, "group": stage.unique("group")}
        answer = broker.ask(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, nobody)
        equal("of nobody", (answer.code, answer.remark), (1, f"THe consumer group <{nobody['group']}> not exist"))
        _commit(broker, nobody["group"], topic, 0)
        answer = broker.ask(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, nobody)
        equal("of who is away", answer.code, 206)
        answer = broker.ask(RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, {**status, "group": nobody["group"]})
        equal("status of who is away", answer.code, 1)
    equal("messages", _numbers(consumer, 6), [0, 0, 1, 1, 2, 2])


@scenario("java", of_broker=True)
def consumer_tells_of_itself(stage: Stage) -> None:
    """GET_CONSUMER_RUNNING_INFO is handed to the client, and its answer back as it is."""
    topic = stage.topic()
    consumer = stage.consumer(topic)
    _send(stage, topic, 0)
    consumer.received(1)
    fields = {"consumerGroup": consumer.group, "clientId": client_id(stage, consumer.group), "jstackEnable": "true"}
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.GET_CONSUMER_RUNNING_INFO, fields)
        equal("answer", (answer.code, answer.remark), (0, NO_REMARK))
        holds("it is the client's", b"PROP_CONSUMEORDERLY" in answer.body and topic.encode() in answer.body)
        holds("it has the stacks of its threads", b"TID:" in answer.body)
        answer = broker.ask(RequestCode.GET_CONSUMER_RUNNING_INFO, {**fields, "clientId": "nobody"})
    equal("of nobody", (answer.code, answer.remark), (1, f"The Consumer <{consumer.group}> <nobody> not online"))


@scenario("java", of_broker=True)
def consumer_is_handed_a_message(stage: Stage) -> None:
    """CONSUME_MESSAGE_DIRECTLY: any message of the store, and what the listener made of it."""
    topic = stage.topic()
    consumer = stage.consumer(topic)
    other = stage.topic()
    good, bad = stage.producer().send(Message(other, b"good"), Message(other, b"bad", properties={"fail": "1"}))
    fields = {"consumerGroup": consumer.group, "clientId": client_id(stage, consumer.group)}
    with RawClient(stage.cluster.broker) as broker:

        def hand(**more: str) -> dict[str, Any]:
            answer = broker.ask_json(RequestCode.CONSUME_MESSAGE_DIRECTLY, {**fields, **more})
            return {name: value for name, value in answer.items() if name != "spentTimeMills"}

        result = {"autoCommit": True, "order": False}
        equal("result", hand(msgId=good.offset_msg_id), {**result, "consumeResult": "CR_SUCCESS"})
        equal("result", hand(msgId=bad.offset_msg_id), {**result, "consumeResult": "CR_LATER"})
        nowhere = f"{good.offset_msg_id[:16]}{1 << 50:016X}"
        answer = broker.ask(RequestCode.CONSUME_MESSAGE_DIRECTLY, {**fields, "msgId": nowhere})
        holds(f"a message that is not there is refused: {answer.code} {answer.remark}", answer.code == 1)
    equal("bodies", [stored.body for stored in consumer.received(2)], [b"good", b"bad"])


def _commit(broker: RawClient, group: str, topic: str, queue_offset: int) -> None:
    fields = {"consumerGroup": group, "topic": topic, "queueId": "0", "commitOffset": str(queue_offset)}
    equal("commit", broker.ask(RequestCode.UPDATE_CONSUMER_OFFSET, fields).code, 0)


def _status(body: bytes) -> dict[str, dict[tuple[str, int], int]]:
    """The offsets of each client by topic and queue: its keys are objects, which only our reader of JSON knows."""
    table = GetConsumerStatusBody.from_json(body).consumer_table
    return {
        client: {(queue.topic, queue.queue_id): queue_offset for queue, queue_offset in queues.items()
                 if not queue.topic.startswith("%RETRY%")}
        for client, queues in table.items()
    }  # fmt: skip
