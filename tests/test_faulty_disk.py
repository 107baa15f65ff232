"""The disk that fails is itself tried: what it forgets, and what it keeps."""

import errno
import os
import random
from pathlib import Path

import pytest

from rocketpy.disk import Disk, disk_at
from rocketpy.faulty_disk import SECTOR, FaultyDisk


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def disk(root):
    with FaultyDisk(str(root)) as disk:
        yield disk


def make(disk, path, data, size=4 * SECTOR):
    """A file with `data`, not synced."""
    disk.map(str(path), size)[: len(data)] = data


def test_it_is_where_it_is_mounted_and_nowhere_else(root, tmp_path):
    with FaultyDisk(str(root)) as disk:
        assert disk_at(str(root)) is disk_at(str(root / "a" / "b")) is disk
        assert disk_at(str(tmp_path / "rooted")) is not disk
    assert disk_at(str(root)) is not disk
    assert type(disk_at("/")) is Disk


def test_what_was_there_is_on_disk(root):
    (root / "d").mkdir()
    (root / "d" / "old").write_bytes(b"old")
    with FaultyDisk(str(root)) as disk:
        (root / "d" / "old").write_bytes(b"new")
        disk.lose_power()
    assert (root / "d" / "old").read_bytes() == b"old"


def test_what_was_synced_stays_and_the_rest_goes(disk, root):
    mapping = disk.map(str(root / "file"), 4 * SECTOR)
    mapping[0:3] = b"abc"
    disk.sync(str(root / "file"))
    mapping[0:1] = b"x"
    mapping[SECTOR : SECTOR + 1] = b"y"
    make(disk, root / "never", b"gone")
    disk.lose_power()
    assert (root / "file").read_bytes() == b"abc".ljust(4 * SECTOR, b"\0")
    assert not (root / "never").exists()


def test_file_in_a_directory_that_was_never_synced_is_gone(disk, root):
    disk.make_directories(str(root / "a" / "b"))
    make(disk, root / "a" / "b" / "file", b"x")
    disk.sync_data(str(root / "a" / "b" / "file"))
    disk.sync_directory(str(root / "a" / "b"))
    disk.sync_directory(str(root / "a"))
    disk.lose_power()
    assert os.listdir(root) == []


def test_sync_names_a_new_file_and_its_new_directories(disk, root):
    disk.make_directories(str(root / "a" / "b"))
    make(disk, root / "a" / "b" / "file", b"x")
    disk.sync(str(root / "a" / "b" / "file"))
    disk.lose_power()
    assert (root / "a" / "b" / "file").read_bytes()[:1] == b"x"


def test_names_of_an_earlier_process_are_synced_when_doubted(disk, root):
    (root / "a").mkdir()
    (root / "a" / "file").write_bytes(b"x")
    disk.sync(str(root / "a" / "file"))
    disk.doubt(str(root / "a" / "file"))
    disk.sync(str(root / "a" / "file"))
    disk.lose_power()
    assert (root / "a" / "file").read_bytes() == b"x"


def test_deleted_and_replaced_files_come_back_until_their_directory_is_synced(disk, root):
    disk.replace(str(root / "kept"), b"one")
    disk.write(str(root / "deleted"), b"here")
    disk.delete(str(root / "deleted"))
    Path(root, "new").write_bytes(b"two")
    disk.sync_data(str(root / "new"))
    disk.rename(str(root / "new"), str(root / "kept"))
    disk.lose_power()
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {"kept": b"one", "deleted": b"here"}
    disk.delete(str(root / "deleted"))
    disk.replace(str(root / "kept"), b"three")
    disk.lose_power()
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {"kept": b"three"}


def test_chance_decides_on_each_sector_and_name_that_was_not_synced(disk, root):
    disk.write(str(root / "file"), b"\1" * SECTOR * 8)
    seen, there = set(), set()
    for seed in range(20):
        (root / "file").write_bytes(b"\2" * SECTOR * 8)
        (root / "new").write_bytes(b"")
        disk.lose_power(random.Random(seed))
        data = (root / "file").read_bytes()
        sectors = [data[at : at + SECTOR] for at in range(0, len(data), SECTOR)]
        assert len(sectors) == 8
        assert all(sector in (b"\1" * SECTOR, b"\2" * SECTOR) for sector in sectors)
        seen.add(data)
        there.add((root / "new").exists())
        (root / "new").unlink(missing_ok=True)
        disk.sync_directory(str(root))
        disk.write(str(root / "file"), b"\1" * SECTOR * 8)
    assert len(seen) > 10
    assert there == {False, True}


def test_faults_last_until_it_is_healed(disk, root):
    make(disk, root / "file", b"x")
    disk.fail("sync", path="fil")
    disk.fail("reserve", errno.ENOSPC)
    disk.sync_directory(str(root))
    with pytest.raises(OSError, match="Input/output error"):
        disk.sync(str(root / "file"))
    with pytest.raises(OSError, match="No space left"):
        disk.reserve(str(root / "file"), 0, 1)
    disk.fill(0.97, path="logs")
    assert disk.used_ratio(str(root / "logs")) == 0.97
    assert disk.used_ratio(str(root)) != 0.97
    disk.heal()
    disk.sync(str(root / "file"))
    disk.reserve(str(root / "file"), 0, 1)
    assert disk.used_ratio(str(root / "logs")) == -1


@pytest.mark.parametrize("operation", ["map", "write", "delete"])
def test_each_operation_can_fail(disk, root, operation):
    disk.fail(operation, errno.EROFS)
    act = {
        "map": lambda: disk.map(str(root / "f"), 1),
        "write": lambda: disk.replace(str(root / "f"), b"x"),
        "delete": lambda: disk.delete(str(root / "f")),
    }[operation]
    with pytest.raises(OSError, match="Read-only file system"):
        act()


def test_boots_are_told_apart(disk):
    before = disk.boot_id()
    disk.lose_power()
    assert disk.boot_id() != before


@pytest.mark.usefixtures("real_disk")
@pytest.mark.parametrize(("number", "passes"), [(errno.EROFS, True), (errno.EINVAL, True), (errno.EIO, False)])
def test_directory_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch, number, passes):
    def refuse(fd):
        raise OSError(number, os.strerror(number))

    disk = disk_at(str(tmp_path))
    make(disk, tmp_path / "file", b"x")
    monkeypatch.setattr(os, "fsync", refuse)
    if passes:
        disk.sync(str(tmp_path / "file"))
    else:
        with pytest.raises(OSError, match="Input/output error"):
            disk.sync(str(tmp_path / "file"))
