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

import sys
from array import array
from struct import Struct
from typing import Final

from mypy_extensions import i64

from rocketpy.store.mapped_file import MappedFile

HEADER: Final = Struct(">qqqqii")
SLOT: Final = Struct(">i")
ENTRY: Final = Struct(">iqii")
HEADER_SIZE: Final = 40
ENTRY_SIZE: Final = 20
_INT_MAX: Final = 0x7FFFFFFF
_CHUNK: Final = 1 << 20
_TAIL_AT: Final = 24
_ENTRY_OF_FIELDS: Final = Struct(">i8sii")
"""The same as `ENTRY`, with the offset as it stands there."""
_HEADER_TAIL: Final = Struct(">qii")
"""endPhyOffset, hashSlotCount and indexCount: what changes with each entry."""
_BIG_ENDIAN: Final = sys.byteorder == "big"


def positive_hash(key_hash: int) -> int:
    """A signed hash as the index keeps it: Java's abs, whose one negative result becomes 0 (IndexFile:148)."""
    if key_hash >= 0:
        return key_hash
    return -key_hash if key_hash != -_INT_MAX - 1 else 0


def index_file_size(slots: int, entries: int) -> int:
    """Bytes of a file with so many slots and room for so many entries."""
    return HEADER_SIZE + 4 * slots + ENTRY_SIZE * entries


def _swapped(value: int) -> int:
    """What a slot holds, in Java's byte order, as a number of this machine's; and back. One below 0 becomes large."""
    if _BIG_ENDIAN:
        return value
    word: i64 = value & 0xFFFFFFFF
    return (word & 0xFF) << 24 | (word & 0xFF00) << 8 | (word >> 8 & 0xFF00) | word >> 24


