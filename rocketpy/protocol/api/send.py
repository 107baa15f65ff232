"""Storing messages: plain ones, batches, replies to requests, and what a consumer gives back."""

from __future__ import annotations

from typing import Self

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, Readers, reply, request, wire
from rocketpy.protocol.seen_headers import SeenHeaders, usual_number


@reply
class SendMessageReply(Header):
    """Where a message went (SendMessageResponseHeader.java:32).

    Of a batch: all ids, joined by commas, and the first offset.
    """

    msg_id: str
    queue_id: Int
    queue_offset: Long
    transaction_id: str | None = None
    region_id: str | None = wire("MSG_REGION", default=None)
    trace_on: bool | None = wire("TRACE_ON", default=None)


@reply
class SendRefusedReply(Header):
    """What a refused message is answered with: SendMessageReply without a place (SendMessageProcessor.preSend:692)."""

    region_id: str = wire("MSG_REGION")
    trace_on: bool = wire("TRACE_ON")


@request(RequestCode.SEND_MESSAGE, short=RequestCode.SEND_MESSAGE_V2, reply=SendMessageReply)
class SendMessage(Header):
    """Store the body as one message, or as several when `batch` (SendMessageRequestHeader.java:28).

    V2 is the same with one-letter names (SendMessageRequestHeaderV2.java:31). A negative `queue_id` leaves the
    choice to the broker; `born_timestamp` is in ms; `default_topic` is the model for a topic that has to be created.
    """

    producer_group: str = wire(short="a")
    topic: str = wire(short="b", missing="")
    default_topic: str = wire(short="c")
    default_topic_queue_nums: Int = wire(short="d")
    queue_id: Int = wire(short="e")
    sys_flag: Int = wire(short="f")
    born_timestamp: Long = wire(short="g")
    flag: Int = wire(short="h")
    properties: str | None = wire(short="i", default=None)
    reconsume_times: Int | None = wire(short="j", default=None)
    unit_mode: bool = wire(short="k", default=False)
    max_reconsume_times: Int | None = wire(short="l", default=None)
    batch: bool = wire(short="m", default=False)
    bname: str | None = wire(short="n", default=None)

    @classmethod
    def readers(cls, code: int = -1) -> Readers[Self]:
        """As in Header, but what was seen of a producer before is not read again."""
        readers = super(SendMessage, cls).readers(code)  # noqa: UP008  # declared, it is another class
        if code != cls.short_code:
            return readers
        seen = SeenHeaders(readers.from_texts, "g", "i")
        return Readers(seen.from_texts, seen.from_binary)

    def varied(self, born_timestamp: str, properties: str) -> Self | None:
        """See `Varying.varied`; written out since it is done for each message."""
        born = usual_number(born_timestamp)
        if born is None or not properties:
            return None
        other = object.__new__(type(self))
        other.producer_group = self.producer_group
        other.topic = self.topic
        other.default_topic = self.default_topic
        other.default_topic_queue_nums = self.default_topic_queue_nums
        other.queue_id = self.queue_id
        other.sys_flag = self.sys_flag
        other.born_timestamp = born
        other.flag = self.flag
        other.properties = properties
        other.reconsume_times = self.reconsume_times
        other.unit_mode = self.unit_mode
        other.max_reconsume_times = self.max_reconsume_times
        other.batch = self.batch
        other.bname = self.bname
        return other


@request(RequestCode.SEND_BATCH_MESSAGE, short=RequestCode.SEND_BATCH_MESSAGE, reply=SendMessageReply)
class SendBatchMessage(SendMessage):
    """SendMessage under another code, always with one-letter names (SendMessageRequestHeader.java:28).

    Servers look at `batch`, not at the code (SendMessageProcessor.asyncProcessRequest:85).
    """


@request(RequestCode.SEND_REPLY_MESSAGE, short=RequestCode.SEND_REPLY_MESSAGE_V2, reply=SendMessageReply)
class SendReplyMessage(SendMessage):
    """Store the answer to a message and push it to who asked (ReplyMessageProcessor.processReplyMessageRequest:98).

    The header is that of SendMessage (SendMessageRequestHeader.java:28); the property REPLY_TO_CLIENT names the client.
    """


@request(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT)
class PushReplyMessage(Header):
    """Pushed by the broker to a requester: the body answers its message (ReplyMessageRequestHeader.java:25)."""

    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: Int
    queue_id: Int
    sys_flag: Int
    born_timestamp: Long
    flag: Int
    properties: str | None = None
    reconsume_times: Int | None = None
    unit_mode: bool = False
    born_host: str
    store_host: str
    store_timestamp: Long


@request(RequestCode.CONSUMER_SEND_MSG_BACK)
class ConsumerSendMessageBack(Header):
    """Deliver a message to the group again, later (ConsumerSendMsgBackRequestHeader.java:25).

    `delay_level` 0 leaves it to the broker, a negative one means the dead letter topic.
    """

    physical_offset: Long = wire("offset")
    group: str
    delay_level: Int
    origin_msg_id: str | None = None
    origin_topic: str | None = None
    unit_mode: bool = False
    max_reconsume_times: Int | None = None
    bname: str | None = None
