"""Reading messages back: by place in a queue, by time, by key (DefaultMessageStore.java:513-1000)."""

from __future__ import annotations

import os
from functools import lru_cache
from struct import Struct
from typing import Final

from mypy_extensions import i64

from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.protocol.record import peek_store_timestamp
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE, FILLER_SIZE, ConsumeQueue
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.entry_filter import EntryFilter, TagsFilter
from rocketpy.store.index import Index
from rocketpy.store.results import GetResult, GetStatus, QueryResult

_FEWEST_LOOKED_AT: Final = 800
"""Entries that a get looks at for one that its filter lets through; more if it may return more (543)."""
_QUERY_TRIES: Final = 3


@lru_cache(maxsize=1024)
def _entries(count: int) -> Struct:
    """Reads so many entries."""
    return Struct(">" + "qiq" * count)


@lru_cache(maxsize=1024)
def _offsets_and_sizes(count: int) -> Struct:
    """Reads the first two fields of so many entries."""
    return Struct(">" + "qi8x" * count)


def physical_memory() -> int:
    """Bytes of memory that the machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Reader:
    """Finds messages. Views that it hands out are read-only and stay valid when their file is deleted."""

    def __init__(self, config: StoreConfig, log: CommitLog, queues: ConsumeQueues, index: Index | None) -> None:
        self._config = config
        self._log = log
        self._queues = queues
        self._index = index
        self._physical_memory = physical_memory()

    def get(
        self, topic: str, queue_id: int, queue_offset: int, max_count: int, tags_filter: TagsFilter | None = None
    ) -> GetResult:
        """Messages of a queue from `queue_offset` on (getMessage:513-690).

        At most `max_count`, and as many and as large as the configuration allows for what is in memory or on disk
        only; but one at least. ValueError for a negative `max_count`.
        """
        queue = self._queues.table.get((topic, queue_id))
        if queue is None:
            return GetResult(GetStatus.NO_MESSAGE_IN_QUEUE, self._corrected(queue_offset, 0), 0, 0)
        low, high = queue.min_offset, queue.next_offset
        if high == 0:
            return GetResult(GetStatus.NO_MESSAGE_IN_QUEUE, self._corrected(queue_offset, 0), low, high)
        if queue_offset < low:
            return GetResult(GetStatus.OFFSET_TOO_SMALL, self._corrected(queue_offset, low), low, high)
        if queue_offset == high:
            return GetResult(GetStatus.OFFSET_OVERFLOW_ONE, queue_offset, low, high)
        if queue_offset > high:
            return GetResult(GetStatus.OFFSET_OVERFLOW_BADLY, self._corrected(queue_offset, high), low, high)
        entries = queue.entries(queue_offset)
        if entries is None:
            following = self._corrected(queue_offset, queue.next_file_offset(queue_offset))
            return GetResult(GetStatus.OFFSET_FOUND_NULL, following, low, high)
        if max_count < 0:
            raise ValueError(f"Illegal Capacity: {max_count}")
        most = max(_FEWEST_LOOKED_AT, max_count) * ENTRY_SIZE
        result = GetResult(GetStatus.NO_MATCHED_MESSAGE, queue_offset, low, high)
        if tags_filter is None and self._collect_all(entries, max_count, result):
            return result
        if len(entries) > most:
            entries = entries[:most]
        wanted = None if tags_filter is None else EntryFilter(tags_filter, self._log, queue.ext)
        self._collect(entries, max_count, wanted, result)
        return result

    def _corrected(self, asked: int, right: int) -> int:
        """Where to go on from (nextOffsetCorrection:1158): a slave that lags leaves the offset as it is."""
        config = self._config
        return right if config.broker_role is not BrokerRole.SLAVE or config.offset_check_in_slave else asked

    def _collect(
        self, entries: memoryview, max_count: int, wanted: EntryFilter | None, result: GetResult
    ) -> None:
        """Put the records into `result` that entries point to and that are wanted; without a filter all are."""
        log = self._log
        log_begin, log_end = log.min_offset, log.max_offset
        cold_before, most_bytes, most_count, cold_bytes, cold_count = self._limits(max_count, log_end)
        available = len(entries) // ENTRY_SIZE
        looked = 0 if wanted is None else wanted.first_wanted(entries)
        physical_offset: i64 = ENTRY.unpack_from(entries, (looked - 1) * ENTRY_SIZE)[0] if looked else 0
        runs: list[int] = []
        end: i64 = 0
        total: i64 = 0
        count = at = 0
        fields: tuple[int, ...] = ()
        while looked < available:
            if at == len(fields):  # as many as are likely to be needed
                fields = _entries(min(available - looked, most_count + 1)).unpack_from(entries, looked * ENTRY_SIZE)
                at = 0
            physical_offset = fields[at]
            size: i64 = fields[at + 1]
            tags_code: i64 = fields[at + 2]
            at += 3
            if count and (
                (total + size > cold_bytes or count >= cold_count)
                if physical_offset < cold_before
                else (total + size > most_bytes or count >= most_count)
            ):
                break
            looked += 1
            if wanted is not None and not wanted.lets_through(physical_offset, size, tags_code):
                if not count:
                    result.status = GetStatus.NO_MATCHED_MESSAGE
            elif physical_offset < log_begin or physical_offset + size > log_end:
                if not count:
                    result.status = GetStatus.MESSAGE_WAS_REMOVING
            else:
                if physical_offset != end or not count:
                    if count:
                        runs.append(end)
                    runs.append(physical_offset)
                end = physical_offset + size
                count += 1
                total += size
        result.next_begin_offset += looked
        result.behind = log_end - physical_offset
        result.suggest_slave = physical_offset < cold_before
        if count:
            runs.append(end)
            self._found(runs, count, total, result)

    def _collect_all(self, entries: memoryview, max_count: int, result: GetResult) -> bool:
        """`_collect` for who wants every message, at a third of its cost: entries are unpacked at once, without tags.

        False, and nothing done, when the log does not have one of them any more.
        """
        log = self._log
        log_begin, log_end = log.min_offset, log.max_offset
        cold_before, most_bytes, most_count, cold_bytes, cold_count = self._limits(max_count, log_end)
        available = min(len(entries) // ENTRY_SIZE, max(most_count, cold_count, 1) + 1)  # one more is looked at (628)
        places = _offsets_and_sizes(available).unpack_from(entries)
        runs: list[int] = []
        end: i64 = -1
        total: i64 = 0
        physical_offset: i64 = 0
        count = 0
        for at in range(0, 2 * available, 2):
            physical_offset = places[at]
            size: i64 = places[at + 1]
            if count and (
                (total + size > cold_bytes or count >= cold_count)
                if physical_offset < cold_before
                else (total + size > most_bytes or count >= most_count)
            ):
                break
            if physical_offset < log_begin or physical_offset + size > log_end:
                return False
            if physical_offset != end:
                if count:
                    runs.append(end)
                runs.append(physical_offset)
            end = physical_offset + size
            count += 1
            total += size
        runs.append(end)
        result.next_begin_offset += count
        result.behind = log_end - physical_offset
        result.suggest_slave = physical_offset < cold_before
        self._found(runs, count, total, result)
        return True

    def _limits(self, max_count: int, log_end: int) -> tuple[i64, i64, i64, i64, i64]:
        """The physical offset before which records are cold; the most bytes and records, and those of cold ones."""
        config = self._config
        return (
            log_end - self._memory(),
            config.max_transfer_bytes_on_message_in_memory,
            min(max_count, config.max_transfer_count_on_message_in_memory),
            config.max_transfer_bytes_on_message_in_disk,
            min(max_count, config.max_transfer_count_on_message_in_disk),
        )

    def _found(self, runs: list[int], count: int, total: int, result: GetResult) -> None:
        result.views = self._log.read_runs(runs)
        result.status = GetStatus.FOUND if result.views else GetStatus.MESSAGE_WAS_REMOVING
        result.message_count = count
        result.size = total

    def is_cold(self, queue: ConsumeQueue, queue_offset: int) -> bool:
        """Whether the log has since grown by more than fits into memory (checkInDiskByConsumeOffset:1112)."""
        entry = queue.entry(queue_offset)
        return entry is not None and self._log.max_offset - entry[0] > self._memory()

    def _memory(self) -> int:
        """Bytes at the end of the log that count as in memory."""
        return int(self._physical_memory * (self._config.access_message_in_memory_max_ratio / 100.0))

    def store_time(self, queue: ConsumeQueue, queue_offset: int) -> int:
        """storeTimestamp (ms) of the message with that number, -1 if it is not there."""
        entry = queue.entry(queue_offset)
        return -1 if entry is None else self._log.store_time(entry[0], entry[1])

    def offset_by_time(self, queue: ConsumeQueue, timestamp: int) -> int:
        """The number of the message stored at `timestamp` (ms), or the nearest one (ConsumeQueue:159-226).

        Searched is the first file whose last message is not older, or the last file. Java goes by the files'
        modification times instead, and so finds something else in a store that has been copied.
        """
        for file in queue.files.files:
            first = max(queue.min_offset, file.start // ENTRY_SIZE)
            last = min(file.end // ENTRY_SIZE, queue.next_offset) - 1
            if last >= first and (file is queue.files.last or self.store_time(queue, last) >= timestamp):
                return self._search(queue, first, last, timestamp)
        return 0

    def _search(self, queue: ConsumeQueue, low: int, high: int, timestamp: int) -> int:
        oldest = self._log.min_offset
        before = after = before_time = after_time = -1
        while low <= high:
            middle = (low + high) // 2
            entry = queue.entry(middle)
            if entry is None:
                return 0
            if entry[0] < oldest or entry[1] == FILLER_SIZE:
                low, before = middle + 1, middle
                continue
            time = self._log.store_time(entry[0], entry[1])
            if time < 0:
                return 0
            if time == timestamp:
                return middle
            if time > timestamp:
                high, after, after_time = middle - 1, middle, time
            else:
                low, before, before_time = middle + 1, middle, time
        if before_time < 0:
            return max(after, 0)
        if after_time < 0:
            return before
        return after if timestamp - before_time > after_time - timestamp else before

    def query(self, topic: str, key: str, max_count: int, begin: int, end: int) -> QueryResult:
        """Messages of `topic` that may have `key`, stored from `begin` to `end` (ms) (queryMessage:937-985)."""
        result = QueryResult()
        index = self._index
        if index is None or not index.files:
            return result
        max_count = min(max_count, self._config.max_msgs_num_batch)
        last_time = end
        for _ in range(_QUERY_TRIES):
            offsets = sorted(index.find(topic, key, max_count, begin, last_time))
            if not offsets:
                break
            result.index_last_update_timestamp = index.files[-1].end_timestamp
            result.index_last_update_physical_offset = index.files[-1].end_physical_offset
            found = [self._log.message_at(physical_offset) for physical_offset in offsets]
            result.views = [view for view in found if view is not None]
            if found[0] is not None:
                last_time = peek_store_timestamp(found[0])
            if result.views or last_time < begin:
                break
        return result
