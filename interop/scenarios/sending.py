"""Every way to send, and what comes back through a push consumer."""

from __future__ import annotations

import random
import socket

from interop.deliveries import COMPRESSED, expect_delivered, expect_sent, physical_offset
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.scenario import ALL, JAVA, scenario
from interop.stage import NotApplicableError, Stage

RANDOM = random.Random(4098)


def _messages(topic: str) -> list[Message]:
    """Plain, with everything, and not in ASCII."""
    return [
        Message(topic, b"plain"),
        Message(topic, RANDOM.randbytes(300), tags="TagA", keys="key1 key2", properties={"a": "1", "b": "x y"}, flag=7),
        Message(topic, "Grüße, 世界 🚀".encode(), tags="标签", keys="clé", properties={"größe": "naïve 😀"}),
    ]


def _send_and_receive(stage: Stage, how: str) -> None:
    topic = stage.topic()
    messages = _messages(topic)
    sent = stage.producer().send(*messages, how=how)
    expect_sent(stage.cluster, sent, topic)
    received = stage.consumer(topic).received_in_order(len(messages))
    equal("number of messages", len(received), len(messages))
    for message, stored, result in zip(messages, received, sent, strict=True):
        expect_delivered(stage.cluster, message, stored, result)


@scenario(*ALL)
def messages_sent_synchronously_come_back(stage: Stage) -> None:
    """Body, properties, flag, ids and offsets are what was sent and answered."""
    _send_and_receive(stage, "sync")


@scenario(*ALL)
def messages_sent_asynchronously_come_back(stage: Stage) -> None:
    """Each callback gets its own result."""
    topic = stage.topic()
    messages = [Message(topic, f"async {number}".encode(), keys=f"k{number}") for number in range(20)]
    sent = stage.producer().send(*messages, how="async")
    expect_sent(stage.cluster, sorted(sent, key=lambda result: result.queue_offset), topic)
    received = {stored.msg_id: stored for stored in stage.consumer(topic).received(len(messages))}
    equal("messages", set(received), {result.msg_id for result in sent})
    for message, result in zip(messages, sent, strict=True):
        expect_delivered(stage.cluster, message, received[result.msg_id], result)


@scenario(*ALL)
def messages_sent_oneway_come_back(stage: Stage) -> None:
    """Nothing is answered, everything is stored."""
    topic = stage.topic()
    messages = _messages(topic)
    equal("results", stage.producer().send(*messages, how="oneway"), [])
    received = {stored.body: stored for stored in stage.consumer(topic).received(len(messages))}
    equal("bodies", set(received), {message.body for message in messages})
    for message in messages:
        expect_delivered(stage.cluster, message, received[message.body], None)


@scenario(*ALL)
def batch_becomes_single_messages(stage: Stage) -> None:
    """A batch gets one answer with the ids of all, and is stored as messages of their own."""
    topic = stage.topic()
    messages = _messages(topic)
    (sent,) = stage.producer().send(*messages, how="batch")
    equal("status and first offset", (sent.status, sent.queue_offset), ("SEND_OK", 0))
    received = stage.consumer(topic).received_in_order(len(messages))
    equal("ids answered", sent.offset_msg_id.split(","), [stored.offset_msg_id for stored in received])
    equal("queue offsets", [stored.queue_offset for stored in received], [0, 1, 2])
    whole = {} if stage.client.name == "go" else {"WAIT": "true"}  # only single messages lose Java's WAIT
    equal("one store timestamp", len({stored.store_timestamp for stored in received}), 1)
    for message, stored in zip(messages, received, strict=True):
        expect_delivered(stage.cluster, message, stored, None, batch=whole)


