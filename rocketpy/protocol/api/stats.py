"""Figures about topics, groups and the broker itself."""

from __future__ import annotations

from rocketpy.protocol.api.kv import KVTable
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, request, wire


@body
class TopicOffset(Body):
    """The bounds of a queue, and when its last message was stored, in ms (TopicOffset.java:19)."""

    min_offset: int = 0
    max_offset: int = 0
    last_update_timestamp: int = 0


@body
class TopicStatsTable(Body):
    """The queues of a topic at one broker (TopicStatsTable.java:23)."""

    offset_table: dict[MessageQueue, TopicOffset] = member(factory=dict)


@request(RequestCode.GET_TOPIC_STATS_INFO, reply_body=TopicStatsTable)
class GetTopicStatsInfo(Header):
    """How full a topic's queues are (GetTopicStatsInfoRequestHeader.java:24)."""

    topic: str


@body
class OffsetWrapper(Body):
    """How far a queue and a group are, and when the group's last message was stored, in ms (OffsetWrapper.java:19)."""

    broker_offset: int = 0
    consumer_offset: int = 0
    last_timestamp: int = 0


@body
class ConsumeStats(Body):
    """How far a group is in each queue, and its messages a second (ConsumeStats.java:25)."""

    offset_table: dict[MessageQueue, OffsetWrapper] = member(factory=dict)
    consume_tps: float = 0.0


@request(RequestCode.GET_CONSUME_STATS, reply_body=ConsumeStats)
class GetConsumeStats(Header):
    """How far a group is, in one topic or in all of its topics (GetConsumeStatsRequestHeader.java:23)."""

    consumer_group: str
    topic: str | None = None


@body
class ConsumeStatsList(Body):
    """How far all groups are (ConsumeStatsList.java:25)."""

    consume_stats_list: list[dict[str, list[ConsumeStats]]] = member(factory=list)
    broker_addr: str | None = None
    total_diff: int = 0


@request(RequestCode.GET_BROKER_CONSUME_STATS, reply_body=ConsumeStatsList)
class GetBrokerConsumeStats(Header):
    """How far all groups are, only those of ordered topics if `is_order` (GetConsumeStatsInBrokerHeader.java:24)."""

    is_order: bool


@body
class QueueTimeSpan(Body):
    """Of which time the messages of a queue are, in ms (QueueTimeSpan.java:24).

    The texts are yyyy-MM-dd#HH:mm:ss:SSS.
    """

    message_queue: MessageQueue | None = None
    min_time_stamp: int = 0
    max_time_stamp: int = 0
    consume_time_stamp: int = 0
    delay_time: int = 0
    min_time_stamp_str: str | None = None
    max_time_stamp_str: str | None = None
    consume_time_stamp_str: str | None = None


@body
class QueryConsumeTimeSpanBody(Body):
    """The queues of a topic at one broker (QueryConsumeTimeSpanBody.java:24)."""

    consume_time_span_set: list[QueueTimeSpan] = member(factory=list)


@request(RequestCode.QUERY_CONSUME_TIME_SPAN, reply_body=QueryConsumeTimeSpanBody)
class QueryConsumeTimeSpan(Header):
    """Of which time are the messages that a group has not consumed yet? (QueryConsumeTimeSpanRequestHeader.java:24)."""

    topic: str
    group: str


@body
class BrokerStatsItem(Body):
    """A count over some time (BrokerStatsItem.java:20): its sum, how many a second, and the average of one."""

    sum: int = 0
    tps: float = 0.0
    avgpt: float = 0.0


@body
class BrokerStatsData(Body):
    """A count over the last minute, hour and day (BrokerStatsData.java:22)."""

    stats_minute: BrokerStatsItem | None = None
    stats_hour: BrokerStatsItem | None = None
    stats_day: BrokerStatsItem | None = None


@request(RequestCode.VIEW_BROKER_STATS_DATA, reply_body=BrokerStatsData)
class ViewBrokerStatsData(Header):
    """One count of a broker, e.g. TOPIC_PUT_NUMS of a topic (ViewBrokerStatsDataRequestHeader.java:24)."""

    stats_name: str = wire(missing="null")
    stats_key: str = wire(missing="null")


@request(RequestCode.GET_BROKER_RUNTIME_INFO, reply_body=KVTable)
class GetBrokerRuntimeInfo(Header):
    """Figures about the broker as texts (AdminBrokerProcessor.getBrokerRuntimeInfo:641)."""
