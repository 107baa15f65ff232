"""Pull consumers, which choose queue and offset themselves: every status, limits, held pulls, committed offsets."""

from __future__ import annotations

import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from interop.deliveries import expect_delivered
from interop.expect import becomes, equal, holds
from interop.messages import Message, Pulled, Queue, Sent
from interop.scenario import JAVA, scenario
from interop.stage import Producer, Stage

RANDOM = random.Random(256)


def _queue(stage: Stage) -> tuple[Producer, Queue]:
    topic = stage.topic()
    return stage.producer(), Queue(topic, stage.cluster.broker_name, 0)


def _send(stage: Stage, producer: Producer, queue: Queue, *messages: Message) -> list[Sent]:
    """To an empty queue, and wait until they can be pulled."""
    sent = producer.send(*messages)
    stage.wait_dispatched(queue, len(messages))
    return sent


def _facts(pulled: Pulled) -> tuple[str, int, int, int]:
    return pulled.status, pulled.next_begin_offset, pulled.min_offset, pulled.max_offset


@scenario(*JAVA, of_broker=True)
def pull_returns_messages_from_the_offset(stage: Stage) -> None:
    """What was sent comes back whole, with the bounds of the queue in its properties."""
    producer, queue = _queue(stage)
    messages = [Message(queue.topic, f"Nachricht {n} ü".encode(), tags="T", properties={"n": f"{n}"}) for n in range(5)]
    sent = _send(stage, producer, queue, *messages)
    pulled = stage.puller().pull(queue, 2)
    equal("status, next, min, max", _facts(pulled), ("FOUND", 5, 0, 5))
    equal("number of messages", len(pulled.messages), 3)
    for message, stored, result in zip(messages[2:], pulled.messages, sent[2:], strict=True):
        expect_delivered(stage.cluster, message, stored, result)
        bounds = (stored.properties.get("MIN_OFFSET"), stored.properties.get("MAX_OFFSET"))
        equal("bounds in the properties", bounds, ("0", "5"))


@scenario(*JAVA, of_broker=True)
def pull_takes_at_most_what_it_asks_for(stage: Stage) -> None:
    """The count asked for, and never more than 32 messages at a time."""
    producer, queue = _queue(stage)
    _send(stage, producer, queue, *(Message(queue.topic, b"m") for _ in range(40)))
    puller = stage.puller()
    for asked, expected in ((1, 1), (7, 7), (32, 32), (40, 32)):
        pulled = puller.pull(queue, 0, count=asked)
        equal(f"messages and next for {asked}", (len(pulled.messages), pulled.next_begin_offset), (expected, expected))


@scenario(*JAVA, of_broker=True)
def pull_takes_at_most_256_kilobytes(stage: Stage) -> None:
    """But at least one message, however big."""
    producer, queue = _queue(stage)
    bodies = [RANDOM.randbytes(size) for size in (100_000, 100_000, 100_000, 300_000)]
    _send(stage, producer, queue, *(Message(queue.topic, body) for body in bodies))
    puller = stage.puller()
    equal("messages from 0", [stored.body for stored in puller.pull(queue, 0).messages], bodies[:2])
    equal("messages from 3", len(puller.pull(queue, 3).messages), 1)


@scenario(*JAVA, of_broker=True)
def pull_beside_the_queue_is_told_so(stage: Stage) -> None:
    """Every status that is no message, with the offset to go on from."""
    producer, queue = _queue(stage)
    puller = stage.puller()
    equal("empty queue", _facts(puller.pull(queue, 0)), ("NO_NEW_MSG", 0, 0, 0))
    equal("empty queue, beyond", _facts(puller.pull(queue, 5)), ("OFFSET_ILLEGAL", 0, 0, 0))
    _send(stage, producer, queue, *(Message(queue.topic, b"m", tags="TagA") for _ in range(3)))
    equal("at the end", _facts(puller.pull(queue, 3)), ("NO_NEW_MSG", 3, 0, 3))
    equal("beyond the end", _facts(puller.pull(queue, 9)), ("OFFSET_ILLEGAL", 3, 0, 3))
    equal("another tag", _facts(puller.pull(queue, 0, expression="TagB")), ("NO_MATCHED_MSG", 3, 0, 3))


@scenario(*JAVA, of_broker=True)
def held_pull_returns_when_a_message_arrives(stage: Stage) -> None:
    """It waits, and not longer than it has to."""
    producer, queue = _queue(stage)
    puller = stage.puller()
    waited = []
    with ThreadPoolExecutor(1) as thread:
        for number in range(3):
            held = thread.submit(puller.pull, queue, number, block=True)
            time.sleep(0.3)
            holds("the pull is held", not held.done())
            started = time.monotonic()
            (sent,) = producer.send(Message(queue.topic, b"late"))
            pulled = held.result(60)
            waited.append(time.monotonic() - started)
            equal("status, next, min, max", _facts(pulled), ("FOUND", number + 1, 0, number + 1))
            expect_delivered(stage.cluster, Message(queue.topic, b"late"), pulled.messages[0], sent)
    # held pulls are looked through each 5 s anyway; one may be late for reasons of the machine, most are not
    holds(f"most return within a second (after {waited} s)", statistics.median(waited) < 1)


@scenario(*JAVA, of_broker=True)
def committed_offset_is_remembered(stage: Stage) -> None:
    """By group and queue, and a group without one begins at 0 of a young queue."""
    producer, queue = _queue(stage)
    _send(stage, producer, queue, *(Message(queue.topic, b"m") for _ in range(4)))
    puller, other = stage.puller(), stage.puller()
    puller.ask("commit", queue=queue.to_json(), queue_offset=3)
    becomes("committed", lambda: puller.ask("committed", queue=queue.to_json()), 3)  # it is committed one way
    equal("committed by nobody", other.ask("committed", queue=queue.to_json()), 0)
    equal("queues", list(puller.queues(queue.topic)), [queue])
