from __future__ import annotations

import ctypes
from collections.abc import Sequence

import pytest

from rocketpy import client
from rocketpy.compat_client import ReceivedMessage, hashing_queue_selector
from rocketpy.compat_client.queue_choice import NextBroker, by_callback, by_sharding_key

MESSAGE = client.Message("Order", b"hello", tags="new")


def queues(*brokers: str, each: int = 1) -> list[client.MessageQueue]:
    return [client.MessageQueue(topic="Order", broker_name=name, queue_id=n) for name in brokers for n in range(each)]


@pytest.mark.parametrize(("key", "number"), [
    ("a", 3), ("order1", 2), ("orderId", 0), ("x" * 20, 2), ("é", 1), ("12345678", 1),
])  # fmt: skip
def test_sharding_key_goes_where_librocketmq_sends_it(key: str, number: int) -> None:
    """Observed with librocketmq 2.0.0 on Linux and a topic of four queues."""
    assert by_sharding_key(key.encode())(queues("b", each=4), MESSAGE).queue_id == number


def test_empty_sharding_key_is_one() -> None:
    assert by_sharding_key(b"")(queues("b", each=4), MESSAGE) in queues("b", each=4)


def test_number_is_taken_modulo_the_queues() -> None:
    select = by_callback(hashing_queue_selector, 7)
    assert select(queues("b", each=4), MESSAGE).queue_id == 3


def test_selector_of_the_application_gets_a_message_and_a_pointer() -> None:
    seen = []

    def selector(mq_size: int, msg: ReceivedMessage, arg: object) -> int:
        seen.append((mq_size, msg.body, msg.tags, ctypes.cast(arg, ctypes.POINTER(ctypes.c_int))[0]))  # type: ignore[arg-type]
        return 1

    assert by_callback(selector, 5)(queues("b", each=3), MESSAGE).queue_id == 1
    assert seen == [(3, b"hello", b"new", 5)]


@pytest.mark.parametrize("arg", ["5", None, 1.5])
def test_argument_is_an_int(arg: object) -> None:
    with pytest.raises(TypeError):
        by_callback(hashing_queue_selector, arg)  # type: ignore[arg-type]


def first(given: Sequence[client.MessageQueue], message: client.Message) -> client.MessageQueue:
    return given[0]


def test_after_a_failure_another_broker_is_chosen() -> None:
    all_queues = queues("a", "b", "c", each=2)
    choose = NextBroker(first)
    assert [choose(all_queues, MESSAGE).broker_name for _ in range(4)] == ["a", "b", "c", "a"]


def test_of_one_broker_the_next_queue_is_chosen() -> None:
    choose = NextBroker(first)
    assert [choose(queues("a", each=3), MESSAGE).queue_id for _ in range(4)] == [0, 1, 2, 0]


def test_queue_that_is_gone_is_no_hindrance() -> None:
    choose = NextBroker(first)
    choose(queues("a"), MESSAGE)
    assert choose(queues("b", "c"), MESSAGE).broker_name == "b"
