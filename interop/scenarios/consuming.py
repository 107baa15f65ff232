"""Consumers that are called: balancing, broadcast, filters, offsets, and how fast a message arrives."""

from __future__ import annotations

import statistics
import time
from functools import partial

from interop.deliveries import expect_delivered
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.scenario import ALL, JAVA, scenario
from interop.stage import Consumer, Stage


def _numbered(topic: str, count: int, *, start: int = 0, tags: str | None = None) -> list[Message]:
    return [Message(topic, f"{number}".encode(), tags=tags) for number in range(start, start + count)]


def _numbers(consumer: Consumer, count: int) -> list[int]:
    return sorted(int(stored.body) for stored in consumer.received(count))


def _got(consumer: Consumer, numbers: set[int]) -> bool:
    return numbers <= set(_numbers(consumer, 0))


@scenario(*ALL)
def waiting_consumer_gets_a_message_at_once(stage: Stage) -> None:
    """A held pull is answered when a message arrives, not when its time is over."""
    topic = stage.topic()
    producer = stage.producer()
    consumer = stage.consumer(topic)
    producer.send(Message(topic, b"0"))
    consumer.received(1)
    waited = []
    for count in range(2, 7):
        time.sleep(0.05)  # until the next pull is held; where it is not yet, this one says less
        started = time.monotonic()
        producer.send(Message(topic, f"{count}".encode()))
        equal("messages", len(consumer.received(count)), count)
        waited.append(time.monotonic() - started)
    # held pulls are looked through each 5 s anyway; one message may be late for reasons of the machine, most are not
    holds(f"most arrive within a second (it took {waited} s)", statistics.median(waited) < 1)


@scenario(*ALL)
def tag_expression_selects_messages(stage: Stage) -> None:
    """Only the tags asked for are delivered, and all of them."""
    topic = stage.topic(queues=2)
    producer = stage.producer()
    consumer = stage.consumer(topic, expression="TagA || Tag-D")
    for number, tags in enumerate(["TagA", "TagB", None, "Tag-D", "标签", "TagA"]):
        producer.send(Message(topic, f"{number}".encode(), tags=tags))
    equal("bodies", _numbers(consumer, 3), [0, 3, 5])


@scenario(*JAVA)
def tag_may_be_any_text(stage: Stage) -> None:
    """Its hash is taken over UTF-16, also beyond the first plane (the Go client hashes UTF-8 and would miss it)."""
    topic = stage.topic()
    producer = stage.producer()
    consumer = stage.consumer(topic, expression="标签 || 🚀")
    for number, tags in enumerate(["TagA", "标签", "🚀", "标"]):
        producer.send(Message(topic, f"{number}".encode(), tags=tags))
    equal("bodies", _numbers(consumer, 2), [1, 2])


@scenario(*JAVA)
def tags_with_equal_hashes_are_told_apart(stage: Stage) -> None:
    """The broker compares hashes, the client texts: "Aa" and "BB" have the same hash."""
    topic = stage.topic()
    producer = stage.producer()
    consumer = stage.consumer(topic, expression="BB")
    producer.send(Message(topic, b"0", tags="Aa"), Message(topic, b"1", tags="BB"))
    equal("bodies", _numbers(consumer, 1), [1])


@scenario(*JAVA)
def two_consumers_share_the_queues(stage: Stage) -> None:
    """Each gets half of the queues, and all of them when the other one leaves."""
    topic = stage.topic(queues=4)
    producer = stage.producer()
    first = stage.consumer(topic)
    becomes("queues of the only consumer", lambda: len(first.assigned(topic)), 4)
    second = stage.consumer(topic, group=first.group)
    becomes("queues of both", lambda: (len(first.assigned(topic)), len(second.assigned(topic))), (2, 2))
    equal("queues in common", set(first.assigned(topic)) & set(second.assigned(topic)), set())
    producer.send(*_numbered(topic, 20))
    becomes("messages of both", lambda: sorted(_numbers(first, 0) + _numbers(second, 0)), list(range(20)))
    holds("both got some", _numbers(first, 0) and _numbers(second, 0))
    second.stop()
    becomes("queues of the one that stays", lambda: len(first.assigned(topic)), 4)


