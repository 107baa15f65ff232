"""Opening a store that exists: where the log ends, and what of it has to be dispatched again.

After a clean shutdown, and when the process died but the machine did not, all that was written is there. The last
entry of any ConsumeQueue then leads to the end of the log, and at most the last record has to be dispatched.

When the machine died, or when it is not known (a Java broker left the store), only what the checkpoint covers is known
to be on disk: from the newest file whose first record is that old, records are checked one by one and dispatched
again (CommitLog.recoverAbnormally:462). The first thing that is neither record nor blank ends the log, and what lies
behind it is cut off.
"""

from __future__ import annotations

import logging

from rocketpy.errors import ProtocolError
from rocketpy.protocol.record import (
    BLANK_MAGIC,
    MAGIC,
    decode,
    intact_size,
    peek_size_and_magic,
    peek_store_timestamp,
)
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queue import FILLER_SIZE, ConsumeQueue
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.dispatch import Dispatch
from rocketpy.store.index import Index
from rocketpy.store.lost_queues import LostQueues
from rocketpy.store.mapped_file import MappedFile

_log = logging.getLogger("rocketpy.store")
_progress = logging.getLogger("rocketpy.store.progress")
"""Shown to whoever waits for the start, also where only warnings are."""
_SLICE = 256 << 20
"""Bytes checked or dispatched between two lines of progress."""
_SECTOR = 512
"""A disk writes so much as a whole or not at all."""
_LOST_SECTOR = bytes(_SECTOR)


