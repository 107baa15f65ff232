from __future__ import annotations

import threading
from contextlib import ExitStack
from ctypes import ArgumentError
from queue import Queue
from typing import Any

import pytest

from rocketpy import client, compat_client
from rocketpy.client.errors import MessageIllegal
from rocketpy.compat_client import (
    Message,
    NullPointerException,
    Producer,
    ProducerSendAsyncFailed,
    ProducerSendOnewayFailed,
    ProducerSendOrderlyFailed,
    ProducerSendSyncFailed,
    ProducerStartFailed,
    RocketMQException,
    SendResult,
    SendStatus,
    TransactionMQProducer,
    TransactionStatus,
)
from rocketpy.compat_client.results import sent
from tests.client.cluster import Cluster, wait_until
from tests.compat_client.conftest import Made
from tests.remoting.test_address_server import serving


def bodies(cluster: Cluster, topic: str, count: int = 1) -> list[bytes]:
    return [message.body for message in cluster.stored(topic, count)]


def test_result_is_a_tuple_with_status_id_and_place(
    producer: Producer, made: Made, cluster: Cluster, topic: str
) -> None:
    result = producer.send_sync(made("hello"))
    status, msg_id, place = result
    assert isinstance(result, SendResult)
    assert (status, place) == (SendStatus.OK, 0)
    assert status == 0
    (stored,) = cluster.stored(topic)
    assert msg_id == stored.uniq_key


def test_message_can_be_sent_again(producer: Producer, made: Made) -> None:
    message = made("hello")
    first, second = producer.send_sync(message), producer.send_sync(message)
    assert first.msg_id != second.msg_id
    assert (first.offset, second.offset) == (0, 1)


def test_everything_set_in_a_message_arrives(producer: Producer, made: Made, cluster: Cluster, topic: str) -> None:
    message = made(b"\0\xff")
    message.set_keys("k1 k2")
    message.set_tags("new")
    message.set_property("own", "né")
    producer.send_sync(message)
    (stored,) = cluster.stored(topic)
    assert (stored.body, stored.keys, stored.tags, stored.properties["own"]) == (b"\0\xff", "k1 k2", "new", "né")


def test_oneway_has_no_result(producer: Producer, made: Made, cluster: Cluster, topic: str) -> None:
    assert producer.send_oneway(made("hello")) is None  # type: ignore[func-returns-value]
    assert bodies(cluster, topic) == [b"hello"]


def test_sharding_key_and_selector_name_the_queue(producer: Producer, cluster: Cluster) -> None:
    topic = cluster.topic(queues=4)
    message = Message(topic)
    message.set_body("hello")
    cluster.routed(producer._member(), topic)
    places = [producer.send_orderly_with_sharding_key(message, key).offset for key in ("order1", b"order1", "order1")]
    assert places == [0, 1, 2]
    assert producer.send_orderly(message, 2).offset == 3  # where librocketmq sends that key, too
    assert producer.send_orderly(message, 5).offset == 0
    assert producer.send_orderly(message, 5, queue_selector=lambda size, msg, arg: size - 3).offset == 1
    producer.send_oneway_orderly(message, 5)
    queue = cluster.queue(topic, 1)
    wait_until(lambda: producer._member().max_offset(queue) == 3)


def test_batch_has_one_result(producer: Producer, made: Made, cluster: Cluster, topic: str) -> None:
    producer.send_sync(made("0"))
    result = producer.send_batch([made("1"), made("2")])
    assert (result.status, result.offset) == (SendStatus.OK, 1)
    assert result.msg_id.split(",") == [message.uniq_key for message in cluster.stored(topic, 3)[1:]]
    with pytest.raises(AssertionError, match="greater than 0"):
        producer.send_batch([])


def test_result_of_several_requests_has_the_worst_status() -> None:
    queue = client.MessageQueue(topic="Order", broker_name="b", queue_id=0)
    first = client.SendResult(client.SendStatus.SEND_OK, "A", "", queue, 4)
    second = client.SendResult(client.SendStatus.SLAVE_NOT_AVAILABLE, "B", "", queue, 9)
    assert sent(first, second) == (SendStatus.SLAVE_NOT_AVAILABLE, "A,B", 4)


def test_async_calls_back_in_a_thread_that_may_wait(producer: Producer, made: Made) -> None:
    told: Queue[Any] = Queue()

    def again(result: SendResult) -> None:
        told.put((threading.current_thread(), result, producer.send_sync(made("from the callback"))))

    assert producer.send_async(made("hello"), again, told.put) is None  # type: ignore[func-returns-value]
    thread, first, second = told.get(timeout=20)
    assert thread is not threading.current_thread()
    assert (first.offset, second.offset) == (0, 1)


def test_async_failure_says_what_the_client_says(producer: Producer, made: Made) -> None:
    told: Queue[ProducerSendAsyncFailed] = Queue()
    producer.send_async(made(""), None, told.put)
    failure = told.get(timeout=20)
    assert isinstance(failure, ProducerSendAsyncFailed)
    assert "length is zero" in str(failure)
    assert (failure.error, failure.type, failure.file, failure.line) == (13, "MessageIllegal", "", 0)
    assert isinstance(failure.__cause__, MessageIllegal)


