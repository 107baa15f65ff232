"""Which entries of a ConsumeQueue somebody wants, by their tags codes or by the records that they point to.

Part of the hot path of pulls with a filter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from mypy_extensions import i64

from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queue import ENTRY_SIZE
from rocketpy.store.consume_queue_ext import HIGHEST_ADDRESS, ConsumeQueueExt

_COPIED: Final = 2048
"""Records up to this size are copied, which costs less than a view."""
_FEWEST: Final = 4
_MOST: Final = 128
"""Entries that are looked at together, more and more as long as none of them is wanted."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Lets records through by what is in them, after their tags codes if there are `codes`.

    `may_match` is asked before a record with a unit in a ConsumeQueueExt is read: with its storeTimestamp (ms) and the
    unit's bit map. False spares the reading.
    """

    matches: Callable[[bytes | memoryview], bool]
    codes: frozenset[int] | None = None
    may_match: Callable[[int, bytes], bool] | None = None


TagsFilter = frozenset[int] | RecordFilter
"""Tags codes to let through, or what looks at the records themselves."""


class EntryFilter:
    """Asks a filter about the entries of one queue, whose extension is `ext`; for one get, since it keeps a view."""

    __slots__ = ("_begin", "_codes", "_end", "_ext", "_log", "_mapping", "_matches", "_may_match", "_view")

    def __init__(self, wanted: TagsFilter, log: CommitLog, ext: ConsumeQueueExt | None) -> None:
        self._log = log
        self._ext = ext
        self._matches: Callable[[bytes | memoryview], bool] | None = None
        self._may_match: Callable[[int, bytes], bool] | None = None
        self._codes: frozenset[int] | None
        if isinstance(wanted, RecordFilter):
            self._codes, self._matches, self._may_match = wanted.codes, wanted.matches, wanted.may_match
        else:
            self._codes = wanted
        self._view = memoryview(b"")
        self._mapping: Any = b""
        self._begin: i64 = 0
        self._end: i64 = 0

    def first_wanted(self, entries: memoryview) -> int:
        """A number of entries at the beginning that are not wanted: 0.05 us each, where `lets_through` takes 0.1."""
        codes = self._codes
        available = len(entries) // ENTRY_SIZE
        if codes is None:
            return 0
        first, count = 0, _FEWEST
        while first < available:
            tags_codes = _tags_codes(min(count, available - first)).unpack_from(entries, first * ENTRY_SIZE)
            if not codes.isdisjoint(tags_codes) or min(tags_codes) <= HIGHEST_ADDRESS:
                return first
            first += count
            count = min(2 * count, _MOST)
        return available

    def lets_through(self, physical_offset: i64, size: i64, tags_code: i64) -> bool:
        """Whether an entry is wanted.

        The address of a lost unit is let through, since the consumer looks at the tags, too; so is a record that
        cannot be read, which whoever asks for it will notice.
        """
        if tags_code <= HIGHEST_ADDRESS and self._ext is not None:
            unit = self._ext.unit(tags_code)
            if unit is not None:
                tags_code = unit[0]
                if self._may_match is not None and not self._may_match(unit[1], unit[2]):
                    return False
        codes = self._codes
        if codes is not None and tags_code > HIGHEST_ADDRESS and tags_code not in codes:
            return False
        return self._matches is None or self._record_matches(self._matches, physical_offset, size)

    def _record_matches(
        self, matches: Callable[[bytes | memoryview], bool], physical_offset: i64, size: i64
    ) -> bool:
        end = physical_offset + size
        if physical_offset < self._begin or end > self._end:
            window = self._log.window(physical_offset)
            if window is None:
                return True
            self._view, self._begin, self._end = window
            self._mapping = self._view.obj
            if end > self._end:
                return True
        position = physical_offset - self._begin
        if size <= _COPIED:
            return matches(self._mapping[position : position + size])
        return matches(self._view[position : position + size])


@lru_cache(maxsize=_MOST)
def _tags_codes(count: int) -> Struct:
    """Reads the tags codes of so many entries."""
    return Struct(">" + "12xq" * count)
