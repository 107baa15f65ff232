"""The records of a CommitLog, one after the other, also behind damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rocketpy.errors import ProtocolError
from rocketpy.inspection.file_row import FileRow, ReadOnlyFile
from rocketpy.inspection.finding import Findings
from rocketpy.protocol.record import (
    BLANK_MAGIC,
    BLANK_SIZE,
    MAGIC,
    Record,
    decode,
    intact_size,
    peek_size_and_magic,
    peek_store_timestamp,
)

_MAGIC: Final = (MAGIC & 0xFFFFFFFF).to_bytes(4, "big")
_PHYSICAL_OFFSET_AT: Final = 28
_STEP: Final = 4 << 20
"""Bytes between two tellings of how far it is."""

Progress = Callable[[int], None]
"""Told now and then how many bytes have been looked at."""


class LogWalk:
    """A walk from the oldest record on. `end` and what follows it are known when it is over.

    `settled` is the end of the last record that has a queue entry. Up to there everything has been a record once, so
    what is none now is damage; behind it the log ends at the first thing that is no record.
    """

    def __init__(self, row: FileRow, settled: int, findings: Findings, progress: Progress, *, in_use: bool) -> None:
        """`in_use`: a broker may be adding to the log."""
        self._row = row
        self._settled = settled
        self._findings = findings
        self._progress = progress
        self._in_use = in_use
        self._told = 0
        self.end = row.files[0].start if row.files else 0
        """Where the next record goes."""

    def __iter__(self) -> Iterator[tuple[ReadOnlyFile, Record]]:
        """Every intact record with the file that it is in; its `physical_offset` is where it stands."""
        for file in self._row.files:
            view = file.view()
            position = 0
            while view:
                size = intact_size(view, position)
                if size:
                    record = self._record(file, view, position)
                    if record is not None:
                        yield file, record
                    position += size
                    self.end = file.start + position
                    self._tell(self.end)
                    continue
                at = self._behind_damage(file, view, position)
                if at < 0:
                    break
                position = at
            whole = self._ends_whole(file, view, position)
            file.release()
            if not whole:
                return
            self.end = file.end

    def _record(self, file: ReadOnlyFile, view: memoryview, position: int) -> Record | None:
        try:
            record = decode(view, position)
        except ProtocolError as error:
            self._findings.damage("record", file.name, position, str(error))
            return None
        if record.physical_offset != file.start + position:
            text = f"the record says that it is at {record.physical_offset}, and is at {file.start + position}"
            self._findings.damage("physical-offset", file.name, position, text)
            record.physical_offset = file.start + position
        return record

    def _behind_damage(self, file: ReadOnlyFile, view: memoryview, position: int) -> int:
        """Where the next record begins when there is none at `position`; -1 if the file, or the log, ends there."""
        place = file.start + position
        _, magic = peek_size_and_magic(view, position)
        if magic == BLANK_MAGIC or place >= self._settled or position + BLANK_SIZE > len(view):
            return -1
        following = _next_record(view, position, file.start)
        lost = (following if following >= 0 else min(len(view), self._settled - file.start)) - position
        why = "its body has changed" if _is_whole_but_for_its_body(view, position) else "there is no record"
        self._findings.damage("record", file.name, position, f"{why}: {lost} bytes from {place} on cannot be read")
        return following

    def _ends_whole(self, file: ReadOnlyFile, view: memoryview, position: int) -> bool:
        """Whether the log goes on in the next file."""
        size, magic = peek_size_and_magic(view, position)
        if magic == BLANK_MAGIC:
            if size != len(view) - position:
                text = f"the blank says {size} bytes are left in the file, but {len(view) - position} are"
                self._findings.damage("blank", file.name, position, text)
            return True
        if file.end < self._settled or len(view) - position < BLANK_SIZE:
            return True
        if not self._in_use and file.first_written(position) >= 0:
            text = "the log ends here, and there are bytes behind: of a record that was not finished, or cut off"
            self._findings.note("behind-the-end", file.name, position, text)
        return False

    def _tell(self, place: int) -> None:
        if place - self._told >= _STEP:
            self._told = place
            self._progress(place - self._row.files[0].start)


def record_at(row: FileRow, physical_offset: int) -> Record | None:
    """The record that begins there, its body unchecked; None if none does."""
    file = row.find(physical_offset)
    if file is None:
        return None
    view, position = file.view(), physical_offset - file.start
    if not intact_size(view, position, check_crc=False):
        return None
    try:
        return decode(view, position)
    except ProtocolError:
        return None


def store_time(row: FileRow, physical_offset: int) -> int:
    """storeTimestamp (ms) of the record there, -1 if there is none."""
    file = row.find(physical_offset)
    if file is None or not file.view():
        return -1
    position = physical_offset - file.start
    _, magic = peek_size_and_magic(file.view(), position)
    return peek_store_timestamp(file.view(), position) if magic == MAGIC else -1


def _next_record(view: memoryview, position: int, start: int) -> int:
    """Where the first record behind `position` begins that knows its place, -1 if there is none."""
    position += 5       # its magic stands at its fifth byte
    while position < len(view):
        piece = bytes(view[position : position + _STEP + 3])
        at = piece.find(_MAGIC)
        while at >= 0:
            begin = position + at - 4
            offset_at = begin + _PHYSICAL_OFFSET_AT
            if int.from_bytes(view[offset_at : offset_at + 8], "big") == start + begin:
                return begin
            at = piece.find(_MAGIC, at + 1)
        position += _STEP
    return -1


def _is_whole_but_for_its_body(view: memoryview, position: int) -> bool:
    return intact_size(view, position, check_crc=False) > 0
