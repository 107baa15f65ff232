"""The two ids of a message: where it is stored, and the one its producer gave it.

```
offset id   host (4 or 16 bytes), port int, physical offset long              32 or 56 digits
unique id   host (4 or 16 bytes), pid short, class loader's hash int,
            unsigned ms since the beginning of the month int, counter short   32 or 56 digits
```

Both are written in upper case hex (MessageDecoder.java:65-101, MessageClientIDSetter.java:40-131).
"""

from __future__ import annotations

from datetime import datetime
from struct import Struct
from typing import Final, NamedTuple

from rocketpy.protocol.record import decode_host, encode_host, offset_message_id

__all__ = ["OffsetMessageId", "UniqueId", "UniqueIds", "offset_message_id"]

_UNIQUE: Final = Struct(">HIIH")
_LONGEST_STEP_BACK_MS: Final = 1_000_000


class OffsetMessageId(NamedTuple):
    """Where a message is stored."""

    address: str
    port: int
    physical_offset: int

    @classmethod
    def decode(cls, text: str) -> OffsetMessageId:
        """The id in 32 or 56 hex digits of either case; raises ValueError for anything else."""
        data = _decode_hex(text)
        address, port = decode_host(data[:-8])
        return cls(address, port, int.from_bytes(data[-8:], "big", signed=True))

    def encode(self) -> str:
        """The id as text; raises OSError if the address is not an IP address."""
        return offset_message_id(encode_host(self.address, self.port), self.physical_offset)


class UniqueId(NamedTuple):
    """What can be read off a unique id (MessageClientIDSetter.getIPFromID:100)."""

    address: str
    pid: int
    class_loader: int
    ms_of_month: int
    counter: int

    @classmethod
    def decode(cls, text: str) -> UniqueId:
        """The id in 32 or 56 hex digits of either case; raises ValueError for anything else."""
        data = _decode_hex(text)
        address, _ = decode_host(data[:-12] + bytes(4))
        return cls(address, *_UNIQUE.unpack(data[-12:]))

    def encode(self) -> str:
        """The id as text; raises OSError if the address is not an IP address."""
        host = encode_host(self.address, 0)[:-4]
        tail = _UNIQUE.pack(self.pid, self.class_loader, self.ms_of_month, self.counter)
        return (host + tail).hex().upper()

    def born_timestamp(self, now: int) -> int:
        """The time in ms when the id was made, within the month before `now` (getNearlyTimeFromID:69)."""
        month = _month_start(now)
        if month + self.ms_of_month >= now:
            month = _month_start(month - 1)
        return month + self.ms_of_month


class UniqueIds:
    """Makes unique ids for one process: `create` never gives the same twice within 65536 calls a millisecond."""

    def __init__(self, address: str, pid: int, class_loader: int) -> None:
        """`class_loader` is any number that tells instances in one process apart."""
        host = encode_host(address, 0)[:-4]
        self._fixed = (host + _UNIQUE.pack(pid & 0xFFFF, class_loader & 0xFFFFFFFF, 0, 0)[:6]).hex().upper()
        self._counter = 0
        self._month = 0
        self._next_month = 0

    def create(self, now: int) -> str:
        """A new id; `now` is in ms. A clock set back by up to 1000 s counts as the beginning of the month."""
        if now >= self._next_month:
            self._month = _month_start(now)
            self._next_month = _month_start(self._month + 32 * 86_400_000)
        ms_of_month = now - self._month
        if -_LONGEST_STEP_BACK_MS < ms_of_month < 0:
            ms_of_month = 0
        counter = self._counter
        self._counter = (counter + 1) & 0xFFFF
        return f"{self._fixed}{ms_of_month & 0xFFFFFFFF:08X}{counter:04X}"


def _month_start(now: int) -> int:
    """Midnight of the first day of the month that `now` is in, by the local clock, in ms."""
    day = datetime.fromtimestamp(now / 1000).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp() * 1000)


def _decode_hex(text: str) -> bytes:
    if len(text) not in (32, 56):
        raise ValueError(f"a message id has 32 or 56 digits, not {len(text)}: {text}")
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) * 2 != len(text):
        raise ValueError(f"a message id is hexadecimal: {text}")
    return data
