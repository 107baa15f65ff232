"""What expires when."""

import errno
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from rocketpy.errors import StoreError
from rocketpy.faulty_disk import FaultyDisk
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC
from rocketpy.store import cleanup
from rocketpy.store.cleanup import DeleteFiles, disk_used_ratio
from rocketpy.store.results import PutStatus

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def disk(monkeypatch):
    """The disk's fill, as tests want it: `ratio`, or that of the paths which contain a key."""
    fill = {"ratio": 0.1}

    def ratio(path):
        return next((used for part, used in fill.items() if part in path), fill["ratio"])

    monkeypatch.setattr(cleanup, "disk_used_ratio", ratio)
    return fill


def hour_of(now):
    return f"{time.localtime(now / 1000).tm_hour:02d}"


def run(store, now):
    """A step and its jobs, as in a broker."""
    for job in store.step(now):
        job.run()
        store.finish(job)


def stepped(store, now):
    """The jobs of a step, which have been run."""
    jobs = store.step(now)
    for job in jobs:
        job.run()
        store.finish(job)
    return jobs


def log_files(store):
    assert all(os.path.exists(file.path) for file in store.log.files.files)
    return len(store.log.files.files)


@pytest.fixture
def old(stores, fill_store, now):
    """A store of many files, all last written at `now`."""
    store = stores.open(delete_when="99", delete_commit_log_files_interval=0)
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


def test_clean_resource_interval_is_kept_to(old, now):
    old.config.clean_resource_interval = 30_000
    old.cleanup.delete_now()
    due = [second for second in range(73 * 3600, 73 * 3600 + 100, 10) if run_deletes(old, now + second * 1000)]
    assert [second - 73 * 3600 for second in due] == [0, 30, 60]


def run_deletes(store, now):
    """Whether a step deletes files of the log."""
    return any(isinstance(job, DeleteFiles) for job in stepped(store, now))


def test_deletion_by_hand_lasts_for_twenty_runs(old, now):
    old.cleanup.delete_now()
    for number in range(20):
        run(old, now + 60_000 + number * 10_000)        # nothing has expired yet
    before = log_files(old)
    run(old, now + 73 * HOUR)
    assert log_files(old) == before


@pytest.mark.parametrize(
    ("log", "queues", "deleted", "writable"),
    [
        (0.75, 0.75, 0, True),      # at the limit, not above
        (0.76, 0.10, 0, True),      # short, but nothing has expired
        (0.86, 0.10, 10, True),     # so short that it does not matter
        (0.80, 0.88, 0, True),      # the log's disk is short: the queues' is not asked
        (0.10, 0.86, 10, True),
        (0.91, 0.10, 10, False),
        (0.10, 0.91, 10, False),
        (-1, 0.10, 0, True),
    ],
)
def test_either_disk_makes_files_go(old, disk, make_record, now, log, queues, deleted, writable):
    disk.update({"commitlog": log, "consumequeue": queues})
    before = log_files(old)
    for second in range(60, 70):
        run(old, now + second * 1000)
        assert old.is_writable is writable
    assert log_files(old) == before - deleted
    disk.update({"commitlog": 0.1, "consumequeue": 0.1})
    run(old, now + 80_000)
    assert old.is_writable


def test_limits_are_configured(old, disk, now, caplog):
    disk["ratio"] = 0.50
    old.config.disk_max_used_space_ratio = 49
    before = log_files(old)
    run(old, now + 60_000)
    assert log_files(old) == before
    assert "the disk will be full soon, but no file may be deleted yet" in caplog.text
    old.config.file_reserved_time = 0
    run(old, now + 70_000)
    assert log_files(old) == before - 10


def test_full_directory_gets_no_new_files_and_read_only_ones_expire(stores, fill_store, disk, tmp_path, now):
    places = {name: str(tmp_path / name) for name in ("one", "two", "three")}
    store = stores.open(
        store_path_commit_log=",".join(places.values()), delete_when="99", delete_commit_log_files_interval=0
    )
    fill_store(store, 200)
    store.close(now)
    stores.opened.clear()
    store = stores.open(read_only_commit_log_store_paths=places["one"])
    disk.update({places["one"]: 0.99, places["two"]: 0.86, places["three"]: 0.20})
    run(store, now + 1_000)
    in_one, in_two = os.listdir(places["one"]), os.listdir(places["two"])
    fill_store(store, 200)
    assert (os.listdir(places["one"]), os.listdir(places["two"])) == (in_one, in_two)
    assert store.is_writable        # the emptiest directory counts
    for file in store.log.files.files:
        os.utime(file.path, (now / 1000, now / 1000))
    store.cleanup.delete_now()
    run(store, now + 73 * HOUR)
    run(store, now + 74 * HOUR)
    assert os.listdir(places["one"]) == []
    disk[places["three"]] = 0.91
    disk[places["two"]] = 0.92
    run(store, now + 75 * HOUR)
    assert not store.is_writable


