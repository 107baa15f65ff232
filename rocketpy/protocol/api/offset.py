"""Offsets of queues, and how far groups have come."""

from __future__ import annotations

from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, reply, request, wire


@reply
class QueryConsumerOffsetReply(Header):
    """Where a group goes on in a queue (QueryConsumerOffsetResponseHeader.java:27)."""

    queue_offset: Long = wire("offset")


@request(RequestCode.QUERY_CONSUMER_OFFSET, reply=QueryConsumerOffsetReply)
class QueryConsumerOffset(Header):
    """How far has a group come in a queue? (QueryConsumerOffsetRequestHeader.java:27)."""

    consumer_group: str = wire(missing="null")
    topic: str
    queue_id: Int
    bname: str | None = None


@reply
class UpdateConsumerOffsetReply(Header):
    """Nothing (UpdateConsumerOffsetResponseHeader.java:26)."""


@request(RequestCode.UPDATE_CONSUMER_OFFSET, reply=UpdateConsumerOffsetReply)
class UpdateConsumerOffset(Header):
    """A group has come this far in a queue (UpdateConsumerOffsetRequestHeader.java:27)."""

    consumer_group: str = wire(missing="null")
    topic: str = wire(missing="null")
    queue_id: Int
    commit_offset: Long
    bname: str | None = None


@reply
class SearchOffsetByTimestampReply(Header):
    """The queue offset nearest to a time (SearchOffsetResponseHeader.java:27)."""

    queue_offset: Long = wire("offset")


@request(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, reply=SearchOffsetByTimestampReply)
class SearchOffsetByTimestamp(Header):
    """Which message of a queue was stored at `timestamp` ms? (SearchOffsetRequestHeader.java:27)."""

    topic: str
    queue_id: Int
    timestamp: Long
    bname: str | None = None


@reply
class GetMaxOffsetReply(Header):
    """The offset that the next message gets (GetMaxOffsetResponseHeader.java:27)."""

    queue_offset: Long = wire("offset")


@request(RequestCode.GET_MAX_OFFSET, reply=GetMaxOffsetReply)
class GetMaxOffset(Header):
    """The end of a queue (GetMaxOffsetRequestHeader.java:27)."""

    topic: str
    queue_id: Int
    bname: str | None = None


@reply
class GetMinOffsetReply(Header):
    """The offset of the oldest message (GetMinOffsetResponseHeader.java:27)."""

    queue_offset: Long = wire("offset")


@request(RequestCode.GET_MIN_OFFSET, reply=GetMinOffsetReply)
class GetMinOffset(Header):
    """The beginning of a queue (GetMinOffsetRequestHeader.java:27)."""

    topic: str
    queue_id: Int
    bname: str | None = None


@reply
class GetEarliestMsgStoretimeReply(Header):
    """The time in ms, -1 if there is none (GetEarliestMsgStoretimeResponseHeader.java:27)."""

    timestamp: Long


@request(RequestCode.GET_EARLIEST_MSG_STORETIME, reply=GetEarliestMsgStoretimeReply)
class GetEarliestMsgStoretime(Header):
    """When was the oldest message of a queue stored? (GetEarliestMsgStoretimeRequestHeader.java:27)."""

    topic: str
    queue_id: Int
    bname: str | None = None


@body
class ConsumerOffsetSerializeWrapper(Body):
    """Offsets by `topic@group` and queue id (ConsumerOffsetSerializeWrapper.java:24); consumerOffset.json holds it."""

    offset_table: dict[str, dict[int, int]] = member(factory=dict)


@request(RequestCode.GET_ALL_CONSUMER_OFFSET, reply_body=ConsumerOffsetSerializeWrapper)
class GetAllConsumerOffset(Header):
    """All offsets of a broker; slaves ask for it (AdminBrokerProcessor.getAllConsumerOffset:979)."""


@body
class DelayOffsetSerializeWrapper(Body):
    """Delivered queue offsets by delay level (DelayOffsetSerializeWrapper.java:23); delayOffset.json holds it."""

    offset_table: dict[int, int] = member(factory=dict)


@request(RequestCode.GET_ALL_DELAY_OFFSET, reply_body=DelayOffsetSerializeWrapper)
class GetAllDelayOffset(Header):
    """How far the delay levels are; slaves ask for it (AdminBrokerProcessor.getAllDelayOffset:1006)."""


@body
class ResetOffsetBody(Body):
    """The new offset of each queue (ResetOffsetBody.java:24)."""

    offset_table: dict[MessageQueue, int] | None = None


@body
class MessageQueueForC(Body):
    """A queue and its new offset, for clients written in C++ (MessageQueueForC.java:22)."""

    topic: str = ""
    broker_name: str = ""
    queue_id: int = 0
    queue_offset: int = member("offset", default=0)


@body
class ResetOffsetBodyForC(Body):
    """The same as a list, for clients written in C++ (ResetOffsetBodyForC.java:24)."""

    offset_table: list[MessageQueueForC] | None = None


@request(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, reply_body=ResetOffsetBody)
class InvokeBrokerToResetOffset(Header):
    """Have all consumers of a group go to a time in ms (ResetOffsetRequestHeader.java:24)."""

    topic: str
    group: str
    timestamp: Long
    is_force: bool


@request(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, body=ResetOffsetBody)
class ResetConsumerClientOffset(Header):
    """Pushed by the broker: go to the offsets in the body (ResetOffsetRequestHeader.java:24)."""

    topic: str
    group: str
    timestamp: Long
    is_force: bool


@body
class GetConsumerStatusBody(Body):
    """Offsets as clients have them: one client's table, or all by client id (GetConsumerStatusBody.java:26)."""

    message_queue_table: dict[MessageQueue, int] = member(factory=dict)
    consumer_table: dict[str, dict[MessageQueue, int]] = member(factory=dict)


@request(RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, reply_body=GetConsumerStatusBody)
class InvokeBrokerToGetConsumerStatus(Header):
    """Ask the clients of a group for their offsets (GetConsumerStatusRequestHeader.java:25)."""

    topic: str
    group: str
    client_addr: str | None = None


@request(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, reply_body=GetConsumerStatusBody)
class GetConsumerStatusFromClient(Header):
    """Asked of a client by the broker: which offsets have you got? (GetConsumerStatusRequestHeader.java:25)."""

    topic: str
    group: str
    client_addr: str | None = None


@body
class QueryCorrectionOffsetBody(Body):
    """The smallest offset of each queue among other groups (QueryCorrectionOffsetBody.java:23)."""

    correction_offsets: dict[int, int] = member(factory=dict)


@request(RequestCode.QUERY_CORRECTION_OFFSET, reply_body=QueryCorrectionOffsetBody)
class QueryCorrectionOffset(Header):
    """Compare a group's offsets with others' (QueryCorrectionOffsetHeader.java:27).

    `filter_groups` is comma separated.
    """

    filter_groups: str | None = None
    compare_group: str = wire(missing="")
    topic: str


@request(RequestCode.CLONE_GROUP_OFFSET)
class CloneGroupOffset(Header):
    """Let a group start where another one is (CloneGroupOffsetRequestHeader.java:27)."""

    src_group: str
    dest_group: str = wire(missing="null")
    topic: str | None = None
    offline: bool = False
