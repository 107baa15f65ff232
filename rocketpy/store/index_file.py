"""One index file: the records of the log by a hash of topic and key.

```
position            field                    Java type
       0            beginTimestamp           long     storeTimestamp of the first entry, ms
       8            endTimestamp             long     of the last one
      16            beginPhyOffset           long     physical offset of the first entry's record
      24            endPhyOffset             long     of the last one's
      32            hashSlotCount            int      slots in use
      36            indexCount               int      number of the next entry; entry 0 is never used
      40            slots                    int each: number of the newest entry of the slot, 0 for none
      40 + 4*slots  entries                  20 bytes each:
                      keyHash                int      abs(hashCode(topic + "#" + key))
                      phyOffset              long
                      timeDiff               int      seconds since beginTimestamp
                      previous               int      number of the entry before this one in the slot, 0 for none
```
(index/IndexHeader.java:25-54, index/IndexFile.java:80-154)
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from rocketpy.store.mapped_file import MappedFile

HEADER: Final = Struct(">qqqqii")
SLOT: Final = Struct(">i")
ENTRY: Final = Struct(">iqii")
HEADER_SIZE: Final = 40
ENTRY_SIZE: Final = 20
_INT_MAX: Final = 0x7FFFFFFF
_CHUNK: Final = 1 << 20


def positive_hash(key_hash: int) -> int:
    """A signed hash as the index keeps it: Java's abs, whose one negative result becomes 0 (IndexFile:148)."""
    if key_hash >= 0:
        return key_hash
    return -key_hash if key_hash != -_INT_MAX - 1 else 0


def index_file_size(slots: int, entries: int) -> int:
    """Bytes of a file with so many slots and room for so many entries."""
    return HEADER_SIZE + 4 * slots + ENTRY_SIZE * entries


