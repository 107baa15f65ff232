from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from ctypes import ArgumentError
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from rocketpy.compat_client import (
    ConsumeStatus,
    Message,
    MessageModel,
    NullPointerException,
    Producer,
    PushConsumer,
    PushConsumerStartFailed,
    ReceivedMessage,
    RocketMQException,
)
from tests.client.cluster import Cluster, wait_until
from tests.compat_client.conftest import Made

OK = ConsumeStatus.CONSUME_SUCCESS
Pushing = Callable[..., PushConsumer]


@pytest.fixture
def pushing(cluster: Cluster, ends: ExitStack) -> Pushing:
    """Makes a consumer of a group of its own, which ends with the test."""

    def make(**options: Any) -> PushConsumer:
        consumer = PushConsumer(cluster.unique("group"), **options)
        consumer.set_name_server_address(cluster.namesrv)
        ends.callback(consumer.shutdown)
        return consumer

    return make


def keeping(got: Queue[ReceivedMessage]) -> Callable[[ReceivedMessage], ConsumeStatus]:
    def callback(message: ReceivedMessage) -> ConsumeStatus:
        got.put(message)
        return OK

    return callback


def test_callback_gets_each_message_in_a_thread(pushing: Pushing, producer: Producer, made: Made, topic: str) -> None:
    got: Queue[tuple[threading.Thread, ReceivedMessage]] = Queue()

    def callback(message: ReceivedMessage) -> ConsumeStatus:
        got.put((threading.current_thread(), message))
        return OK

    message = made("hello")
    message.set_tags("new")
    message.set_keys("k")
    message.set_property("own", "né")
    sent = producer.send_sync(message)
    consumer = pushing()
    consumer.subscribe(topic, callback)
    consumer.start()
    thread, received = got.get(timeout=20)
    assert thread is not threading.current_thread()
    assert (received.topic, received.id, received.body) == (topic, sent.msg_id, b"hello")
    assert (received.tags, received.keys, received["own"]) == (b"new", b"k", "né".encode())
    assert (received.queue_offset, received.reconsume_times) == (0, 0)
    assert 0 < received.born_timestamp <= received.store_timestamp
    assert received.store_size > 0


def test_expression_chooses_by_tags(pushing: Pushing, producer: Producer, made: Made, topic: str) -> None:
    for tag in ("a", "b", "c", "a"):
        message = made(tag)
        message.set_tags(tag)
        producer.send_sync(message)
    got: Queue[ReceivedMessage] = Queue()
    consumer = pushing()
    consumer.set_thread_count(1)
    consumer.subscribe(topic.encode(), keeping(got), b"a || c")
    consumer.start()
    assert [got.get(timeout=20).body for _ in range(3)] == [b"a", b"c", b"a"]


def test_each_topic_has_its_callback_also_when_it_is_subscribed_later(
    cluster: Cluster, pushing: Pushing, producer: Producer
) -> None:
    topics, got = [cluster.topic() for _ in range(3)], [Queue[ReceivedMessage]() for _ in range(3)]
    for topic in topics:
        message = Message(topic)
        message.set_body(topic)
        producer.send_sync(message)
    consumer = pushing()
    for topic, queue in zip(topics[:2], got[:2], strict=True):
        consumer.subscribe(topic, keeping(queue))
    consumer.start()
    consumer.subscribe(topics[2], keeping(got[2]))
    assert [queue.get(timeout=20).topic for queue in got] == topics
    assert all(queue.empty() for queue in got)
    with pytest.raises(RocketMQException, match="subString split error"):
        consumer.subscribe(topics[0], keeping(got[0]), "||")


def test_message_that_fails_comes_again_alone(
    pushing: Pushing, producer: Producer, made: Made, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: dict[bytes, Any] = {
        b"fine": OK, b"later": ConsumeStatus.RECONSUME_LATER, b"raises": ValueError("no"), b"exits": SystemExit(3),
        b"none": None, b"text": "CONSUME_SUCCESS", b"number": 1, b"zero": 0,
    }  # fmt: skip
    for body in outcomes:
        producer.send_sync(made(body))
    got: Queue[ReceivedMessage] = Queue()

    def callback(message: ReceivedMessage) -> Any:
        got.put(message)
        outcome = OK if message.reconsume_times else outcomes[message.body]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    consumer = pushing()
    consumer.set_thread_count(1)
    consumer.subscribe(topic, callback)
    consumer.start()
    assert [got.get(timeout=20).body for _ in outcomes] == list(outcomes)
    failed = set(outcomes) - {b"fine", b"zero"}
    again = [got.get(timeout=20) for _ in failed]
    assert {message.body for message in again} == failed
    assert {(message.topic, message.reconsume_times) for message in again} == {(topic, 1)}
    assert got.empty()
    assert "Consume status error, please use enum 'ConsumeStatus' as response" in caplog.text
    assert "SystemExit" in caplog.text


def test_messages_of_a_batch_come_again_together(
    pushing: Pushing, producer: Producer, made: Made, topic: str
) -> None:
    producer.send_batch([made("1"), made("2"), made("3")])
    got: Queue[tuple[bytes, int]] = Queue()

    def callback(message: ReceivedMessage) -> ConsumeStatus:
        got.put((message.body, message.reconsume_times))
        return ConsumeStatus(message.body == b"2" and not message.reconsume_times)

    consumer = pushing()
    consumer.set_message_batch_max_size(3)
    consumer.subscribe(topic, callback)
    consumer.start()
    assert [got.get(timeout=20) for _ in range(2)] == [(b"1", 0), (b"2", 0)]
    assert {got.get(timeout=20) for _ in range(3)} == {(b"1", 1), (b"2", 1), (b"3", 1)}


def test_orderly_tries_the_same_message_again(pushing: Pushing, producer: Producer, made: Made, topic: str) -> None:
    producer.send_batch([made("1"), made("2")])
    got: Queue[tuple[bytes, int]] = Queue()

    def callback(message: ReceivedMessage) -> ConsumeStatus:
        got.put((message.body, message.reconsume_times))
        return ConsumeStatus(message.body == b"1" and message.reconsume_times < 1)

    consumer = pushing(orderly=True)
    consumer.subscribe(topic, callback)
    consumer.start()
    assert [got.get(timeout=20) for _ in range(3)] == [(b"1", 0), (b"1", 1), (b"2", 0)]


def test_broadcasting_gives_every_consumer_everything(
    cluster: Cluster, pushing: Pushing, producer: Producer, made: Made, topic: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path))  # where the offsets of such groups are kept
    got: Queue[ReceivedMessage] = Queue()
    for name in ("one", "two"):
        consumer = pushing(message_model=MessageModel.BROADCASTING)
        consumer.set_group("broadcast")
        consumer.set_instance_name(f"broadcast {name}")
        consumer.subscribe(topic, keeping(got))
        consumer.start()
        member = consumer._member()
        wait_until(lambda member=member: member.assigned() == [cluster.queue(topic)])  # type: ignore[misc]
    for body in ("1", "2"):
        producer.send_sync(made(body))
    assert sorted(got.get(timeout=20).body for _ in range(4)) == [b"1", b"1", b"2", b"2"]


