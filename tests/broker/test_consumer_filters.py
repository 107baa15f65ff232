from pathlib import Path

import pytest

from rocketpy.broker.consumer_filters import ConsumerFilters, ConsumerFilterTable
from rocketpy.broker.producers import ClientConnection
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ConfigError
from rocketpy.filter.bloom import bit_set
from rocketpy.protocol.api.client import ConsumerData, SubscriptionData
from rocketpy.protocol.command import HOLD, Reply
from rocketpy.protocol.record import Record
from rocketpy.store.consume_queue_ext import Unit
from rocketpy.store.extended_dispatch import ExtendedDispatch
from tests.broker.data_side import DataSide
from tests.fakes import FakePeer

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


# --- bit maps


@pytest.fixture
def marking(tmp_path: Path) -> DataSide:
    """A broker that marks messages for those who filter."""
    side = DataSide(tmp_path, enable_consume_queue_ext=True)
    side.config.enable_property_filter = side.config.enable_calc_filter_bit_map = True
    assert isinstance(side.store.dispatch, ExtendedDispatch)
    side.store.dispatch.bit_map_of = side.filters.bit_map
    return side


def units(side: DataSide) -> list[Unit]:
    queue = side.store.queues.find("T", 0)
    assert queue is not None
    assert queue.ext is not None
    found = [queue.ext.unit(entry[2]) for at in range(queue.next_offset) if (entry := queue.entry(at)) is not None]
    return [unit for unit in found if unit is not None]


def test_messages_are_marked_for_those_whose_filter_lets_them_through(marking: DataSide) -> None:
    marking.send(properties="a\x011")
    marking.filters.register("A", [sql("a = 1")])
    marking.filters.register("B", [sql("a > 1 OR b IS NOT NULL")])
    marking.filters.unregister("B")
    for text in ("a\x011", "a\x012", "a\x010", "a\x011\x02b\x01x", ""):
        marking.send(properties=text)
    assert marking.filters.bit_map_length == 112
    masks = [bit_set(data.bloom_filter_data.bit_pos).to_bytes(14, "little") for group in "AB"
             if (data := marking.filters.get("T", group)) and data.bloom_filter_data]  # fmt: skip
    both = bytes(one | other for one, other in zip(*masks, strict=True))
    assert [unit[2] for unit in units(marking)] == [b"", masks[0], masks[1], bytes(14), both, bytes(14)]


def test_nothing_is_marked_while_that_is_off(marking: DataSide) -> None:
    marking.filters.register("A", [sql("a = 1")])
    marking.config.enable_calc_filter_bit_map = False
    marking.send(properties="a\x011")
    assert [unit[2] for unit in units(marking)] == [b""]


def test_bit_map_tells_about_messages_that_are_younger_than_the_filter(marking: DataSide) -> None:
    marking.filters.register("A", [sql("a = 1")])
    data = marking.filters.get("T", "A")
    assert data is not None
    may_match = marking.filters.may_match(data)
    assert may_match is not None
    now = marking.clock()
    assert may_match(now, bytes(14))                    # was stored before, or at once: not marked for sure
    assert not may_match(now + 1, bytes(14))
    assert may_match(now + 1, marking.filters.bit_map(record_of("a\x011")))
    assert may_match(now + 1, b"")
    assert may_match(now + 1, bytes(13))


def record_of(properties: str) -> Record:
    return Record("T", 0, b"", properties.encode())


def test_pull_of_a_group_reads_only_what_may_match(marking: DataSide) -> None:
    marking.topics.create_on_send("T", "TBW102", "", 4, 0)
    heartbeat = sql("a = 1", 1)
    client = ClientConnection(FakePeer(), "c", 0, 409, marking.clock())  # type: ignore[arg-type]
    marking.consumers.register(ConsumerData(group_name="G", subscription_data_set=[heartbeat]), client, notify=False)
    marking.clock.now += 1
    for number in range(20):
        marking.send(properties=f"a\x01{number % 5}", body=b"body %d" % number)
    reply = marking.pull(sys_flag=0, sub_version=1, subscription=None)
    assert isinstance(reply, Reply)
    text = b"".join(bytes(view) for view in reply.body)
    assert [number for number in range(20) if b"body %d\x01T" % number in text] == [1, 6, 11, 16]
    known = marking.filters.get("T", "G")
    assert known is not None
    assert sum(marking.filters.may_match(known)(*unit[1:]) for unit in units(marking)) == 4  # type: ignore[misc]


def test_restored_bits_that_are_no_bits_are_dropped() -> None:
    filters = ConsumerFilters(BrokerConfig(), Clock())
    filters.register("G", [sql("a = 1")])
    saved = filters.freeze()()
    bloom = saved.filter_data_by_topic["T"].group_filter_data["G"].bloom_filter_data
    assert bloom is not None
    bloom.bit_pos[1] = 112
    again = ConsumerFilters(BrokerConfig(), Clock())
    again.restore(ConsumerFilterTable.from_json(saved.to_json()))
    assert again.get("T", "G") is None


def test_bloom_filter_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="maxErrorRateOfBloomFilter"):
        ConsumerFilters(BrokerConfig(max_error_rate_of_bloom_filter=100))


def test_filters_are_saved_in_the_order_and_form_of_java() -> None:
    filters = ConsumerFilters(BrokerConfig(), Clock())
    assert filters.step()
    assert filters.freeze()().to_json(pretty=True) == b'{\n\t"filterDataByTopic":{}\n}'
    filters.register("G", [sql("a = 1")])
    text = filters.freeze()().to_json(pretty=True).decode()
    assert '\t\t\t\t\t\t"bitNum":112,\n\t\t\t\t\t\t"bitPos":[' in text
    assert text.count("\n") == 22
