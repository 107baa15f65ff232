"""The timer wheel: a slot for each second of two weeks, which says where its units are in the timer log.

```
position  field      Java type
       0  second     long     since 1970; a slot serves every 1 209 600th
       8  first      long     place of the first unit in the timer log
      16  last       long     of the last, from which `previous` leads to the others
      24  units      int      units; one that deletes a message takes one off
      28  reserved   int      0
```
(Java 5: TimerWheel.java, Slot.java, with the 1000 ms of its timerPrecisionMs.)

A slot that changes is kept in memory until it is flushed, after the units that it leads to have been: a slot in the
file never leads to what is not there.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import Final, NamedTuple

from rocketpy.errors import StoreError
from rocketpy.store.mapped_file import MappedFile

SLOT_MS: Final = 1000
SLOTS: Final = 7 * 24 * 3600 * 2
"""Slots in the wheel: what waits at one time must be due within so many seconds."""
_SLOT: Final = Struct(">qqqii")
_MOST_AT_ONCE: Final = 4096
_NEVER_USED: Final = bytes(_MOST_AT_ONCE * _SLOT.size)


class Slot(NamedTuple):
    """The units of one second."""

    second: int
    first: int
    last: int
    units: int


class TimerWheel:
    """The slots by second. Changes are taken out with `changed`, written with `write`, and forgotten with `written`."""

    def __init__(self, path: str) -> None:
        self._file = MappedFile(path, 0, SLOTS * _SLOT.size, sparse=True)
        self._view = memoryview(b"")
        self._changed: dict[int, Slot] = {}

    def open(self) -> None:
        """Map the file, which is made if it is not there. Raises StoreError if it has another length."""
        try:
            size = os.stat(self._file.path).st_size
        except FileNotFoundError:
            size = 0
        if size not in (0, self._file.size):
            raise StoreError(f"{self._file.path} has {size} bytes instead of {self._file.size}; please check it")
        self._view = self._file.view()

    def get(self, second: int) -> Slot | None:
        """The slot of a second; None if nothing is due then."""
        index = second % SLOTS
        slot = self._changed.get(index)
        if slot is None:
            slot = Slot(*_SLOT.unpack_from(self._view, index * _SLOT.size)[:4])
        return slot if slot.second == second else None

    def next_used(self, first: int, end: int) -> int:
        """A second from `first` on before which nothing is due; `end` at most."""
        if first >= end:
            return first
        seconds = (slot.second for slot in self._changed.values())
        end = min((second for second in seconds if first <= second < end), default=end)
        while first < end:
            index = first % SLOTS
            count = min(end - first, SLOTS - index, _MOST_AT_ONCE)
            part = bytes(self._view[index * _SLOT.size : (index + count) * _SLOT.size])
            if part != _NEVER_USED[: len(part)]:    # as most of a long time are
                for expected, fields in enumerate(_SLOT.iter_unpack(part), first):
                    if fields[0] == expected:
                        return expected
            first += count
        return end

    def put(self, slot: Slot) -> None:
        """Change a slot, whatever was in it before."""
        self._changed[slot.second % SLOTS] = slot

    def changed(self) -> dict[int, Slot]:
        """The slots that are not in the file yet."""
        return dict(self._changed)

    def write(self, slots: dict[int, Slot]) -> None:
        """Bring slots to the disk; may be called by any thread. Raises StoreError or OSError."""
        for index, slot in slots.items():
            position = index * _SLOT.size
            self._file.reserve(position, _SLOT.size)
            _SLOT.pack_into(self._view, position, *slot, 0)
        self._file.sync()

    def written(self, slots: dict[int, Slot]) -> None:
        """Take note that `write` has run well."""
        for index, slot in slots.items():
            if self._changed.get(index) is slot:
                del self._changed[index]

    def close(self) -> None:
        """Unmap the file."""
        self._view = memoryview(b"")
        self._file.release()
