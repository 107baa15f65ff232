"""Messages to send, and messages received. Texts are taken as str or bytes, and given as bytes but for topic and id."""

from __future__ import annotations

from ctypes import ArgumentError

from rocketpy import client
from rocketpy.compat_client.arguments import as_bytes, as_int, as_text
from rocketpy.compat_client.consts import MessageProperty
from rocketpy.compat_client.exceptions import NullPointerException
from rocketpy.protocol import property_names as names
from rocketpy.protocol.properties import join_properties
from rocketpy.protocol.record import Record


class Message:
    """A message to send."""

    def __init__(self, topic: str | bytes | None) -> None:
        """Raises ctypes.ArgumentError if `topic` is no text; one that cannot be one is refused when it is sent."""
        self._plain = client.Message("" if topic is None else as_text(topic), b"")

    def set_keys(self, keys: str | bytes) -> None:
        """Words to find it by, separated by blanks."""
        self._plain.properties[names.KEYS] = as_text(keys)

    def set_tags(self, tags: str | bytes) -> None:
        """What subscriptions choose by."""
        self._plain.properties[names.TAGS] = as_text(tags)

    def set_body(self, body: str | bytes) -> None:
        """What it says, at least one byte."""
        self._plain.body = as_bytes(body)

    def set_property(self, key: str | bytes, value: str | bytes) -> None:
        """A property of the application's own."""
        self._plain.properties[as_text(key)] = as_text(value)

    def set_delay_time_level(self, delay_time_level: int) -> None:
        """After which of the broker's delays to deliver it, from 1; 0 for at once."""
        self._plain.delay_level = as_int(delay_time_level)


class ReceivedMessage:
    """A message as callbacks get it; a property that it does not have is empty."""

    def __init__(self, handle: client.ReceivedMessage) -> None:
        self._stored = handle

    @property
    def topic(self) -> str:
        """Where it was sent to, also when it is retried."""
        return self._stored.topic

    @property
    def tags(self) -> bytes:
        """What subscriptions choose by."""
        return self.get_property(MessageProperty.TAGS)

    @property
    def keys(self) -> bytes:
        """Words to find it by."""
        return self.get_property(MessageProperty.KEYS)

    @property
    def body(self) -> bytes:
        """What it says, decompressed."""
        return self._stored.body

    @property
    def id(self) -> str:
        """The id that its producer gave it, or else the place where it is stored."""
        return self._stored.msg_id

    @property
    def delay_time_level(self) -> int:
        """After which of the broker's delays it was to be delivered."""
        return self._stored.delay_level

    @property
    def queue_id(self) -> int:
        """The queue that it stands in."""
        return self._stored.queue_id

    @property
    def reconsume_times(self) -> int:
        """How often it failed before."""
        return self._stored.reconsume_times

    @property
    def store_size(self) -> int:
        """The bytes that it takes in the log."""
        return self._stored.store_size

    @property
    def born_timestamp(self) -> int:
        """When it was sent, in ms."""
        return self._stored.born_timestamp

    @property
    def store_timestamp(self) -> int:
        """When it was stored, in ms."""
        return self._stored.store_timestamp

    @property
    def queue_offset(self) -> int:
        """Its place in the queue."""
        return self._stored.queue_offset

    @property
    def commit_log_offset(self) -> int:
        """Its place in the log, in bytes."""
        return self._stored.physical_offset

    @property
    def prepared_transaction_offset(self) -> int:
        """Where its half message stands, if it is of a transaction."""
        return self._stored.prepared_transaction_offset

    def get_property(self, prop: str | bytes | MessageProperty) -> bytes:
        """A property, the application's or RocketMQ's; b"" if there is none. Raises ctypes.ArgumentError."""
        name = prop.value if isinstance(prop, MessageProperty) else as_text(prop)
        return self._stored.properties.get(name, "").encode()

    def __getitem__(self, key: str | bytes | MessageProperty) -> bytes:
        return self.get_property(key)

    def __str__(self) -> str:
        return self.body.decode("utf-8")

    def __bytes__(self) -> bytes:
        return self.body

    def __repr__(self) -> str:
        return f"<ReceivedMessage topic={self.topic!r} id={self.id!r} body={self.body!r}>"


def plain(message: Message) -> client.Message:
    """What is sent for it. Raises NullPointerException for None, ctypes.ArgumentError for what is no message."""
    if message is None:
        raise NullPointerException("None is no message")
    if not isinstance(message, Message):
        raise ArgumentError(f"wrong type: a Message, not {type(message).__name__}")
    return message._plain


def unstored(message: client.Message) -> ReceivedMessage:
    """A message that the application is shown before it has a place: all numbers are 0."""
    record = Record(message.topic, 0, bytes(message.body), join_properties(message.properties).encode())
    return ReceivedMessage(client.ReceivedMessage(record))
