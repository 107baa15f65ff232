"""The one way by which the program's files reach the disk: made, given room, synced, replaced and deleted.

There is one `Disk`, the machine's. A test mounts another one at a directory (`rocketpy.faulty_disk`), and everything
that is written below it goes through that. Messages do not come by here: they are copied into mapped memory.

A file is on disk when its bytes are and its name is: the first sync of a new one syncs the directory that names it,
and those above which are new as well. (Java syncs no directory.)
"""

from __future__ import annotations

import errno
import mmap
import os
from typing import Final

_NO_SYNC: Final = (errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP, errno.EPERM, errno.EROFS)
"""What a directory answers that cannot be synced: not ours, above a mounted volume, or of a simple file system."""
_BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
_ZEROES: Final = memoryview(bytes(256 << 10))


class Disk:
    """What a disk can do. All of it blocks, and raises OSError; any thread may call it."""

    def __init__(self) -> None:
        self._unnamed: set[str] = set()
        """Paths that may not be in their directory if the machine dies now."""

    def map(self, path: str, size: int) -> mmap.mmap:
        """The first `size` bytes of a file, shared and writable; the file is made, or made longer, if need be."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            length = os.fstat(fd).st_size
            if length == 0:
                self._unnamed.add(path)
            if length < size:
                os.ftruncate(fd, size)
            return mmap.mmap(fd, size)
        finally:
            os.close(fd)

    def reserve(self, path: str, position: int, length: int) -> None:
        """Have the disk keep room for these bytes of a file."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.posix_fallocate(fd, position, length)
        finally:
            os.close(fd)

    def zero(self, path: str, position: int, length: int) -> None:
        """Write zeroes into a file."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            end = position + length
            while position < end:
                position += os.pwrite(fd, _ZEROES[: end - position], position)
        finally:
            os.close(fd)

    def sync(self, path: str) -> None:
        """Bring what was written to a file to the disk, and its name if it is new."""
        self.sync_data(path)
        self._sync_name(path)

    def sync_data(self, path: str) -> None:
        """Bring what was written to a file to the disk.

        `os.fdatasync` lets other threads run and reaches mapped pages on Linux; `mmap.flush` holds the interpreter.
        """
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def _sync_name(self, path: str) -> None:
        while path in self._unnamed:
            directory = os.path.dirname(path)
            self.sync_directory(directory or ".")
            self._unnamed.discard(path)
            path = directory

    def sync_directory(self, path: str) -> None:
        """Bring the names of a directory to the disk, if it may be opened and its file system knows such a thing."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise

    def doubt(self, path: str) -> None:
        """Take the name of a file, and those of all directories above, for not synced.

        An earlier process made it, and died before it said that it was.
        """
        while path not in self._unnamed and path not in ("", "/"):
            self._unnamed.add(path)
            path = os.path.dirname(path)

    def write(self, path: str, data: bytes) -> None:
        """Write the beginning of a small file in place, and sync it."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.fstat(fd).st_size == 0:
                self._unnamed.add(path)
            os.pwrite(fd, data, 0)
        finally:
            os.close(fd)
        self.sync(path)

    def replace(self, path: str, data: bytes) -> None:
        """Make `data` the content of a file in one step: whatever happens, it is there as it was or as it shall be."""
        temporary = f"{path}.tmp"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        with open(fd, "wb") as file:
            file.write(data)
        self.sync_data(temporary)
        self.rename(temporary, path)
        self._unnamed.add(path)
        self._sync_name(path)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, that of an existing file, too."""
        os.replace(old, new)

    def delete(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)
        self._unnamed.discard(path)

    def make_directories(self, path: str) -> None:
        """Make a directory, and those above it, if they are not there."""
        if os.path.isdir(path):
            return
        above = os.path.dirname(path)
        if above not in ("", path):
            self.make_directories(above)
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
            return
        self._unnamed.add(path)

    def used_ratio(self, path: str) -> float:
        """The part of the disk under `path` that is in use, rounded up to whole percents; -1 if it cannot be told.

        As UtilAll.getDiskPartitionSpaceUsedPercent:204 counts: what only root may use is neither used nor free.
        """
        try:
            status = os.statvfs(path)
        except OSError:
            return -1.0
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        entire = used + status.f_bavail * status.f_frsize
        return -(-used * 100 // entire) / 100 if entire else -1.0

    def boot_id(self) -> str:
        """Differs after what was not synced may have been lost: the machine's boot id, "" if that is not known."""
        try:
            with open(_BOOT_ID, encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""


_the_machines: Final = Disk()
_mounted: tuple[tuple[str, Disk], ...] = ()
"""Directories and what is mounted there, the last one first; replaced as a whole, since threads look into it."""


def disk_at(path: str) -> Disk:
    """The disk that `path` is on: the last one mounted at a directory above."""
    for directory, disk in _mounted:
        if path == directory or path.startswith(directory + "/"):
            return disk
    return _the_machines


def refusal(error: OSError) -> str:
    """Why the disk refused something; if it belongs to somebody else, to whom, as a volume may that another user made.
    """
    reason = error.strerror or str(error)
    if error.errno not in (errno.EACCES, errno.EPERM) or not isinstance(error.filename, str):
        return reason
    path = error.filename
    while not os.path.exists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    owner, user = os.stat(path).st_uid, os.geteuid()
    return reason if owner == user else f"{reason}: {path} belongs to uid {owner}, this is uid {user}"


def mount(directory: str, disk: Disk) -> Disk | None:
    """Have everything at and below `directory` written through `disk`, in this process, until `unmount`.

    Gives back the disk that was mounted at that very directory before.
    """
    global _mounted
    former = unmount(directory)
    _mounted = ((directory, disk), *_mounted)
    return former


def unmount(directory: str) -> Disk | None:
    """Undo `mount`; gives back the disk that was mounted there."""
    global _mounted
    former = next((disk for place, disk in _mounted if place == directory), None)
    _mounted = tuple(one for one in _mounted if one[0] != directory)
    return former
