from pathlib import Path

import pytest

from rocketpy.broker.consumer_filters import ConsumerFilters, ConsumerFilterTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.command import HOLD, Reply
from tests.broker.data_side import DataSide

DAY_MS = 86_400_000


class Clock:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


def sql(expression: str, version: int = 1, topic: str = "T") -> SubscriptionData:
    return SubscriptionData(topic=topic, sub_string=expression, sub_version=version, expression_type="SQL92")


def expression_of(filters: ConsumerFilters) -> str | None:
    known = filters.get("T", "G")
    return None if known is None else known.expression


def test_later_version_replaces_the_filter() -> None:
    filters = ConsumerFilters(BrokerConfig(), Clock())
    filters.register("G", [sql("a = 1", 5)])
    filters.register("G", [sql("a = 2", 4)])
    assert expression_of(filters) == "a = 1"
    filters.register("G", [sql("a = 3", 6)])
    assert expression_of(filters) == "a = 3"
    filters.register("G", [sql("a = ", 7)])
    assert expression_of(filters) is None


def test_filter_of_a_gone_group_is_kept_for_a_day() -> None:
    clock = Clock()
    filters = ConsumerFilters(BrokerConfig(), clock)
    filters.register("G", [sql("a = 1")])
    filters.unregister("G")
    clock.now += DAY_MS - 1
    filters.step()
    known = filters.get("T", "G")
    assert known is not None
    assert known.dead
    clock.now += 1
    assert filters.step()
    assert filters.get("T", "G") is None


def test_restored_filters_are_dead_till_their_group_comes() -> None:
    clock = Clock()
    filters = ConsumerFilters(BrokerConfig(), clock)
    filters.register("G", [sql("a = '\u00fc'", 3)])
    saved = filters.freeze()().to_json(pretty=True)
    again = ConsumerFilters(BrokerConfig(), clock)
    again.restore(ConsumerFilterTable.from_json(saved))
    known = again.get("T", "G")
    assert known is not None
    assert known.dead
    again.register("G", [sql("a = '\u00fc'", 3)])
    assert not known.dead
    resized = ConsumerFilters(BrokerConfig(expect_consumer_num_use_filter=64), clock)
    resized.restore(ConsumerFilterTable.from_json(saved))
    assert resized.get("T", "G") is None


@pytest.fixture
def broker(tmp_path: Path) -> DataSide:
    side = DataSide(tmp_path)
    side.config.enable_property_filter = True
    return side


def pulled(broker: DataSide, expression: str) -> Reply:
    reply = broker.pull(subscription=expression, expression_type="SQL92")
    assert isinstance(reply, Reply)
    return reply


def test_pull_gets_what_its_expression_lets_through(broker: DataSide) -> None:
    for price in range(6):
        broker.send(body=b"body %d" % price, properties=f"price\x01{price}\x02")
    found = pulled(broker, "price BETWEEN 2 AND 3")
    text = b"".join(bytes(view) for view in found.body)
    assert [n for n in range(6) if b"body %d" % n in text] == [2, 3]
    assert pulled(broker, "price > 9").remark == "NO_MATCHED_MESSAGE"
    every = b"".join(bytes(view) for view in pulled(broker, "price >").body)
    assert every.count(b"body ") == 6


def test_held_pull_is_woken_by_a_message_that_its_expression_lets_through(broker: DataSide) -> None:
    broker.send(properties="a\x011\x02")
    held = broker.pull(queue_offset=1, subscription="a = 2", expression_type="SQL92", sys_flag=6)
    assert held is HOLD
    broker.send(properties="a\x011\x02")
    assert broker.waiters.stats()["held_pulls"] == 1
    broker.send(properties="a\x012\x02")
    assert broker.waiters.stats()["held_pulls"] == 0
