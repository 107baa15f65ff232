"""Frames: how commands are cut out of a stream of bytes.

```
int32 length            of all that follows
int32 serialization<<24 | header length
header                  JSON (serialization 0) or binary (1)
body                    the rest
```
"""

from __future__ import annotations

from rocketpy.errors import ProtocolError

MAX_FRAME = 16 * 1024 * 1024
"""The longest frame that is read, its length field included (NettyDecoder:31)."""


class FrameDecoder:
    """Bytes in, frames out; holds at most one unfinished frame.

    `feed` what was read, then call `next_frame` until it returns None. A frame comes without its length field.
    """

    __slots__ = ("_chunks", "_data", "_missing", "_position", "max_frame")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.max_frame = max_frame
        self._data = b""
        self._position = 0
        self._chunks: list[bytes] = []  # of a frame longer than one read: joined once, when it is whole
        self._missing = 0

    def feed(self, data: bytes) -> None:
        """Take what was read from the peer."""
        if self._missing > len(data):
            self._chunks.append(data)
            self._missing -= len(data)
            return
        if self._chunks:
            self._chunks.append(data)
            data = b"".join(self._chunks)
            self._chunks.clear()
        elif self._position < len(self._data):
            data = self._data[self._position :] + data
        self._missing = 0
        self._data = data
        self._position = 0

    def next_frame(self) -> bytes | None:
        """The next whole frame, or None when more must be fed first.

        Raises ProtocolError on a length that is negative, too short for a header length, or above `max_frame`.
        """
        if self._missing:
            return None
        data = self._data
        start = self._position + 4
        if len(data) < start:
            return None
        length = int.from_bytes(data[start - 4 : start])
        end = start + length
        if length < 4 or length > self.max_frame - 4:
            signed = length - (length >> 31 << 32)
            raise ProtocolError(f"frame of {signed} bytes, allowed are 4 to {self.max_frame - 4}")
        if len(data) < end:
            self._missing = end - len(data)
            self._chunks.append(data[start - 4 :])
            self._data = b""
            self._position = 0
            return None
        self._position = end
        return data[start:end]
