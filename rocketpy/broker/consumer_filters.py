"""What groups filter by beyond tags: the expressions of their heartbeats (ConsumerFilterManager.java).

They outlive their groups' members by a day, so that messages can be marked for a consumer that is away; whoever
comes back within it finds its filter as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

from rocketpy.clock import Clock, now_ms
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ConfigError
from rocketpy.filter.bloom import BloomFilter, bit_set
from rocketpy.filter.sql92 import Filter, FilterError, compile_filter
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.flags import ExpressionType
from rocketpy.protocol.java_hash import concurrent_hash_map_order
from rocketpy.protocol.properties import split_stored
from rocketpy.protocol.record import Record

_log = logging.getLogger("rocketpy.broker")

_AWAY_AT_START_MS = 30_000
_INITIAL_CAPACITY = 256
_RESTORED_CAPACITY = 10  # fastjson reads into a ConcurrentHashMap of the default size, and Java goes on with that

MayMatch = Callable[[int, bytes], bool]
"""Whether a message may match, by its storeTimestamp (ms) and the bit map that was stored with it."""


@body
class BloomFilterData(Body):
    """The bits of a group in a bloom filter (BloomFilterData.java:27)."""

    bit_pos: list[int] = member(factory=list)
    bit_num: int = 0

    def to_value(self) -> dict[str, Any]:
        """See `Body.to_value`. Java has an array of the bits, which stays on one line where lists do not."""
        return Body.to_value(self) | {"bitPos": tuple(self.bit_pos)}


@body
class ConsumerFilterData(Body):
    """A group's filter of a topic (ConsumerFilterData.java:31). Times are in ms; one is dead since `dead_time`."""

    consumer_group: str = ""
    topic: str = ""
    expression: str | None = None
    expression_type: str | None = None
    born_time: int = 0
    dead: bool = False
    dead_time: int = 0
    bloom_filter_data: BloomFilterData | None = None
    client_version: int = 0


@body
class FilterDataMapByTopic(Body):
    """The filters of a topic, by group (ConsumerFilterManager.FilterDataMapByTopic:339)."""

    group_filter_data: dict[str, ConsumerFilterData] = member(factory=dict)
    topic: str = ""


@body
class ConsumerFilterTable(Body):
    """What consumerFilter.json holds (ConsumerFilterManager.java:43)."""

    filter_data_by_topic: dict[str, FilterDataMapByTopic] = member(factory=dict)


def is_tag_type(expression_type: str | None) -> bool:
    """Whether a subscription of this type is one by tags (ExpressionType.isTagType:60)."""
    return expression_type in (None, "", ExpressionType.TAG.value)


def filter_of(expression: str | None, expression_type: str | None) -> Filter | None:
    """The compiled expression; None for one that is none, or of a type that is not known."""
    if expression_type != ExpressionType.SQL92 or expression is None:
        return None
    try:
        return compile_filter(expression)
    except FilterError as error:
        _log.warning("the filter %r cannot be read: %s", expression, error)
        return None


