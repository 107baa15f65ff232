"""What is flushed when, and what a failing disk does."""

import os
from pathlib import Path

import pytest

from rocketpy.config.store import FlushDiskType
from rocketpy.errors import StoreError
from rocketpy.faulty_disk import FaultyDisk
from rocketpy.store.commit_log import ReserveAhead
from rocketpy.store.flush import FlushJob
from rocketpy.store.results import PutStatus
from tools.dissect import store_files


def run(store, now):
    """What a broker does with the jobs of a step; the flushes among them are returned."""
    jobs = store.step(now)
    for job in jobs:
        job.run()
        store.finish(job)
    return [job for job in jobs if isinstance(job, FlushJob)]


def log_jobs(jobs):
    return [job for job in jobs if job.log_end >= 0]


def test_few_pages_wait_for_the_thorough_flush(stores, fill_store, now):
    store = stores.open(mapped_file_size_commit_log=1 << 20)
    run(store, now)
    fill_store(store, 10)
    assert log_jobs(run(store, now + 500)) == []
    assert log_jobs(run(store, now + 9_999)) == []
    (job,) = log_jobs(run(store, now + 10_500))
    assert job.log_end == store.flushed_offset == store.log.max_offset
    assert log_jobs(run(store, now + 30_000)) == []


def test_four_pages_are_flushed_at_the_next_interval(stores, make_record, now):
    store = stores.open(mapped_file_size_commit_log=1 << 20)
    run(store, now)
    store.append(make_record(body=bytes(16384)), now)
    assert log_jobs(run(store, now + 499)) == []
    assert len(log_jobs(run(store, now + 500))) == 1


def test_log_files_that_rolled_are_flushed_too(stores, fill_store, now):
    store = stores.open()
    fill_store(store, 100)
    job = store.flush_job()
    assert list(job.files) == store.log.files.files
    assert len(job.files) > 2


def test_one_flush_answers_everybody_before_it(store, make_record, now):
    first = store.append(make_record(), now)
    job = store.flush_job()
    assert store.flush_job() is None
    second = store.append(make_record(), now)
    assert store.flushed_offset == 0
    job.run()
    store.finish(job)
    assert store.flushed_offset == first.end == second.physical_offset
    job = store.flush_job()
    job.run()
    store.finish(job)
    assert store.flushed_offset == second.end
    assert store.flush_job() is None


def test_queues_with_two_pages_are_flushed_each_second(stores, make_record, now):
    store = stores.open(mapped_file_size_consume_queue=20_000)
    run(store, now)
    for _ in range(500):
        store.append(make_record(body=b""), now)
    store.append(make_record(queue_id=1), now)
    assert not any(job.queues for job in run(store, now + 999))
    (job,) = [job for job in run(store, now + 1_000) if job.queues]
    assert [(queue.queue_id, end) for queue, end in job.queues] == [(0, 500)]
    assert job.checkpoint == b""
    (job,) = [job for job in run(store, now + 60_000) if job.queues]
    assert [queue.queue_id for queue, _ in job.queues] == [1]


def test_checkpoint_is_written_with_the_thorough_flush_of_queues(stores, fill_store, now):
    store = stores.open()
    run(store, now)
    path = Path(store.paths.checkpoint)
    records = fill_store(store, 50)
    run(store, now + 11_000)
    (times,) = store_files.checkpoint(path.read_bytes())    # an index file has rolled
    assert times["logics_msg_timestamp"] == 0
    run(store, now + 60_000)
    (times,) = store_files.checkpoint(path.read_bytes())
    last = records[-1].store_timestamp
    assert times["physic_msg_timestamp"] == times["logics_msg_timestamp"] == last
    assert 0 < times["index_msg_timestamp"] < last
    assert path.stat().st_size == 4096


def test_full_index_file_is_flushed(stores, make_record, now):
    store = stores.open(max_index_num=4)
    run(store, now)
    for number in range(4):
        store.append(make_record(keys="k"), now + number)
    jobs = [job for job in run(store, now + 10) if job.files and job.checkpoint and not job.queues]
    assert [file.end_timestamp for job in jobs for file in job.files] == [now + 2]
    assert store.checkpoint.index_timestamp == now + 2


