"""Looking for messages and offsets: by key, by id, by time; and topics made by clients."""

from __future__ import annotations

import time
from typing import Any

from interop.deliveries import expect_delivered
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue, Stored
from interop.scenario import ALL, JAVA, scenario
from interop.stage import Producer, Stage


def _query(producer: Producer, topic: str, key: str) -> list[Stored]:
    try:
        found = producer.ask("query", topic=topic, key=key, count=32)
    except DriverError as error:
        if error.code != 208:  # NO_MESSAGE: the client's own
            raise
        return []
    return sorted((Stored.from_json(one) for one in found), key=lambda stored: stored.queue_offset)


@scenario(*JAVA)
def messages_are_found_by_key(stage: Stage) -> None:
    """Each word of the keys finds its messages, in its topic only."""
    topic, other = stage.topic(), stage.topic()
    producer = stage.producer()
    first, second = Message(topic, b"1", keys="red green"), Message(topic, b"2", keys="green Schlüssel")
    sent = producer.send(first, second)
    producer.send(Message(other, b"3", keys="green"))
    becomes("bodies under green", lambda: [one.body for one in _query(producer, topic, "green")], [b"1", b"2"])
    for message, stored, result in zip((first, second), _query(producer, topic, "green"), sent, strict=True):
        expect_delivered(stage.cluster, message, stored, result)
    equal("bodies under red", [one.body for one in _query(producer, topic, "red")], [b"1"])
    equal("bodies under a word not in ASCII", [one.body for one in _query(producer, topic, "Schlüssel")], [b"2"])
    equal("bodies under blue", _query(producer, topic, "blue"), [])


@scenario(*JAVA)
def message_is_found_by_its_ids(stage: Stage) -> None:
    """By the unique key that the client made, and by the id that holds its place."""
    topic = stage.topic()
    producer = stage.producer()
    message = Message(topic, "über".encode(), tags="T", keys="K", properties={"p": "q"})
    (sent,) = producer.send(message)

    def by_unique_key() -> list[Any]:
        try:
            return [producer.ask("view", topic=topic, msg_id=sent.msg_id)]
        except DriverError:
            return []

    becomes("messages found by the unique key", lambda: len(by_unique_key()), 1)
    expect_delivered(stage.cluster, message, Stored.from_json(by_unique_key()[0]), sent)
    by_place = Stored.from_json(producer.ask("view_by_offset_id", msg_id=sent.offset_msg_id))
    expect_delivered(stage.cluster, message, by_place, sent)


@scenario(*JAVA)
def queue_knows_its_bounds_and_times(stage: Stage) -> None:
    """Least and greatest offset, time of the first message, and the offset at a time."""
    topic = stage.topic()
    queue = Queue(topic, stage.cluster.broker_name, 0)
    producer = stage.producer()

    def ask(verb: str, **request: int) -> Any:
        return producer.ask(verb, queue=queue.to_json(), **request)

    empty = {"min_offset": 0, "max_offset": 0, "earliest_store_time": -1}
    equal("bounds of an empty queue", ask("queue_bounds"), empty)
    for _ in range(4):
        producer.send(Message(topic, b"m"))
        time.sleep(0.02)
    stage.wait_dispatched(queue, 4)
    times = [stored.store_timestamp for stored in stage.puller().pull(queue, 0).messages]
    equal("bounds", ask("queue_bounds"), {"min_offset": 0, "max_offset": 4, "earliest_store_time": times[0]})
    for number, timestamp in enumerate(times):
        equal(f"offset at the time of message {number}", ask("search_offset", timestamp=timestamp), number)
    equal("offset before the first", ask("search_offset", timestamp=times[0] - 60_000), 0)
    equal("offset after the last", ask("search_offset", timestamp=times[-1] + 60_000), 3)


@scenario(*JAVA)
def client_creates_a_topic(stage: Stage) -> None:
    """With as many queues as it wants, routed at once."""
    topic = stage.unique("Made")
    producer = stage.producer()
    producer.ask("create_topic", key="TBW102", topic=topic, queues=3)
    queues = [Queue(topic, name, number) for name in sorted(stage.cluster.brokers) for number in range(3)]
    becomes("queues", lambda: producer.publish_queues(topic), queues)
    (sent,) = producer.send(Message(topic, b"m"))
    equal("status", sent.status, "SEND_OK")


@scenario("go")
def go_client_creates_a_topic(stage: Stage) -> None:
    """With as many queues as it wants, and reads the route back."""
    topic = stage.unique("Made")
    stage.ask("create_topic", topic=topic, broker=stage.cluster.broker, queues=3)
    producer = stage.producer()
    queues = [Queue(topic, stage.cluster.broker_name, number) for number in range(3)]
    becomes("queues", lambda: producer.publish_queues(topic), queues)


@scenario(*ALL)
def route_is_read_by_the_client(stage: Stage) -> None:
    """Every queue of every broker that has the topic."""
    topic = stage.topic(queues=5)
    queues = [Queue(topic, stage.cluster.broker_name, number) for number in range(5)]
    equal("queues", stage.producer().publish_queues(topic), queues)


@scenario(*JAVA)
def unknown_ids_are_refused(stage: Stage) -> None:
    """A place where there is no message is an error of the broker, not an answer."""
    producer = stage.producer()
    (sent,) = producer.send(Message(stage.topic(), b"m"))
    beyond = f"{sent.offset_msg_id[:16]}{1 << 50:016X}"
    try:
        producer.ask("view_by_offset_id", msg_id=beyond)
    except DriverError as error:
        holds(f"the broker says so ({error})", "can not find message by the offset" in error.text)
    else:
        holds("an unknown id is refused", False)
