"""One ConsumeQueue: for each message of a queue, where it is in the CommitLog and what its tag hashes to.

```
position  field            Java type
       0  physicalOffset   long
       8  size             int      of the record; an entry is there when this is positive
      12  tagsCode         long     hash of the tag, time of delivery in SCHEDULE_TOPIC_XXXX, or an extension's address
```
Entry n is at byte 20 * n of the sequence of files. Where a sequence does not begin at a file's begin, or has lost
entries, fillers (0, 0x7FFFFFFF, 0) stand in for them (ConsumeQueue.java:532-542).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from struct import Struct
from typing import Final

from rocketpy.protocol.batch import Batch
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.record import SMALLEST_RECORD, topic_field
from rocketpy.store.consume_queue_ext import HIGHEST_ADDRESS, ConsumeQueueExt
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.mapped_files import MappedFiles

ENTRY: Final = Struct(">qiq")
ENTRY_SIZE: Final = 20
_BEHIND_OFFSET: Final = Struct(">iq")
_FILLER: Final = ENTRY.pack(0, 0x7FFFFFFF, 0)
_TAGS_AT: Final = 12
_EXT_ADDRESS_BEGINS: Final = 0x80
"""First byte of a tags code that is an address in a ConsumeQueueExt."""
_NO_ENTRY: Final = bytes(ENTRY_SIZE)
FILLER_SIZE: Final = 0x7FFFFFFF
_FILES_SEARCHED: Final = 3
"""Files at the end of a queue that are looked through after a crash, as in Java."""
_CHUNK: Final = 819 * ENTRY_SIZE
"""Bytes reserved on disk at a time, four pages: a store may have thousands of queues."""


class ConsumeQueue:
    """The queue `queue_id` of `topic`; its files are made with the first entry and mapped when they are used.

    With an extension, `ext`, whoever dispatches puts a unit there and its address into the entry.
    """

    __slots__ = (
        "_file", "_limit", "_opened", "_position", "_view", "ext", "files", "flushed_offset", "index_hash", "is_dirty",
        "max_physical_offset", "min_offset", "next_offset", "queue_id", "topic", "topic_field",
    )  # fmt: skip

    def __init__(
        self, directory: str, topic: str, queue_id: int, file_size: int, opened: Callable[[ConsumeQueue], None]
    ) -> None:
        """`opened` is told whenever a file gets mapped."""
        self._opened = opened
        self.topic = topic
        self.queue_id = queue_id
        self.files = MappedFiles([os.path.join(directory, topic, str(queue_id))], file_size, sparse=True)
        self.topic_field = topic_field(topic)
        self.index_hash = string_hash(topic + "#")
        """Java's hash of "topic#": what the index hashes keys on top of."""
        self.min_offset = 0
        """Number of the oldest entry whose record is still in the log."""
        self.next_offset = 0
        """Number that the next entry gets: what Java calls the queue's max offset."""
        self.max_physical_offset = -1
        """End of the last record that has an entry; -1 without any."""
        self.flushed_offset = 0
        """Entries before this number are synced."""
        self.is_dirty = False
        self.ext: ConsumeQueueExt | None = None
        self._file: MappedFile | None = None
        self._view = memoryview(b"")
        self._position = 0
        self._limit = 0

    def view_of(self, file: MappedFile) -> memoryview:
        """All of one of its files; whoever counts open files is told."""
        if not file.is_mapped:
            self._opened(self)
        return file.view()

    def ensure_room(self) -> None:
        """Make sure that the next entry can be written. Raises StoreError."""
        if self._position == self._limit:
            self._make_room()

    def put(self, physical_offset: int, size: int, tags_code: int) -> None:
        """Add the next entry. `ensure_room` comes before, so that a full disk is known before the log is written."""
        position = self._position
        ENTRY.pack_into(self._view, position, physical_offset, size, tags_code)
        self._position = position + ENTRY_SIZE
        self.next_offset += 1
        self.max_physical_offset = physical_offset + size

    def put_batch(self, batch: Batch) -> None:
        """Add the entries of a batch, with one copy for each chunk. Raises StoreError, then some are not there."""
        sizes, tags_codes = batch.sizes, batch.tags_codes
        pieces: list[bytes] = []
        size = tags_code = -1
        behind_offset = b""
        for number in range(len(sizes)):
            if sizes[number] != size or tags_codes[number] != tags_code:  # as a rule, all are the same
                size, tags_code = sizes[number], tags_codes[number]
                behind_offset = _BEHIND_OFFSET.pack(size, tags_code)
            pieces.append(batch.offset_fields[number])
            pieces.append(behind_offset)
        entries = b"".join(pieces)
        done = 0
        while done < len(entries):
            self.ensure_room()
            position = self._position
            part = entries[done : done + self._limit - position]
            self._view[position : position + len(part)] = part
            done += len(part)
            self._position = position + len(part)
            self.next_offset += len(part) // ENTRY_SIZE
            last = done // ENTRY_SIZE - 1
            self.max_physical_offset = batch.physical_offsets[last] + sizes[last]

    def put_at(self, queue_offset: int, physical_offset: int, size: int, tags_code: int) -> None:
        """Enter a record that is being dispatched again, at the number it was stored with. Raises StoreError.

        An entry that is already there is compared, and a hole is filled in. What follows the last entry is added;
        where the log has lost records of the queue, fillers stand in. The number is in the record's header, which has
        no checksum: one that cannot be is not believed. (Java adds every record that is not there at the end, and
        skips those with low numbers: ConsumeQueue:481-527.)
        """
        if physical_offset < self.max_physical_offset:
            self._fill_hole(queue_offset, ENTRY.pack(physical_offset, size, tags_code))
            return
        if queue_offset == 0 and self.next_offset:
            self.cut(0)        # the topic had been deleted, and this is the first message of a new one
        missing = queue_offset - self.next_offset
        if 0 < missing <= (physical_offset - max(self.max_physical_offset, 0)) // SMALLEST_RECORD:
            self._fill_until(queue_offset)
        self.ensure_room()
        self.put(physical_offset, size, tags_code)

    def _fill_hole(self, queue_offset: int, entry: bytes) -> None:
        """Write the entry of a record that the queue should have, where there is a hole or the entry is half written.

        One that differs otherwise belongs to a later topic of the same name, or the record's number is wrong.
        """
        file = self.files.find(queue_offset * ENTRY_SIZE) if queue_offset < self.next_offset else None
        if file is None:
            return
        position = queue_offset * ENTRY_SIZE - file.start
        view = self.view_of(file)
        stored = bytes(view[position : position + ENTRY_SIZE])
        is_half = stored[:_TAGS_AT] == entry[:_TAGS_AT] and stored[_TAGS_AT] != _EXT_ADDRESS_BEGINS
        if stored != entry and (is_half or entry.startswith(stored.rstrip(b"\0"))):
            file.reserve(position, ENTRY_SIZE)
            view[position : position + ENTRY_SIZE] = entry
            self.flushed_offset = min(self.flushed_offset, queue_offset)
            if queue_offset == self.next_offset - 1:
                physical_offset, size, _ = ENTRY.unpack(entry)
                self.max_physical_offset = physical_offset + size

    def _stored_entry(self, queue_offset: int) -> tuple[int, int, int] | None:
        file = self.files.find(queue_offset * ENTRY_SIZE)
        if file is None:
            return None
        return ENTRY.unpack_from(self.view_of(file), queue_offset * ENTRY_SIZE - file.start)

    def _fill_until(self, queue_offset: int) -> None:
        if not self.files.files:
            start = queue_offset * ENTRY_SIZE
            self.next_offset = (start - start % self.files.file_size) // ENTRY_SIZE
            self.min_offset = queue_offset
        while self.next_offset < queue_offset:
            self.ensure_room()
            count = min(queue_offset - self.next_offset, (self._limit - self._position) // ENTRY_SIZE)
            end = self._position + count * ENTRY_SIZE
            self._view[self._position : end] = _FILLER * count
            self._position = end
            self.next_offset += count

    def _make_room(self) -> None:
        at = self.next_offset * ENTRY_SIZE
        file = self._file
        if file is None or at >= file.end:
            last = self.files.last
            file = last if last is not None and at < last.end else self.files.add(at - at % self.files.file_size)
        position = at - file.start
        length = min(_CHUNK, file.size - position)
        self._opened(self)
        view = file.view()
        file.reserve(position, length)
        self._file = file
        self._view = view
        self._position = position
        self._limit = position + length

    def release(self) -> None:
        """Unmap the files; the next use maps them again."""
        self._file = None
        self._view = memoryview(b"")
        self._position = self._limit = 0
        self.files.release()
        if self.ext is not None:
            self.ext.release()

    def entries(self, queue_offset: int) -> memoryview | None:
        """The entries from number `queue_offset` to the end of what is written in the same file; None if none.

        Java never answers from two files at once either (ConsumeQueue.getIndexBuffer:544).
        """
        if not self.min_offset <= queue_offset < self.next_offset:
            return None
        file = self.files.find(queue_offset * ENTRY_SIZE)
        if file is None:
            return None
        end = min(file.end, self.next_offset * ENTRY_SIZE) - file.start
        return self.view_of(file)[queue_offset * ENTRY_SIZE - file.start : end]

    def entry(self, queue_offset: int) -> tuple[int, int, int] | None:
        """(physical offset, size, tags code) of one entry, or None."""
        entries = self.entries(queue_offset)
        return None if entries is None else ENTRY.unpack_from(entries)

    def files_between(self, first: int, end: int) -> list[MappedFile]:
        """The files with the entries from number `first` up to `end`, and with what these point to."""
        files = [file for file in self.files.files if file.end > first * ENTRY_SIZE and file.start < end * ENTRY_SIZE]
        if self.ext is not None:
            entry = self._stored_entry(first)
            files += self.ext.files_from(0 if entry is None else entry[2])
        return files

    def next_file_offset(self, queue_offset: int) -> int:
        """The number of the first entry in the file behind the one with `queue_offset` (rollNextFile:575)."""
        count = self.files.file_size // ENTRY_SIZE
        return queue_offset + count - queue_offset % count

    def load(self) -> None:
        """Find the files. Raises StoreError."""
        self.files.load()
        if self.ext is not None:
            self.ext.load()

    def recover(self, *, thoroughly: bool) -> None:
        """Find where the entries end. After a crash, `thoroughly`, a hole ends them too (ConsumeQueue.recover:88)."""
        files = self.files.files
        end = files[0].start if files else 0
        for file in files[-_FILES_SEARCHED:] if thoroughly else files[-1:]:
            view = self.view_of(file)
            end = file.start + (_first_hole(view) if thoroughly else _end_of_entries(view))
            if end < file.end:
                break
        self.files.truncate(end)
        self._set_end(end // ENTRY_SIZE)
        self._recover_ext()

    def _recover_ext(self) -> None:
        """Have the extension end where the last address leads; it has nothing to hold if there are no entries."""
        if self.ext is None:
            return
        begin = self.files.files[0].start // ENTRY_SIZE if self.files.files else self.next_offset
        if self.next_offset == begin:
            self.ext.delete()
            return
        address = 0
        searched = _FILES_SEARCHED * self.files.file_size // ENTRY_SIZE if self.ext.files.files else 1
        for number in range(self.next_offset - 1, max(self.next_offset - searched, begin) - 1, -1):
            entry = self._stored_entry(number)
            address = 0 if entry is None else entry[2]
            if address <= HIGHEST_ADDRESS:
                break
        self.ext.recover(address)

    def _set_end(self, next_offset: int) -> None:
        self._file = None
        self._position = self._limit = 0
        self.next_offset = self.flushed_offset = next_offset
        self.max_physical_offset = -1
        last = self.entry_before(next_offset)
        if last is not None and last[1] != FILLER_SIZE:
            self.max_physical_offset = last[0] + last[1]

    def entry_before(self, queue_offset: int) -> tuple[int, int] | None:
        """(physical offset, size) of the entry with the number before `queue_offset`, or None."""
        entry = self._stored_entry(queue_offset - 1) if queue_offset else None
        return None if entry is None else entry[:2]

    def truncate(self, physical_offset: int) -> None:
        """Drop the entries of records at or behind `physical_offset` (ConsumeQueue.truncateDirtyLogicFiles:228)."""
        if self.max_physical_offset <= physical_offset:
            return
        end = self.next_offset
        while (last := self.entry_before(end)) is not None and last[0] >= physical_offset:
            end -= 1
        self.cut(end)

    def cut(self, end: int) -> None:
        """Drop the entries from number `end` on, and zero them: Java does not, and they count again after a restart."""
        self.files.truncate(end * ENTRY_SIZE)
        if self.files.last is not None:
            self.files.last.clear(end * ENTRY_SIZE - self.files.last.start)
        self._set_end(end)
        self._recover_ext()

    def correct_min_offset(self, min_physical_offset: int) -> None:
        """Move `min_offset` to the first entry whose record is still in the log (ConsumeQueue.correctMinOffset:343).

        If there is none, to the end of the queue; Java then shows 0, or what it was before.
        """
        for file in self.files.files:
            low, high = 0, (min(file.end, self.next_offset * ENTRY_SIZE) - file.start) // ENTRY_SIZE
            view = self.view_of(file)
            count = high
            while low < high:
                middle = (low + high) // 2
                at, size, _ = ENTRY.unpack_from(view, middle * ENTRY_SIZE)
                if at < min_physical_offset or size == FILLER_SIZE:
                    low = middle + 1
                else:
                    high = middle
            if low < count:
                self.min_offset = file.start // ENTRY_SIZE + low
                if self.ext is not None:
                    self.ext.delete_before(ENTRY.unpack_from(view, low * ENTRY_SIZE)[2])
                return
        self.min_offset = self.next_offset

    def doubt(self, physical_offset: int) -> None:
        """An earlier process died before it synced the files with entries for records from that offset on."""
        for file in reversed(self.files.files):
            file.doubt()
            self.flushed_offset = min(self.flushed_offset, file.start // ENTRY_SIZE)
            if ENTRY.unpack_from(self.view_of(file))[0] < physical_offset:
                break

    def delete_expired(self, min_physical_offset: int) -> int:
        """Delete the files, but the last, that only point before `min_physical_offset`; how many they were."""
        count = 0
        while len(self.files.files) > 1:
            file = self.files.files[0]
            at, _, _ = ENTRY.unpack_from(self.view_of(file), file.size - ENTRY_SIZE)
            if at >= min_physical_offset:
                break
            self.files.delete_first()
            count += 1
        self.correct_min_offset(min_physical_offset)
        return count

    def delete(self) -> None:
        """Delete all of it. Raises StoreError."""
        self.files.delete_all()
        if self.ext is not None:
            self.ext.delete()
        self._set_end(0)
        self.min_offset = 0


def _end_of_entries(view: memoryview) -> int:
    """Where the entries of a file end that has no holes, by bisection: in bytes.

    Most files of most queues are nearly empty, and looking into the rest of them costs memory: it is approached from
    the front, in steps that double.
    """
    count = len(view) // ENTRY_SIZE
    low, high = 0, 1
    while high <= count and ENTRY.unpack_from(view, (high - 1) * ENTRY_SIZE)[1] > 0:
        low, high = high, 2 * high
    high = min(high, count)
    while low < high:
        middle = (low + high) // 2
        at, size, _ = ENTRY.unpack_from(view, middle * ENTRY_SIZE)
        if at >= 0 and size > 0:
            low = middle + 1
        else:
            high = middle
    return low * ENTRY_SIZE


def _first_hole(view: memoryview) -> int:
    """Where the first empty entry of a file is, by searching all of it: in bytes."""
    data = bytes(view)
    at = data.find(_NO_ENTRY)
    while at >= 0:
        at = -(-at // ENTRY_SIZE) * ENTRY_SIZE
        if data[at : at + ENTRY_SIZE] == _NO_ENTRY:
            return at
        at = data.find(_NO_ENTRY, at)
    return len(data)
