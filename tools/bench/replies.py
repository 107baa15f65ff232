"""Replies, looked at no further than the load generator must: where they end, whose they are, what code they bear."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_LEAD = struct.Struct(">iBxxxhxxxi")  # length, serialization, code, opaque: in place for a binary header
_JSON_HEADER = re.compile(rb'\{"code":(-?\d+),.*?"opaque":(-?\d+)', re.DOTALL)


class Replies:
    """Cuts a stream into replies: (opaque, code, whole frame as bytes)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, int]]:
        """(opaque, code, begin, end) of each whole reply; the bytes between are in `data` of this object."""
        if self._rest:
            data = self._rest + data
        self.data = data
        begin, available = 0, len(data)
        unpack = _LEAD.unpack_from
        while available - begin >= _LEAD.size:
            length, serialization, code, opaque = unpack(data, begin)
            end = begin + 4 + length
            if end > available:
                break
            if not serialization:
                found = _JSON_HEADER.match(data, begin + 8)
                assert found is not None, data[begin:end]
                code, opaque = int(found[1]), int(found[2])
            yield opaque, code, begin, end
            begin = end
        self._rest = data[begin:]


_NEXT = b"nextBeginOffset"


def next_begin_offset(data: bytes, begin: int, end: int) -> int:
    """The field of a pull's reply, whose header is binary. Raises ValueError when there is none."""
    place = data.index(_NEXT, begin, end) + len(_NEXT)
    length = int.from_bytes(data[place : place + 4])
    return int(data[place + 4 : place + 4 + length])
