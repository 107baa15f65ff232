"""The index files: their entries in the order in which they were made, and whether each is in its chain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rocketpy.inspection.file_row import ReadOnlyFile
from rocketpy.inspection.finding import Findings
from rocketpy.store.index_file import ENTRY, ENTRY_SIZE, HEADER, HEADER_SIZE, SLOT, index_file_size

_USUAL: Final = (5_000_000, 20_000_000)
_GUESSED_UP_TO: Final = 64 << 20
"""Bytes of a file whose number of slots is looked for, where nobody says what it is."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """Entry `number` of a file: the hash of a topic and key, and where the record is."""

    file: ReadOnlyFile
    position: int
    number: int
    key_hash: int
    physical_offset: int


class IndexFiles:
    """The files below `directory`, as far as they were written when this was made."""

    def __init__(self, root: str, directory: str, findings: Findings, sizes: tuple[int, int] | None = None) -> None:
        """`sizes` are maxHashSlotNum and maxIndexNum, if they are known. Raises OSError."""
        self._findings = findings
        self._sizes = sizes
        self.files: list[ReadOnlyFile] = []
        self._headers: dict[str, tuple[int, ...]] = {}
        self._guessed: dict[int, int] = {}
        """maxHashSlotNum of files by their size, where it was told from a file."""
        for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else ():
            path = os.path.join(directory, name)
            if name.isdecimal() and os.path.isfile(path):
                file = ReadOnlyFile(root, path, 0, os.stat(path))
                if file.size >= HEADER_SIZE and file.view():
                    self._headers[path] = HEADER.unpack_from(file.view())
                    file.release()
                    self.files.append(file)
                else:
                    findings.damage("index-size", file.name, None, f"has {file.size} bytes, too few for an index file")

    @property
    def entries(self) -> int:
        """How many entries there are in all files."""
        return sum(max(header[5] - 1, 0) for header in self._headers.values())

    @property
    def times(self) -> tuple[int, int]:
        """storeTimestamp (ms) of the first and the last entry; (-1, -1) without any."""
        written = [header for header in self._headers.values() if header[5] > 1]
        return (written[0][0], written[-1][1]) if written else (-1, -1)

    @property
    def end_physical_offset(self) -> int:
        """The physical offset of the last record that was entered; -1 without any."""
        return max((header[3] for header in self._headers.values() if header[5] > 1), default=-1)

    def __iter__(self) -> Iterator[IndexEntry]:
        for file in self.files:
            header = self._headers[file.path]
            slots = self._slots_of(file, header)
            if slots:
                yield from self._entries_of(file, header, slots)
            file.release()

    def _slots_of(self, file: ReadOnlyFile, header: tuple[int, ...]) -> int:
        """maxHashSlotNum of a file; 0, and a finding, if it cannot be told."""
        for sizes in (self._sizes, _USUAL):
            if sizes is not None and file.size == index_file_size(*sizes):
                return sizes[0]
        if header[5] <= 1:
            return 0
        guessed = self._guessed.get(file.size, 0)
        if not guessed and file.size <= _GUESSED_UP_TO:
            guessed = self._guessed[file.size] = _guess_slots(file.view(), header)
        if not guessed:
            text = f"{file.size} bytes are no index file; if maxHashSlotNum or maxIndexNum are set, say so by -c FILE"
            self._findings.damage("index-size", file.name, None, text)
        return guessed

    def _entries_of(self, file: ReadOnlyFile, header: tuple[int, ...], slots: int) -> Iterator[IndexEntry]:
        begin, end, _, _, used, count = header
        view = file.view()
        entries_at = HEADER_SIZE + slots * SLOT.size
        capacity = (file.size - entries_at) // ENTRY_SIZE
        if not 0 <= count <= capacity or begin > end:
            text = f"the header says {count} entries of {capacity}, and times from {begin} to {end}"
            self._findings.damage("index-header", file.name, 0, text)
            return
        newest: dict[int, int] = {}
        for number in range(1, count):
            position = entries_at + number * ENTRY_SIZE
            key_hash, physical_offset, _, previous = ENTRY.unpack_from(view, position)
            slot = key_hash % slots
            before = newest.get(slot, 0)
            if key_hash < 0 or previous != before:
                text = f"entry {number} follows entry {previous} in its slot, not {before}"
                self._findings.damage("index-chain", file.name, position, text)
            newest[slot] = number
            yield IndexEntry(file, position, number, key_hash, physical_offset)
        self._check_slots(file, newest, count)
        if used != len(newest):
            text = f"the header says that {used} slots are in use, {len(newest)} are"
            self._findings.note("index-header", file.name, 32, text)

    def _check_slots(self, file: ReadOnlyFile, newest: dict[int, int], count: int) -> None:
        """Each slot points at its newest entry; a running broker may have entered more by now."""
        view = file.view()
        for slot, number in newest.items():
            position = HEADER_SIZE + slot * SLOT.size
            (head,) = SLOT.unpack_from(view, position)
            if head != number and head < count:
                text = f"slot {slot} begins at entry {head}, not at {number}, its newest"
                self._findings.damage("index-chain", file.name, position, text)


def _guess_slots(view: memoryview, header: tuple[int, ...]) -> int:
    """A number of slots with which the file makes sense: its first entry is where the header says that the file
    begins, and the newest one, or one that a broker has added since, is what its slot points at. 0 if there is none.
    """
    newest = header[5] - 1
    most = (len(view) - HEADER_SIZE - newest * ENTRY_SIZE) // SLOT.size
    for slots in range(max(header[4], 1), most + 1):
        room, odd = divmod(len(view) - HEADER_SIZE - slots * SLOT.size, ENTRY_SIZE)
        if odd or room <= newest:
            continue
        entries_at = HEADER_SIZE + slots * SLOT.size
        _, first, _, _ = ENTRY.unpack_from(view, entries_at + ENTRY_SIZE)
        key_hash, last, _, _ = ENTRY.unpack_from(view, entries_at + newest * ENTRY_SIZE)
        slot_at = HEADER_SIZE + key_hash % slots * SLOT.size
        (head,) = SLOT.unpack_from(view, slot_at)
        if (first, last) == (header[2], header[3]) and newest <= head <= room:
            return slots
    return 0
