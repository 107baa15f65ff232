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
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.dispatch import Dispatch
from rocketpy.store.index import Index
from rocketpy.store.mapped_file import MappedFile

_log = logging.getLogger("rocketpy.store")
_SLICE = 256 << 20
"""Bytes dispatched between two lines of progress."""


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

    def run(self, *, closed: bool, same_boot: bool) -> None:
        """Bring log, queues and index in line. `closed`: the last shutdown was clean. Raises StoreError."""
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
        start = self._last_queued_record() if trusted else -1
        if start < 0:
            start = self._third_last_file() if closed else self._synced_until()
        if not closed:
            died = "the process died" if same_boot else "it or the machine died"
            _log.warning("the store was not closed, %s: checking the log from %d on", died, start)
        end, last = self._end_of_log(start)
        if not closed and self._is_torn(last, queued=same_boot and last == start):
            end = last
        redo = self._first_to_dispatch(start, closed=closed, same_boot=same_boot)
        log.open_at(end, clear=not closed)
        for queue in queues:
            queue.truncate(end)
        if self._index is not None:
            self._index.truncate(end)
        self._redo(redo, end)
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
        """The first record, roughly, that may not have been synced when the machine died."""
        safe = self._checkpoint.safe_timestamp(with_index=self._with_index)
        files = self._log.files.files
        for file in reversed(files):
            if _first_store_timestamp(file) <= safe:
                return file.start
        return files[0].start

    def _end_of_log(self, start: int) -> tuple[int, int]:
        """Where the last intact record ends that can be reached from the one at `start`, and where it begins, or -1."""
        end = start
        last = -1
        file = self._log.files.find(start)
        while file is not None:
            view = file.view()
            position = end - file.start
            while size := intact_size(view, position, check_crc=self._check_crc):
                last = file.start + position
                position += size
            end = file.start + position
            following = self._log.files.find(file.end)
            _, magic = peek_size_and_magic(view, position)
            if following is None or (magic != BLANK_MAGIC and position + 8 <= file.size):
                break
            end = file.end
            file = following
        return end, last

    def _is_torn(self, physical_offset: int, *, queued: bool) -> bool:
        """Whether the last record was not written completely: only the body has a checksum, so zeroes tell.

        One that is `queued` was complete when it was entered into its queue.
        """
        file = self._log.files.find(physical_offset) if physical_offset >= 0 and not queued else None
        if file is None:
            return False
        record = decode(file.view(), physical_offset - file.start)
        return b"\0" in record.properties or "\0" in record.topic

    def _first_to_dispatch(self, start: int, *, closed: bool, same_boot: bool) -> int:
        """Where dispatching again begins: behind what queues and index are known to have."""
        oldest = self._log.min_offset
        first = min(start, max(self._queues.max_physical_offset, oldest))
        if self._index is not None and not closed and not same_boot:
            gone = self._index.discard_after(self._checkpoint.index_timestamp)
            first = min(first, max(gone, oldest)) if gone >= 0 else first
        return first

    def _redo(self, start: int, end: int) -> None:
        dispatch = self._dispatch
        dispatch.dispatched = reached = start
        while not dispatch.catch_up(self._log, _SLICE, tell=False):
            if dispatch.dispatched == reached:
                _log.error("recovering: there is no record at %d, what follows cannot be dispatched", reached)
                break
            reached = dispatch.dispatched
            _log.info("recovering: dispatched %d of %d bytes", reached - start, end - start)


def _first_store_timestamp(file: MappedFile) -> int:
    """storeTimestamp of a file's first record; a time beyond all others if it has none (CommitLog:543)."""
    view = file.view()
    _, magic = peek_size_and_magic(view, 0)
    timestamp = peek_store_timestamp(view) if magic == MAGIC else 0
    return timestamp or 1 << 63
