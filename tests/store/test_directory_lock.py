"""One broker a directory, and the mark of the one that died."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rocketpy.disk import Disk
from rocketpy.errors import StoreError
from rocketpy.store.directory_lock import AbortMark, DirectoryLock, lock_holder

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lock")


def test_lock_is_held_once_in_a_process(path):
    first, second = DirectoryLock(path), DirectoryLock(path)
    first.acquire()
    with pytest.raises(StoreError, match=r"is in use by another broker \(.*/lock is locked\)"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_lock_of_another_process_is_respected(path):
    """The child locks the first byte, as Java does."""
    with open(path, "w") as file:
        file.write("lock")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "locked\n"
        with pytest.raises(StoreError, match="in use"):
            DirectoryLock(path).acquire()
        child.stdin.close()
        child.wait()
        lock = DirectoryLock(path)
        lock.acquire()
        lock.release()


def test_holder_is_told_without_taking_the_lock(path):
    assert lock_holder(path) == 0
    own = DirectoryLock(path)
    own.acquire()
    assert lock_holder(path) == os.getpid()
    asks = "import sys; from rocketpy.store.directory_lock import lock_holder; print(lock_holder(sys.argv[1]))"
    other = subprocess.run([sys.executable, "-c", asks, path], capture_output=True, text=True, check=True)
    assert int(other.stdout) == os.getpid()
    own.release()
    assert lock_holder(path) == 0


def test_lock_that_cannot_be_made_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"cannot open .*missing/lock"):
        DirectoryLock(str(tmp_path / "missing" / "lock")).acquire()


def test_others_find_the_first_byte_locked(path):
    lock = DirectoryLock(path)
    lock.acquire()
    check = "import fcntl,sys; fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)"
    assert subprocess.run([sys.executable, "-c", check, path], capture_output=True, check=False).returncode == 1
    assert Path(path).read_text() == "lock"
    lock.release()


def test_mark_knows_whether_the_machine_ran_on(tmp_path, monkeypatch):
    mark = AbortMark(str(tmp_path / "abort"))
    assert not mark.is_set()
    assert not mark.is_of_this_boot()
    mark.set()
    assert mark.is_set()
    assert mark.is_of_this_boot()
    monkeypatch.setattr(Disk, "boot_id", lambda disk: "another")
    assert not mark.is_of_this_boot()
    (tmp_path / "abort").write_text("")
    monkeypatch.setattr(Disk, "boot_id", lambda disk: "")
    assert not mark.is_of_this_boot()
    mark.clear()
    mark.clear()
    assert not mark.is_set()
