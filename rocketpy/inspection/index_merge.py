"""Comparing the index with the log, in one pass over both."""

from __future__ import annotations

from collections.abc import Iterator

from rocketpy.inspection.finding import Findings
from rocketpy.inspection.index_files import IndexEntry
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.record import Record
from rocketpy.store.index_file import positive_hash


class IndexMerge:
    """The entries of the index beside the records of the log, both by physical offset.

    Records before the first one that has an entry are not expected to have any: the index was off, or has expired.
    """

    def __init__(self, entries: Iterator[IndexEntry], begin: int, findings: Findings) -> None:
        """The log begins at `begin`: entries of what has expired are passed over."""
        self._entries = entries
        self._findings = findings
        self.count = 0
        """How many entries have been looked at."""
        self._next = self._read()
        self._begin = -1 if self._next is None else self._next.physical_offset
        while self._next is not None and self._next.physical_offset < begin:
            self._next = self._read()

    def _read(self) -> IndexEntry | None:
        entry = next(self._entries, None)
        self.count += entry is not None
        return entry

    def compare(self, record: Record, wanted: set[int]) -> set[int]:
        """Each entry of the record is of one of its keys; those that have none although they should are returned."""
        self._skip_to(record.physical_offset)
        found: set[int] = set()
        while (entry := self._next) is not None and entry.physical_offset == record.physical_offset:
            if entry.key_hash not in wanted:
                text = f"entry {entry.number} is of no key of the record at {entry.physical_offset}"
                self._findings.damage("index-entry", entry.file.name, entry.position, text)
            found.add(entry.key_hash)
            self._next = self._read()
        return wanted - found if 0 <= self._begin <= record.physical_offset else set()

    def _skip_to(self, physical_offset: int) -> None:
        while (entry := self._next) is not None and entry.physical_offset < physical_offset:
            text = f"entry {entry.number} points to {entry.physical_offset}, where no record begins"
            self._findings.damage("index-entry", entry.file.name, entry.position, text)
            self._next = self._read()

    def finish(self, end: int) -> None:
        """The log ends at `end`."""
        self._skip_to(end)
        while (entry := self._next) is not None:
            text = f"entry {entry.number} points to {entry.physical_offset}, behind the end of the log"
            self._findings.damage("index-entry", entry.file.name, entry.position, text)
            self._next = self._read()


def key_hashes(record: Record) -> set[int]:
    """What the index knows a record by (IndexService.buildIndex:202)."""
    if record.sys_flag & MessageSysFlag.TRANSACTION_ROLLBACK == MessageSysFlag.TRANSACTION_ROLLBACK:
        return set()
    keys = [key for key in (record.uniq_key, *(record.keys or "").split(" ")) if key]
    return {positive_hash(string_hash(f"{record.topic}#{key}")) for key in keys}