class Recovery:
    """One recovery, of a store whose files have been found but not looked into."""

    def __init__(
        self,
        log: CommitLog,
        queues: ConsumeQueues,
        index: Index | None,
        checkpoint: Checkpoint,
        dispatch: Dispatch,
        *,
        check_crc: bool,
        with_index: bool,
    ) -> None:
        self._log = log
        self._queues = queues
        self._index = index
        self._checkpoint = checkpoint
        self._dispatch = dispatch
        self._check_crc = check_crc
        self._with_index = with_index

    def run(self, *, closed: bool, same_boot: bool, lost: LostQueues | None = None) -> None:
        """Bring log, queues and index in line. `closed`: the last shutdown was clean. Raises StoreError.

        If files of queues may have gone, `lost` finds which.
        """
        log, queues = self._log, self._queues
        if not log.files.files:
            queues.delete()
            if self._index is not None:
                self._index.delete()
            log.open_at(0)
            self._dispatch.dispatched = 0
            return
        trusted = closed or same_boot
        for queue in queues:
            queue.recover(thoroughly=not trusted)
        synced = self._synced_until() if not closed else log.files.files[-1].end
        start = self._last_queued_record() if trusted else -1
        if start < 0:
            start = self._third_last_file() if closed else synced
        if not closed:
            died = "the process died" if same_boot else "it or the machine died"
            _log.warning("the store was not closed, %s: checking the log from %d on", died, start)
        end = self._end_of_log(start, may_be_torn=not closed, queued=start if same_boot else -1)
        redo = self._first_to_dispatch(start, synced, trusted=trusted)
        if not trusted:
            for queue in queues:
                queue.cut(self._end_of_trust(queue, synced, end))
        log.open_at(end, clear=not closed)
        for queue in queues:
            queue.truncate(end)
        if self._index is not None and self._index.truncate(end):
            self._checkpoint.index_timestamp = self._index.full_until       # or its old files may be believed again
            self._checkpoint.save()
        self._redo(redo, end)
        if lost is not None:
            lost.rebuild()
        if not closed:
            self._take_for_unsynced(synced)
        for queue in queues:
            queue.correct_min_offset(log.min_offset)
        _log.info("the log reaches from %d to %d, there are %d queues", log.min_offset, end, len(queues.table))

    def _last_queued_record(self) -> int:
        """Where the last record that has a queue entry begins, if it is intact; else -1."""
        last = max(self._queues, key=lambda queue: queue.max_physical_offset, default=None)
        entry = last.entry_before(last.next_offset) if last is not None else None
        if entry is None or last is None or last.max_physical_offset < self._log.min_offset:
            return -1
        physical_offset, size = entry
        file = self._log.files.find(physical_offset)
        if file is None or intact_size(file.view(), physical_offset - file.start, check_crc=self._check_crc) != size:
            return -1
        return physical_offset

    def _third_last_file(self) -> int:
        files = self._log.files.files
        return files[max(len(files) - 3, 0)].start

    def _synced_until(self) -> int:
        """The first record, roughly, that may not have been synced when the machine died.

        The checkpoint's times are those of records. If none is as late as that, the clock went back, or the checkpoint
        is damaged: it says nothing then. (Java believes it, and goes on from the newest file.)
        """
        safe = self._checkpoint.safe_timestamp(with_index=self._with_index)
        files = self._log.files.files
        if self._checkpoint.physical_timestamp > (newest := self._newest_time()):
            _log.warning(
                "the checkpoint is of %d, but no record is later than %d: everything is checked",
                self._checkpoint.physical_timestamp, newest,
            )  # fmt: skip
            return files[0].start
        for file in reversed(files):
            if _first_store_timestamp(file) <= safe:
                return file.start
        return files[0].start

    def _newest_time(self) -> int:
        """The latest storeTimestamp in the newest file that has any record, 0 without one."""
        newest = 0
        for file in reversed(self._log.files.files):
            position, view = 0, file.view()
            while size := intact_size(view, position, check_crc=False):
                newest = max(newest, peek_store_timestamp(view, position))
                position += size
            if newest:
                break
        return newest

    def _end_of_trust(self, queue: ConsumeQueue, synced: int, end: int) -> int:
        """The number behind the last entry of a queue that is right, and so are those before it.

        Those of records before `synced` are on disk. What is behind may be anything up to the first wrong one, and a
        torn entry looks like one of an older record: its record tells. `end` is that of the log.
        """
        trusted = queue.next_offset
        while trusted > 0 and not self._is_right(queue, trusted - 1, synced):
            trusted -= 1
        while trusted < queue.next_offset and self._is_right(queue, trusted, end):
            trusted += 1
        return trusted

    def _is_right(self, queue: ConsumeQueue, queue_offset: int, end: int) -> bool:
        """Whether an entry leads to its record, before `end`. If that has expired, being in order has to do."""
        physical_offset, size = queue.entry_before(queue_offset + 1) or (end, 0)
        if not 0 <= physical_offset < end or not 0 < size < FILLER_SIZE:
            return False
        if physical_offset < self._log.min_offset:
            before = queue.entry_before(queue_offset)
            return before is None or before[1] == FILLER_SIZE or before[0] < physical_offset
        file = self._log.files.find(physical_offset)
        if file is None or intact_size(file.view(), physical_offset - file.start, check_crc=False) != size:
            return False
        try:
            record = decode(file.view(), physical_offset - file.start)
        except ProtocolError:
            return False
        return (record.topic, record.queue_id, record.queue_offset) == (queue.topic, queue.queue_id, queue_offset)

    def _end_of_log(self, start: int, *, may_be_torn: bool, queued: int) -> int:
        """Where the last intact record ends that can be reached from the one at `start`.

        The record at `queued` was complete when it was entered into its queue, others `may_be_torn`.
        """
        end, last = start, -1
        file = self._log.files.find(start)
        while file is not None:
            view = file.view()
            position = end - file.start
            told = position + _SLICE
            while size := intact_size(view, position, check_crc=self._check_crc):
                if may_be_torn and _has_lost_sector(view, position, size):
                    break
                last = file.start + position
                position += size
                if position > told:
                    told += _SLICE
                    _progress.info("recovering: checked the log up to %d MiB", file.start + position >> 20)
            end = file.start + position
            following = self._log.files.find(file.end)
            _, magic = peek_size_and_magic(view, position)
            if following is None or (magic != BLANK_MAGIC and position + 8 <= file.size):
                if may_be_torn and last not in (-1, queued) and last >= file.start and not view[position - 1]:
                    end = last      # its text ends in zeroes: the process died while it wrote it
                break
            end = file.end
            file = following
        return end

    def _first_to_dispatch(self, start: int, synced: int, *, trusted: bool) -> int:
        """Where dispatching again begins: behind what queues and index are known to have."""
        oldest = self._log.min_offset
        first = min(start, max(self._queues.max_physical_offset, oldest))
        if self._index is not None and not self._index.files:
            first = oldest      # a store has one from its first message on: it was lost, or not wanted till now
        if self._index is not None and not trusted:
            known = self._index.discard_after(self._checkpoint.index_timestamp, synced)
            first = min(first, max(known, oldest))
        return first

    def _take_for_unsynced(self, synced: int) -> None:
        """What the dead process had not synced is synced with what comes now, or the checkpoint would promise it."""
        for file in self._log.files.files:
            if file.end > synced:
                file.doubt()
        for queue in self._queues:
            self._dispatch.sync_again(queue, synced)
        if self._index is not None:
            self._index.sync_again(self._checkpoint.index_timestamp)

    def _redo(self, start: int, end: int) -> None:
        dispatch = self._dispatch
        dispatch.dispatched = reached = start
        while not dispatch.catch_up(self._log, _SLICE, tell=False):
            if dispatch.dispatched == reached:
                _log.error("recovering: there is no record at %d, what follows cannot be dispatched", reached)
                break
            reached = dispatch.dispatched
            _progress.info("recovering: dispatched %d of %d MiB", reached - start >> 20, end - start >> 20)


def _has_lost_sector(view: memoryview, position: int, size: int) -> bool:
    """Whether a sector of an intact record, or what it has of one, never reached the disk.

    Only the body has a checksum, and lengths tell if the head is there. In topic and properties a lost sector is one
    of zeroes. They may have a zero of their own, but hardly all that is in a sector.
    """
    data = view[position : position + size].tobytes()
    if data[-1] and _LOST_SECTOR not in data:
        return False
    try:
        record = decode(view, position)
    except ProtocolError:
        return False
    text_at = size - len(record.properties) - len(record.topic.encode()) - 3
    for begin in range(-(position % _SECTOR), size, _SECTOR):
        text = data[max(begin, text_at) : begin + _SECTOR]
        if text and begin > 0 and not any(text):
            return True
    return False


def _first_store_timestamp(file: MappedFile) -> int:
    """storeTimestamp of a file's first record; a time beyond all others if it has none (CommitLog:543)."""
    view = file.view()
    _, magic = peek_size_and_magic(view, 0)
    timestamp = peek_store_timestamp(view) if magic == MAGIC else 0
    return timestamp or 1 << 63
