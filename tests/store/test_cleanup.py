"""What expires when."""

import os
import time
from pathlib import Path

import pytest

from rocketpy.protocol.topic_names import SCHEDULE_TOPIC
from rocketpy.store import cleanup
from rocketpy.store.cleanup import DeleteFiles, disk_used_ratio
from rocketpy.store.results import PutStatus

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def disk(monkeypatch):
    """The disk's fill, as tests want it."""
    fill = {"ratio": 0.1}
    monkeypatch.setattr(cleanup, "disk_used_ratio", lambda path: fill["ratio"])
    return fill


def hour_of(now):
    return f"{time.localtime(now / 1000).tm_hour:02d}"


def run(store, now):
    """A step and its jobs, as in a broker."""
    for job in store.step(now):
        job.run()
        store.finish(job)


def log_files(store):
    assert all(os.path.exists(file.path) for file in store.log.files.files)
    return len(store.log.files.files)


@pytest.fixture
def old(stores, fill_store, now):
    """A store of many files, all last written at `now`."""
    store = stores.open(delete_when="99")
    fill_store(store, 600)
    for file in store.log.files.files:
        os.utime(file.path, (now / 1000, now / 1000))
    return store


def test_files_expire_in_their_hour(old, now):
    late = now + 72 * HOUR + 1
    before = log_files(old)
    old.config.delete_when = f"99;{hour_of(now + 71 * HOUR)}"
    run(old, now + 71 * HOUR)
    assert log_files(old) == before
    old.config.delete_when = hour_of(late - HOUR)
    run(old, late)
    assert log_files(old) == before
    old.config.delete_when = f"99;{hour_of(late)}"
    run(old, late + 10_000)
    assert log_files(old) == before - 10
    for step in range(2, 10):
        run(old, late + step * 10_000)
    assert log_files(old) == 1


def test_nothing_is_deleted_in_the_first_minute(old, now):
    old.config.delete_when = hour_of(now)
    old.config.file_reserved_time = 0
    before = log_files(old)
    run(old, now + 59_999)
    assert log_files(old) == before
    run(old, now + 60_000)
    assert log_files(old) == before - 10


def test_queues_and_index_follow_the_log(old, now):
    low = old.min_offset("Topic0", 0)
    index_files = len(old.index.files)
    old.cleanup.delete_now()
    for step in range(10):
        run(old, now + 72 * HOUR + 10_000 * step)
    assert old.min_offset("Topic0", 0) > low
    queue = old.queues.find("Topic0", 0)
    assert len(os.listdir(queue.files.directories[0])) == len(queue.files.files) < 6
    assert queue.next_offset == 100
    assert 1 <= len(old.index.files) < index_files
    assert len(os.listdir(old.paths.index)) == len(old.index.files)
    found = old.get("Topic0", 0, old.min_offset("Topic0", 0), 1)
    assert found.message_count == 1


def test_full_disk_takes_expired_files_at_any_hour(old, disk, now):
    disk["ratio"] = 0.80
    before = log_files(old)
    run(old, now + 60_000)
    assert log_files(old) == before
    run(old, now + 73 * HOUR)
    assert log_files(old) == before - 10


def test_fuller_disk_takes_files_that_have_not_expired(old, disk, now):
    disk["ratio"] = 0.86
    before = log_files(old)
    old.config.clean_file_forcibly_enable = False
    run(old, now + 60_000)
    assert log_files(old) == before
    old.config.clean_file_forcibly_enable = True
    run(old, now + 70_000)
    assert log_files(old) == before - 10


def test_messages_are_refused_while_the_disk_is_full(old, disk, make_record, now, caplog):
    disk["ratio"] = 0.91
    old.config.clean_file_forcibly_enable = False
    run(old, now + 1_000)
    assert old.append(make_record(), now).status is PutStatus.SERVICE_NOT_AVAILABLE
    assert "91 % of the disk are in use, the limit is 90 %" in caplog.text
    disk["ratio"] = 0.90
    run(old, now + 11_000)
    assert old.append(make_record(), now).status is PutStatus.PUT_OK


def test_expired_files_leave_the_directory_in_a_job(old, now):
    old.cleanup.delete_now()
    expired = [file.path for file in old.log.files.files[:10]]
    (job,) = [job for job in old.step(now + 73 * HOUR) if isinstance(job, DeleteFiles)]
    assert old.log.min_offset == 81920
    assert all(map(os.path.exists, expired))
    job.run()
    old.finish(job)
    assert not any(map(os.path.exists, expired))


def test_file_that_cannot_be_deleted_is_named(old, now, monkeypatch, caplog):
    old.cleanup.delete_now()

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "unlink", refuse)
    run(old, now + 73 * HOUR)
    assert "cannot delete " in caplog.text
    assert old.is_writable


def test_last_file_is_never_deleted(stores, fill_store, now):
    store = stores.open(delete_when="00;01;02", file_reserved_time=0)
    fill_store(store, 5)
    store.cleanup.delete_now()
    run(store, now + DAY)
    assert log_files(store) == 1


def test_ratio_is_in_whole_percents(tmp_path, monkeypatch):
    ratio = disk_used_ratio(str(tmp_path))
    assert 0 < ratio <= 1
    assert round(ratio * 100) == pytest.approx(ratio * 100)
    assert disk_used_ratio(str(Path(tmp_path, "nowhere"))) == -1


def test_queue_whose_messages_have_all_expired_is_deleted(stores, fill_store, make_record, now):
    store = stores.open()
    for topic in ("Old", SCHEDULE_TOPIC):
        store.append(make_record(topic, 0), now)
    fill_store(store, 200)
    assert store.delete_expired_queues() == 0
    store.log.files.delete_first()
    assert store.delete_expired_queues() == 1
    assert store.queues.find("Old", 0) is None
    assert store.max_offset(SCHEDULE_TOPIC, 0) == 1
    assert not os.path.exists(os.path.join(store.paths.consume_queue, "Old"))
    assert store.append(make_record("Old", 0), now).queue_offset == 0
