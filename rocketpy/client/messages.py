"""Messages as consumers and requesters get them."""

from __future__ import annotations

import logging

from rocketpy.client.errors import CREATE_REPLY_MESSAGE, ClientError
from rocketpy.clock import now_ms
from rocketpy.errors import ProtocolError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.send import PushReplyMessage
from rocketpy.protocol.message import Message, MessageExt
from rocketpy.protocol.record import Record, decode, encode_host
from rocketpy.protocol.topic_names import reply_topic

log = logging.getLogger(__name__)

REPLY_TYPE = "reply"
"""What MSG_TYPE says of a reply (MixAll.REPLY_MESSAGE_FLAG:83)."""


class ReceivedMessage(MessageExt):
    """A message, and the broker that it came from."""

    __slots__ = ("broker_name",)

    def __init__(self, record: Record, broker_name: str = "") -> None:
        """Raises ProtocolError if the body is compressed and damaged."""
        super().__init__(record)
        self.broker_name = broker_name

    @property
    def queue(self) -> MessageQueue:
        """Where it stands; of a message that is retried the queue of the retry topic, though `topic` is the first."""
        return MessageQueue(topic=self.topic, broker_name=self.broker_name, queue_id=self.queue_id)

    @property
    def transaction_id(self) -> str | None:
        """The producer's id of the transaction that it is part of; None if it is of none."""
        is_half = self.properties.get(names.TRANSACTION_PREPARED, "").lower() == "true"
        return self.uniq_key if is_half else None


def decode_received(body: bytes, broker_name: str) -> list[ReceivedMessage]:
    """The messages in the answer to a pull. Raises ProtocolError if it is anything else.

    One whose body is compressed and damaged is passed over, or it would come again for ever; Java passes over all that
    follow it in the answer, too (MessageDecoder.decodes:399).
    """
    messages = []
    position = 0
    while position < len(body):
        record = decode(body, position)
        position += record.size
        try:
            messages.append(ReceivedMessage(record, broker_name))
        except ProtocolError as error:
            log.error("%s %d/%d is passed over: %s", record.topic, record.queue_id, record.queue_offset, error)
    return messages


def create_reply(request: Message, body: bytes) -> Message:
    """The message that answers `request`, to be sent like any other (MessageUtil.createReplyMessage:28).

    Raises ClientError if `request` did not come from a consumer.
    """
    cluster = request.properties.get(names.CLUSTER)
    if cluster is None:
        text = f"create reply message fail, requestMessage error, property[{names.CLUSTER}] is null."
        raise ClientError(text, CREATE_REPLY_MESSAGE, show_code=True)
    kept = (names.CORRELATION_ID, names.REPLY_TO_CLIENT, names.MESSAGE_TTL)
    properties = {name: request.properties[name] for name in kept if name in request.properties}
    return Message(reply_topic(cluster), body, properties={names.MESSAGE_TYPE: REPLY_TYPE, **properties})


def pushed_reply(header: PushReplyMessage, body: bytes) -> ReceivedMessage:
    """The reply that a broker hands over (ClientRemotingProcessor.receiveReplyMessage:215).

    Raises ProtocolError if the body is damaged, ValueError or OSError for hosts that are none.
    """
    record = Record(
        header.topic,
        header.queue_id,
        body,
        (header.properties or "").encode(),
        flag=header.flag,
        sys_flag=header.sys_flag,
        born_timestamp=header.born_timestamp,
        born_host=_host(header.born_host),
        store_host=_host(header.store_host),
        reconsume_times=header.reconsume_times or 0,
    )
    record.store_timestamp = header.store_timestamp
    message = ReceivedMessage(record)
    message.properties[names.REPLY_ARRIVE_TIME] = str(now_ms())
    return message


def _host(text: str) -> bytes:
    """`ip:port`, also as Java prints a socket address: `/ip:port`."""
    address, _, port = text.rpartition(":")
    return encode_host(address.rpartition("/")[2].strip("[]"), int(port))
