"""The lock on a store directory, and the mark of a store that was not closed.

`lock` holds the word "lock"; its first byte is locked as long as a broker, Java's or ours, uses the directory
(DefaultMessageStore.java:238-244). `abort` exists from the end of recovery to a clean shutdown (1308-1314). Java's is
empty; ours holds the boot id of the machine. If it is still the same after a crash, only the process died: the page
cache has survived, and with it everything that had been written.
"""

from __future__ import annotations

import fcntl
import os
from struct import Struct
from typing import Final

from rocketpy.disk import disk_at, refusal
from rocketpy.errors import StoreError

_FLOCK: Final = Struct("@hhqqi4x")  # struct flock of Linux: l_type, l_whence, l_start, l_len, l_pid
_held: set[tuple[int, int]] = set()
"""Device and inode of what this process has locked: such locks do not keep a process from itself."""


class DirectoryLock:
    """The lock file at `path`."""

    __slots__ = ("_fd", "_identity", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1
        self._identity = (0, 0)

    def acquire(self) -> None:
        """Take the lock or raise StoreError, at once."""
        in_use = StoreError(f"{os.path.dirname(self.path)} is in use by another broker ({self.path} is locked)")
        try:
            if os.path.exists(self.path) and _identity(os.stat(self.path)) in _held:
                raise in_use
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"cannot open {self.path}: {refusal(error)}") from error
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        except OSError as error:
            os.close(fd)
            raise in_use from error
        os.pwrite(fd, b"lock", 0)
        self._fd = fd
        self._identity = _identity(os.fstat(fd))
        _held.add(self._identity)

    def release(self) -> None:
        """Give the lock back; the file stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            _held.discard(self._identity)


def lock_holder(path: str) -> int:
    """The id of the process that has the lock at `path`, -1 if it cannot be told which, 0 if none has. Takes nothing.

    Raises OSError.
    """
    try:
        if _identity(os.stat(path)) in _held:  # to close the file here would give this process's lock back
            return os.getpid()
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        kind, _, _, _, process = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return 0 if kind == fcntl.F_UNLCK else process or -1


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class AbortMark:
    """The file at `path` that says that the store is open, or died open."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def is_set(self) -> bool:
        """Whether the store was not closed."""
        return os.path.exists(self.path)

    def is_of_this_boot(self) -> bool:
        """Whether the machine has run on since the mark was set. False when that is not known."""
        try:
            with open(self.path, encoding="ascii", errors="replace") as file:
                mark = file.read(64)
        except OSError:
            return False
        return mark != "" and mark == disk_at(self.path).boot_id()

    def set(self) -> None:
        """Make the file, on disk before anything is written: without it recovery would trust what was not synced.

        Raises StoreError.
        """
        try:
            disk = disk_at(self.path)
            disk.replace(self.path, disk.boot_id().encode())
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error

    def clear(self) -> None:
        """Remove the file. Raises StoreError."""
        try:
            disk_at(self.path).delete(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot delete {self.path}: {error.strerror}") from error

