"""Consumption in order: one consumer of a queue at a time, a message after the other, also when consumers come and go.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue, Stored
from interop.raw_client import RawClient
from interop.scenario import JAVA, scenario
from interop.scenarios.delaying import quick_delays_of
from interop.scenarios.retrying import FIRST_LEVEL, dead_letters
from interop.stage import NotApplicableError, Producer, Stage
from rocketpy.protocol.codes import RequestCode


def expect_ordered(received: Iterable[Stored]) -> None:
    """In each queue the messages came one after the other, none twice and none left out."""
    by_queue: dict[int, list[int]] = {}
    for stored in received:
        by_queue.setdefault(stored.queue_id, []).append(stored.queue_offset)
    for queue_id, queue_offsets in by_queue.items():
        equal(f"offsets of queue {queue_id} in their order", queue_offsets, list(range(len(queue_offsets))))


def lock(stage: Stage, group: str, queue: Queue, client_id: str, code: int = RequestCode.LOCK_BATCH_MQ) -> bool:
    """Whether the broker gives `client_id` the lock of a queue."""
    named = {"brokerName": queue.broker, "queueId": queue.id, "topic": queue.topic}
    body = {"clientId": client_id, "consumerGroup": group, "mqSet": [named]}
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(code, None, json.dumps(body).encode())
    equal("answer to the lock", (answer.code, answer.remark), (0, None))
    return bool(answer.body) and named in json.loads(answer.body)["lockOKMQSet"]


@dataclass(frozen=True)
class LostLock:
    """A lock whose owner has gone without a word, and when it was given, by time.monotonic()."""

    group: str
    queue: Queue
    given: float


_lost: dict[str, LostLock] = {}


def lost_lock(stage: Stage) -> LostLock:
    """The one of this cluster, lost when it is first asked for; so its minute passes while others play."""
    broker = stage.cluster.broker
    if broker not in _lost:
        queue = Queue(stage.topic(), stage.cluster.broker_name, 0)
        group, given = stage.group(), time.monotonic()
        holds("the lock is free", lock(stage, group, queue, "gone@client"))
        _lost[broker] = LostLock(group, queue, given)
    return _lost[broker]


def _send(producer: Producer, topic: str, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        producer.send(Message(topic, f"{number}".encode()), sharding_key=f"order {number % 7}")


@scenario(*JAVA, of_broker=True)
def messages_of_one_key_come_in_order(stage: Stage) -> None:
    """They are all in one queue, and a queue is consumed by one thread."""
    topic = stage.topic(queues=4)
    consumer = stage.consumer(topic, orderly=True)
    _send(stage.producer(), topic, 56)
    received = consumer.received(56)
    equal("bodies", sorted(int(stored.body) for stored in received), list(range(56)))
    expect_ordered(received)
    for key in range(7):
        numbers = [int(stored.body) for stored in received if int(stored.body) % 7 == key]
        equal(f"messages of key {key}", numbers, sorted(numbers))


@scenario("go", of_broker=True)
def messages_of_a_queue_come_in_order(stage: Stage) -> None:
    """Also to the Go client."""
    topic = stage.topic()
    consumer = stage.consumer(topic, orderly=True)
    stage.producer().send(*(Message(topic, f"{number}".encode()) for number in range(20)))
    equal("bodies", [int(stored.body) for stored in consumer.received(20)], list(range(20)))


@scenario("java", of_broker=True)
def queue_waits_for_a_message_that_is_suspended(stage: Stage) -> None:
    """It comes again and again, not by way of the broker, and nothing of its queue comes before it was consumed."""
    topic = stage.topic()
    consumer = stage.consumer(topic, orderly=True)
    messages = [Message(topic, b"0"), Message(topic, b"1", properties={"fail": "3"}), Message(topic, b"2")]
    stage.producer().send(*messages)
    received = consumer.received(6)
    equal("bodies", [stored.body for stored in received], [b"0", b"1", b"1", b"1", b"1", b"2"])
    equal("times", [stored.reconsume_times for stored in received], [0, 0, 1, 2, 3, 0])
    equal("offsets", [stored.queue_offset for stored in received], [0, 1, 1, 1, 1, 2])
    consumer.stop()
    stage.wait_committed(consumer.group, Queue(topic, stage.cluster.broker_name, 0), 3)


@scenario("java", of_broker=True)
def ordered_message_is_given_up(stage: Stage) -> None:
    """After maxReconsumeTimes the consumer sends it to its retry topic, and the broker makes a dead letter of it."""
    quick_delays_of(stage, FIRST_LEVEL + 2)  # with which the client sends it, dead or not
    topic = stage.topic()
    consumer = stage.consumer(topic, orderly=True, group=stage.group(), max_reconsume_times=2)
    (sent, _) = stage.producer().send(Message(topic, b"bad", properties={"fail": "99"}), Message(topic, b"good"))
    received = consumer.received(4)
    equal("bodies", [stored.body for stored in received], [b"bad", b"bad", b"bad", b"good"])
    equal("times", [stored.reconsume_times for stored in received], [0, 1, 2, 0])
    (dead,) = dead_letters(stage, consumer.group, 1)
    equal("body", dead.body, b"bad")
    names = ("RETRY_TOPIC", "ORIGIN_MESSAGE_ID", "MAX_RECONSUME_TIMES", "RECONSUME_TIME", "fail")
    found = {name: dead.properties.get(name) for name in names}
    equal("properties", found, {
        "RETRY_TOPIC": topic, "ORIGIN_MESSAGE_ID": sent.msg_id, "MAX_RECONSUME_TIMES": "2", "RECONSUME_TIME": "2",
        "fail": "99",
    })  # fmt: skip


@scenario("java", of_broker=True)
def order_holds_while_consumers_come_and_go(stage: Stage) -> None:
    """Two share the queues; when one leaves the other goes on where it was. A queue has one consumer at a time."""
    topic = stage.topic(queues=4)
    producer = stage.producer()
    first = stage.consumer(topic, orderly=True)
    _send(producer, topic, 28)
    first.received(28)
    second = stage.consumer(topic, group=first.group, orderly=True)
    becomes("queues of both", lambda: (len(first.assigned(topic)), len(second.assigned(topic))), (2, 2), timeout=30)
    equal("queues in common", set(first.assigned(topic)) & set(second.assigned(topic)), set())
    _send(producer, topic, 28, start=28)
    becomes("messages of both", lambda: len(first.received(0)) + len(second.received(0)), 56, timeout=30)
    time.sleep(0.2)  # until the client has noted what its listener returned
    of_second = second.received(0)
    second.stop()
    becomes("queues of the one that stays", lambda: len(first.assigned(topic)), 4, timeout=30)
    _send(producer, topic, 28, start=56)
    of_first = first.received(84 - len(of_second))
    equal("messages", sorted(int(stored.body) for stored in of_first + of_second), list(range(84)))
    expect_ordered(sorted(of_first + of_second, key=lambda stored: stored.queue_offset))
    for received in (of_first, of_second):
        for queue_id in range(4):
            queue_offsets = [one.queue_offset for one in received if one.queue_id == queue_id]
            equal("order of each queue", queue_offsets, sorted(queue_offsets))


@scenario("java", of_broker=True)
def locked_queue_is_not_consumed(stage: Stage) -> None:
    """Until whoever holds its lock gives it up; meanwhile the consumer has the other queue."""
    topic = stage.topic(queues=2)
    group = stage.group()
    broker = stage.cluster.broker_name
    taken, free = Queue(topic, broker, 0), Queue(topic, broker, 1)
    holds("the lock is free", lock(stage, group, taken, "somebody@else"))
    holds("it can be renewed", lock(stage, group, taken, "somebody@else"))
    holds("others do not get it", not lock(stage, group, taken, "nobody@else"))
    holds("other groups have their own", lock(stage, stage.unique("group"), taken, "nobody@else"))
    producer = stage.producer()
    for queue in (taken, free):
        producer.send(Message(topic, f"{queue.id}".encode()), queue=queue)
    consumer = stage.consumer(topic, group=group, orderly=True)
    equal("messages", [stored.body for stored in consumer.received(1)], [b"1"])
    holds("the consumer has locked its queue", not lock(stage, group, free, "somebody@else"))
    lock(stage, group, taken, "nobody@else", RequestCode.UNLOCK_BATCH_MQ)
    time.sleep(1.5)  # longer than the consumer waits before it tries again
    equal("messages while another one unlocked", len(consumer.received(1)), 1)
    lock(stage, group, taken, "somebody@else", RequestCode.UNLOCK_BATCH_MQ)
    equal("messages after that", [stored.body for stored in consumer.received(2)], [b"1", b"0"])
    consumer.stop()
    holds("a consumer that leaves unlocks", lock(stage, group, free, "somebody@else"))


@scenario("java", of_broker=True)
def lock_of_who_has_gone_is_kept(stage: Stage) -> None:
    """It was never given up, so others have to wait until it expires: see `unlocking`."""
    lost_lock(stage)  # whose minute begins now; this one is younger, however long the others took
    queue, group = Queue(stage.topic(), stage.cluster.broker_name, 0), stage.group()
    holds("the lock is free", lock(stage, group, queue, "gone@client"))
    holds("others do not get it", not lock(stage, group, queue, "somebody@else"))


@scenario("java")
def order_topic_has_the_queues_of_its_configuration(stage: Stage) -> None:
    """The name server hands it out while orderMessageEnable, and clients send to those queues only."""
    if stage.cluster.broker_process is None:
        raise NotApplicableError("the name server is not ours, so it is left as it is")
    topic = stage.topic(queues=4)
    producer = stage.producer()
    broker = stage.cluster.broker_name
    namespace = {"namespace": "ORDER_TOPIC_CONFIG", "key": topic}
    with RawClient(stage.cluster.namesrv) as namesrv:
        before = namesrv.ask(RequestCode.GET_NAMESRV_CONFIG).body.decode()
        equal("usual", "orderMessageEnable=false" in before, True)
        value = {**namespace, "value": f"{broker}:2"}
        equal("noting it", namesrv.ask(RequestCode.PUT_KV_CONFIG, value).code, 0)
        equal("queues while it is off", len(producer.publish_queues(topic)), 4)
        try:
            namesrv.ask(RequestCode.UPDATE_NAMESRV_CONFIG, None, b"orderMessageEnable=true\n")
            becomes("queues", lambda: [queue.id for queue in stage.producer().publish_queues(topic)], [0, 1])
            becomes("queues of a producer that is there", lambda: len(producer.publish_queues(topic)), 2)
            sent = producer.send(*(Message(topic, b"m") for _ in range(8)))
            equal("queues sent to", {one.queue.id for one in sent}, {0, 1})
        finally:
            namesrv.ask(RequestCode.UPDATE_NAMESRV_CONFIG, None, b"orderMessageEnable=false\n")
            namesrv.ask(RequestCode.DELETE_KV_CONFIG, namespace)
