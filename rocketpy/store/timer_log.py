"""The timer log: for each message that is due at a time of its own, when, and where it is in the CommitLog.

```
position  field            Java type
       0  size             int      of the unit: 52
       4  previous         long     place of the unit before it that is due in the same second; -1 for the first
      12  magic            int      1, + 2 if the message is to be stored anew then, + 4 if it deletes another
      16  writeTime        long     ms, when the unit was written
      24  delay            int      ms from there to when it is due
      28  physicalOffset   long     of the record in the CommitLog, one of rmq_sys_wheel_timer
      36  recordSize       int
      40  topicHash        int      Java's hash of the topic that the message is for
      44  reserved         long     0
```
A unit's place is its byte number in the sequence of files, which are named as the CommitLog's. Where a unit and 16
bytes do not fit, a file ends in `room:int, 0:long, 0xCBD43194:int` (Java 5: TimerLog, TimerMessageStore.doEnqueue).

Java 4.9 knows nothing of these files and leaves them alone, as it does with rmq_sys_wheel_timer: what waits stays where
it is, and is delivered when a broker that can opens the directory again, as long as the CommitLog still has it.

A broker of Java 5 goes on with them and hands them back (tried with 5.3.2): it delivers what waits, by the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from rocketpy.protocol.record import BLANK_MAGIC
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.mapped_files import MappedFiles

_UNIT: Final = Struct(">iqiqiqiiq")
UNIT_SIZE: Final = 52
_BLANK: Final = Struct(">iqi")
_CHUNK: Final = UNIT_SIZE * 4096
"""Bytes reserved on the disk at a time."""
_MAGIC_MASK: Final = 0xF

NORMAL: Final = 1
ROLL: Final = 2
DELETE: Final = 4
NOWHERE: Final = -1


class TimerUnit(NamedTuple):
    """One entry; times in ms."""

    previous: int
    magic: int
    write_time: int
    delay: int
    physical_offset: int
    record_size: int
    topic_hash: int = 0

    @property
    def due(self) -> int:
        """When the message is to be dealt with."""
        return self.write_time + self.delay


class TimerLog:
    """Units one after the other; `end` is the place of the next."""

    def __init__(self, directory: str, file_size: int) -> None:
        self.files = MappedFiles([directory], file_size, sparse=True)
        self.end = 0
        self._reserved = 0
        """Up to here there is room on the disk."""

    def load(self) -> None:
        """Find the files. Raises StoreError."""
        self.files.load()
        self.end = self._reserved = self.files.files[0].start if self.files.files else 0

    def recover(self, safe: int, is_intact: Callable[[TimerUnit], bool]) -> Iterator[tuple[int, TimerUnit]]:
        """Find the end, which is at `safe` or behind it: the intact units from there on, with their places.

        What lies behind the end is zeroed, so that it never counts. Raises StoreError.
        """
        files = self.files
        first = files.files[0].start if files.files else 0
        place = max(safe, first)
        while (file := files.find(place)) is not None:
            unit = _unit_at(file, place)
            if unit is not None and is_intact(unit):
                yield place, unit
                place += UNIT_SIZE
            elif _is_blank(file, place):
                place = file.end
            else:
                break
        files.truncate(place)
        last = files.find(place)
        if last is not None:
            last.clear(place - last.start)
        elif files.last is not None:
            place = files.last.end
        else:
            place += -place % files.file_size
        self.end = self._reserved = place

    def append(self, unit: TimerUnit) -> int:
        """Add a unit; its place. Raises StoreError when the disk has no room."""
        file = self._file_with_room()
        place = self.end
        if place + UNIT_SIZE + _BLANK.size > self._reserved:
            file.reserve(place - file.start, min(_CHUNK, file.end - place))
            self._reserved = min(place + _CHUNK, file.end)
        _UNIT.pack_into(
            file.view(), place - file.start, UNIT_SIZE, unit.previous, unit.magic, unit.write_time, unit.delay,
            unit.physical_offset, unit.record_size, unit.topic_hash, 0,
        )  # fmt: skip
        self.end = place + UNIT_SIZE
        return place

    def read(self, place: int) -> TimerUnit | None:
        """The unit at a place; None if there is none."""
        file = self.files.find(place) if place < self.end else None
        return None if file is None else _unit_at(file, place)

    def expire(self, min_physical_offset: int) -> None:
        """Delete files all of whose messages are gone from the CommitLog. Raises StoreError."""
        files = self.files
        while len(files.files) > 1:
            last_unit = _unit_at(files.files[0], files.files[0].start + self._last_in_file())
            if last_unit is None or last_unit.physical_offset >= min_physical_offset:
                return
            files.delete_first()

    def _last_in_file(self) -> int:
        """Position of the last unit of a full file (getOffsetForLastUnit)."""
        return (self.files.file_size - _BLANK.size) // UNIT_SIZE * UNIT_SIZE - UNIT_SIZE

    def _file_with_room(self) -> MappedFile:
        file = self.files.find(self.end)
        if file is not None:
            room = file.end - self.end
            if room >= UNIT_SIZE + _BLANK.size:
                return file
            file.reserve(self.end - file.start, room)
            if room >= _BLANK.size:
                _BLANK.pack_into(file.view(), self.end - file.start, room, 0, BLANK_MAGIC)
            self.end = file.end
        self._reserved = self.end
        return self.files.add(self.end)


def _unit_at(file: MappedFile, place: int) -> TimerUnit | None:
    position = place - file.start
    if position + UNIT_SIZE > file.size:
        return None
    size, *fields, _ = _UNIT.unpack_from(file.view(), position)
    unit = TimerUnit(*fields)
    return unit if size == UNIT_SIZE and unit.magic & NORMAL and not unit.magic & ~_MAGIC_MASK else None


def _is_blank(file: MappedFile, place: int) -> bool:
    position = place - file.start
    return position + _BLANK.size <= file.size and _BLANK.unpack_from(file.view(), position)[2] == BLANK_MAGIC