class IndexFile:
    """The index file at `path`, with `slots` hash slots and room for `capacity` - 1 entries."""

    __slots__ = (
        "_entries_at", "_limit", "_slot_count", "_slots", "_view", "begin_physical_offset", "begin_timestamp",
        "capacity", "count", "end_physical_offset", "end_timestamp", "file", "slots",
    )  # fmt: skip

    def __init__(self, path: str, slots: int, capacity: int) -> None:
        self.file = MappedFile(path, 0, index_file_size(slots, capacity), sparse=True)
        self.slots = slots
        self.capacity = capacity
        self._entries_at = HEADER_SIZE + 4 * slots
        self._view = memoryview(b"")
        self._slots = memoryview(b"").cast("I")
        """One number a slot, in the machine's byte order: a quarter of the time of `unpack_from` and a copy."""
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
        self._map()
        self._reserve(self._entries_at)
        self.begin_physical_offset = self.end_physical_offset = end_physical_offset
        self.begin_timestamp = self.end_timestamp = end_timestamp
        self._write_header(0)

    def load(self) -> None:
        """Map an existing file and read its header (IndexHeader.load:60). Raises StoreError."""
        self._map()
        (
            self.begin_timestamp, self.end_timestamp, self.begin_physical_offset, self.end_physical_offset,
            self._slot_count, count,
        ) = HEADER.unpack_from(self._view)  # fmt: skip
        self.count = max(count, 1)
        self._undo_uncounted()

    def _undo_uncounted(self) -> None:
        """Take back entries that were in their slots already, but not in the header, when the process died."""
        number = self.count
        while number < self.capacity:
            key_hash, _, _, previous = ENTRY.unpack_from(self._view, self._entries_at + number * ENTRY_SIZE)
            slot = key_hash % self.slots
            if _swapped(self._slots[slot]) != number:
                break
            self._slots[slot] = _swapped(previous)
            number += 1

    def _map(self) -> None:
        self._view = self.file.view()
        self._slots = self._view[HEADER_SIZE : self._entries_at].cast("I")

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
        slot = key_hash % self.slots
        previous = self._previous_in(slot)
        ENTRY.pack_into(view, position, key_hash, physical_offset, self._seconds(store_timestamp), previous)
        self._slots[slot] = _swapped(number)
        if number <= 1:
            self.begin_physical_offset = physical_offset
            self.begin_timestamp = store_timestamp
        self.count = number + 1
        self.end_physical_offset = physical_offset
        if store_timestamp == self.end_timestamp and number > 1:
            view[_TAIL_AT:HEADER_SIZE] = _HEADER_TAIL.pack(physical_offset, self._slot_count, number + 1)
        else:
            self.end_timestamp = store_timestamp
            self._write_header(number + 1)

    def put_all(self, hashes: list[int], offset_fields: list[bytes], store_timestamp: int) -> None:
        """Add entries at once, at least one, for which there must be room; offsets are as they stand there. StoreError.

        As in `put`: all entries, then their slots in turn, then the header. See `_undo_uncounted`, which needs them to
        be in slots of their own. The first entry of the file sets the time that others count from.
        """
        slots = [key_hash % self.slots for key_hash in hashes]
        if self.count <= 1 or len(set(slots)) < len(slots):
            for key_hash, field in zip(hashes, offset_fields, strict=True):
                self.put(key_hash, int.from_bytes(field), store_timestamp)
            return
        number = self.count
        position = self._entries_at + number * ENTRY_SIZE
        end = position + len(slots) * ENTRY_SIZE
        while end > self._limit:
            self._reserve(max(position, self._limit))
        seconds = self._seconds(store_timestamp)
        pack = _ENTRY_OF_FIELDS.pack
        entries: list[bytes] = []
        for at in range(len(slots)):
            entries.append(pack(hashes[at], offset_fields[at], seconds, self._previous_in(slots[at])))
        self._view[position:end] = b"".join(entries)
        for slot in slots:
            self._slots[slot] = _swapped(number)
            number += 1
        self.count = number
        self.end_physical_offset = int.from_bytes(offset_fields[-1])
        self.end_timestamp = store_timestamp
        self._write_header(number)

    def _previous_in(self, slot: int) -> int:
        """The newest entry of a slot, which the next one will be put before; 0 if it is the first."""
        previous = _swapped(self._slots[slot])
        if 0 < previous < self.count:
            return previous
        self._slot_count += 1
        return 0

    def _seconds(self, store_timestamp: int) -> int:
        """What an entry says of the time."""
        begin = self.begin_timestamp
        if begin > 0 and store_timestamp > begin:
            return min((store_timestamp - begin) // 1000, _INT_MAX)
        return 0

    def _reserve(self, position: int) -> None:
        if self._limit == 0:
            self.file.reserve(0, self._entries_at)
        length = min(_CHUNK, self.file.size - position)
        self.file.reserve(position, length)
        self._limit = position + length

    def holds(self, key_hash: int, physical_offset: int) -> bool:
        """Whether a record is among the newest entries of a key: asked when the last record is dispatched again."""
        number = _swapped(self._slots[key_hash % self.slots])
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
            self._slots[key_hash % self.slots] = _swapped(previous)
            self._slot_count -= previous == 0
            self.count = number
            _, entered, seconds, _ = ENTRY.unpack_from(view, self._entries_at + (number - 1) * ENTRY_SIZE)
            self.end_physical_offset = entered
            self.end_timestamp = self.begin_timestamp + seconds * 1000 + 999
        if self.count <= 1:
            self.begin_physical_offset = self.end_physical_offset = 0
            self.begin_timestamp = self.end_timestamp = 0
        self._write_header(self.count if self.count > 1 else 0)

    def keep_before(self, physical_offset: int) -> bool:
        """Keep the entries for records before that offset as far as they are whole, and make the slots anew from them.

        After a crash of the machine: entries are never changed, what was lost of them is zero, and each says what its
        slot was before it. Slots change, and which of them reached the disk nobody knows. The header's sector is one
        of several that were all right: it says where the file begins. Whether anything was kept. `end_timestamp` is
        as with `truncate`.
        """
        slots = array("I", bytes(4 * self.slots))
        last = min(self.count, self.capacity)
        entries = self._view[self._entries_at + ENTRY_SIZE : self._entries_at + last * ENTRY_SIZE]
        count = 1
        newest = latest = 0
        for key_hash, entered, seconds, previous in ENTRY.iter_unpack(entries):
            slot = key_hash % self.slots
            in_order = newest <= entered < physical_offset and latest <= seconds
            if not in_order or previous != slots[slot] or key_hash <= 0:
                break
            slots[slot] = count
            newest, latest = entered, seconds
            count += 1
        self._slot_count = self.slots - slots.count(0)
        if not _BIG_ENDIAN:
            slots.byteswap()
        self._slots[:] = memoryview(slots)
        self.count = count
        self.end_physical_offset = newest
        self.end_timestamp = self.begin_timestamp + latest * 1000 + 999
        self._write_header(count)
        return count > 1

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
        number = _swapped(self._slots[key_hash % self.slots])
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

    def release(self) -> None:
        """Unmap it; it is of no use any more."""
        self._view = memoryview(b"")
        self._slots = self._view.cast("I")
        self.file.release()

    def delete(self) -> None:
        """Remove the file, for good. Raises StoreError."""
        self._view = memoryview(b"")
        self.file.delete(for_good=True)

    def __repr__(self) -> str:
        return f"IndexFile({self.file.path!r}, count={self.count})"


