"""A broker that goes away and comes back, with clients that stay."""

from __future__ import annotations

import time

from interop.deliveries import expect_delivered
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.scenario import ALL, scenario
from interop.scenarios.delaying import quick_delays_of
from interop.scenarios.transacting import COMMIT, ROLLBACK, TransactionProducer, checks_of
from interop.server import BrokerProcess
from interop.stage import NotApplicableError, Producer, Stage


def _broker(stage: Stage) -> BrokerProcess:
    if stage.cluster.broker_process is None:
        raise NotApplicableError("the broker is not a child of ours, so it is not restarted")
    return stage.cluster.broker_process


def _sends(producer: Producer, message: Message) -> bool:
    try:
        return producer.send(message)[0].status == "SEND_OK"
    except DriverError:
        time.sleep(0.2)
        return False


@scenario(*ALL)
def messages_outlive_a_restart(stage: Stage) -> None:
    """The producer finds the broker again; what was stored before comes back with the same ids and offsets."""
    broker = _broker(stage)
    topic = stage.topic()
    producer = stage.producer()
    messages = [Message(topic, f"before {number} ü".encode(), tags="T", keys=f"k{number}") for number in range(3)]
    sent = producer.send(*messages)
    broker.stop()
    broker.start()
    becomes("sending works again", lambda: _sends(producer, Message(topic, b"after")), True)
    received = stage.consumer(topic).received_in_order(4)
    equal("bodies and offsets", [stored.queue_offset for stored in received], [0, 1, 2, 3])
    equal("last body", received[3].body, b"after")
    for message, stored, result in zip(messages, received[:3], sent, strict=True):
        expect_delivered(stage.cluster, message, stored, result)


@scenario("java", of_broker=True)
def held_consumer_outlives_a_restart(stage: Stage) -> None:
    """Its pull is lost with the broker; the client notices after 30 s, and goes on where it was."""
    broker = _broker(stage)
    topic = stage.topic()
    producer = stage.producer()
    consumer = stage.consumer(topic)
    producer.send(Message(topic, b"before"))
    consumer.received(1)
    broker.stop()
    broker.start()
    becomes("sending works again", lambda: _sends(producer, Message(topic, b"after")), True)
    equal("messages once each", [stored.body for stored in consumer.received(2, timeout=90)], [b"before", b"after"])


@scenario("java", of_broker=True)
def open_transactions_outlive_a_kill(stage: Stage) -> None:
    """The broker asks about what was half when it died: the committed come at least once, the others never."""
    broker = _broker(stage)
    checks_of(stage)
    topic = stage.topic()
    producer = TransactionProducer(stage)
    halves = [
        Message(topic, f"{number} ü".encode(), properties={"answer": ROLLBACK if number % 2 else COMMIT})
        for number in range(20)
    ]
    producer.send(*halves)
    broker.kill()
    broker.start()
    wanted = {message.body for message in halves[::2]}
    consumer = stage.consumer(topic)
    becomes("bodies", lambda: {stored.body for stored in consumer.received(0)}, wanted)
    producer.stop()


@scenario("java", of_broker=True)
def delayed_messages_outlive_a_stop(stage: Stage) -> None:
    """What was delivered is not delivered again, what was not comes when it is due, or at once if that is over."""
    broker = _broker(stage)
    delays = quick_delays_of(stage, 1, 2)
    topic = stage.topic()
    producer = stage.producer()
    producer.send(*(Message(topic, f"{number}".encode(), delay_level=1) for number in range(3)))
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 3)
    producer.send(*(Message(topic, f"{number}".encode(), delay_level=2) for number in range(3, 8)))
    broker.stop()
    broker.start()
    received = stage.consumer(topic).received_in_order(8)
    equal("bodies", [int(stored.body) for stored in received], list(range(8)))
    for stored in received[3:]:
        holds("it is not early", stored.store_timestamp - stored.born_timestamp >= delays[1])
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 8)


@scenario("java", of_broker=True)
def delayed_messages_outlive_a_kill(stage: Stage) -> None:
    """Each comes at least once; those that came shortly before may come again."""
    broker = _broker(stage)
    quick_delays_of(stage, 1, 2)
    topic = stage.topic()
    producer = stage.producer()
    producer.send(*(Message(topic, f"{number}".encode(), delay_level=1 + number % 2) for number in range(40)))
    broker.kill()
    broker.start()
    consumer = stage.consumer(topic)
    becomes("bodies", lambda: {int(stored.body) for stored in consumer.received(0)}, set(range(40)))
