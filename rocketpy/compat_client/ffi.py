"""The enums of `rocketmq.ffi` that programs import; there is no C library here."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class CtypesEnum(IntEnum):
    """An IntEnum that ctypes takes for an int."""

    @classmethod
    def from_param(cls, obj: Any) -> int:
        """The number that ctypes hands on."""
        return int(obj)


class MessageModel(CtypesEnum):
    """Whether each consumer of a group gets all messages, or they share them."""

    BROADCASTING = 0
    CLUSTERING = 1


class TraceModel(CtypesEnum):
    """Whether brokers are told of each message."""

    OPEN = 0
    CLOSE = 1
