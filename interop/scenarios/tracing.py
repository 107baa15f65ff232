"""Traces of messages: what clients tell of each send and each delivery, in a topic of the broker's or of their own."""

from __future__ import annotations

from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message, Sent, Stored
from interop.scenario import JAVA, scenario
from interop.scenarios.retrying import topic_config
from interop.stage import NotApplicableError, Producer, Stage

TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC"


def traces(producer: Producer, topic: str, key: str) -> list[list[str]]:
    """The fields of each trace of one message, by its id or one of its keys."""
    try:
        found = producer.ask("query", topic=topic, key=key, count=32)
    except DriverError:
        return []  # nothing is indexed yet
    records = {record for stored in map(Stored.from_json, found) for record in stored.body.decode().split("\2")}
    return sorted(fields for fields in (record.split("\1") for record in records) if key in fields)


def expect_pub(fields: list[str], producer: Producer, message: Message, sent: Sent, store_host: str) -> None:
    """`fields` tell of a message that was sent."""
    expected = {
        0: "Pub", 2: "DefaultRegion", 3: producer.group, 4: message.topic, 5: sent.msg_id, 6: message.tags,
        7: message.keys, 8: store_host, 9: str(len(message.body)), 12: sent.offset_msg_id, 13: "true",
    }  # fmt: skip
    equal("trace of a send", {number: fields[number] for number in expected}, expected)


@scenario(*JAVA, of_broker=True)
def send_and_delivery_are_traced(stage: Stage) -> None:
    """In RMQ_SYS_TRACE_TOPIC, where they are found by the id and the keys of the message."""
    topic = stage.topic()
    producer = stage.producer(trace=True)
    consumer = stage.consumer(topic, trace=True)
    message = Message(topic, "verfolgt ü".encode(), tags="T", keys=stage.unique("key"))
    (sent,) = producer.send(message)
    consumer.received(1)

    def kinds() -> list[str]:
        return [fields[0] for fields in traces(producer, TRACE_TOPIC, sent.msg_id)]

    becomes("kinds of traces", kinds, ["Pub", "SubAfter", "SubBefore"], timeout=30)
    pub, after, before = traces(producer, TRACE_TOPIC, sent.msg_id)
    expect_pub(pub, producer, message, sent, stage.cluster.broker)
    equal("before: group and id", (before[3], before[5]), (consumer.group, sent.msg_id))
    equal("after: delivery and id", (after[1], after[2]), (before[4], sent.msg_id))
    equal("success", after[4], "true")
    becomes("traces by key", lambda: len(traces(producer, TRACE_TOPIC, message.keys or "")), 3)


@scenario("java")
def pulls_of_a_lite_consumer_are_traced(stage: Stage) -> None:
    """As if they were consumed at once, whatever becomes of them."""
    topic = stage.topic()
    producer = stage.producer()
    consumer = stage.consumer(topic, lite=True, trace=True)
    message = Message(topic, b"m", tags="T", keys=stage.unique("key"))
    (sent,) = producer.send(message)
    consumer.received(1)

    def kinds() -> list[str]:
        return [fields[0] for fields in traces(producer, TRACE_TOPIC, sent.msg_id)]

    becomes("kinds of traces", kinds, ["SubAfter", "SubBefore"], timeout=30)
    after, before = traces(producer, TRACE_TOPIC, sent.msg_id)
    equal("before", [*before[2:4], *before[5:]], ["null", consumer.group, sent.msg_id, "0", message.keys])
    expected = [before[4], sent.msg_id, "true", message.keys, "0", consumer.group]
    equal("after", [*after[1:3], *after[4:7], after[8]], expected)


@scenario("java", of_broker=True)
def traces_may_go_to_another_topic(stage: Stage) -> None:
    """Of the client's choice."""
    topic, trace_topic = stage.topic(), stage.topic()
    producer = stage.producer(trace=True, trace_topic=trace_topic)
    message = Message(topic, b"m", tags="T", keys=stage.unique("key"))
    (sent,) = producer.send(message)
    becomes("traces", lambda: len(traces(producer, trace_topic, sent.msg_id)), 1, timeout=30)
    (pub,) = traces(producer, trace_topic, sent.msg_id)
    expect_pub(pub, producer, message, sent, stage.cluster.broker)
    equal("traces in the usual topic", traces(producer, TRACE_TOPIC, sent.msg_id), [])


@scenario("java", of_broker=True)
def nothing_is_traced_where_the_broker_does_not_want_it(stage: Stage) -> None:
    """traceOn: the broker says so with each answer, and the client keeps to it."""
    topic = stage.topic()
    producer = stage.producer(trace=True)
    stage.configure(traceOn="false")
    (untraced,) = producer.send(Message(topic, b"m"))
    equal("what the client was told", untraced.trace_on, False)
    stage.configure(traceOn="true")
    (traced,) = producer.send(Message(topic, b"m"))
    equal("what the client was told", traced.trace_on, True)
    becomes("traces", lambda: len(traces(producer, TRACE_TOPIC, traced.msg_id)), 1, timeout=30)
    equal("traces of the other one", traces(producer, TRACE_TOPIC, untraced.msg_id), [])


@scenario("java", of_broker=True)
def trace_topic_is_made_at_boot(stage: Stage) -> None:
    """By brokers with traceTopicEnable, with one queue; mqadmin reads it."""
    if stage.broker_config()["traceTopicEnable"] != "true":
        raise NotApplicableError("traceTopicEnable is false")
    expected = {"readQueueNums": 1, "writeQueueNums": 1, "perm": 6, "topicSysFlag": 0, "order": False}
    equal("trace topic", topic_config(stage, TRACE_TOPIC), expected)
    topic = stage.topic()
    producer = stage.producer(trace=True)
    (sent,) = producer.send(Message(topic, b"m", tags="T", keys="k"))
    becomes("traces", lambda: len(traces(producer, TRACE_TOPIC, sent.msg_id)), 1, timeout=30)
    printed = stage.mqadmin("queryMsgTraceById", "-i", sent.msg_id)
    holds(f"mqadmin prints the trace: {printed}", "Pub" in printed and producer.group in printed)
