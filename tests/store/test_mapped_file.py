"""Single files and sequences of them."""

import os
from pathlib import Path

import pytest

from rocketpy.errors import StoreError
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.mapped_files import MappedFiles

PAGE = 4096


@pytest.fixture
def file(tmp_path):
    return MappedFile(str(tmp_path / "file"), 0, 64 * PAGE, sparse=True)


@pytest.fixture
def files(tmp_path):
    return MappedFiles([str(tmp_path / "made" / "later")], PAGE, sparse=False)


def test_file_is_made_sparse_and_zeroed(file):
    assert not file.is_mapped
    assert bytes(file.view()) == bytes(64 * PAGE)
    status = os.stat(file.path)
    assert (status.st_size, status.st_blocks) == (64 * PAGE, 0)


def test_what_is_written_is_in_the_file(file):
    file.view()[10:15] = b"hello"
    assert Path(file.path).read_bytes()[10:15] == b"hello"
    file.release()
    assert bytes(file.view()[10:15]) == b"hello"


def test_room_is_reserved_on_the_disk(file):
    file.view()
    file.reserve(PAGE, 8 * PAGE)
    assert os.stat(file.path).st_blocks * 512 == 8 * PAGE
    file.expect_appends(5 * PAGE + 7)
    file.expect_reads()


def test_file_system_that_reserves_nothing_is_believed(file, monkeypatch):
    def unsupported(fd, position, length):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    file.view()
    file.reserve(0, PAGE)


def test_longer_file_is_left_as_long(file):
    Path(file.path).write_bytes(b"x" * 100 * PAGE)
    assert len(file.view()) == 64 * PAGE
    assert os.stat(file.path).st_size == 100 * PAGE


@pytest.mark.parametrize("position", [0, 1, PAGE, 30 * PAGE + 5, 64 * PAGE])
def test_clearing_leaves_what_is_before(file, position):
    file.view()[:] = b"x" * (64 * PAGE)
    file.clear(position)
    assert bytes(file.view()) == b"x" * position + bytes(64 * PAGE - position)


def test_clearing_fills_no_holes(file):
    file.view()[40 * PAGE] = 1
    file.clear(PAGE)
    assert file.view()[40 * PAGE] == 0
    assert os.stat(file.path).st_blocks * 512 <= 8 * PAGE


def test_problems_name_the_path(tmp_path):
    missing = MappedFile(str(tmp_path / "no" / "file"), 0, PAGE, sparse=False)
    for act in (missing.view, lambda: missing.reserve(0, 1), lambda: missing.clear(0)):
        with pytest.raises(StoreError, match="no/file: No such file"):
            act()
    missing.sync()
    missing.delete()


def test_deleted_file_stays_readable(file):
    file.view()[0:2] = b"ab"
    view = file.view()
    file.delete()
    file.sync()
    assert bytes(view[:2]) == b"ab"
    assert not os.path.exists(file.path)


def test_files_are_found_by_place(files, tmp_path):
    assert files.find(0) is None
    for start in (0, PAGE, 2 * PAGE):
        files.add(start)
    assert sorted(os.listdir(tmp_path / "made/later")) == [f"{start:020d}" for start in (0, PAGE, 2 * PAGE)]
    assert [files.find(place).start for place in (0, PAGE - 1, PAGE, 3 * PAGE - 1)] == [0, 0, PAGE, 2 * PAGE]
    assert files.find(-1) is None
    assert files.find(3 * PAGE) is None


def test_files_with_a_gap_are_found_too(files):
    for start in (PAGE, 2 * PAGE, 5 * PAGE):
        files.add(start)
    assert [files.find(place).start for place in (PAGE, 2 * PAGE, 5 * PAGE)] == [PAGE, 2 * PAGE, 5 * PAGE]
    assert files.find(3 * PAGE) is None


@pytest.mark.parametrize(("end", "left"), [(0, 1), (1, 1), (PAGE, 2), (PAGE + 1, 2), (9 * PAGE, 3)])
def test_truncation_deletes_the_files_behind(files, end, left, tmp_path):
    for start in (0, PAGE, 2 * PAGE):
        files.add(start)
    files.truncate(end)
    assert len(files.files) == len(os.listdir(tmp_path / "made/later")) == left


def test_all_files_go_with_their_directory(files, tmp_path):
    files.add(0)
    files.delete_all()
    assert not (tmp_path / "made/later").exists()
    files.add(0)
    (tmp_path / "made/later/mine").write_text("")
    files.delete_all()
    assert os.listdir(tmp_path / "made/later") == ["mine"]