@scenario(*ALL)
def big_body_is_compressed_on_the_way(stage: Stage) -> None:
    """Over 4 KiB the client compresses; what is stored stays so, what comes back does not show it."""
    topic = stage.topic()
    message = Message(topic, "世界 0123456789 ".encode() * 1000, tags="big")
    sent = stage.producer().send(message)
    (stored,) = stage.consumer(topic).received(1)
    expect_delivered(stage.cluster, message, stored, sent[0])
    holds("it is marked as compressed", stored.sys_flag & COMPRESSED)
    holds("it is stored compressed", stored.store_size < len(message.body) // 2)


@scenario(*ALL)
def body_of_four_megabytes_comes_back(stage: Stage) -> None:
    """The largest body that a broker takes by default, incompressible."""
    topic = stage.topic()
    message = Message(topic, RANDOM.randbytes((4 << 20) - 4096))
    sent = stage.producer().send(message)
    (stored,) = stage.consumer(topic).received(1)
    expect_delivered(stage.cluster, message, stored, sent[0])


@scenario(*ALL)
def unknown_topic_is_created_by_sending(stage: Stage) -> None:
    """The topic gets the client's four queues."""
    if len(stage.cluster.brokers) > 1:
        raise NotApplicableError("with several masters the client chooses where the topic is made")
    topic = stage.unique("Created")
    producer = stage.producer()
    (sent,) = producer.send(Message(topic, b"first"))
    equal("status and offset", (sent.status, sent.queue_offset), ("SEND_OK", 0))
    queues = [Queue(topic, stage.cluster.broker_name, number) for number in range(4)]
    becomes("queues routed", lambda: producer.publish_queues(topic), queues)
    (stored,) = stage.consumer(topic).received(1)
    expect_delivered(stage.cluster, Message(topic, b"first"), stored, sent)


@scenario(*ALL)
def messages_go_round_the_queues(stage: Stage) -> None:
    """Each queue counts for itself, all share one CommitLog."""
    topic = stage.topic(queues=4)
    sent = stage.producer().send(*(Message(topic, f"{number}".encode()) for number in range(12)))
    by_queue: dict[int, list[int]] = {}
    for result in sent:
        by_queue.setdefault(result.queue.id, []).append(result.queue_offset)
    equal("offsets by queue", by_queue, {number: [0, 1, 2] for number in range(4)})
    offsets = [physical_offset(result.offset_msg_id) for result in sent]
    equal("order in the CommitLog", offsets, sorted(set(offsets)))


def _listens_below(broker: str) -> bool:
    host, _, port = broker.rpartition(":")
    try:
        socket.create_connection((host, int(port) - 2), 3).close()
    except OSError:
        return False
    return True


@scenario(*JAVA)
def vip_channel_takes_messages(stage: Stage) -> None:
    """The port two below takes sends, with the same answers."""
    if stage.cluster.broker_process is None and not _listens_below(stage.cluster.broker):
        raise NotApplicableError("nothing listens two below the broker's port, as where it took any free port")
    topic = stage.topic()
    message = Message(topic, b"by the fast port", tags="vip")
    sent = stage.producer(vip=True).send(message)
    expect_sent(stage.cluster, sent, topic)
    (stored,) = stage.consumer(topic, vip=True).received(1)
    expect_delivered(stage.cluster, message, stored, sent[0])


@scenario(*JAVA)
def sharding_key_keeps_messages_in_one_queue(stage: Stage) -> None:
    """What an orderly consumer sees of one key is in the order of sending."""
    topic = stage.topic(queues=4)
    producer = stage.producer()
    consumer = stage.consumer(topic, orderly=True)
    keys = ["order-1", "order-2", "Bestellung-ß"]
    for step in range(5):
        for key in keys:
            message = Message(topic, f"{key} {step}".encode(), properties={"key": key})
            producer.send(message, sharding_key=key)
    received = consumer.received(15)
    for key in keys:
        own = [stored for stored in received if stored.properties["key"] == key]
        equal(f"bodies of {key}", [stored.body.decode() for stored in own], [f"{key} {step}" for step in range(5)])
        equal(f"queues of {key}", len({stored.queue_id for stored in own}), 1)