def test_consumer_without_a_subscription_does_not_start(pushing: Pushing) -> None:
    with pytest.raises(PushConsumerStartFailed, match="messageListener is null"):
        pushing().start()


def test_what_cannot_be_started_says_so_at_the_start(pushing: Pushing, topic: str) -> None:
    consumer = pushing()
    consumer.subscribe(topic, print, "||")
    with pytest.raises(PushConsumerStartFailed, match="subString split error"):
        consumer.start()
    consumer = pushing(message_model=7)
    consumer.subscribe(topic, print)
    with pytest.raises(PushConsumerStartFailed, match="7 is no message model"):
        consumer.start()
    consumer.set_message_model(MessageModel.CLUSTERING)
    consumer.set_thread_count(-1)
    with pytest.raises(PushConsumerStartFailed, match="Out of range"):
        consumer.start()


def test_start_and_shutdown_are_harmless_twice_and_go_on(
    pushing: Pushing, producer: Producer, made: Made, topic: str
) -> None:
    got: Queue[ReceivedMessage] = Queue()
    consumer = pushing()
    consumer.shutdown()
    consumer.subscribe(topic, keeping(got))
    producer.send_sync(made("1"))
    consumer.start()
    consumer.start()
    assert got.get(timeout=20).body == b"1"
    consumer.shutdown()
    consumer.shutdown()
    producer.send_sync(made("2"))
    with consumer as same:
        assert same is consumer
        assert got.get(timeout=20).body == b"2"
    assert got.empty()


def test_callback_may_send(pushing: Pushing, producer: Producer, made: Made, topic: str) -> None:
    producer.send_sync(made("1"))
    got: Queue[ReceivedMessage] = Queue()

    def callback(message: ReceivedMessage) -> ConsumeStatus:
        got.put(message)
        if message.body == b"1":
            producer.send_sync(made("2"))
        return OK

    consumer = pushing()
    consumer.subscribe(topic, callback)
    consumer.start()
    assert [got.get(timeout=20).body for _ in range(2)] == [b"1", b"2"]


def test_settings_reach_the_client(pushing: Pushing) -> None:
    consumer = pushing(orderly=True, message_model=MessageModel.BROADCASTING)
    consumer.set_thread_count(3)
    consumer.set_message_batch_max_size(4)
    consumer.set_instance_name("mine")
    consumer.set_namesrv_domain("somewhere:80")
    consumer.set_session_credentials(b"key", "secret", "")
    consumer.set_message_trace(True)
    consumer.subscribe("Order", print)
    made = consumer._made()
    assert (made.model, made.push.orderly, made.push.threads, made.push.batch_size) == ("BROADCASTING", True, 3, 4)
    assert made.push.consume_from == "CONSUME_FROM_LAST_OFFSET"
    assert made.push.trace is True
    assert made.settings.instance_name.endswith("#mine")
    assert made.settings.address_server == "somewhere:80"
    assert made.settings.credentials == ("key", "secret", None)


@pytest.mark.parametrize("call", [
    lambda consumer: PushConsumer(None), lambda consumer: consumer.set_thread_count(0),
    lambda consumer: consumer.set_message_batch_max_size(0), lambda consumer: consumer.set_group(None),
    lambda consumer: consumer.subscribe(None, print), lambda consumer: consumer.subscribe("Order", print, None),
])  # fmt: skip
def test_none_and_zero_are_null_pointers(pushing: Pushing, call: Any) -> None:
    with pytest.raises(NullPointerException):
        call(pushing())


@pytest.mark.parametrize("call", [
    lambda consumer: PushConsumer(3), lambda consumer: consumer.set_thread_count("3"),
    lambda consumer: consumer.set_message_batch_max_size(1.5), lambda consumer: consumer.subscribe(3, print),
    lambda consumer: consumer.set_message_model("everything"),
])  # fmt: skip
def test_wrong_types_are_refused_as_ctypes_does(pushing: Pushing, call: Any) -> None:
    with pytest.raises(ArgumentError):
        call(pushing())
