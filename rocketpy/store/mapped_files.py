"""A sequence of files of equal length: what the CommitLog and each ConsumeQueue consist of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rocketpy.disk import disk_at
from rocketpy.errors import StoreError
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.paths import file_name


class MappedFiles:
    """The files in `directories`, in order. Bytes are addressed by their place in the whole sequence.

    New files go into the directories by turns, but not into those that are `full` if there is another. Files in the
    `read_only` ones are read, and deleted in their time (MultiPathMappedFileQueue.java).
    """

    __slots__ = ("_read_only", "_sparse", "directories", "file_size", "files", "full")

    def __init__(
        self, directories: Sequence[str], file_size: int, read_only: Sequence[str] = (), *, sparse: bool
    ) -> None:
        """`sparse`: see `MappedFile`."""
        self.directories = sorted(set(directories) - set(read_only))
        self._read_only = sorted(set(read_only))
        self._sparse = sparse
        self.file_size = file_size
        self.files: list[MappedFile] = []
        self.full: set[str] = set()

    def load(self) -> None:
        """Find the files that exist (MappedFileQueue.load:143).

        Raises StoreError if one is not `file_size` long or is not called after an offset: guessing which bytes are
        missing would lose messages. A file of length 0 was being made when the process died, it is removed.
        """
        found: list[tuple[str, str, int]] = []
        for directory in (*self.directories, *self._read_only):
            try:
                with os.scandir(directory) as entries:
                    found += [(entry.name, entry.path, entry.stat().st_size) for entry in entries]
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"cannot read {directory}: {error.strerror}") from error
        for name, path, size in sorted(found):
            if not name.isdecimal():
                raise StoreError(f"{path} does not belong into a store, please check it")
            if size == 0:
                self._file(path, int(name)).delete()
            elif size != self.file_size:
                raise StoreError(
                    f"{path} has {size} bytes, but the configuration says {self.file_size}; please check both"
                )
            else:
                self.files.append(self._file(path, int(name)))

    def _file(self, path: str, start: int) -> MappedFile:
        return MappedFile(path, start, self.file_size, sparse=self._sparse)

    @property
    def last(self) -> MappedFile | None:
        """The newest file."""
        return self.files[-1] if self.files else None

    def find(self, place: int) -> MappedFile | None:
        """The file with byte number `place` of the sequence."""
        files = self.files
        if not files or place < files[0].start or place >= files[-1].end:
            return None
        file = files[min((place - files[0].start) // self.file_size, len(files) - 1)]
        if file.start <= place < file.end:
            return file
        return next((file for file in files if file.start <= place < file.end), None)

    def add(self, start: int) -> MappedFile:
        """Make the file that begins at `start`; it becomes the last one. Raises StoreError."""
        file = self.prepare(start)
        self.files.append(file)
        return file

    def prepare(self, start: int) -> MappedFile:
        """The same without taking it into the sequence yet."""
        usable = [directory for directory in self.directories if directory not in self.full] or self.directories
        directory = usable[start // self.file_size % len(usable)]
        file = self._file(os.path.join(directory, file_name(start)), start)
        try:
            file.view()
        except StoreError:
            if os.path.isdir(directory):
                raise
            _make(directory)
            file.view()
        return file

    def truncate(self, end: int) -> None:
        """Delete the files that begin behind `end`; one that begins exactly there stays (MappedFileQueue:105-123).

        The bytes behind `end` in the last file are not touched, as in Java: later appends overwrite them.
        """
        while self.files and self.files[-1].start > end:
            self.files.pop().delete(for_good=True)

    def delete_first(self) -> None:
        """Delete the oldest file. Raises StoreError, then it stays."""
        self.files[0].delete()
        del self.files[0]

    def delete_all(self) -> None:
        """Delete every file, and the directories that this leaves empty. Raises StoreError."""
        while self.files:
            self.files.pop().delete()
        for directory in self.directories:
            if os.path.isdir(directory) and not os.listdir(directory):
                os.rmdir(directory)

    def release(self) -> None:
        """Unmap all of them."""
        for file in self.files:
            file.release()


def _make(directory: str) -> None:
    try:
        disk_at(directory).make_directories(directory)
    except OSError as error:
        raise StoreError(f"cannot make {directory}: {error.strerror}") from error
