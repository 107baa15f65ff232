"""Messages that are to come later: when they come, with what on them, and which delays there are."""

from __future__ import annotations

import re

from interop.deliveries import cluster_name
from interop.expect import equal, holds
from interop.messages import Message, Queue, Stored
from interop.raw_client import RawClient
from interop.scenario import ALL, JAVA, scenario
from interop.stage import NotApplicableError, Stage
from rocketpy.protocol.codes import RequestCode

SCHEDULE = "SCHEDULE_TOPIC_XXXX"
LATE_MS = 10_000
"""How late a message may be on a busy machine."""
_LONGEST_MS = 10_000
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def delays_of(stage: Stage) -> list[int]:
    """The delay of each level in ms, from level 1 on."""
    return [int(text[:-1]) * _UNITS[text[-1]] for text in stage.broker_config()["messageDelayLevel"].split(" ")]


def quick_delays_of(stage: Stage, *levels: int) -> list[int]:
    """As `delays_of`; NotApplicableError when nobody would wait for one of `levels`."""
    delays = delays_of(stage)
    for level in levels:
        if delays[level - 1] > _LONGEST_MS:
            raise NotApplicableError(f"level {level} is {delays[level - 1]} ms, which is too long to wait for")
    return delays


def expect_in_time(stored: Stored, delay: int) -> None:
    """`stored` was put into its queue when its delay was over, not earlier and not much later."""
    waited = stored.store_timestamp - stored.born_timestamp
    holds(f"{stored.body!r} comes after {delay} ms, not {waited}", delay <= waited < delay + LATE_MS)


@scenario(*ALL, of_broker=True)
def delayed_message_comes_when_it_is_due(stage: Stage) -> None:
    """It remembers where it belongs and how long it waited, is selected by its tag, and keeps its id."""
    delays = quick_delays_of(stage, 1, 2)
    topic = stage.topic()
    consumer = stage.consumer(topic, expression="T")
    messages = [
        Message(topic, f"{level} ü".encode(), tags="T", keys="k", properties={"a": "b"}, flag=3, delay_level=level)
        for level in (2, 1)
    ]
    sent = stage.producer().send(*messages)
    expected = {one.msg_id: (message, level) for one, message, level in zip(sent, messages, (2, 1), strict=True)}
    for stored in consumer.received(2):
        message, level = expected.pop(stored.msg_id)
        equal("topic and body", (stored.topic, stored.body), (topic, message.body))
        equal("flag, sys flag, times consumed", (stored.flag, stored.sys_flag, stored.reconsume_times), (3, 0, 0))
        properties = message.own_properties() | {
            "CLUSTER": cluster_name(stage.cluster), "UNIQ_KEY": stored.msg_id, "REAL_TOPIC": topic, "REAL_QID": "0",
        }  # fmt: skip
        found = stored.stored_properties()
        equal("WAIT", found.pop("WAIT", "true"), "true")  # Go leaves it out
        equal("properties", found, properties)
        expect_in_time(stored, delays[level - 1])
    equal("messages that are missing", expected, {})


@scenario(*JAVA, of_broker=True)
def delayed_message_goes_to_its_queue(stage: Stage) -> None:
    """Meanwhile it is in the queue of its level, which is the offset that its sender is told."""
    quick_delays_of(stage, 1)
    topic = stage.topic(queues=3)
    producer, consumer, puller = stage.producer(), stage.consumer(topic), stage.puller()
    broker = stage.cluster.broker_name
    for queue_id in range(3):
        message = Message(topic, f"{queue_id}".encode(), tags="T", delay_level=1)
        (sent,) = producer.send(message, queue=Queue(topic, broker, queue_id))
        equal("queue answered", sent.queue, Queue(topic, broker, queue_id))
        waiting = Queue(SCHEDULE, broker, 0)
        stage.wait_dispatched(waiting, sent.queue_offset + 1)
        (stored,) = puller.pull(waiting, sent.queue_offset, count=1).messages
        equal("what waits", (stored.body, stored.queue_id, stored.msg_id), (message.body, 0, sent.msg_id))
        equal("where it belongs", stored.properties["REAL_QID"], str(queue_id))
    equal("queues", [stored.queue_id for stored in consumer.received_in_order(3)], [0, 1, 2])


@scenario(*ALL, of_broker=True)
def level_zero_is_no_delay(stage: Stage) -> None:
    """The message comes at once, and keeps the property."""
    topic = stage.topic()
    consumer = stage.consumer(topic)
    stage.producer().send(Message(topic, b"now", delay_level=0))
    (stored,) = consumer.received(1)
    equal("DELAY", stored.properties["DELAY"], "0")
    equal("place", (stored.queue_id, stored.queue_offset, "REAL_TOPIC" in stored.properties), (0, 0, False))


@scenario("java", of_broker=True)
def level_below_zero_is_no_delay(stage: Stage) -> None:
    """Nor is it an error."""
    topic = stage.topic()
    consumer = stage.consumer(topic)
    stage.producer().send(Message(topic, b"now", delay_level=-2))
    (stored,) = consumer.received(1)
    equal("DELAY", stored.properties["DELAY"], "-2")


@scenario(*JAVA, of_broker=True)
def level_too_high_is_the_highest(stage: Stage) -> None:
    """Also in the property of the message."""
    topic = stage.topic()
    highest = len(delays_of(stage))
    waiting = Queue(SCHEDULE, stage.cluster.broker_name, highest - 1)
    (sent,) = stage.producer().send(Message(topic, b"much later", delay_level=highest + 50))
    stage.wait_dispatched(waiting, sent.queue_offset + 1)
    (stored,) = stage.puller().pull(waiting, sent.queue_offset, count=1).messages
    equal("DELAY", stored.properties["DELAY"], str(highest))
    equal("REAL_TOPIC", stored.properties["REAL_TOPIC"], topic)


@scenario("java", of_broker=True)
def delayed_messages_keep_their_order(stage: Stage) -> None:
    """Those of one level come as they were sent, and each in time, also when there are many; short delays overtake."""
    delays = quick_delays_of(stage, 1, 2)
    topic = stage.topic()
    consumer = stage.consumer(topic)
    producer = stage.producer()
    producer.send(Message(topic, b"last", delay_level=2))
    producer.send(*(Message(topic, f"{number}".encode(), delay_level=1) for number in range(300)))
    received = sorted(consumer.received(301), key=lambda stored: stored.queue_offset)
    first = [stored for stored in received if stored.body != b"last"]
    equal("order", [int(stored.body) for stored in first], list(range(300)))
    for stored in first:
        expect_in_time(stored, delays[0])
    expect_in_time(next(stored for stored in received if stored.body == b"last"), delays[1])


@scenario("java", of_broker=True)
def batch_is_not_delayed(stage: Stage) -> None:
    """The official client does not even ask."""
    topic = stage.topic()
    fields = {
        "a": "P", "b": topic, "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0", "i": "DELAY\x011",
        "j": "0", "k": "false", "m": "true",
    }  # fmt: skip
    body = (19).to_bytes(4) + bytes(8) + bytes(4) + (1).to_bytes(4) + b"m" + bytes(2)
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.SEND_BATCH_MESSAGE, fields, body)
    equal("code", answer.code, 13)
    holds(f"the remark says why: {answer.remark}", re.match("the message is illegal", answer.remark or ""))
