"""A disk that cannot be written to: the store says so by its path, loses nothing, and acknowledges nothing falsely."""

import contextlib
import errno
import os
import tempfile
from pathlib import Path

import pytest

from rocketpy.errors import StoreError
from rocketpy.faulty_disk import FaultyDisk
from rocketpy.store.results import PutStatus

NOBODY = 65534


@pytest.fixture
def disk(tmp_path):
    with FaultyDisk(str(tmp_path)) as disk:
        yield disk


def run(store, now):
    """A step and its jobs, as in a broker."""
    for job in store.step(now):
        job.run()
        store.finish(job)


@pytest.mark.parametrize("part", ["commitlog", "consumequeue", "index", "checkpoint"])
@pytest.mark.parametrize("operation", ["sync", "write"])
def test_failed_flush_of_any_file_ends_writing(
    stores, disk, fill_store, check_store, make_record, now, caplog, part, operation
):
    """What a failed sync leaves on the disk nobody knows, and the next one may succeed all the same."""
    store = stores.open()
    records = fill_store(store, 60)
    disk.fail(operation, errno.EIO, path=part)
    run(store, now + 70_000)
    disk.heal()
    run(store, now + 140_000)
    if operation == "write" and part != "checkpoint":
        assert store.is_writable
        return
    assert store.has_failed
    assert store.append(make_record(), now).status is PutStatus.SERVICE_NOT_AVAILABLE
    assert f"cannot {'write' if part == 'checkpoint' else 'flush'} {store.paths.root}/{part}" in caplog.text
    assert "Input/output error; no messages are accepted any more" in caplog.text
    assert store.record_at(records[-1].physical_offset).body == records[-1].body
    store.close(now)
    stores.opened.remove(store)
    assert os.path.exists(store.paths.abort)
    check_store(stores.open(), records)


def test_what_a_failed_flush_left_behind_was_never_acknowledged(stores, disk, fill_store, check_store, now):
    store = stores.open()
    records = fill_store(store, 20)
    job = store.flush_job()
    job.run()
    store.finish(job)
    flushed = store.flushed_offset
    fill_store(store, 20)
    disk.fail("sync")
    job = store.flush_job()
    job.run()
    store.finish(job)
    assert (store.flushed_offset, store.flush_job()) == (flushed, None)
    disk.heal()
    stores.kill(store)
    disk.lose_power()
    check_store(stores.open(), records)


@pytest.mark.parametrize(
    ("operation", "part", "status"),
    [
        ("reserve", "commitlog", PutStatus.CREATE_MAPPED_FILE_FAILED),
        ("map", "commitlog", PutStatus.CREATE_MAPPED_FILE_FAILED),
        ("reserve", "consumequeue", PutStatus.CREATE_MAPPED_FILE_FAILED),
        ("map", "consumequeue", PutStatus.CREATE_MAPPED_FILE_FAILED),
        ("reserve", "index", PutStatus.SERVICE_NOT_AVAILABLE),
        ("map", "index", PutStatus.SERVICE_NOT_AVAILABLE),
    ],
)
def test_disk_without_room_refuses_and_goes_on_when_there_is_some(
    stores, disk, fill_store, check_store, make_record, now, caplog, operation, part, status
):
    store = stores.open()
    records = fill_store(store, 10)
    disk.fail(operation, errno.ENOSPC, path=part)
    refused = 0
    while refused < 3:
        record = make_record("Topic0", 0, keys="k")
        now += 1
        result = store.append(record, now)
        if result.status is PutStatus.PUT_OK:
            record.physical_offset, record.size, record.queue_offset, record.store_timestamp = (
                result.physical_offset, result.size, result.queue_offset, now,
            )  # fmt: skip
            records.append(record)
        else:
            refused += 1
            assert result.status is status
            run(store, now)
    assert f"{part}/" in caplog.text
    assert "No space left on device" in caplog.text
    disk.heal()
    run(store, now)
    check_store(store, records)
    assert store.append(make_record("Topic0", 0), now).status is PutStatus.PUT_OK


@pytest.mark.parametrize("operation", ["map", "write", "reserve"])
def test_directory_that_has_become_read_only(stores, disk, fill_store, check_store, make_record, now, operation):
    store = stores.open()
    records = fill_store(store, 100)
    store.close(now)
    stores.opened.clear()
    disk.fail(operation, errno.EROFS)
    if operation == "reserve":
        store = stores.open()
        assert store.append(make_record("Topic0", 0), now).status is PutStatus.CREATE_MAPPED_FILE_FAILED
        stores.kill(store)
    else:
        with pytest.raises(StoreError, match=r"cannot (map|write) .*store/.*: Read-only file system"):
            stores.open()
    disk.heal()
    check_store(stores.open(), records)


@contextlib.contextmanager
def as_another():
    """As a user to whom the files do not belong; root becomes nobody, others see that they may write nothing."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def volume(config):
    """A store's directory where everybody may look."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        config.store_path_root_dir = f"{place}/store"
        yield Path(place, "store")


@pytest.mark.parametrize(
    ("read_only", "problem"),
    [
        ("", r"cannot (make|write) .*/store/\w+: Permission denied"),
        ("lock", "cannot open .*/store/lock: Permission denied"),
        ("commitlog/00000000000000000000", "cannot map .*/commitlog/0+: Permission denied"),
        ("consumequeue/Topic0/0/00000000000000000000", "cannot map .*/consumequeue/Topic0/0/0+: Permission denied"),
        ("abort", "cannot write .*/store/abort: Permission denied"),
    ],
)
@pytest.mark.parametrize("is_empty", [False, True])
def test_volume_of_another_user_is_named_and_left_alone(
    stores, fill_store, check_store, volume, now, read_only, problem, is_empty
):
    if is_empty and read_only:
        return
    volume.mkdir()
    records = []
    if not is_empty:
        store = stores.open()
        records = fill_store(store, 10)
        store.close(now)
        stores.opened.clear()
    everything = [volume, *volume.rglob("*")]
    for path in everything:
        path.chmod(0o777 if path.is_dir() else 0o666)
    forbidden = volume if read_only == "abort" else volume / read_only
    forbidden.chmod(0o555 if forbidden.is_dir() else 0o444)
    with as_another(), pytest.raises(StoreError, match=problem):
        stores.open()
    for path in everything:
        path.chmod(0o777 if path.is_dir() else 0o666)
    check_store(stores.open(), records)
