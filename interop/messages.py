"""Messages, queues and results in the words of the drivers."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, order=True)
class Queue:
    """One queue of a topic."""

    topic: str
    broker: str
    id: int

    def to_json(self) -> dict[str, Any]:
        return vars(self)


@dataclass(frozen=True)
class Message:
    """A message to send."""

    topic: str
    body: bytes
    tags: str | None = None
    keys: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    flag: int = 0
    delay_level: int | None = None

    def to_json(self) -> dict[str, Any]:
        fields = {name: value for name, value in vars(self).items() if value is not None}
        return {**fields, "body": base64.b64encode(self.body).decode()}

    def own_properties(self) -> dict[str, str]:
        """The properties that its sender gave it."""
        level = None if self.delay_level is None else str(self.delay_level)
        named = {"TAGS": self.tags, "KEYS": self.keys, "DELAY": level}
        return self.properties | {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Sent:
    """What the client made of a broker's answer to a send; `msg_id` is the unique key that the client gave."""

    status: str
    msg_id: str
    offset_msg_id: str
    queue: Queue
    queue_offset: int
    region: str
    trace_on: bool

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        return cls(**{**fields, "queue": Queue(**fields["queue"])})


@dataclass(frozen=True)
class Stored:
    """A message that came back. Physical offset and sizes are in bytes, timestamps in ms."""

    topic: str
    body: bytes
    properties: dict[str, str]
    flag: int
    sys_flag: int
    msg_id: str
    offset_msg_id: str
    queue_id: int
    queue_offset: int
    physical_offset: int
    store_size: int
    body_crc: int
    born_timestamp: int
    born_host: str
    store_timestamp: int
    store_host: str
    reconsume_times: int
    prepared_transaction_offset: int

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        return cls(**{**fields, "body": base64.b64decode(fields["body"])})

    @staticmethod
    def body_of(fields: dict[str, Any]) -> bytes:
        """The body alone, where a client says nothing else."""
        return base64.b64decode(fields["body"])

    def stored_properties(self) -> dict[str, str]:
        """Without those that the client adds after it got the message."""
        return {name: value for name, value in self.properties.items() if name not in CLIENT_PROPERTIES}


CLIENT_PROPERTIES = {"MIN_OFFSET", "MAX_OFFSET", "CONSUME_START_TIME"}
"""Properties that consumers put onto a message for their own use."""


@dataclass(frozen=True)
class Pulled:
    """The result of one pull."""

    status: str
    next_begin_offset: int
    min_offset: int
    max_offset: int
    messages: list[Stored]

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        return cls(**{**fields, "messages": [Stored.from_json(one) for one in fields["messages"] or []]})
