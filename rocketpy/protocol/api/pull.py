"""Reading messages from a queue."""

from __future__ import annotations

from typing import Self

from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, Readers, reply, request
from rocketpy.protocol.seen_headers import SeenHeaders, usual_number


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

    @classmethod
    def readers(cls, code: int = -1) -> Readers[Self]:
        """As in Header, but what was seen of a consumer before is not read again."""
        readers = super(PullMessage, cls).readers(code)  # noqa: UP008  # declared, it is another class
        seen = SeenHeaders(readers.from_texts, "queueOffset", "commitOffset")
        return Readers(seen.from_texts, seen.from_binary)

    def varied(self, queue_offset: str, commit_offset: str) -> Self | None:
        """See `Varying.varied`; written out since it is done for each pull."""
        begin, committed = usual_number(queue_offset), usual_number(commit_offset)
        if begin is None or committed is None:
            return None
        other = object.__new__(type(self))
        other.consumer_group = self.consumer_group
        other.topic = self.topic
        other.queue_id = self.queue_id
        other.queue_offset = begin
        other.max_msg_nums = self.max_msg_nums
        other.sys_flag = self.sys_flag
        other.commit_offset = committed
        other.suspend_timeout_millis = self.suspend_timeout_millis
        other.subscription = self.subscription
        other.sub_version = self.sub_version
        other.expression_type = self.expression_type
        other.bname = self.bname
        return other


@body
class OffsetMovedEvent(Body):
    """The body of a message that the broker stores in OFFSET_MOVED_EVENT (OffsetMovedEvent.java:23)."""

    consumer_group: str = ""
    message_queue: MessageQueue | None = None
    offset_request: int = 0
    offset_new: int = 0
