"""The files of one ConsumeQueue."""

from __future__ import annotations

from collections.abc import Iterator

from rocketpy.inspection.file_row import FileRow
from rocketpy.inspection.finding import Findings
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE, FILLER_SIZE

Entry = tuple[int, int, int]
"""(physical offset, size, tags code)."""


class QueueFiles:
    """The queue `queue_id` of `topic`, as far as it was written when this was made."""

    def __init__(self, topic: str, queue_id: int, row: FileRow) -> None:
        self.topic = topic
        self.queue_id = queue_id
        self.row = row
        self.first = row.files[0].start // ENTRY_SIZE if row.files else 0
        """Number of the first entry in the first file."""
        self.end = 0
        """Number that the next entry gets."""
        for file in reversed(row.files):
            self.end = (file.start + _written(file.view())) // ENTRY_SIZE
            if self.end * ENTRY_SIZE > file.start:
                break
        row.release()

    @property
    def name(self) -> str:
        """Its directory below the store."""
        return f"consumequeue/{self.topic}/{self.queue_id}"

    def entry(self, number: int) -> Entry | None:
        """One entry, or None if there is none with that number."""
        file = self.row.find(number * ENTRY_SIZE) if 0 <= number < self.end else None
        view = memoryview(b"") if file is None else file.view()
        return ENTRY.unpack_from(view, number * ENTRY_SIZE - file.start) if file is not None and view else None

    def place(self, number: int) -> tuple[str, int]:
        """The file and the position of an entry, for a finding; the directory if it would be in no file."""
        file = self.row.find(number * ENTRY_SIZE)
        return (self.name, number * ENTRY_SIZE) if file is None else (file.name, number * ENTRY_SIZE - file.start)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Every entry with its number, fillers and holes included."""
        for file in self.row.files:
            view = file.view()
            count = min(len(view), self.end * ENTRY_SIZE - file.start) // ENTRY_SIZE
            if count > 0:
                yield from enumerate(ENTRY.iter_unpack(view[: count * ENTRY_SIZE]), file.start // ENTRY_SIZE)

    @property
    def max_physical_offset(self) -> int:
        """End of the last record that has an entry; -1 without any."""
        last = self.entry(self.end - 1)
        return -1 if last is None or last[1] == FILLER_SIZE else last[0] + last[1]

    def check_end(self, findings: Findings, *, in_use: bool) -> None:
        """What follows the last entry was never written, but by a broker that has it `in_use` now."""
        for file in self.row.files:
            position = max(self.end * ENTRY_SIZE - file.start, 0)
            at = file.first_written(position)
            if at >= 0:
                number = (file.start + at) // ENTRY_SIZE
                if in_use and (number == self.end or ENTRY.unpack_from(file.view(), position)[1] > 0):
                    return
                what = f"entry {self.end} is empty, and entry {number} behind it is not"
                half = f"entry {self.end} is written in part"
                findings.damage("queue-hole", file.name, position, half if number == self.end else what)
                return


def _written(view: memoryview) -> int:
    """Where the entries of a file end: in bytes. Bisected, as whole files are mostly written or mostly not."""
    low, high = 0, len(view) // ENTRY_SIZE
    while low < high:
        middle = (low + high) // 2
        if ENTRY.unpack_from(view, middle * ENTRY_SIZE)[1] > 0:
            low = middle + 1
        else:
            high = middle
    return low * ENTRY_SIZE
