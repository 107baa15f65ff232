from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from rocketpy.compat_client import (
    Message,
    NullPointerException,
    Producer,
    PullConsumer,
    PullConsumerFetchMessageFailed,
    PullConsumerFetchMQFailed,
    PullConsumerStartFailed,
)
from tests.client.cluster import Cluster, wait_until
from tests.compat_client.conftest import Made

Pulling = Callable[..., PullConsumer]


@pytest.fixture
def pulling(cluster: Cluster, ends: ExitStack) -> Pulling:
    """Makes a started consumer, of a group of its own unless one is named, which ends with the test."""

    def make(group: str | None = None) -> PullConsumer:
        consumer = PullConsumer(group or cluster.unique("group"))
        consumer.set_namesrv_addr(cluster.namesrv)
        consumer.start()
        ends.callback(consumer.shutdown)
        return consumer

    return make


def bodies(consumer: PullConsumer, topic: str, count: int, **options: str | int) -> list[bytes]:
    """What comes of pulling until there were `count` messages."""
    got: list[bytes] = []

    def enough() -> bool:
        got.extend(message.body for message in consumer.pull(topic, **options))  # type: ignore[arg-type]
        return len(got) >= count

    wait_until(enough)
    return sorted(got)


def test_messages_are_pulled_once(pulling: Pulling, producer: Producer, cluster: Cluster) -> None:
    topic, consumer = cluster.topic(queues=4), pulling()
    message = Message(topic)
    for number in range(10):
        message.set_body(f"{number}")
        producer.send_sync(message)
    assert bodies(consumer, topic, 10) == [b"%d" % number for number in range(10)]
    assert list(consumer.pull(topic)) == []
    message.set_body("last")
    producer.send_sync(message)
    assert bodies(consumer, topic, 1) == [b"last"]


def test_small_requests_get_everything(pulling: Pulling, producer: Producer, made: Made, topic: str) -> None:
    producer.send_batch([made(f"{number}") for number in range(5)])
    assert bodies(pulling(), topic, 5, max_num=2) == [b"0", b"1", b"2", b"3", b"4"]


def test_expression_chooses_by_tags(pulling: Pulling, producer: Producer, made: Made, topic: str) -> None:
    for tag in ("a", "b", "c"):
        message = made(tag)
        message.set_tags(tag)
        producer.send_sync(message)
    assert bodies(pulling(), topic, 2, expression="a || c") == [b"a", b"c"]


def test_offsets_are_of_the_group_and_outlive_the_consumer(
    pulling: Pulling, producer: Producer, made: Made, topic: str, cluster: Cluster
) -> None:
    producer.send_batch([made("0"), made("1")])
    group, queue = cluster.unique("group"), cluster.queue(topic)
    first = pulling(group)
    assert first.get_message_queue_offset(queue) == 0
    assert bodies(first, topic, 2) == [b"0", b"1"]
    first.shutdown()
    second = pulling(group)
    assert second.get_message_queue_offset(queue) == 2
    assert list(second.pull(topic)) == []
    second.set_message_queue_offset(queue, 1)
    assert bodies(second, topic, 1) == [b"1"]
    assert bodies(pulling(), topic, 2) == [b"0", b"1"]


def test_offset_that_is_none_is_corrected(
    pulling: Pulling, producer: Producer, made: Made, topic: str, cluster: Cluster
) -> None:
    producer.send_sync(made("0"))
    cluster.stored(topic)
    consumer, queue = pulling(), cluster.queue(topic)
    consumer.set_message_queue_offset(queue, 100)
    assert list(consumer.pull(topic)) == []
    assert consumer.get_message_queue_offset(queue) == 1


def test_unknown_topic_has_no_messages(pulling: Pulling) -> None:
    assert list(pulling().pull("Nowhere")) == []


def test_nobody_to_ask_is_a_failure() -> None:
    with pytest.raises(PullConsumerFetchMQFailed, match="is not running"):
        next(PullConsumer("idle").pull("Order"))
    consumer = PullConsumer("lost")
    consumer.set_name_server_address("127.0.0.1:1")
    with consumer as same:
        assert same is consumer
        with pytest.raises(PullConsumerFetchMQFailed, match="connect to"):
            next(consumer.pull("Order"))


def test_pull_that_cannot_be_is_a_failure(pulling: Pulling, topic: str) -> None:
    with pytest.raises(PullConsumerFetchMessageFailed, match="maxNums <= 0"):
        next(pulling().pull(topic, max_num=0))


def test_group_that_is_none_fails_the_start() -> None:
    consumer = PullConsumer("good")
    consumer.set_group("not a group")
    with pytest.raises(PullConsumerStartFailed, match="illegal characters"):
        consumer.start()
    with pytest.raises(NullPointerException):
        PullConsumer(None)  # type: ignore[arg-type]