def test_closing_flushes_everything(stores, fill_store, now):
    store = stores.open()
    records = fill_store(store, 50)
    store.close(now)
    assert store.flushed_offset == store.log.max_offset
    (times,) = store_files.checkpoint(Path(store.paths.checkpoint).read_bytes())
    assert times["physic_msg_timestamp"] == times["logics_msg_timestamp"] == records[-1].store_timestamp


def test_failed_flush_stops_the_store_for_good(stores, fill_store, make_record, check_store, now):
    store = stores.open()
    records = fill_store(store, 20)

    with FaultyDisk(store.paths.root) as disk:
        disk.fail("sync")
        run(store, now + 20_000)
        assert store.flushed_offset == 0
        assert store.append(make_record(), now).status is PutStatus.SERVICE_NOT_AVAILABLE
        with pytest.raises(StoreError, match=r"cannot flush .*Input/output error"):
            store.close(now)
    assert os.path.exists(store.paths.abort)
    stores.opened.remove(store)
    check_store(stores.open(), records)


def test_flush_that_works_again_does_not_start_a_failed_store(stores, fill_store, make_record, now):
    store = stores.open()
    fill_store(store, 20)
    with FaultyDisk(store.paths.root) as disk:
        disk.fail("sync")
        run(store, now + 20_000)
    run(store, now + 40_000)
    assert not store.is_writable


def test_room_is_made_before_it_is_needed(stores, make_record, now):
    store = stores.open(mapped_file_size_commit_log=40 << 20, max_message_size=16 << 20)
    store.append(make_record(body=bytes(9 << 20)), now)
    (job,) = [job for job in store.step(now) if isinstance(job, ReserveAhead)]
    assert (job.start, job.end) == (16 << 20, 32 << 20)
    assert not any(isinstance(job, ReserveAhead) for job in store.step(now + 100))
    job.run()
    store.finish(job)
    assert os.stat(job.file.path).st_blocks * 512 >= 32 << 20
    job = store.log.reserve_ahead()         # now the next file, as this one is short
    assert (job.file, job.start) == (None, 40 << 20)


def test_next_file_is_made_ahead_and_then_used(stores, fill_store, now):
    store = stores.open()
    run(store, now)
    assert os.listdir(store.paths.commit_logs[0]) == []
    fill_store(store, 2)
    run(store, now + 100)
    run(store, now + 200)
    assert len(os.listdir(store.paths.commit_logs[0])) == 2
    spare = store.log._next
    fill_store(store, 40)
    assert store.log.files.files[1] is spare


def test_log_that_is_not_timed_is_looked_at_each_time(stores, make_record, now):
    store = stores.open(mapped_file_size_commit_log=1 << 20, flush_commit_log_timed=False)
    run(store, now)
    store.append(make_record(body=bytes(16384)), now)
    assert len(log_jobs(run(store, now + 100))) == 1
    store.append(make_record(), now)
    assert log_jobs(run(store, now + 200)) == []


def test_messages_whose_senders_do_not_wait_are_flushed_soon_with_synchronous_flush(stores, make_record, now):
    store = stores.open(mapped_file_size_commit_log=1 << 20, flush_disk_type=FlushDiskType.SYNC_FLUSH)
    run(store, now)
    store.append(make_record(), now)
    assert len(log_jobs(run(store, now + 1))) == 1
    assert store.flushed_offset == store.log.max_offset


@pytest.mark.parametrize("key", ["flush_commit_log_least_pages", "flush_commit_log_thorough_interval"])
def test_keys_can_be_changed_at_any_time(stores, make_record, now, key):
    store = stores.open(mapped_file_size_commit_log=1 << 20)
    run(store, now)
    store.append(make_record(), now)
    assert log_jobs(run(store, now + 500)) == []
    setattr(store.config, key, 0)
    assert len(log_jobs(run(store, now + 1000))) == 1


def test_messages_are_readable_before_a_pool_would_be_committed(stores, make_record, now):
    store = stores.open(transient_store_pool_enable=True, commit_interval_commit_log=10_000)
    store.append(make_record(), now)
    assert store.get("TopicTest", 0, 0, 1).message_count == 1
