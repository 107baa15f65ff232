"""The CommitLog: every message of every topic, one behind the other (the record's layout: `rocketpy.protocol.record`).

Files are as long as the configuration says. A record never spans two of them: when it does not leave 8 bytes of room,
a blank record fills the rest and the next file begins (CommitLog.java:1358).

An append neither waits nor switches greenlets, so it is atomic as far as this process can see. Room is reserved on
disk before it is written (see `MappedFile.reserve`), a chunk at a time, by `ReserveAhead` jobs that run while there is
still room; only when they come late does an append reserve by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rocketpy.errors import StoreError
from rocketpy.protocol.batch import Batch
from rocketpy.protocol.record import BLANK_SIZE, Record, blank, encode_into, peek_size_and_magic, peek_store_timestamp
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.mapped_files import MappedFiles

CHUNK: Final = 16 << 20
"""Bytes that are reserved at a time: 0.1 s of the fastest writer, and cheap enough for a small machine."""
WARMED: Final = 256 << 10
"""Bytes of memory that are made ready at a time (see `MappedFile.warm`): 50 us, once in a thousand messages."""


_COPIED: Final = 2048
Buffer = bytes | memoryview


class CommitLog:
    """The log in some directories, of which some are only read. Nothing is made before `load` and `open_at`."""

    __slots__ = (
        "_file", "_limit", "_next", "_position", "_reserved", "_start", "_view", "files", "last_store_timestamp",
    )  # fmt: skip

    def __init__(self, directories: Sequence[str], file_size: int, read_only: Sequence[str] = ()) -> None:
        self.files = MappedFiles(directories, file_size, read_only, sparse=False)
        self._file: MappedFile | None = None
        self._next: MappedFile | None = None
        self._view = memoryview(b"")
        self._start = 0
        self._position = 0
        self._limit = 0  # up to where the file may be written to
        self._reserved = 0  # up to where the disk keeps room for it
        self.last_store_timestamp = 0

    @property
    def file_size(self) -> int:
        """Bytes of one file."""
        return self.files.file_size

    @property
    def max_offset(self) -> int:
        """The physical offset at which the next record goes; 0 without files (MappedFileQueue.getMaxOffset:293)."""
        return self._start + self._position

    @property
    def min_offset(self) -> int:
        """The physical offset of the oldest byte kept; -1 without files (CommitLog.getMinOffset:919)."""
        files = self.files.files
        return files[0].start if files else -1

    def load(self) -> None:
        """Find the files. Raises StoreError."""
        self.files.load()

    def open_at(self, end: int, *, clear: bool = False) -> None:
        """Go on writing at physical offset `end`; later files are deleted, and with `clear` later bytes are zeroed.

        Raises StoreError.
        """
        self.files.truncate(end)
        file = self.files.last
        if clear and file is not None:
            file.clear(end - file.start)
            file.sync()         # it must not come back, not even by a power failure that brings old sectors back
        self._file = file
        self._next = None
        if file is None:
            self._view, self._start = memoryview(b""), end
            self._position = self._limit = self._reserved = 0
        else:
            self._view, self._start = file.view(), file.start
            self._position = self._limit = self._reserved = end - file.start
            file.expect_appends(self._position)

    def release(self) -> None:
        """Unmap all files; nothing can be appended any more, what is read is mapped again."""
        self._view = memoryview(b"")
        self.files.release()

    def append(self, record: Record, topic: bytes, size: int, queue_offset: int, now: int) -> int:
        """Write a record of `size` bytes, stored at `now`, and return its physical offset.

        `topic` is the record's `topic_field`. Raises StoreError, with nothing written, when there is no room.
        """
        position = self._position
        if position + size + BLANK_SIZE > self._limit:
            self._make_room(size + BLANK_SIZE)
            position = self._position
        physical_offset = self._start + position
        encode_into(self._view, position, record, topic, queue_offset, physical_offset, now)
        self._position = position + size
        self.last_store_timestamp = now
        return physical_offset

    def append_batch(self, batch: Batch, record: Record, topic: bytes, queue_offset: int, now: int) -> None:
        """Write the records of a batch, for which there is room (`make_room`), with one copy."""
        position = self._position
        data = batch.encode(record, topic, queue_offset, self._start + position, now)
        self._view[position : position + len(data)] = data
        self._position = position + len(data)
        self.last_store_timestamp = now

    def make_room(self, size: int) -> None:
        """Make sure that `size` bytes of records fit into the current file, rolling if they do not.

        For batches, which go into one file as a whole (CommitLog:1461-1474). Raises StoreError.
        """
        if self._position + size + BLANK_SIZE > self._limit:
            self._make_room(size + BLANK_SIZE)

    def append_raw(self, physical_offset: int, data: bytes | memoryview) -> None:
        """Write bytes of a master's log; they continue this one, or begin it with a file, and lie in one file.

        Raises StoreError.
        """
        begins = self._file is None and physical_offset % self.file_size == 0
        if physical_offset != self.max_offset and not begins:
            raise StoreError(f"the log ends at {self.max_offset}, cannot append at {physical_offset}")
        if self._file is None or self._position == self.file_size:
            self._roll(physical_offset)
        end = self._position + len(data)
        if end > self._limit:
            self._ready(len(data))
        self._view[self._position : end] = data
        self._position = end

    def _make_room(self, length: int) -> None:
        """Reserve `length` bytes behind the position, in the next file if need be."""
        if self._file is None:
            self._roll(self._start - self._start % self.file_size)
        elif self._position + length > self.file_size:
            room = self.file_size - self._position
            if room:
                if self._limit < self._position + BLANK_SIZE:
                    self._ready(BLANK_SIZE)
                view, position = self._view, self._position
                self._roll(self._start + self.file_size)
                view[position : position + BLANK_SIZE] = blank(room)
            else:
                self._roll(self._start + self.file_size)
        if self._position + length > self._limit:
            self._ready(length)

    def _ready(self, length: int) -> None:
        """Reserve and warm `length` bytes behind the position, or what is left of the file."""
        file = self._file
        assert file is not None
        end = min(self._position + length, self.file_size)
        if end > self._reserved:
            reserved = min(max(end, self._position + CHUNK), self.file_size)
            file.reserve(self._position, reserved - self._position)
            self._reserved = reserved
        end = min(max(end, self._limit + WARMED), self._reserved)
        file.warm(self._limit, end - self._limit)
        self._limit = end

    def _roll(self, start: int) -> None:
        """Begin the file at `start`: the one made ahead, or a new one."""
        file = self._next
        if file is not None and file.start == start:
            self.files.files.append(file)
        else:
            file = self.files.add(start)
        if self._file is not None:
            self._file.expect_reads()
        file.expect_appends(0)
        self._next = None
        self._file = file
        self._view = file.view()
        self._start = start
        self._position = self._limit = self._reserved = 0

    def reserve_ahead(self) -> ReserveAhead | None:
        """The job that makes room for coming appends, or None while there is enough. Hand it back to `reserved`."""
        file = self._file
        if file is None:
            return None
        if self._reserved - self._position < CHUNK // 2 and self._reserved < self.file_size:
            return ReserveAhead(self.files, file, file.start + self._reserved)
        if self._next is None and self.file_size - self._position < 4 * CHUNK:
            return ReserveAhead(self.files, None, file.end)
        return None

    def reserved(self, job: ReserveAhead) -> None:
        """Use what a job has reserved. If it failed, the append that needs the room says why."""
        file = self._file
        if job.error is not None or job.file is None or file is None:
            return
        if job.file is file:
            self._reserved = max(self._reserved, job.end - file.start)
        elif job.file.start == file.end:
            self._next = job.file

    def window(self, physical_offset: int) -> tuple[memoryview, int, int] | None:
        """A read-only view of the file around `physical_offset`, where it begins, and where what is written ends.

        None if the log does not reach there, or no longer does.
        """
        file = self.files.find(physical_offset)
        if file is None:
            return None
        end = file.end if file is not self._file else self._start + self._position
        if physical_offset >= end:
            return None
        return file.view().toreadonly(), file.start, end

    def read(self, physical_offset: int, size: int) -> memoryview | None:
        """`size` bytes at `physical_offset`, or None if they are not (all) there (CommitLog.getMessage:935)."""
        window = self.window(physical_offset)
        if window is None or size < 0 or physical_offset + size > window[2]:
            return None
        position = physical_offset - window[1]
        return window[0][position : position + size]

    def read_runs(self, runs: list[int]) -> list[Buffer]:
        """The bytes from begin to end of each run, none of which spans two files; less if a file is missing.

        `runs` has begin and end of one run after the other. Short ones are copied, which takes half of the time of a
        view: 0.06 us, not 0.12.
        """
        pieces: list[Buffer] = []
        view, start, end = memoryview(b""), 0, 0
        mapping: Any = b""
        for at in range(0, len(runs), 2):
            first, behind = runs[at], runs[at + 1]
            if not (start <= first and behind <= end):
                window = self.window(first)
                if window is None:
                    continue
                view, start, end = window
                mapping = view.obj
            if behind - first <= _COPIED:
                pieces.append(mapping[first - start : behind - start])
            else:
                pieces.append(view[first - start : behind - start])
        return pieces

    def message_at(self, physical_offset: int) -> memoryview | None:
        """The record at `physical_offset` by its own size, or None (DefaultMessageStore.selectOneMessageByOffset:799).

        Only the size is looked at: an offset inside a record gives whatever its bytes say there, as in Java.
        """
        window = self.window(physical_offset)
        if window is None:
            return None
        view, start, end = window
        position = physical_offset - start
        size, _ = peek_size_and_magic(view, position)
        return view[position : position + size] if 0 < size <= end - physical_offset else None

    def store_time(self, physical_offset: int, size: int) -> int:
        """storeTimestamp of the record there in ms, -1 if it is gone (CommitLog.pickupStoreTimestamp:902)."""
        view = self.read(physical_offset, size) if physical_offset >= self.min_offset else None
        return -1 if view is None else peek_store_timestamp(view)

    def delete_prepared(self) -> None:
        """Remove the file that was made ahead and never used (AllocateMappedFileService:124-132)."""
        if self._next is not None:
            self._next.delete()
            self._next = None


class ReserveAhead:
    """A job that has the disk keep room for a chunk of the log at `start`: `run` it in any thread.

    If `file` is None the chunk is the first of the next file, which is made.
    """

    __slots__ = ("_files", "end", "error", "file", "start")

    def __init__(self, files: MappedFiles, file: MappedFile | None, start: int) -> None:
        self._files = files
        self.file = file
        self.start = start
        self.end = start + min(CHUNK, files.file_size - start % files.file_size)
        self.error: StoreError | None = None

    def run(self) -> None:
        """Do it; a failure is kept in `error`."""
        try:
            if self.file is None:
                self.file = self._files.prepare(self.start)
            self.file.reserve(self.start - self.file.start, self.end - self.start)
        except StoreError as error:
            self.error = error