def test_log_that_is_only_read_cannot_be_opened(stores, tmp_path):
    place = str(tmp_path / "log")
    with pytest.raises(StoreError, match=r"every directory of storePathCommitLog=.*log is only read"):
        stores.open(store_path_commit_log=place, read_only_commit_log_store_paths=place)


def test_expired_files_leave_the_directory_in_a_job(old, now):
    old.cleanup.delete_now()
    expired = [file.path for file in old.log.files.files[:10]]
    (job,) = [job for job in old.step(now + 73 * HOUR) if isinstance(job, DeleteFiles)]
    assert old.log.min_offset == 81920
    assert all(map(os.path.exists, expired))
    job.run()
    old.finish(job)
    assert not any(map(os.path.exists, expired))


def test_file_that_cannot_be_deleted_is_named_and_tried_again(old, now, caplog):
    old.cleanup.delete_now()
    first = old.log.files.files[0].path
    with FaultyDisk(os.path.dirname(first)) as faulty:
        faulty.fail("delete", errno.EBUSY, path=first)
        run(old, now + 73 * HOUR)
        assert f"cannot delete {first}: Device or resource busy" in caplog.text
        assert old.is_writable
        assert old.log.min_offset == 81920
        assert sorted(os.listdir(os.path.dirname(first)))[0] == "0" * 20
        faulty.heal()
        old.config.delete_when = "99"
        old.cleanup._manual_runs = 0
        run(old, now + 73 * HOUR + 10_000)
    assert sorted(os.listdir(os.path.dirname(first)))[0] == f"{81920:020d}"


def test_files_that_hang_are_tried_at_their_interval(old, disk, now):
    old.cleanup.delete_now()
    first = old.log.files.files[0].path
    with FaultyDisk(os.path.dirname(first)) as faulty:
        faulty.fail("delete", errno.EBUSY, path=first)
        run(old, now + 73 * HOUR)
        old.cleanup._manual_runs = 0
        tries = [
            now + 73 * HOUR + seconds * 1000
            for seconds in range(10, 400, 10)
            if any(isinstance(job, DeleteFiles) for job in stepped(old, now + 73 * HOUR + seconds * 1000))
        ]
    assert [(later - sooner) // 1000 for sooner, later in pairwise(tries)] == [120, 120, 120]


def test_file_that_somebody_removed_has_expired(old, now):
    os.unlink(old.log.files.files[0].path)
    old.cleanup.delete_now()
    run(old, now + 60_000)
    assert old.log.min_offset == 8192


def test_deletions_are_a_little_apart(old, now, monkeypatch):
    old.config.delete_commit_log_files_interval = 100
    pauses = []
    monkeypatch.setattr(cleanup.time, "sleep", pauses.append)
    old.cleanup.delete_now()
    run(old, now + 73 * HOUR)
    assert pauses == [0.1] * 9


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


def test_next_expiry_is_foreseen(old, now):
    late = now + 72 * HOUR
    old.config.delete_when = "99"
    assert old.cleanup.next_due(now + 10 * DAY) is None
    old.config.delete_when = f"{hour_of(late)};99"
    assert old.cleanup.next_due(now + 10 * DAY) == late
    old.config.delete_when = hour_of(late + 3 * HOUR)
    due = old.cleanup.next_due(now + 10 * DAY)
    assert late + 2 * HOUR < due <= late + 3 * HOUR
    assert (hour_of(due), time.localtime(due / 1000).tm_min, due % 60_000) == (hour_of(late + 3 * HOUR), 0, 0)
    assert old.cleanup.next_due(due) is None
    run(old, due - 1)
    before = log_files(old)
    run(old, due + 10_000)
    assert log_files(old) == before - 10
    assert old.cleanup.next_due(now + 10 * DAY) == due + 20_000, "the rest, ten files a run"


def test_files_are_as_old_as_their_records_if_so_wanted(old, now):
    for file in old.log.files.files:
        os.utime(file.path, (1, 1))
    old.config.delete_when = f"{hour_of(now + 71 * HOUR)};{hour_of(now + 73 * HOUR)}"
    old.cleanup.by_records = True
    before = log_files(old)
    run(old, now + 71 * HOUR)
    assert log_files(old) == before
    run(old, now + 73 * HOUR)
    assert log_files(old) == before - 10


def test_disk_is_looked_at_at_once_if_so_wanted(old, disk, now):
    run(old, now + 1_000)
    disk["ratio"] = 0.95
    run(old, now + 1_100)
    assert old.is_writable
    old.cleanup.look_soon()
    run(old, now + 1_200)
    assert not old.is_writable
