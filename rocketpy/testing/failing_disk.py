"""A disk that fails while a broker uses it; what is on it stays, unlike with `rocketpy.faulty_disk`."""

from __future__ import annotations

import errno
import mmap
import os
import time
from dataclasses import dataclass

from rocketpy.disk import Disk
from rocketpy.faulty_disk import Operation


@dataclass(eq=False)
class DiskFault:
    """What goes wrong with an operation on paths that contain `path`: it takes `seconds`, and then fails, or not."""

    operation: Operation
    path: str
    error_number: int | None = None
    seconds: float = 0.0
    hits: int = 0


class FailingDisk(Disk):
    """What stands in front of `inner` while there are `faults`; `filled` is the part of the disk said to be in use."""

    def __init__(self, inner: Disk) -> None:
        super().__init__()
        self._inner = inner
        self.faults: list[DiskFault] = []
        self.filled: list[float] = []

    def map(self, path: str, size: int) -> mmap.mmap:
        self._meet("map", path)
        return self._inner.map(path, size)

    def reserve(self, path: str, position: int, length: int) -> None:
        self._meet("reserve", path)
        self._inner.reserve(path, position, length)

    def zero(self, path: str, position: int, length: int) -> None:
        self._meet("reserve", path)
        self._inner.zero(path, position, length)

    def sync(self, path: str) -> None:
        self._meet("sync", path)
        self._inner.sync(path)

    def sync_data(self, path: str) -> None:
        self._meet("sync", path)
        self._inner.sync_data(path)

    def sync_directory(self, path: str) -> None:
        self._meet("sync", path)
        self._inner.sync_directory(path)

    def doubt(self, path: str) -> None:
        self._inner.doubt(path)

    def write(self, path: str, data: bytes) -> None:
        self._meet("write", path)
        self._inner.write(path, data)

    def replace(self, path: str, data: bytes) -> None:
        self._meet("write", path)
        self._inner.replace(path, data)

    def rename(self, old: str, new: str) -> None:
        self._inner.rename(old, new)

    def delete(self, path: str) -> None:
        self._meet("delete", path)
        self._inner.delete(path)

    def make_directories(self, path: str) -> None:
        self._inner.make_directories(path)

    def used_ratio(self, path: str) -> float:
        return self.filled[-1] if self.filled else self._inner.used_ratio(path)

    def boot_id(self) -> str:
        return self._inner.boot_id()

    def _meet(self, operation: Operation, path: str) -> None:
        for fault in list(self.faults):
            if fault.operation == operation and fault.path in path:
                fault.hits += 1
                time.sleep(fault.seconds)
                if fault.error_number is not None:
                    raise OSError(fault.error_number, os.strerror(fault.error_number), path)


def error_number(name: str) -> int:
    """The number of an error such as EIO. Raises ValueError for a name that is none."""
    number = getattr(errno, name, None)
    if not isinstance(number, int):
        raise ValueError(f"there is no error {name!r}; EIO and ENOSPC are some")
    return number
