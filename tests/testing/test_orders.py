"""A suite as a newcomer writes it: an order service with retries, delays, transactions and dead letters.

It is an example first: everything it uses comes with rocketpy-mq.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from rocketpy.client import (
    ConsumeContext,
    LocalTransactionState,
    Message,
    Producer,
    PushConsumer,
    ReceivedMessage,
    TransactionListener,
)
from rocketpy.testing import RocketMQ, WaitTimeout

pytestmark = pytest.mark.rocketmq(topics={"Order": 4, "Shipped": 1, "Reminder": 1}, groups=["shipping"])

TWO_HOURS = 18


class Stock:
    """How many of each thing there are."""

    def __init__(self, **things: int) -> None:
        self.things = things

    def take(self, thing: str) -> None:
        if self.things.get(thing, 0) == 0:
            raise LookupError(f"{thing} is sold out")
        self.things[thing] -= 1


class OrderService:
    """What is tested: takes orders, ships them, and reminds of them two hours later."""

    def __init__(self, namesrv: str, stock: Stock) -> None:
        self._stock = stock
        self.paid: set[str] = set()
        payments = TransactionListener(self._charge, self._was_charged)
        self._producer = Producer("orders", namesrv=namesrv, transaction_listener=payments)
        self._consumer = PushConsumer("shipping", self._ship, {"Order": "*"}, namesrv=namesrv, max_reconsume_times=2)

    def __enter__(self) -> OrderService:
        self._producer.start()
        self._consumer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.stop()
        self._producer.stop()

    def order(self, thing: str) -> None:
        body = json.dumps({"thing": thing}).encode()
        self._producer.send_in_transaction(Message("Order", body, keys=thing))

    def _charge(self, message: Message, arg: object) -> LocalTransactionState:
        if message.keys == "lottery":   # the bank does not answer
            return LocalTransactionState.UNKNOW
        self.paid.add(message.keys or "")
        return LocalTransactionState.COMMIT_MESSAGE

    def _was_charged(self, message: ReceivedMessage) -> LocalTransactionState:
        if message.keys in self.paid:
            return LocalTransactionState.COMMIT_MESSAGE
        return LocalTransactionState.ROLLBACK_MESSAGE

    def _ship(self, messages: list[ReceivedMessage], context: ConsumeContext) -> None:
        for message in messages:
            thing = json.loads(message.body)["thing"]
            self._stock.take(thing)     # raises, and the order comes again later
            self._producer.send(Message("Shipped", thing.encode()))
            reminder = Message("Reminder", f"How do you like your {thing}?".encode())
            reminder.delay_level = TWO_HOURS
            self._producer.send(reminder)


@pytest.fixture
def stock() -> Stock:
    return Stock(book=1, lottery=1)


@pytest.fixture
def service(rocketmq: RocketMQ, stock: Stock) -> Iterator[OrderService]:
    rocketmq.timeout = 60   # for a machine that is busy with other things
    with OrderService(rocketmq.namesrv_address, stock) as service:
        yield service


def test_order_is_shipped(rocketmq: RocketMQ, service: OrderService, stock: Stock) -> None:
    service.order("book")
    rocketmq.wait_for_messages("Order")
    rocketmq.wait_until_consumed("shipping", "Order")
    assert [message.body for message in rocketmq.messages("Shipped")] == [b"book"]
    assert stock.things["book"] == 0


def test_order_waits_until_there_is_stock_again(rocketmq: RocketMQ, service: OrderService, stock: Stock) -> None:
    stock.things["book"] = 0
    service.order("book")
    rocketmq.wait_for_retries("shipping")
    stock.things["book"] = 1
    rocketmq.clock.advance(10)
    rocketmq.wait_for_messages("Shipped")
    assert rocketmq.retries("shipping") == rocketmq.dead_letters("shipping") == []


def test_order_of_what_never_comes_is_a_dead_letter(rocketmq: RocketMQ, service: OrderService, stock: Stock) -> None:
    stock.things["book"] = 0
    service.order("book")
    for tries in (1, 2):
        (waiting,) = rocketmq.wait_for_retries("shipping")
        assert waiting.reconsume_times == tries
        rocketmq.clock.advance(timedelta(minutes=1))
    (dead,) = rocketmq.wait_for_dead_letters("shipping")
    assert dead.keys == "book"
    assert rocketmq.messages("Shipped") == []


def test_customer_is_asked_after_two_hours(rocketmq: RocketMQ, service: OrderService) -> None:
    service.order("book")
    rocketmq.wait_until(lambda: rocketmq.delayed("Reminder"))
    rocketmq.clock.advance(timedelta(hours=1, minutes=59))
    assert rocketmq.messages("Reminder") == []
    rocketmq.clock.advance(timedelta(minutes=1))
    assert [message.body for message in rocketmq.messages("Reminder")] == [b"How do you like your book?"]


@pytest.mark.parametrize("paid_later", [True, False])
def test_order_whose_payment_is_unclear_is_asked_about(
    rocketmq: RocketMQ, service: OrderService, paid_later: bool
) -> None:
    service.order("lottery")
    (half,) = rocketmq.half_messages()
    assert (half.topic, half.keys) == ("Order", "lottery")
    if paid_later:
        service.paid.add("lottery")
    rocketmq.clock.advance(timedelta(minutes=1))     # a round of checks
    rocketmq.wait_until(lambda: not rocketmq.half_messages())
    assert len(rocketmq.messages("Order")) == paid_later


def test_orders_survive_a_restart_of_the_broker(rocketmq: RocketMQ, service: OrderService) -> None:
    service.order("book")
    rocketmq.wait_until(lambda: rocketmq.delayed("Reminder"))
    rocketmq.restart()
    assert [message.keys for message in rocketmq.messages("Order")] == ["book"]
    rocketmq.clock.advance(timedelta(hours=2))
    rocketmq.wait_for_messages("Reminder")


def test_failure_says_what_there_is(rocketmq: RocketMQ) -> None:
    """Nobody has started the service."""
    rocketmq.send("Order", '{"thing": "book"}')
    with pytest.raises(WaitTimeout, match=r"1 messages of topic Order\n(.*\n)+.*consumers on line: none"):
        rocketmq.wait_until_consumed("shipping", "Order", timeout=0.1)