class IndexFile:
    """The index file at `path`, with `slots` hash slots and room for `capacity` - 1 entries."""

    __slots__ = (
        "_entries_at", "_limit", "_slot_count", "_view", "begin_physical_offset", "begin_timestamp", "capacity",
        "count", "end_physical_offset", "end_timestamp", "file", "slots",
    )  # fmt: skip

    def __init__(self, path: str, slots: int, capacity: int) -> None:
        self.file = MappedFile(path, 0, index_file_size(slots, capacity), sparse=True)
        self.slots = slots
        self.capacity = capacity
        self._entries_at = HEADER_SIZE + 4 * slots
        self._view = memoryview(b"")
        self._limit = 0
        self.begin_timestamp = 0
        self.end_timestamp = 0
        self.begin_physical_offset = 0
        self.end_physical_offset = 0
        self._slot_count = 0
        self.count = 1
        """The number of the next entry."""

    def create(self, end_physical_offset: int, end_timestamp: int) -> None:
        """Make the file; it begins where the one before ended (IndexFile:41-60). Raises StoreError."""
        self._view = self.file.view()
        self._reserve(self._entries_at)
        self.begin_physical_offset = self.end_physical_offset = end_physical_offset
        self.begin_timestamp = self.end_timestamp = end_timestamp
        self._write_header(0)

    def load(self) -> None:
        """Map an existing file and read its header (IndexHeader.load:60). Raises StoreError."""
        view = self._view = self.file.view()
        (
            self.begin_timestamp, self.end_timestamp, self.begin_physical_offset, self.end_physical_offset,
            self._slot_count, count,
        ) = HEADER.unpack_from(view)  # fmt: skip
        self.count = max(count, 1)
        self._undo_uncounted()

    def _undo_uncounted(self) -> None:
        """Take back an entry that was in its slot already, but not in the header, when the process died."""
        if self.is_full:
            return
        key_hash, _, _, previous = ENTRY.unpack_from(self._view, self._entries_at + self.count * ENTRY_SIZE)
        slot_at = HEADER_SIZE + key_hash % self.slots * 4
        if SLOT.unpack_from(self._view, slot_at)[0] == self.count:
            self._view[slot_at : slot_at + 4] = SLOT.pack(previous)

    def _write_header(self, count: int) -> None:
        self._view[:HEADER_SIZE] = HEADER.pack(
            self.begin_timestamp, self.end_timestamp, self.begin_physical_offset, self.end_physical_offset,
            self._slot_count, count,
        )  # fmt: skip

    @property
    def is_full(self) -> bool:
        """Whether it takes no more entries."""
        return self.count >= self.capacity

    def put(self, key_hash: int, physical_offset: int, store_timestamp: int) -> None:
        """Add an entry; `key_hash` is a `positive_hash`. The file must not be full. Raises StoreError.

        The process may die at any instruction. First the entry, where nothing is; then its slot and the header, each
        with one copy: `pack_into` would zero them first.
        """
        number = self.count
        view = self._view
        position = self._entries_at + number * ENTRY_SIZE
        if position + ENTRY_SIZE > self._limit:
            self._reserve(position)
        slot_at = HEADER_SIZE + key_hash % self.slots * 4
        previous: int = SLOT.unpack_from(view, slot_at)[0]
        if previous <= 0 or previous >= number:
            previous = 0
            self._slot_count += 1
        begin = self.begin_timestamp
        seconds = 0
        if begin > 0 and store_timestamp > begin:
            seconds = min((store_timestamp - begin) // 1000, _INT_MAX)
        ENTRY.pack_into(view, position, key_hash, physical_offset, seconds, previous)
        view[slot_at : slot_at + 4] = SLOT.pack(number)
        if number <= 1:
            self.begin_physical_offset = physical_offset
            self.begin_timestamp = begin = store_timestamp
        self.count = number + 1
        self.end_physical_offset = physical_offset
        self.end_timestamp = store_timestamp
        view[:HEADER_SIZE] = HEADER.pack(
            begin, store_timestamp, self.begin_physical_offset, physical_offset, self._slot_count, number + 1
        )

    def _reserve(self, position: int) -> None:
        if self._limit == 0:
            self.file.reserve(0, self._entries_at)
        length = min(_CHUNK, self.file.size - position)
        self.file.reserve(position, length)
        self._limit = position + length

    def holds(self, key_hash: int, physical_offset: int) -> bool:
        """Whether a record is among the newest entries of a key: asked when the last record is dispatched again."""
        number: int = SLOT.unpack_from(self._view, HEADER_SIZE + key_hash % self.slots * 4)[0]
        while 0 < number < self.count:
            entry_hash, entered, _, previous = ENTRY.unpack_from(self._view, self._entries_at + number * ENTRY_SIZE)
            if entered < physical_offset or previous >= number:
                return False
            if entry_hash == key_hash and entered == physical_offset:
                return True
            number = previous
        return False

    def truncate(self, physical_offset: int) -> None:
        """Take back the entries of records at or behind `physical_offset`, newest first, as if never made.

        `end_timestamp` is then right to the second only, and not too low.
        """
        view = self._view
        while self.count > 1 and self.end_physical_offset >= physical_offset:
            number = self.count - 1
            key_hash, _, _, previous = ENTRY.unpack_from(view, self._entries_at + number * ENTRY_SIZE)
            slot_at = HEADER_SIZE + key_hash % self.slots * 4
            view[slot_at : slot_at + 4] = SLOT.pack(previous)
            self._slot_count -= previous == 0
            self.count = number
            _, entered, seconds, _ = ENTRY.unpack_from(view, self._entries_at + (number - 1) * ENTRY_SIZE)
            self.end_physical_offset = entered
            self.end_timestamp = self.begin_timestamp + seconds * 1000 + 999
        if self.count <= 1:
            self.begin_physical_offset = self.end_physical_offset = 0
            self.begin_timestamp = self.end_timestamp = 0
        self._write_header(self.count if self.count > 1 else 0)

    def covers(self, begin: int, end: int) -> bool:
        """Whether it may have entries of the time from `begin` to `end` (ms), in Java's words (isTimeMatched:168)."""
        first, last = self.begin_timestamp, self.end_timestamp
        return (begin < first and end > last) or first <= begin <= last or first <= end <= last

    def select(self, key_hash: int, max_count: int, begin: int, end: int, found: list[int]) -> None:
        """Append to `found` the offsets of records with that hash and of that time, newest first, up to `max_count`.

        Times are compared by the second as entries hold them, so a record may seem up to a second older than it is
        (selectPhyOffset:175-230).
        """
        view = self._view
        number: int = SLOT.unpack_from(view, HEADER_SIZE + key_hash % self.slots * 4)[0]
        if number <= 0 or number > self.count or self.count <= 1:
            return
        while len(found) < max_count:
            entry_hash, physical_offset, seconds, previous = ENTRY.unpack_from(
                view, self._entries_at + number * ENTRY_SIZE
            )
            if seconds < 0:
                return
            stored = self.begin_timestamp + seconds * 1000
            if entry_hash == key_hash and begin <= stored <= end:
                found.append(physical_offset)
            if previous <= 0 or previous > self.count or previous == number or stored < begin:
                return
            number = previous

    def sync(self) -> None:
        """Bring it to the disk; blocks. Raises StoreError."""
        self.file.sync()

    def delete(self) -> None:
        """Remove the file, for good. Raises StoreError."""
        self._view = memoryview(b"")
        self.file.delete(for_good=True)

    def __repr__(self) -> str:
        return f"IndexFile({self.file.path!r}, count={self.count})"


