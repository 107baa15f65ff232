"""A message as its sender makes it and as its receiver gets it (Message, MessageExt and MessageClientExt in Java)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from struct import Struct
from typing import Final
from zlib import crc32

from rocketpy.errors import ProtocolError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.compression import decompress
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.properties import LONGEST_PROPERTIES, join_properties, split_stored
from rocketpy.protocol.record import Record, decode, decode_host, offset_message_id

_BATCH_HEAD: Final = Struct(">iiiii")
_LENGTH: Final = Struct(">h")
_host = lru_cache(maxsize=1024)(decode_host)
"""Messages come from few hosts: 1.0 us less for each."""


class Message:
    """A topic, a body, and properties that are texts; `flag` is the application's own."""

    __slots__ = ("body", "flag", "properties", "topic")

    def __init__(
        self,
        topic: str,
        body: bytes,
        *,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        flag: int = 0,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """`keys` are words to find the message by; a text is taken as it is, so blanks in it separate keys."""
        self.topic = topic
        self.body = body
        self.flag = flag
        self.properties: dict[str, str] = dict(properties or {})
        if tags:
            self.properties[names.TAGS] = tags
        if keys:
            self.properties[names.KEYS] = keys if isinstance(keys, str) else names.KEY_SEPARATOR.join(keys)

    @property
    def tags(self) -> str | None:
        """What subscriptions choose by."""
        return self.properties.get(names.TAGS)

    @property
    def keys(self) -> str | None:
        """The words to find the message by, separated by blanks."""
        return self.properties.get(names.KEYS)

    @property
    def delay_level(self) -> int:
        """After which of the broker's delays to deliver it, from 1; 0 for at once."""
        return int(self.properties.get(names.DELAY_TIME_LEVEL, "0"))

    @delay_level.setter
    def delay_level(self, level: int) -> None:
        self.properties[names.DELAY_TIME_LEVEL] = str(level)

    @property
    def wait_store_msg_ok(self) -> bool:
        """Whether the broker answers only when it has flushed and replicated as configured."""
        return self.properties.get(names.WAIT_STORE_MSG_OK, "true").lower() == "true"

    @wait_store_msg_ok.setter
    def wait_store_msg_ok(self, wait: bool) -> None:
        self.properties[names.WAIT_STORE_MSG_OK] = "true" if wait else "false"

    @property
    def uniq_key(self) -> str | None:
        """The id that the producer gave it: see UniqueIds."""
        return self.properties.get(names.UNIQ_KEY)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.topic!r}, {len(self.body)} bytes, {self.properties})"


class MessageExt(Message):
    """A message out of a broker, its body decompressed. Times are in ms, hosts are (address, port)."""

    __slots__ = (
        "_place", "body_crc", "born_host", "born_timestamp", "physical_offset", "prepared_transaction_offset",
        "queue_id", "queue_offset", "reconsume_times", "store_host", "store_size", "store_timestamp", "sys_flag",
    )  # fmt: skip

    def __init__(self, record: Record) -> None:
        """Raises ProtocolError if the body is compressed and damaged."""
        body = bytes(record.body)
        self.body_crc = crc32(body) & 0x7FFFFFFF
        if body and record.sys_flag & MessageSysFlag.COMPRESSED:
            body = decompress(body, record.sys_flag)
        properties = split_stored(record.properties)
        super().__init__(record.topic, body, flag=record.flag, properties=properties)
        self.queue_id = record.queue_id
        self.queue_offset = record.queue_offset
        self.physical_offset = record.physical_offset
        self.sys_flag = record.sys_flag
        self.born_timestamp = record.born_timestamp
        self.born_host = _host(record.born_host)
        self.store_timestamp = record.store_timestamp
        self.store_host = _host(record.store_host)
        self.store_size = record.size
        self.reconsume_times = record.reconsume_times
        self.prepared_transaction_offset = record.prepared_transaction_offset
        self._place = record.store_host

    @property
    def offset_msg_id(self) -> str:
        """The id that says where it is stored."""
        return offset_message_id(self._place, self.physical_offset)

    @property
    def msg_id(self) -> str:
        """The producer's id, or the place where it is stored if the producer gave none (MessageClientExt:32)."""
        return self.uniq_key or self.offset_msg_id


def decode_messages(body: bytes) -> list[MessageExt]:
    """The messages in the body of a pull or query: records, one after the other (MessageDecoder.decodes:399).

    Raises ProtocolError if something else follows the last whole record.
    """
    messages = []
    position = 0
    while position < len(body):
        record = decode(body, position)
        messages.append(MessageExt(record))
        position += record.size
    return messages


def encode_batch(messages: Iterable[Message]) -> bytes:
    """The body of SEND_BATCH_MESSAGE (MessageDecoder.encodeMessages:548); `batch.Batch` reads it.

    Raises ProtocolError if the properties of one message take more than 32767 bytes.
    """
    parts: list[bytes] = []
    for message in messages:
        properties = join_properties(message.properties).encode()
        if len(properties) > LONGEST_PROPERTIES:
            raise ProtocolError(f"properties of {len(properties)} bytes, {LONGEST_PROPERTIES} are allowed")
        size = 22 + len(message.body) + len(properties)
        parts += (
            _BATCH_HEAD.pack(size, 0, 0, message.flag, len(message.body)),
            message.body,
            _LENGTH.pack(len(properties)),
            properties,
        )
    return b"".join(parts)