@scenario("go")
def two_go_consumers_share_the_queues(stage: Stage) -> None:
    """Every message is delivered to one of the two, and both take part."""
    topic = stage.topic(queues=4)
    producer = stage.producer()
    first = stage.consumer(topic)
    second = stage.consumer(topic, group=first.group)
    sent = 0

    def both_take_part() -> bool:
        nonlocal sent
        producer.send(*_numbered(topic, 8, start=sent))
        sent += 8
        time.sleep(0.2)
        return bool(first.received(0)) and bool(second.received(0))

    becomes("both get messages", both_take_part, True)
    becomes("messages", lambda: set(_numbers(first, 0)) | set(_numbers(second, 0)), set(range(sent)))


@scenario(*ALL)
def broadcast_reaches_every_consumer(stage: Stage) -> None:
    """Each of two consumers of one group gets all messages."""
    topic = stage.topic(queues=4)
    producer = stage.producer()
    producer.send(*_numbered(topic, 4))  # a route with messages; broadcast offsets are the client's own
    first = stage.consumer(topic, broadcast=True)
    second = stage.consumer(topic, group=first.group, broadcast=True)
    producer.send(*_numbered(topic, 8, start=4))
    for consumer in (first, second):
        becomes("messages of each", partial(_got, consumer, set(range(4, 12))), True)


@scenario(*ALL)
def group_continues_where_it_stopped(stage: Stage) -> None:
    """A consumer that leaves commits its offsets; the next one of its group starts there."""
    topic = stage.topic()
    producer = stage.producer()
    producer.send(*_numbered(topic, 5))
    first = stage.consumer(topic)
    equal("messages of the first", _numbers(first, 5), [0, 1, 2, 3, 4])
    queue = Queue(topic, stage.cluster.broker_name, 0)
    stage.wait_noted(first.group, queue, 5)
    first.stop()
    stage.wait_committed(first.group, queue, 5)
    producer.send(*_numbered(topic, 3, start=5))
    second = stage.consumer(topic, group=first.group)
    equal("messages of the second", _numbers(second, 3), [5, 6, 7])


@scenario(*JAVA)
def groups_are_independent(stage: Stage) -> None:
    """Each group gets every message."""
    topic = stage.topic(queues=2)
    stage.producer().send(*_numbered(topic, 6))
    consumers = [stage.consumer(topic), stage.consumer(topic)]
    for consumer in consumers:
        equal("messages", _numbers(consumer, 6), list(range(6)))


@scenario(*JAVA)
def new_group_on_a_young_queue_starts_at_its_beginning(stage: Stage) -> None:
    """Also where it asked for the end: nothing was removed from the queue yet."""
    topic = stage.topic()
    stage.producer().send(*_numbered(topic, 3))
    consumer = stage.consumer(topic, from_last=True)
    equal("messages", _numbers(consumer, 3), [0, 1, 2])


@scenario(*JAVA)
def lite_pull_consumer_gets_messages(stage: Stage) -> None:
    """The newer pull consumer: assigned by the broker's list of members, committing by itself."""
    topic = stage.topic()
    producer = stage.producer()
    messages = _numbered(topic, 6, tags="lite")
    sent = {result.msg_id: (message, result) for message in messages for result in producer.send(message)}
    consumer = stage.consumer(topic, lite=True)
    received = consumer.received(6)
    equal("messages", {stored.msg_id for stored in received}, set(sent))
    for stored in received:
        message, result = sent[stored.msg_id]
        expect_delivered(stage.cluster, message, stored, result)
    consumer.stop()
    stage.wait_committed(consumer.group, Queue(topic, stage.cluster.broker_name, 0), 6)
    producer.send(*_numbered(topic, 2, start=6))
    second = stage.consumer(topic, group=consumer.group, lite=True)
    equal("messages after the commit", _numbers(second, 2), [6, 7])
