"""The extension of a ConsumeQueue (enableConsumeQueueExt): what does not fit into an entry's eight bytes of tags code.

```
position  field            Java type
       0  size             short    all of the unit, this field included; -1 where the rest of the file is unused
       2  tagsCode         long     what stands in an entry without an extension
      10  msgStoreTime     long     storeTimestamp of the message, ms
      18  bitMapSize       short    bytes; 0 where nobody filters the topic by an expression
      20  bitMap           bytes    bit b is 1 << b % 8 of byte b / 8: see `rocketpy.filter.bloom`
```
Units stand one behind the other, and never in two files: one that does not leave 4 bytes of its file begins the next.
In the entry, tagsCode is then the unit's address: its place in the sequence of files above Long.MIN_VALUE
(ConsumeQueueExt.java:55, 98, 218-247, 520-526).

A unit is written before the entry that points to it, so after a crash there may be units that nobody points to; those
behind the last one in use are cut off when the store is opened.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final

from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.mapped_files import MappedFiles

_log = logging.getLogger("rocketpy.store")

UNIT: Final = Struct(">hqqh")
"""All of a unit but its bit map."""
_SIZE: Final = Struct(">h")
_END_OF_FILE: Final = _SIZE.pack(-1)
_ROOM_FOR_END: Final = 4
_LARGEST_UNIT: Final = 0x7FFF
_LOWEST_ADDRESS: Final = -(1 << 63)
HIGHEST_ADDRESS: Final = -(1 << 31) - 1
"""Up to here a tags code is the address of a unit (ConsumeQueueExt.MAX_ADDR)."""
_CHUNK: Final = 64 << 10
"""Bytes reserved on disk at a time."""

Unit = tuple[int, int, bytes]
"""Tags code, storeTimestamp (ms) and bit map."""


class ConsumeQueueExt:
    """The units of one queue; their files are made with the first of them, and mapped when they are used."""

    __slots__ = ("_end", "_limit", "_opened", "files")

    def __init__(
        self, directory: str, topic: str, queue_id: int, file_size: int, opened: Callable[[], None]
    ) -> None:
        """`opened` is called whenever a file gets mapped."""
        self.files = MappedFiles([os.path.join(directory, topic, str(queue_id))], file_size, sparse=True)
        self._opened = opened
        self._end = 0
        """The place behind the last unit."""
        self._limit = 0
        """Up to here the disk keeps room."""

    @property
    def end_address(self) -> int:
        """The address that the next unit gets if it fits into the file."""
        return _LOWEST_ADDRESS + self._end

    def put(self, tags_code: int, store_timestamp: int, bit_map: bytes) -> int:
        """Write a unit; what stands for the tags code in the entry: its address, or the code if it is too large.

        Raises StoreError when there is no room on the disk.
        """
        size = UNIT.size + len(bit_map)
        if size > _LARGEST_UNIT or size + _ROOM_FOR_END > self.files.file_size:
            _log.error("%s: a unit of %d bytes is too large", self.files.directories[0], size)
            return tags_code
        file = self._file_for(size)
        place = self._end
        view = file.view()
        position = place - file.start
        UNIT.pack_into(view, position, size, tags_code, store_timestamp, len(bit_map))
        view[position + UNIT.size : position + size] = bit_map
        self._end = place + size
        return _LOWEST_ADDRESS + place

    def _file_for(self, size: int) -> MappedFile:
        """The file in which the next unit has room on the disk; the one before it is closed if it has none."""
        file = self.files.last
        if file is not None and self._end < file.end and self._end + size + _ROOM_FOR_END > file.end:
            position = self._end - file.start
            if file.end - self._end >= len(_END_OF_FILE):
                file.reserve(position, len(_END_OF_FILE))
                self._view_of(file)[position : position + len(_END_OF_FILE)] = _END_OF_FILE
            self._end = file.end
        if file is None or self._end >= file.end:
            if file is not None:
                file.release()  # whoever reads in it maps it again
            file = self.files.add(self._end - self._end % self.files.file_size)
            self._opened()
            self._limit = 0
        if self._end + size + _ROOM_FOR_END > self._limit:
            position = self._end - file.start
            length = min(max(_CHUNK, size + _ROOM_FOR_END), file.size - position)
            self._view_of(file)
            file.reserve(position, length)
            self._limit = self._end + length
        return file

    def _view_of(self, file: MappedFile) -> memoryview:
        if not file.is_mapped:
            self._opened()
        return file.view()

    def unit(self, address: int) -> Unit | None:
        """The unit at an address; None if there is none, or not any more."""
        if address > HIGHEST_ADDRESS:
            return None
        place = address - _LOWEST_ADDRESS
        file = self.files.find(place)
        if file is None or place + UNIT.size > min(self._end, file.end):
            return None
        view = self._view_of(file)
        position = place - file.start
        size, tags_code, store_timestamp, bit_map_size = UNIT.unpack_from(view, position)
        if size != UNIT.size + max(bit_map_size, 0) or place + size > self._end:
            return None
        return tags_code, store_timestamp, bytes(view[position + UNIT.size : position + size])

    def resolved(self, rows: Iterator[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
        """Entries with the tags codes of their units in the place of addresses, where there are such units."""
        for physical_offset, size, tags_code in rows:
            unit = self.unit(tags_code) if tags_code <= HIGHEST_ADDRESS else None
            yield physical_offset, size, tags_code if unit is None else unit[0]

    def load(self) -> None:
        """Find the files. Raises StoreError."""
        self.files.load()

    def recover(self, last_address: int) -> None:
        """Go on behind the unit at `last_address`, the last that an entry points to; what follows it is cut off.

        If it is no address, behind all units that there are (recover:274, 344). If the unit is lost, in a file behind
        it: Java may use its address again, and entries then lead to units of other messages.
        """
        self._limit = 0
        self._end = self.files.files[-1].end if self.files.files else 0
        unit = self.unit(last_address)
        if unit is not None:
            self._end = last_address - _LOWEST_ADDRESS + UNIT.size + len(unit[2])
        else:
            self._end = self._behind_all_units()
            lost = last_address - _LOWEST_ADDRESS
            if last_address <= HIGHEST_ADDRESS and lost >= self._end:
                self._end = lost - lost % self.files.file_size + self.files.file_size
        self.files.truncate(self._end)
        file = self.files.last
        if file is not None and file.start <= self._end < file.end:
            file.clear(self._end - file.start)

    def _behind_all_units(self) -> int:
        place = 0
        for file in self.files.files:
            view = self._view_of(file)
            place = file.start
            while place + UNIT.size <= file.end:
                (size,) = _SIZE.unpack_from(view, place - file.start)
                if size < UNIT.size:
                    break
                place += size
            place = min(place, file.end)
        return place

    def delete_before(self, address: int) -> None:
        """Delete the files that end before the unit at `address` (truncateByMinAddress:317)."""
        if address <= HIGHEST_ADDRESS:
            while len(self.files.files) > 1 and self.files.files[0].end < address - _LOWEST_ADDRESS:
                self.files.delete_first()

    def files_from(self, address: int) -> list[MappedFile]:
        """The files from the one with the unit at `address` on; just the last one if it is no address."""
        if address > HIGHEST_ADDRESS:
            return self.files.files[-1:]
        return [file for file in self.files.files if file.end > address - _LOWEST_ADDRESS]

    def delete(self) -> None:
        """Delete all files. Raises StoreError."""
        self.files.delete_all()
        topic = os.path.dirname(self.files.directories[0])
        if os.path.isdir(topic) and not os.listdir(topic):
            os.rmdir(topic)
        self._end = self._limit = 0

    def release(self) -> None:
        """Unmap the files; the next use maps them again."""
        self._limit = 0
        self.files.release()
