"""What follows an append: the ConsumeQueue entry, the index, and those who wait for messages to arrive.

Java does it in a thread of its own, ReputMessageService, a moment later; here it is part of the append. Only records
that this process did not append itself - found at recovery, or received from a master - are read from the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from rocketpy.errors import ProtocolError
from rocketpy.protocol.batch import Batch
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.properties import property_value
from rocketpy.protocol.record import (
    BLANK_MAGIC,
    Record,
    decode,
    intact_size,
    peek_size_and_magic,
)
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queue import ConsumeQueue
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.delay_levels import DelayLevels
from rocketpy.store.index import Index

ArrivalListener = Callable[[str, int, int, list[int], int], None]
"""Called with topic, queue id, queue offset behind the new messages, their tags codes and store timestamp (ms).

They are one message, or those of a batch; the same list is given to every listener.
"""

_log = logging.getLogger("rocketpy.store")
TRANSACTION_MASK: Final = MessageSysFlag.TRANSACTION_ROLLBACK
_COMMIT: Final = MessageSysFlag.TRANSACTION_COMMIT
_DELAY: Final = b"DELAY\x01"


def is_queued(sys_flag: int) -> bool:
    """Whether a record has a ConsumeQueue entry: prepared and rolled back ones have not."""
    return sys_flag & TRANSACTION_MASK in (0, _COMMIT)


class Dispatch:
    """Enters records into queues and index. Nothing here switches greenlets, unless a listener does: it must not."""

    __slots__ = ("_delay_levels", "_index", "_queues", "dirty", "dispatched", "listeners", "queue_timestamp")

    def __init__(
        self, queues: ConsumeQueues, index: Index | None, delay_levels: DelayLevels
    ) -> None:
        self._queues = queues
        self._index = index
        self._delay_levels = delay_levels
        self.listeners: list[ArrivalListener] = []
        self.dirty: list[ConsumeQueue] = []
        """Queues with entries that are not synced."""
        self.dispatched = 0
        """The physical offset of the first record that has not been dispatched."""
        self.queue_timestamp = 0
        """storeTimestamp (ms) of the last record that was entered into a queue."""

    def appended(self, record: Record, queue: ConsumeQueue, physical_offset: int, size: int, now: int) -> None:
        """Enter a record that was just appended; `queue` has room. StoreError if the index has not."""
        sys_flag = record.sys_flag
        kind = sys_flag & TRANSACTION_MASK
        queued = kind == 0 or kind == _COMMIT
        if queued:
            queue.put(physical_offset, size, record.tags_code)
            if not queue.is_dirty:
                queue.is_dirty = True
                self.dirty.append(queue)
            self.queue_timestamp = now
        index = self._index
        if index is not None:
            index.put(queue.index_hash, record.uniq_key, record.keys, sys_flag, physical_offset, now)
        self.dispatched = physical_offset + size
        if queued:
            self._tell(record, queue.next_offset, now)

    def appended_batch(self, batch: Batch, record: Record, queue: ConsumeQueue, now: int) -> None:
        """The same for records that a batch has become, `record` being lent to each of them in turn.

        First all go into the queue, then all into the index. If one of them has no room, StoreError, it begins with the
        first again later: what is there already stays as it is.
        """
        queue.put_batch(batch)
        if not queue.is_dirty:
            queue.is_dirty = True
            self.dirty.append(queue)
        self.queue_timestamp = now
        if self._index is not None:
            self._index.put_batch(queue.index_hash, batch, now)
        self.dispatched = batch.physical_offsets[-1] + batch.sizes[-1]
        self._tell_of(record, queue.next_offset, batch.tags_codes, now)

    def _tell(self, record: Record, next_queue_offset: int, store_timestamp: int) -> None:
        self._tell_of(record, next_queue_offset, [record.tags_code], store_timestamp)

    def _tell_of(self, record: Record, next_queue_offset: int, tags_codes: list[int], store_timestamp: int) -> None:
        """Call the listeners. The messages are stored, whatever becomes of that."""
        try:
            for listener in self.listeners:
                listener(record.topic, record.queue_id, next_queue_offset, tags_codes, store_timestamp)
        except Exception:
            _log.exception("a listener to arriving messages failed")

    def again(self, record: Record) -> None:
        """Enter a record read from the log, unless that has been done; an entry that is wrong is put right.

        Raises StoreError.
        """
        queue = self._queues.find_or_add(record.topic, record.queue_id)
        if is_queued(record.sys_flag):
            queue.put_at(record.queue_offset, record.physical_offset, record.size, record.tags_code)
            if queue.flushed_offset < queue.next_offset and not queue.is_dirty:
                queue.is_dirty = True
                self.dirty.append(queue)
            self.queue_timestamp = record.store_timestamp
        if self._index is not None:
            self._index.put(
                queue.index_hash, record.uniq_key, record.keys, record.sys_flag, record.physical_offset,
                record.store_timestamp,
            )  # fmt: skip

    def sync_again(self, queue: ConsumeQueue, synced: int) -> None:
        """Take the files with entries for records from physical offset `synced` on for not synced: see `Disk.doubt`."""
        queue.doubt(synced)
        if not queue.is_dirty:
            queue.is_dirty = True
            self.dirty.append(queue)

    def catch_up(self, log: CommitLog, limit: int, *, tell: bool = True) -> bool:
        """Dispatch at most `limit` bytes of the log that have not been; whether it has caught up.

        A record at the end that is not complete yet stays for the next time; what is no record in a file before the
        last is passed over with the rest of that file, as in Java (DefaultMessageStore.doReput:2008-2026). `tell` the
        listeners, or not. Raises StoreError.
        """
        self.dispatched = max(self.dispatched, log.min_offset)
        last = min(self.dispatched + limit, log.max_offset)
        while self.dispatched < last:
            window = log.window(self.dispatched)
            if window is None:
                break
            view, start, end = window
            position = self.dispatched - start
            size = intact_size(view, position, check_crc=False)
            if size and self.dispatched + size <= end:
                self.found(view, position, self.dispatched, tell=tell)
                self.dispatched += size
            elif end == start + log.file_size or peek_size_and_magic(view, position)[1] == BLANK_MAGIC:
                self.dispatched = start + log.file_size
            else:
                break
        return self.dispatched >= log.max_offset

    def found(self, view: memoryview, position: int, physical_offset: int, *, tell: bool) -> None:
        """Enter the record that stands at `position` of `view`: see `again`. `tell` the listeners, or not."""
        record = with_topic(view, position)
        if record is None:
            _log.error("the record at %d has no topic that could be: it is in no queue", physical_offset)
            return
        record.physical_offset = physical_offset
        record.read_properties()
        if record.topic == SCHEDULE_TOPIC:
            record.tags_code = self._deliver_time(record)
        self.again(record)
        if tell and is_queued(record.sys_flag):
            self._tell(record, record.queue_offset + 1, record.store_timestamp)

    def _deliver_time(self, record: Record) -> int:
        """What stands for the tag of a delayed message (CommitLog.checkMessageAndReturnSize:382-398).

        Java has no table of levels yet when it recovers, and delivers such messages at once.
        """
        level = property_value(record.properties, _DELAY)
        if level is None or not level.isdecimal() or int(level) == 0:
            return record.tags_code
        return self._delay_levels.deliver_time(min(int(level), self._delay_levels.highest), record.store_timestamp)


def with_topic(view: memoryview, position: int) -> Record | None:
    """The record there, None if its topic is damaged: only the body has a checksum. It cannot be a directory's name."""
    try:
        record = decode(view, position)
    except ProtocolError:
        return None
    topic = record.topic
    return None if "/" in topic or "\0" in topic or topic in ("", ".", "..") else record
