"""How far groups have come (AdminBrokerProcessor.getConsumeStats:893, fetchAllConsumeStatsInBroker:1334)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

import gevent

from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.queue_order import queues_of
from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.topics import TopicTable
from rocketpy.clock import Clock, now_ms
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol.api import stats as api
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.loops import in_slices
from rocketpy.remoting.off_hub import off_hub
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore

_log = logging.getLogger("rocketpy.broker")


class ProgressProcessor:
    """Compares where groups are with where queues end; never too long without letting others have their turn."""

    def __init__(
        self,
        config: BrokerConfig,
        broker_address: str,
        store: MessageStore,
        topics: TopicTable,
        groups: GroupTable,
        offsets: OffsetTable,
        consumers: ConsumerTable,
        stats: BrokerStats,
        clock: Clock = now_ms,
    ) -> None:
        self._config = config
        self._broker_address = broker_address
        self._store = store
        self._topics = topics
        self._groups = groups
        self._offsets = offsets
        self._consumers = consumers
        self._stats = stats
        self._clock = clock

    @handles(api.GetConsumeStats, spawn=True)
    def get_consume_stats(self, peer: Connection, request: api.GetConsumeStats, command: Command) -> Reply:
        """How far a group is in each queue of one topic, or of all it has read."""
        group = request.consumer_group
        named = [request.topic] if request.topic and not request.topic.isspace() else self._offsets.topics_of(group)
        stats = api.ConsumeStats()
        for topic in self._topics_read(group, named):
            self._add(stats, group, topic, topic.read_queue_nums)
        return Reply(body=off_hub(stats.to_json))

    @handles(api.GetBrokerConsumeStats, spawn=True)
    def get_all_consume_stats(self, peer: Connection, request: api.GetBrokerConsumeStats, command: Command) -> Reply:
        """How far every group is in all it has read, or in ordered topics only."""
        answer = api.ConsumeStatsList(broker_addr=self._broker_address)
        for group in self._groups.names():
            of_group = []
            for topic in self._topics_read(group, self._offsets.topics_of(group)):
                if request.is_order and not topic.order:
                    continue
                stats = api.ConsumeStats()
                self._add(stats, group, topic, topic.write_queue_nums)
                answer.total_diff += sum(one.broker_offset - one.consumer_offset for one in stats.offset_table.values())
                of_group.append(stats)
            answer.consume_stats_list.append({group: of_group})
            gevent.sleep(0)
        return Reply(body=off_hub(answer.to_json))

    @handles(api.QueryConsumeTimeSpan, spawn=True)
    def get_time_span(self, peer: Connection, request: api.QueryConsumeTimeSpan, command: Command) -> Reply:
        """Of which times the messages are that a group has read and has yet to read (queryConsumeTimeSpan:1093)."""
        topic = self._topics.get(request.topic)
        if topic is None:
            raise ReplyError(ResponseCode.TOPIC_NOT_EXIST, f"topic[{request.topic}] not exist")
        spans: list[api.QueueTimeSpan] = []
        in_slices(
            range(topic.write_queue_nums),
            lambda queue_id: spans.append(self._time_span(request.group, request.topic, queue_id)),
        )
        return Reply(body=off_hub(api.QueryConsumeTimeSpanBody(consume_time_span_set=spans).to_json))

    def _topics_read(self, group: str, names: Iterable[str]) -> list[TopicConfig]:
        """Those of the topics that exist and, if the group is online, that it subscribes to."""
        found = []
        for name in hash_map_order(names):
            topic = self._topics.get(name)
            if topic is None or self._consumers.subscribes_elsewhere(group, name):
                _log.warning("no consume stats of group %s in %s: no topic or no subscription", group, name)
            else:
                found.append(topic)
        return found

    def _add(self, stats: api.ConsumeStats, group: str, topic: TopicConfig, queue_nums: int) -> None:
        name = topic.topic_name or ""

        def add(queue: MessageQueue) -> None:
            stats.offset_table[queue] = self._progress(group, name, queue.queue_id)

        in_slices(queues_of(name, self._config.broker_name, queue_nums), add)
        stats.consume_tps += self._stats.consume_tps(group, name)

    def _progress(self, group: str, topic: str, queue_id: int) -> api.OffsetWrapper:
        consumer_offset = max(0, self._offsets.query(group, topic, queue_id))
        read_until = self._store.store_time(topic, queue_id, consumer_offset - 1) if consumer_offset else 0
        return api.OffsetWrapper(
            broker_offset=max(0, self._store.max_offset(topic, queue_id)),
            consumer_offset=consumer_offset,
            last_timestamp=max(0, read_until),
        )

    def _time_span(self, group: str, topic: str, queue_id: int) -> api.QueueTimeSpan:
        store = self._store
        max_offset = store.max_offset(topic, queue_id)
        consumer_offset = self._offsets.query(group, topic, queue_id)
        first = store.earliest_time(topic, queue_id)
        last = store.store_time(topic, queue_id, max_offset - 1)
        read = store.store_time(topic, queue_id, consumer_offset - 1) if consumer_offset > 0 else first
        behind = consumer_offset < max_offset
        return api.QueueTimeSpan(
            message_queue=MessageQueue(topic=topic, broker_name=self._config.broker_name, queue_id=queue_id),
            min_time_stamp=first,
            max_time_stamp=last,
            consume_time_stamp=read,
            delay_time=self._clock() - store.store_time(topic, queue_id, consumer_offset) if behind else 0,
            min_time_stamp_str=_date_text(first),
            max_time_stamp_str=_date_text(last),
            consume_time_stamp_str=_date_text(read),
        )


def _date_text(timestamp: int) -> str:
    """yyyy-MM-dd#HH:mm:ss:SSS, local time (UtilAll.java:48)."""
    return f"{datetime.fromtimestamp(timestamp // 1000):%Y-%m-%d#%H:%M:%S}:{timestamp % 1000:03}"
