"""Reading messages from a queue."""

from __future__ import annotations

from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, reply, request


@reply
class PullMessageReply(Header):
    """Where to go on, and at which broker (PullMessageResponseHeader.java:32).

    The body is records, one after the other.
    """

    suggest_which_broker_id: Long
    next_begin_offset: Long
    min_offset: Long
    max_offset: Long


@request(RequestCode.PULL_MESSAGE, reply=PullMessageReply, strict=True)
class PullMessage(Header):
    """Messages of a queue from `queue_offset` on (PullMessageRequestHeader.java:31).

    `sys_flag` is of PullSysFlag: it tells whether to store `commit_offset`, whether to wait up to
    `suspend_timeout_millis` for a message, and whether `subscription` counts. `sub_version` is in ms.
    """

    consumer_group: str
    topic: str
    queue_id: Int
    queue_offset: Long
    max_msg_nums: Int
    sys_flag: Int
    commit_offset: Long
    suspend_timeout_millis: Long
    subscription: str | None = None
    sub_version: Long
    expression_type: str | None = None
    bname: str | None = None


@body
class OffsetMovedEvent(Body):
    """The body of a message that the broker stores in OFFSET_MOVED_EVENT (OffsetMovedEvent.java:23)."""

    consumer_group: str = ""
    message_queue: MessageQueue | None = None
    offset_request: int = 0
    offset_new: int = 0
