"""The files of one log or queue, in order, mapped to be read only."""

from __future__ import annotations

import errno
import mmap
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Final

from rocketpy.errors import StoreError
from rocketpy.inspection.finding import Findings

_NAME_DIGITS: Final = 20
_SEARCHED_AT_ONCE: Final = 1 << 20


class ReadOnlyFile:
    """A file of `size` bytes whose first byte is byte `start` of its row; `name` is its path below the store."""

    __slots__ = ("_view", "blocks", "name", "path", "size", "start")

    def __init__(self, root: str, path: str, start: int, status: os.stat_result) -> None:
        self.path = path
        self.name = os.path.relpath(path, root)
        self.start = start
        self.size = status.st_size
        self.blocks = status.st_blocks * 512
        """Bytes that it takes on the disk: less than its size where it has not been written."""
        self._view: memoryview | None = None

    @property
    def end(self) -> int:
        """Byte of the row behind its last one."""
        return self.start + self.size

    def view(self) -> memoryview:
        """All of it; empty if a running broker has deleted it meanwhile. Raises StoreError."""
        if self._view is None:
            try:
                with open(self.path, "rb") as file:
                    mapping = mmap.mmap(file.fileno(), self.size, access=mmap.ACCESS_READ) if self.size else b""
            except FileNotFoundError:
                mapping = b""
            except (OSError, ValueError) as error:      # ValueError: it has become shorter
                raise StoreError(f"cannot read {self.path}: {error}") from error
            self._view = memoryview(mapping)
        return self._view

    def first_written(self, position: int) -> int:
        """The first byte from `position` on that is not zero; -1 if there is none. Holes are passed over."""
        view = self.view()
        if position >= len(view):
            return -1
        try:
            with open(self.path, "rb") as file:
                while position < len(view):
                    position = os.lseek(file.fileno(), position, os.SEEK_DATA)
                    end = min(os.lseek(file.fileno(), position, os.SEEK_HOLE), position + _SEARCHED_AT_ONCE)
                    rest = bytes(view[position:end]).lstrip(b"\0")
                    if rest:
                        return end - len(rest)
                    position = end
        except OSError as error:
            if error.errno not in (errno.ENXIO, errno.ENOENT):      # no data from there on; deleted
                raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        return -1

    def release(self) -> None:
        """Unmap it, as soon as nobody holds a view."""
        self._view = None


class FileRow:
    """Files that follow each other."""

    def __init__(self, files: Iterable[ReadOnlyFile] = ()) -> None:
        self.files = sorted(files, key=lambda file: file.start)
        self._starts = [file.start for file in self.files]

    @classmethod
    def load(
        cls, root: str, directories: Iterable[str], findings: Findings, *, file_size: int = 0, unit: int = 1
    ) -> FileRow:
        """The files in `directories`, those left out that no broker could use.

        All have the same size, `file_size` if that is known, a multiple of `unit`; each begins where the one before
        ends. Raises OSError when a directory cannot be read.
        """
        found: list[ReadOnlyFile] = []
        for directory in directories:
            found += _files_of(root, directory, findings)
        sizes = Counter(file.size for file in found if file.size)
        if not file_size and sizes:
            file_size = sizes.most_common(1)[0][0]
        kept: list[ReadOnlyFile] = []
        for file in sorted(found, key=lambda one: one.start):
            if file.size == 0:
                text = "has no bytes: it was being made; the next start removes it"
                findings.note("empty-file", file.name, None, text)
            elif file.size != file_size or file.size % unit:
                findings.damage("file-size", file.name, None, f"has {file.size} bytes, not {file_size}")
            else:
                if kept and file.start != kept[-1].end:
                    text = f"begins at {file.start}, the one before ends at {kept[-1].end}"
                    findings.damage("file-missing", file.name, None, text)
                kept.append(file)
        return cls(kept)

    def find(self, place: int) -> ReadOnlyFile | None:
        """The file with byte number `place` of the row."""
        at = bisect_right(self._starts, place) - 1
        return self.files[at] if at >= 0 and place < self.files[at].end else None

    @property
    def blocks(self) -> int:
        """Bytes that all of them take on the disk."""
        return sum(file.blocks for file in self.files)

    @property
    def size(self) -> int:
        """The lengths of all of them."""
        return sum(file.size for file in self.files)

    def release(self) -> None:
        """Unmap them."""
        for file in self.files:
            file.release()


def _files_of(root: str, directory: str, findings: Findings) -> Iterable[ReadOnlyFile]:
    try:
        with os.scandir(directory) as entries:
            rows = [(entry.name, entry.path, entry.is_file()) for entry in entries]
    except FileNotFoundError:
        return
    for name, path, is_file in sorted(rows):
        if not (is_file and name.isdecimal() and len(name) == _NAME_DIGITS):
            text = "does not belong here: the broker refuses to start"
            findings.damage("foreign-file", os.path.relpath(path, root), None, text)
            continue
        try:
            yield ReadOnlyFile(root, path, int(name), os.stat(path))
        except FileNotFoundError:
            continue
