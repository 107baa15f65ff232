"""Finding messages by key, by id, and by their place in a ConsumeQueue."""

from __future__ import annotations

from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, reply, request, wire


@reply
class QueryMessageReply(Header):
    """How far the index reaches (QueryMessageResponseHeader.java:27). The body is records, one after the other."""

    index_last_update_timestamp: Long
    index_last_update_physical_offset: Long = wire("indexLastUpdatePhyoffset")


@request(RequestCode.QUERY_MESSAGE, reply=QueryMessageReply)
class QueryMessage(Header):
    """At most `max_num` messages with a key, stored between two times in ms (QueryMessageRequestHeader.java:27).

    Clients add `_UNIQUE_KEY_QUERY` when `key` is a unique id (MixAll.java:84).
    """

    topic: str = wire(missing="null")
    key: str = wire(missing="null")
    max_num: Int
    begin_timestamp: Long
    end_timestamp: Long
    unique_key_query: bool | None = wire("_UNIQUE_KEY_QUERY", default=None)


@reply
class ViewMessageByIdReply(Header):
    """Nothing (ViewMessageResponseHeader.java:26). The body is one record."""


@request(RequestCode.VIEW_MESSAGE_BY_ID, reply=ViewMessageByIdReply)
class ViewMessageById(Header):
    """The message at a physical offset of the CommitLog (ViewMessageRequestHeader.java:27)."""

    physical_offset: Long = wire("offset")


@body
class ConsumeQueueData(Body):
    """One entry of a ConsumeQueue and what can be said about it (ConsumeQueueData.java:20)."""

    physic_offset: int = 0
    physic_size: int = 0
    tags_code: int = 0
    extend_data_json: str | None = None
    bit_map: str | None = None
    eval: bool = False
    msg: str | None = None


@body
class QueryConsumeQueueResponseBody(Body):
    """Entries of a ConsumeQueue, its bounds, and a group's filter (QueryConsumeQueueResponseBody.java:25)."""

    subscription_data: SubscriptionData | None = None
    filter_data: str | None = None
    queue_data: list[ConsumeQueueData] | None = None
    max_queue_index: int = 0
    min_queue_index: int = 0


@request(RequestCode.QUERY_CONSUME_QUEUE, reply_body=QueryConsumeQueueResponseBody)
class QueryConsumeQueue(Header):
    """`count` entries of a ConsumeQueue from `index` on (QueryConsumeQueueRequestHeader.java:23)."""

    topic: str | None = None
    queue_id: Int = 0
    index: Long = 0
    count: Int = 0
    consumer_group: str | None = None
