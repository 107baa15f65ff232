"""A disk with faults, for tests: power that fails, syncs that fail, room that runs out.

    with FaultyDisk(directory) as disk:             # everything at and below it goes through this one
        disk.fail("sync", errno.EIO)                # from now on
        disk.heal()
        disk.lose_power()                           # what was not synced is gone

It is the fault injection of leveldb's `fault_injection_test`: files are written where they are, and beside them the
disk remembers what has been synced. When the power fails each file becomes what it was at its last sync, one whose
directory was not synced since it was made is gone, and one that was deleted or renamed without that is back. A real
disk may have got further on its own: with a random generator, each sector and each name falls on either side.

Nobody may have a file mapped while the power fails: close the store, or forget it, before.
"""

from __future__ import annotations

import errno
import mmap
import os
import random
from typing import Final, Literal, Self

from rocketpy.disk import Disk, mount, unmount

Operation = Literal["map", "reserve", "sync", "write", "delete"]
"""What can fail: making or opening a file, room for it, its sync, a small file written as a whole, a deletion."""

SECTOR: Final = 512
"""Bytes that are written as a whole or not at all."""
_NOTHING: Final = bytes(SECTOR)


class _Content:
    """A file as far as it has been synced: its length, and the sectors that are not zero."""

    __slots__ = ("sectors", "size")

    def __init__(self) -> None:
        self.size = 0
        self.sectors: dict[int, bytes] = {}

    def take(self, path: str) -> None:
        """Become what the file is now."""
        sectors: dict[int, bytes] = {}
        with open(path, "rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            end = 0
            while end < self.size:
                try:
                    begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
                except OSError as error:
                    if error.errno != errno.ENXIO:      # only a hole is left
                        raise
                    break
                end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
                begin -= begin % SECTOR
                file.seek(begin)
                data = file.read(end - begin)
                for position in range(0, len(data), SECTOR):
                    sector = data[position : position + SECTOR].ljust(SECTOR, b"\0")
                    if sector != _NOTHING:
                        sectors[(begin + position) // SECTOR] = sector
        self.sectors = sectors

    def put(self, path: str) -> None:
        """Make the file be this."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            for number, sector in self.sectors.items():
                file.seek(number * SECTOR)
                file.write(sector)
            file.truncate(self.size)

    def mixed_with(self, later: _Content, rng: random.Random) -> _Content:
        """Something between this and what it was to become."""
        mixed = _Content()
        mixed.size = later.size if later.sectors else rng.choice((self.size, later.size))
        for number in self.sectors.keys() | later.sectors.keys():
            sector = rng.choice((self, later)).sectors.get(number)
            if sector is not None:
                mixed.sectors[number] = sector
        return mixed


class FaultyDisk(Disk):
    """A disk that holds the directory `root` and can be told to fail; mounted while a `with` lasts.

    What is there at the beginning is on disk.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self.root = root
        self._synced: dict[str, _Content] = {}
        """Of the files of now."""
        self._named: dict[str, _Content | None] = {}
        """What the directories on disk name; None stands for a directory."""
        self._faults: list[tuple[Operation, int, str]] = []
        self._ratios: dict[str, float] = {}
        self._power_losses = 0

    def __enter__(self) -> Self:
        for path in self._files():
            self._synced[path] = content = _Content()
            content.take(path)
        self._name_all()
        mount(self.root, self)
        return self

    def __exit__(self, *_: object) -> None:
        unmount(self.root)

    # ---------------------------------------------------------------- faults

    def fail(self, operation: Operation, error_number: int = errno.EIO, *, path: str = "") -> None:
        """Have an operation raise OSError with that number, on files whose path contains `path`, until `heal`."""
        self._faults.append((operation, error_number, path))

    def fill(self, ratio: float, *, path: str = "") -> None:
        """Say that so much of the disk is in use, for paths that contain `path`, until `heal`."""
        self._ratios[path] = ratio

    def heal(self) -> None:
        """Work again."""
        self._faults.clear()
        self._ratios.clear()

    def lose_power(self, rng: random.Random | None = None) -> None:
        """Forget what was not synced; with `rng`, some of it."""
        named = dict(self._named) if rng is None else self._mixed(rng)
        for directory, _, names in os.walk(self.root, topdown=False):
            for name in names:
                os.unlink(os.path.join(directory, name))
            if directory != self.root:
                os.rmdir(directory)
        self._power_losses += 1
        self._unnamed.clear()
        self._synced.clear()
        for path, content in sorted(named.items()):
            if not self._is_reachable(path, named):
                continue
            if content is None:
                os.makedirs(path, exist_ok=True)
            else:
                content.put(path)
                self._synced[path] = content
        self._name_all()

    # ---------------------------------------------------------------- the disk

    def map(self, path: str, size: int) -> mmap.mmap:
        self._meet("map", path)
        return super().map(path, size)

    def reserve(self, path: str, position: int, length: int) -> None:
        self._meet("reserve", path)
        super().reserve(path, position, length)

    def zero(self, path: str, position: int, length: int) -> None:
        self._meet("reserve", path)
        super().zero(path, position, length)

    def write(self, path: str, data: bytes) -> None:
        self._meet("write", path)
        super().write(path, data)

    def replace(self, path: str, data: bytes) -> None:
        self._meet("write", path)
        super().replace(path, data)

    def sync_data(self, path: str) -> None:
        self._meet("sync", path)
        self._synced.setdefault(path, _Content()).take(path)

    def sync_directory(self, path: str) -> None:
        self._meet("sync", path)
        if f"{path}/".startswith(f"{self.root}/"):
            self._take_names(path)

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self._synced[new] = self._synced.pop(old)

    def delete(self, path: str) -> None:
        self._meet("delete", path)
        super().delete(path)
        self._synced.pop(path, None)

    def used_ratio(self, path: str) -> float:
        for part, ratio in self._ratios.items():
            if part in path:
                return ratio
        return super().used_ratio(path)

    def boot_id(self) -> str:
        return f"{super().boot_id()} {self._power_losses}"

    def _meet(self, operation: Operation, path: str) -> None:
        for failing, error_number, part in self._faults:
            if failing == operation and part in path:
                raise OSError(error_number, os.strerror(error_number), path)

    # ---------------------------------------------------------------- what is on it

    def _files(self) -> list[str]:
        return [os.path.join(directory, name) for directory, _, names in os.walk(self.root) for name in names]

    def _name_all(self) -> None:
        self._named.clear()
        for directory, _, _ in os.walk(self.root):
            self._take_names(directory)

    def _take_names(self, directory: str) -> None:
        """The names in a directory are on disk as they are now."""
        for path in [path for path in self._named if os.path.dirname(path) == directory]:
            del self._named[path]
        for entry in os.scandir(directory):
            is_file = entry.is_file()
            self._named[entry.path] = self._synced.setdefault(entry.path, _Content()) if is_file else None

    def _is_reachable(self, path: str, named: dict[str, _Content | None]) -> bool:
        directory = os.path.dirname(path)
        return directory == self.root or (directory in named and self._is_reachable(directory, named))

    def _mixed(self, rng: random.Random) -> dict[str, _Content | None]:
        """What may be on the disk: for each name what was synced or what is there now, and parts of both."""
        now: dict[str, _Content | None] = {
            os.path.join(directory, name): None for directory, names, _ in os.walk(self.root) for name in names
        }
        for path in self._files():
            content = _Content()
            content.take(path)
            now[path] = self._synced.get(path, _Content()).mixed_with(content, rng)
        mixed: dict[str, _Content | None] = {}
        for path in sorted(now.keys() | self._named.keys()):
            settled = path in self._named and path in now and self._named[path] is self._synced.get(path)
            state = now if settled else rng.choice((now, self._named))
            if path in state:
                mixed[path] = state[path]
        return mixed
