"""One file of fixed length, mapped into memory when it is first touched.

A view that was handed out keeps the mapping alive, also when the file has been released or deleted since: the memory
goes back when the last view of it is dropped. That is all of what Java's ReferenceResource does.
"""

from __future__ import annotations

import errno
import mmap
import os

from rocketpy.disk import disk_at
from rocketpy.errors import StoreError

_CLEARED_AT_ONCE = 1 << 20
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


class MappedFile:
    """A file of `size` bytes whose first byte is byte `start` of its sequence.

    In a `sparse` one pages are touched here and there, and most have never been written: nothing is read ahead.
    Reading ahead, 8 MiB of zeroes on some machines, made one append in ten thousand take 20 ms instead of 0.15, and the
    first message of a queue cost 3 ms.
    """

    __slots__ = ("_mapping", "_sparse", "_view", "end", "path", "size", "start")

    def __init__(self, path: str, start: int, size: int, *, sparse: bool) -> None:
        self._sparse = sparse
        self.path = path
        self.start = start
        self.size = size
        self.end = start + size
        self._mapping: mmap.mmap | None = None
        self._view: memoryview | None = None

    @property
    def is_mapped(self) -> bool:
        """Whether it takes memory and a descriptor now."""
        return self._view is not None

    def view(self) -> memoryview:
        """All of the file, writable. Makes the file, zeroed and sparse, if there is none. Raises StoreError."""
        view = self._view
        if view is None:
            self._mapping = self._map()
            view = self._view = memoryview(self._mapping)
        return view

    def _map(self) -> mmap.mmap:
        try:
            mapping = disk_at(self.path).map(self.path, self.size)
            if self._sparse:
                mapping.madvise(mmap.MADV_RANDOM)
            return mapping
        except OSError as error:
            raise StoreError(f"cannot map {self.path}: {error.strerror}") from error

    def expect_appends(self, position: int) -> None:
        """Have nothing read ahead from `position` on: it is about to be written for the first time."""
        self.view()
        if self._mapping is not None:
            first = position // mmap.PAGESIZE * mmap.PAGESIZE
            self._mapping.madvise(mmap.MADV_RANDOM, first, self.size - first)

    def expect_reads(self) -> None:
        """Have reading ahead done again: the file is full."""
        if self._mapping is not None:
            self._mapping.madvise(mmap.MADV_NORMAL)

    def reserve(self, position: int, length: int) -> None:
        """Have the disk keep room for these bytes. Raises StoreError when it cannot.

        A write into a mapped page that the disk has no room for kills the process (SIGBUS), so nothing is written
        that was not reserved. File systems without such a thing are taken at their word.
        """
        try:
            disk_at(self.path).reserve(self.path, position, length)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise StoreError(f"cannot make room in {self.path}: {error.strerror}") from error

    def warm(self, position: int, length: int) -> None:
        """Zero bytes that are about to be written for the first time, so that their memory is there. Raises StoreError.

        A page that is first touched through the mapping costs 4.5 us (ext4: a fault, a block, a page); written to
        here and then touched, it costs 0.9 us, since the kernel then deals with its neighbours at the same time.
        """
        try:
            disk_at(self.path).zero(self.path, position, length)
        except OSError as error:
            raise StoreError(f"cannot write to {self.path}: {error.strerror}") from error

    def sync(self) -> None:
        """Bring what was written to the disk. Blocks; needs no lock and no hub. Raises StoreError.

        A file that has been deleted meanwhile has nothing to sync.
        """
        try:
            disk_at(self.path).sync(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot flush {self.path}: {error.strerror}") from error

    def doubt(self) -> None:
        """Sync its name, too, at the next `sync`: see `Disk.doubt`."""
        disk_at(self.path).doubt(self.path)

    def clear(self, position: int) -> None:
        """Zero everything from `position` on that is not a hole of the file. Raises StoreError.

        What is cut off must not come back: a record written over its beginning may end where an old one starts.
        """
        view = self.view()
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            try:
                while position < self.size:
                    position = os.lseek(fd, position, os.SEEK_DATA)
                    end = os.lseek(fd, position, os.SEEK_HOLE)
                    while position < end:
                        length = min(_CLEARED_AT_ONCE, end - position)
                        if view[position : position + length] != bytes(length):
                            view[position : position + length] = bytes(length)
                        position += length
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno != errno.ENXIO:          # no data behind that position
                raise StoreError(f"cannot clear {self.path}: {error.strerror}") from error

    def release(self) -> None:
        """Unmap it as soon as nobody holds a view of it; the next `view()` maps it again."""
        self._view = self._mapping = None

    def delete(self, *, for_good: bool = False) -> None:
        """Remove the file; `for_good`, it does not come back if the machine dies now. Views of it stay readable.

        Raises StoreError.
        """
        self.release()
        disk = disk_at(self.path)
        try:
            disk.delete(self.path)
            if for_good:
                disk.sync_directory(os.path.dirname(self.path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot delete {self.path}: {error.strerror}") from error