def test_async_callback_that_raises_is_logged(
    producer: Producer, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    producer.send_async(made("hello"), lambda result: 1 / 0, None)
    producer.send_async(made(""), None, None)  # of which nobody wants to know
    wait_until(lambda: "a callback of send_async failed" in caplog.text)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("send", "failure"), [
    (lambda producer, message: producer.send_sync(message), ProducerSendSyncFailed),
    (lambda producer, message: producer.send_oneway(message), ProducerSendOnewayFailed),
    (lambda producer, message: producer.send_orderly_with_sharding_key(message, "k"), ProducerSendOrderlyFailed),
    (lambda producer, message: producer.send_orderly(message, 1), ProducerSendOrderlyFailed),
    (lambda producer, message: producer.send_oneway_orderly(message, 1), ProducerSendOnewayFailed),
    (lambda producer, message: producer.send_batch([message]), ProducerSendSyncFailed),
])  # fmt: skip
def test_each_way_to_send_has_its_failure(producer: Producer, made: Made, send: Any, failure: type) -> None:
    with pytest.raises(failure, match="length is zero") as raised:
        send(producer, made(""))
    assert isinstance(raised.value.__cause__, MessageIllegal)
    with pytest.raises(failure, match="is not running"):
        send(Producer("idle"), made("hello"))
    with pytest.raises(NullPointerException):
        send(producer, None)
    with pytest.raises(ArgumentError):
        send(producer, "no message")


def test_async_is_refused_before_the_start(made: Made) -> None:
    with pytest.raises(ProducerSendAsyncFailed, match="is not running"):
        Producer("idle").send_async(made("hello"), None, None)


def test_no_sharding_key_is_a_null_pointer(producer: Producer, made: Made) -> None:
    with pytest.raises(NullPointerException):
        producer.send_orderly_with_sharding_key(made("hello"), None)  # type: ignore[arg-type]


def test_bodies_are_limited_to_128_kib_unless_set(cluster: Cluster, made: Made) -> None:
    producer = Producer(cluster.unique("producer"))
    producer.set_name_server_address(cluster.namesrv)
    with producer:
        producer.send_sync(made("x" * (128 << 10)))
        with pytest.raises(ProducerSendSyncFailed, match="over max value, MAX: 131072"):
            producer.send_sync(made("x" * (128 << 10) + "x"))
    producer.set_max_message_size(1 << 20)
    with producer:
        producer.send_sync(made("x" * (128 << 10) + "x"))


def test_start_and_shutdown_are_harmless_twice_and_go_on(cluster: Cluster, made: Made) -> None:
    producer = Producer(cluster.unique("producer"))
    producer.shutdown()
    producer.set_name_server_address(cluster.namesrv)
    producer.start()
    producer.start()
    assert producer.send_sync(made("1")).offset == 0
    producer.shutdown()
    producer.shutdown()
    with pytest.raises(ProducerSendSyncFailed, match="is not running"):
        producer.send_sync(made("2"))
    with producer as same:
        assert same is producer
        assert producer.send_sync(made("3")).offset == 1


def test_name_server_that_is_not_there_fails_sends_not_the_start(made: Made) -> None:
    producer = Producer("lost")
    producer.set_namesrv_addr("127.0.0.1:1")
    with producer, pytest.raises(ProducerSendSyncFailed, match="No route info of this topic"):
        producer.send_sync(made("hello"))