class ConsumerFilters:
    """Filters by topic and group."""

    def __init__(self, config: BrokerConfig, clock: Clock = now_ms) -> None:
        """Raises ConfigError for a bloom filter that makes no sense."""
        self._config = config
        self._clock = clock
        try:
            self._bloom = BloomFilter(config.max_error_rate_of_bloom_filter, config.expect_consumer_num_use_filter)
        except ValueError as error:
            raise ConfigError(f"maxErrorRateOfBloomFilter and expectConsumerNumUseFilter: {error}") from None
        self._filters: dict[str, dict[str, ConsumerFilterData]] = {}
        self._capacity = _INITIAL_CAPACITY
        self.dirty = True  # the file is there, as Java has it, also when nobody filters

    @property
    def bit_map_length(self) -> int:
        """Bits of a bit map."""
        return self._bloom.bits

    def bit_map(self, record: Record) -> bytes:
        """The bit map of the groups whose filters let a message through, present or away; empty where none filters.

        Also while enableCalcFilterBitMap is off (CommitLogDispatcherCalcBitMap.dispatch:46).
        """
        filters = self._filters.get(record.topic)
        if not filters or not self._config.enable_calc_filter_bit_map:
            return b""
        properties = split_stored(record.properties)
        marked = 0
        for data in filters.values():
            wanted = filter_of(data.expression, data.expression_type)
            bloom = data.bloom_filter_data
            if wanted is not None and bloom is not None and wanted.matches(properties):
                marked |= bit_set(bloom.bit_pos)
        return marked.to_bytes(self._bloom.bits // 8, "little")

    def may_match(self, data: ConsumerFilterData) -> MayMatch | None:
        """What a bit map says about a group; None if the group has no bits.

        About messages older than the group's filter it says nothing (ExpressionMessageFilter:84-105).
        """
        bloom = data.bloom_filter_data
        if bloom is None:
            return None
        wanted, length, born = bit_set(bloom.bit_pos), bloom.bit_num // 8, data.born_time

        def may_match(store_timestamp: int, bit_map: bytes) -> bool:
            if store_timestamp <= born or len(bit_map) != length:
                return True
            return int.from_bytes(bit_map, "little") & wanted == wanted

        return may_match

    def get(self, topic: str, group: str) -> ConsumerFilterData | None:
        """The filter of a group, be the group here or away."""
        of_topic = self._filters.get(topic)
        return None if of_topic is None else of_topic.get(group)

    def register(self, group: str, subscriptions: Collection[SubscriptionData]) -> None:
        """Note a heartbeat; filters of topics that are not in it are dead from now on (register:117)."""
        for subscription in subscriptions:
            if not is_tag_type(subscription.expression_type) and subscription.sub_string:
                self._register(group, subscription)
        if self._filters:
            self._bury(group, {subscription.topic for subscription in subscriptions})

    def unregister(self, group: str) -> None:
        """The last member of a group has gone."""
        if self._filters:
            self._bury(group, set())

    def _bury(self, group: str, alive: set[str]) -> None:
        for topic, filters in self._filters.items():
            data = filters.get(group)
            if data is not None and topic not in alive and not data.dead:
                data.dead, data.dead_time = True, self._clock()
                self.dirty = True

    def _register(self, group: str, subscription: SubscriptionData) -> None:
        """A later subVersion replaces the filter, or removes it if it cannot be read (register:369)."""
        topic, version = subscription.topic, subscription.sub_version
        filters = self._filters.setdefault(topic, {})
        known = filters.get(group)
        if known is not None:
            if version < known.client_version:
                return
            same = (known.expression, known.expression_type) == (subscription.sub_string, subscription.expression_type)
            if version == known.client_version or same:
                self.dirty |= known.dead or version != known.client_version
                known.client_version, known.dead, known.dead_time = version, False, 0
                return
        self.dirty = True
        if filter_of(subscription.sub_string, subscription.expression_type) is None:
            filters.pop(group, None)
            return
        filters[group] = ConsumerFilterData(
            consumer_group=group,
            topic=topic,
            expression=subscription.sub_string,
            expression_type=subscription.expression_type,
            born_time=self._clock(),
            bloom_filter_data=BloomFilterData(
                bit_pos=self._bloom.positions(f"{group}#{topic}"), bit_num=self._bloom.bits
            ),
            client_version=version,
        )

    def _clean(self) -> None:
        """Forget what has been dead for filterDataCleanTimeSpan (clean:291)."""
        deadline = self._clock() - self._config.filter_data_clean_time_span
        for topic, filters in list(self._filters.items()):
            for group, data in list(filters.items()):
                if data.dead and data.dead_time <= deadline:
                    del filters[group]
                    self.dirty = True
            if not filters:
                del self._filters[topic]

    def step(self) -> bool:
        """Clean up; whether there is something to be saved since the last step."""
        self._clean()
        dirty, self.dirty = self.dirty, False
        return dirty

    def freeze(self) -> Callable[[], ConsumerFilterTable]:
        """The snapshot of now."""
        copy = ConsumerFilterTable.from_json(self._snapshot().to_json())
        return lambda: copy

    def _snapshot(self) -> ConsumerFilterTable:
        """In the order of Java's maps."""
        table = {}
        for topic in concurrent_hash_map_order(self._filters, self._capacity):
            filters = self._filters[topic]
            groups = {group: filters[group] for group in concurrent_hash_map_order(filters)}
            table[topic] = FilterDataMapByTopic(group_filter_data=groups, topic=topic)
        return ConsumerFilterTable(filter_data_by_topic=table)

    def restore(self, saved: ConsumerFilterTable) -> None:
        """Take over what was saved, dead until its groups come; nothing if the bloom filter is of another size."""
        by_topic = {topic: data.group_filter_data for topic, data in saved.filter_data_by_topic.items()}
        every = [data for filters in by_topic.values() for data in filters.values()]
        for data in every:
            if not self._is_ours(data.bloom_filter_data):
                _log.info("the bloom filter has changed; saved consumer filters are dropped")
                return
            if not data.dead_time:
                data.dead_time = max(data.born_time, self._clock() - _AWAY_AT_START_MS)
            data.dead = data.dead_time >= data.born_time
        self._filters = by_topic
        self._capacity = _RESTORED_CAPACITY

    def _is_ours(self, bloom: BloomFilterData | None) -> bool:
        """Whether these are bits of this bloom filter (BloomFilter.isValid:220)."""
        if bloom is None or (bloom.bit_num, len(bloom.bit_pos)) != (self._bloom.bits, self._bloom.hashes):
            return False
        return all(0 <= position < self._bloom.bits for position in bloom.bit_pos)