def test_name_servers_are_asked_of_the_domain(
    cluster: Cluster, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    producer = Producer(cluster.unique("producer"))
    with serving(f"{cluster.namesrv}\n".encode()) as (address, paths):
        producer.set_name_server_domain(f"http://{address}/rocketmq/nsaddr4client-internet")
        with producer:
            assert producer.send_sync(made("hello")).status == SendStatus.OK
    assert set(paths) == {"/rocketmq/nsaddr4client-internet"}


def test_group_can_be_set(cluster: Cluster, made: Made) -> None:
    producer = Producer("other")
    producer.set_group(cluster.unique("producer"))
    producer.set_name_server_address(cluster.namesrv)
    with producer:
        assert producer._member().group.startswith("producer-")
    producer.set_group("not a group")
    with pytest.raises(ProducerStartFailed, match="illegal characters"):
        producer.start()


def test_members_of_one_instance_name_are_one_client(cluster: Cluster, ends: ExitStack) -> None:
    def started(group: str, name: str | None) -> Producer:
        producer = Producer(group)
        producer.set_name_server_address(cluster.namesrv)
        if name is not None:
            producer.set_instance_name(name)
        producer.start()
        ends.callback(producer.shutdown)
        return producer

    ids = [started(cluster.unique("producer"), name)._member().client_id for name in ("x", "x", "y", None, None)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    group = cluster.unique("producer")
    started(group, "x")
    with pytest.raises(ProducerStartFailed, match="has been created before"):
        started(group, "x")


def test_settings_reach_the_client() -> None:
    producer = Producer("p", True, 5000, -1, 1000)
    producer.set_session_credentials("key", b"secret", "ALIYUN")
    producer.set_name_server_domain("http://somewhere/rocketmq/nsaddr")
    producer.set_message_trace(True)
    assert producer._sending() == {
        "send_timeout": 5.0,
        "retries": 4,
        "compress_level": 6,
        "max_message_size": 1000,
        "trace": True,
        "credentials": ("key", "secret", None),
        "address_server": "http://somewhere/rocketmq/nsaddr",
    }


def test_timeout_counts_at_once(producer: Producer) -> None:
    producer.set_timeout(1500)
    assert producer._member().send_timeout == 1.5


@pytest.mark.parametrize("call", [
    lambda: Producer(3), lambda: Producer("p", timeout=1.5), lambda: Producer("p").set_compress_level("9"),
    lambda: Producer("p").set_max_message_size(None), lambda: Producer("p").set_name_server_address(9876),
])  # fmt: skip
def test_wrong_types_are_refused_as_ctypes_does(call: Any) -> None:
    with pytest.raises(ArgumentError, match="wrong type"):
        call()


@pytest.mark.parametrize("call", [
    lambda: Producer(None), lambda: TransactionMQProducer(None, print),
    lambda: Producer("p").set_group(None), lambda: Producer("p").set_name_server_address(None),
    lambda: Producer("p").set_session_credentials("key", None, "ALIYUN"),
])  # fmt: skip
def test_none_is_a_null_pointer(call: Any) -> None:
    with pytest.raises(NullPointerException):
        call()


@pytest.mark.parametrize("level", [-2, 10])
def test_compress_level_out_of_range_is_refused(level: int) -> None:
    with pytest.raises(ProducerStartFailed, match="from -1 to 9"):
        Producer("p").set_compress_level(level)


class Transactions:
    """A transaction producer, what it was asked, and what it is to say."""

    def __init__(self, cluster: Cluster, ends: ExitStack, says: Any) -> None:
        self.says = says
        self.checked: Queue[compat_client.ReceivedMessage] = Queue()
        self.producer = TransactionMQProducer(cluster.unique("producer"), self.check)
        self.producer.set_name_server_address(cluster.namesrv)
        self.producer.start()
        ends.callback(self.producer.shutdown)

    def check(self, message: compat_client.ReceivedMessage) -> Any:
        self.checked.put(message)
        return _said(self.says)


def _said(says: Any) -> Any:
    if isinstance(says, BaseException):
        raise says
    return says


def test_transaction_that_commits_is_delivered_and_others_are_not(
    cluster: Cluster, ends: ExitStack, made: Made, topic: str
) -> None:
    transactions = Transactions(cluster, ends, TransactionStatus.ROLLBACK)
    producer = transactions.producer
    seen = []

    def local(says: Any) -> Any:
        def execute(message: compat_client.ReceivedMessage, user_args: Any) -> Any:
            seen.append((message.topic, message.body, message.id, user_args))
            return _said(says)

        return execute

    results = [
        producer.send_message_in_transaction(made(f"{number}"), local(says), {"number": number})
        for number, says in enumerate((TransactionStatus.ROLLBACK, TransactionStatus.COMMIT, ValueError("no"), None, 1))
    ]
    assert [result.status for result in results] == [SendStatus.OK] * 5
    assert seen == [(topic, b"%d" % n, results[n].msg_id, {"number": n}) for n in range(5)]
    assert producer.send_message_in_transaction(made("last"), local(0)).status == SendStatus.OK
    assert {transactions.checked.get(timeout=20).body for _ in range(2)} == {b"2", b"3"}  # those that went wrong
    assert bodies(cluster, topic, 2) == [b"1", b"last"]


@pytest.mark.parametrize("says", [ValueError("no"), None, "COMMIT", SystemExit(3)], ids=repr)
def test_check_that_fails_is_asked_again(
    cluster: Cluster, ends: ExitStack, made: Made, topic: str, says: Any, caplog: pytest.LogCaptureFixture
) -> None:
    transactions = Transactions(cluster, ends, says)
    sent = transactions.producer.send_message_in_transaction(made("x"), lambda message, arg: TransactionStatus.UNKNOWN)
    first = transactions.checked.get(timeout=20)
    assert (first.topic, first.body, first.id) == (topic, b"x", sent.msg_id)
    wait_until(lambda: "Check transaction failed" in caplog.text)
    transactions.says = TransactionStatus.COMMIT
    assert set(bodies(cluster, topic)) == {b"x"}  # twice if the broker asked twice meanwhile


def test_half_message_that_is_not_stored_is_a_plain_exception(cluster: Cluster, ends: ExitStack, made: Made) -> None:
    producer = Transactions(cluster, ends, None).producer
    with pytest.raises(RocketMQException, match="length is zero") as raised:
        producer.send_message_in_transaction(made(""), lambda message, arg: TransactionStatus.COMMIT)
    assert type(raised.value) is RocketMQException


def test_transaction_producer_sends_without_a_transaction_too(
    cluster: Cluster, ends: ExitStack, made: Made, topic: str
) -> None:
    assert Transactions(cluster, ends, None).producer.send_sync(made("plain")).offset == 0
    assert bodies(cluster, topic) == [b"plain"]
