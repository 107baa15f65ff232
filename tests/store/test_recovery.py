"""Opening a store that was closed, killed, cut off or damaged."""

import os
import random
import shutil
from pathlib import Path

import pytest

from rocketpy.errors import StoreError
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.record import intact_size
from rocketpy.store import recovery
from rocketpy.store.results import PutStatus


@pytest.fixture(params=["close", "kill", "crash"])
def end(request, stores):
    """Ends the life of a store in one of three ways."""

    def end(store):
        if request.param == "close":
            store.close(0)
            stores.opened.remove(store)
        else:
            getattr(stores, request.param)(store)

    return end


def test_store_goes_on_where_it_ended(stores, fill_store, check_store, end):
    store = stores.open()
    records = fill_store(store, 100)
    for _ in range(4):
        end(store)
        store = stores.open()
        check_store(store, records)
        records += fill_store(store, 37)
        check_store(store, records)


def test_empty_store_opens_again(stores, fill_store, check_store, end):
    end(stores.open())
    store = stores.open()
    check_store(store, fill_store(store, 10))


def test_clean_shutdown_leaves_no_mark_and_no_spare_file(stores, fill_store):
    store = stores.open()
    fill_store(store, 40)
    spare = store.log.reserve_ahead()
    while spare is not None:
        spare.run()
        store.log.reserved(spare)
        spare = store.log.reserve_ahead()
    before = len(os.listdir(store.paths.commit_logs[0]))
    assert before == len(store.log.files.files) + 1
    store.close(0)
    assert not os.path.exists(store.paths.abort)
    assert len(os.listdir(store.paths.commit_logs[0])) == before - 1


def test_spare_file_left_by_a_kill_is_used(stores, fill_store, check_store):
    store = stores.open()
    records = fill_store(store, 40)
    store.log.files.prepare(store.log.files.files[-1].end)
    stores.crash(store)
    store = stores.open()
    check_store(store, records)
    records += fill_store(store, 100)
    check_store(stores.reopen(store), records)


def test_log_cut_off_at_every_length_keeps_what_is_before(stores, make_record, check_store, now):
    store = stores.open()
    records = [make_record(body=b"body", keys=f"k{number}") for number in range(3)]
    for record in records:
        result = store.append(record, now)
        record.physical_offset, record.size, record.queue_offset, record.store_timestamp = (
            result.physical_offset, result.size, result.queue_offset, now,
        )  # fmt: skip
    log = Path(store.log.files.files[0].path)
    data = log.read_bytes()
    for cut in range(records[2].physical_offset + records[2].size, records[1].physical_offset - 1, -1):
        stores.crash(store)
        log.write_bytes(data[:cut].ljust(len(data), b"\0"))
        store = stores.open()
        whole = cut == records[2].physical_offset + records[2].size
        survivors = records[: 3 if whole else 2 if cut >= records[2].physical_offset else 1]
        check_store(store, survivors)
        assert store.log.max_offset == survivors[-1].physical_offset + survivors[-1].size
    assert store.append(make_record("Topic9"), 0).physical_offset == records[1].physical_offset


def test_flipped_header_byte_never_hides_what_is_before(stores, fill_store):
    store = stores.open()
    records = fill_store(store, 12)
    damaged = records[8]
    log = Path(store.log.files.files[0].path)
    whole = log.read_bytes()
    for at in range(damaged.physical_offset, damaged.physical_offset + 91):
        stores.crash(store)
        data = bytearray(whole)
        data[at] ^= 0xFF
        log.write_bytes(data)
        store = stores.open()
        for record in records[:8]:
            end = record.physical_offset + record.size
            assert store.message_at(record.physical_offset) == data[record.physical_offset : end]
            queue = store.queues.find(record.topic, record.queue_id)
            assert queue.entry(record.queue_offset)[0] == record.physical_offset
        survives = intact_size(data, damaged.physical_offset) == damaged.size
        assert (store.log.max_offset > damaged.physical_offset) == survives
        assert store.log.max_offset in (damaged.physical_offset, records[-1].physical_offset + records[-1].size)


def test_what_was_cut_off_never_comes_back(stores, make_record, check_store, now):
    """A record of the same size in the place of a damaged one must not lead to the old ones behind it."""
    store = stores.open()
    records = [make_record(body=bytes([number]) * 50, keys=f"k{number}") for number in range(6)]
    results = [store.append(record, now) for record in records]
    store.log.files.files[0].view()[results[2].physical_offset + 95] ^= 0xFF  # in the body
    stores.crash(store)
    store = stores.open()
    assert store.log.max_offset == results[2].physical_offset
    result = store.append(make_record(body=b"new" + bytes(47), keys="k9"), now)
    assert result.physical_offset == results[2].physical_offset
    stores.crash(store)
    store = stores.open()
    assert store.log.max_offset == results[3].physical_offset
    assert store.max_offset("TopicTest", 0) == 3


@pytest.mark.parametrize("lost", ["consumequeue", "index", "consumequeue/Topic0/1", "checkpoint"])
def test_lost_files_are_made_again_after_a_crash(stores, fill_store, check_store, config, lost):
    store = stores.open()
    records = fill_store(store, 40)
    stores.crash(store)
    path = Path(config.store_path_root_dir, lost)
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    check_store(stores.open(), records)


def test_lost_queues_are_made_again_after_a_clean_shutdown(stores, fill_store, check_store, config):
    store = stores.open()
    records = fill_store(store, 150)
    store.close(0)
    shutil.rmtree(Path(config.store_path_root_dir, "consumequeue"))
    check_store(stores.open(), records)


def test_lost_log_takes_its_queues_along(stores, fill_store, check_store, config):
    store = stores.open()
    fill_store(store, 50)
    store.close(0)
    shutil.rmtree(Path(config.store_path_root_dir, "commitlog"))
    store = stores.open()
    assert store.max_offset("Topic0", 0) == 0
    check_store(store, fill_store(store, 20))


def test_last_log_file_gone_cuts_the_queues(stores, fill_store, check_store, config):
    store = stores.open()
    records = fill_store(store, 150)
    last = store.log.files.files[-1]
    store.close(0)
    os.unlink(last.path)
    store = stores.open()
    survivors = [record for record in records if record.physical_offset < last.start]
    check_store(store, survivors)
    check_store(store, survivors + fill_store(store, 80))


@pytest.mark.parametrize("seed", range(10))
def test_holes_in_queues_are_filled_after_a_crash(stores, fill_store, check_store, seed):
    """Pages that did not reach the disk are zero; what lies behind them may have reached it."""
    rng = random.Random(seed)
    store = stores.open()
    records = fill_store(store, 100)
    for queue in store.queues:
        file = rng.choice(queue.files.files)
        position = rng.randrange(0, 400, 20)
        length = rng.randrange(20, 120, 20)
        file.view()[position : position + length] = bytes(len(file.view()[position : position + length]))
    stores.crash(store)
    store = stores.open()
    check_store(store, records)
    records += fill_store(store, 50)
    check_store(stores.reopen(store), records)


def test_message_that_was_not_dispatched_is_after_a_kill(stores, fill_store, check_store, make_record, now):
    store = stores.open()
    records = fill_store(store, 20)
    queue = store.queues.find("Topic0", 0)
    record = make_record("Topic0", 0, keys="late")
    size = 75 + 16 + 6 + len(record.body) + len(record.properties)
    record.physical_offset = store.log.append(record, queue.topic_field, size, queue.next_offset, now)
    record.queue_offset, record.size, record.store_timestamp = queue.next_offset, size, now
    stores.kill(store)
    check_store(stores.open(), [*records, record])


def test_delayed_messages_found_again_are_not_due_at_once(stores, make_record, now):
    store = stores.open()
    record = make_record("SCHEDULE_TOPIC_XXXX", 2, delay="3")
    record.tags_code = now + 10_000
    store.append(record, now)
    store.append(make_record("SCHEDULE_TOPIC_XXXX", 17, delay="40"), now)
    stores.crash(store)
    shutil.rmtree(store.paths.consume_queue)
    store = stores.open()
    assert store.queues.find("SCHEDULE_TOPIC_XXXX", 2).entry(0)[2] == now + 10_000
    assert store.queues.find("SCHEDULE_TOPIC_XXXX", 17).entry(0)[2] == now + 7_200_000


def test_prepared_messages_at_the_end_are_kept(stores, fill_store, check_store, make_record, now, end):
    store = stores.open()
    records = fill_store(store, 10)
    for _ in range(5):
        store.append(make_record(sys_flag=MessageSysFlag.TRANSACTION_PREPARED), now)
    length = store.log.max_offset
    end(store)
    store = stores.open()
    assert store.log.max_offset == length
    check_store(store, records)


def test_record_that_ends_in_zeroes_was_torn(stores, fill_store, check_store):
    store = stores.open()
    records = fill_store(store, 10)
    torn = records.pop()
    store.log.files.files[0].view()[torn.physical_offset + torn.size - 3 : torn.physical_offset + torn.size] = bytes(3)
    stores.crash(store)
    check_store(stores.open(), records)


def test_queue_entry_that_was_half_written_is_put_right(stores, fill_store, check_store):
    store = stores.open()
    records = fill_store(store, 10)
    queue = store.queues.find(records[-1].topic, records[-1].queue_id)
    position = records[-1].queue_offset * 20
    for kept in range(20):
        view = queue.files.files[0].view()
        view[position + kept : position + 20] = bytes(20 - kept)
        stores.kill(store)
        store = stores.open()
        check_store(store, records)
        queue = store.queues.find(records[-1].topic, records[-1].queue_id)


def test_zeroes_in_an_acknowledged_message_are_its_own(stores, fill_store, check_store, make_record, now):
    store = stores.open()
    records = fill_store(store, 10)
    record = make_record("Topic0", 0, keys="a\0b\0")
    result = store.append(record, now)
    record.physical_offset, record.size, record.queue_offset, record.store_timestamp = (
        result.physical_offset, result.size, result.queue_offset, now,
    )  # fmt: skip
    stores.kill(store)
    check_store(stores.open(), [*records, record])


def test_zeroes_of_their_own_do_not_make_records_torn(stores, fill_store, check_store, make_record, now):
    """Not even after a crash of the machine, unless it is the very last one, of which nobody knows."""
    store = stores.open()
    records = []
    for body, keys in ((bytes(1500), "a\0b"), (b"x", "k\0"), (bytes(2000), "\0\0"), (b"", "k")):
        record = make_record("Topic0", 0, body=body, keys=keys)
        record.properties += b"\0" if keys != "k" else b""
        result = store.append(record, now)
        record.physical_offset, record.size, record.queue_offset, record.store_timestamp = (
            result.physical_offset, result.size, result.queue_offset, now,
        )  # fmt: skip
        records.append(record)
    stores.crash(store)
    store = stores.open()
    assert store.log.max_offset == records[-1].physical_offset + records[-1].size
    assert store.max_offset("Topic0", 0) == len(records)


def test_topic_made_anew_wins_over_the_deleted_one(stores, fill_store, make_record, now):
    store = stores.open()
    fill_store(store, 60, topics=1)
    store.delete_topic("Topic0")
    results = [store.append(make_record("Topic0", 0), now) for _ in range(3)]
    stores.crash(store)
    store = stores.open()
    queue = store.queues.find("Topic0", 0)
    assert queue.next_offset == 3
    assert [queue.entry(number)[0] for number in range(3)] == [result.physical_offset for result in results]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("commitlog/00000000000000000000", b"short", "has 5 bytes, but the configuration says 8192"),
        ("commitlog/notes.txt", b"", "does not belong into a store"),
        ("consumequeue/T/0/00000000000000000000", bytes(21), "has 21 bytes"),
    ],
)
def test_files_that_cannot_be_are_named(stores, config, name, content, problem):
    path = Path(config.store_path_root_dir, name)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=problem):
        stores.open()
    path.unlink()
    stores.open()


def test_file_that_was_just_being_made_is_no_problem(stores, fill_store, check_store, config):
    store = stores.open()
    records = fill_store(store, 20)
    stores.crash(store)
    Path(config.store_path_root_dir, "commitlog", f"{8192:020d}").touch()
    Path(config.store_path_root_dir, "consumequeue", "Topic0", "0", f"{400:020d}").touch()
    check_store(stores.open(), records)


def test_directory_that_cannot_be_made_is_named(stores, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot make .*file"):
        stores.open(store_path_root_dir=str(tmp_path / "file" / "store"))


def test_full_disk_loses_nothing(stores, fill_store, check_store, make_record, now, monkeypatch):
    store = stores.open()
    records = fill_store(store, 30)
    reserve = os.posix_fallocate

    def full(fd, position, length):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    statuses = {store.append(make_record("Topic0", number % 3, keys="new"), now).status for number in range(60)}
    assert PutStatus.CREATE_MAPPED_FILE_FAILED in statuses
    length = store.log.max_offset
    assert store.append(make_record("Another"), now).status is not PutStatus.PUT_OK
    assert store.log.max_offset == length
    monkeypatch.setattr(os, "posix_fallocate", reserve)
    store.step(now)
    assert store.append(make_record("Another"), now).status is PutStatus.PUT_OK
    store = stores.reopen(store)
    for record in records:
        assert store.record_at(record.physical_offset).body == record.body
    assert len(store.query("Topic0", "new", 64, 0, 1 << 62).views) == sum(
        queue.next_offset for queue in store.queues if queue.topic == "Topic0"
    ) - sum(record.topic == "Topic0" for record in records)


def test_long_recovery_says_how_far_it_is(stores, fill_store, monkeypatch, caplog):
    monkeypatch.setattr(recovery, "_SLICE", 2000)
    store = stores.open()
    fill_store(store, 60)
    stores.crash(store)
    with caplog.at_level("INFO", "rocketpy.store.progress"):
        stores.open()
    lines = [record.getMessage() for record in caplog.records if record.name == "rocketpy.store.progress"]
    assert len([line for line in lines if line.startswith("recovering: checked the log up to ")]) >= 5
    assert len([line for line in lines if line.startswith("recovering: dispatched ")]) >= 5


def test_queue_file_without_entries_ends_the_queue_before_it(stores, fill_store, check_store, config, end):
    """Java gives such a file one entry of zeroes, and the queue is as long as that (ConsumeQueue:248-262)."""
    store = stores.open()
    records = fill_store(store, 40, topics=1, queues=2)     # 20 each: full files
    end(store)
    Path(config.store_path_root_dir, "consumequeue", "Topic0", "1", f"{400:020d}").write_bytes(bytes(400))
    store = stores.open()
    check_store(store, records)
    records += fill_store(store, 10, topics=1, queues=2)
    check_store(stores.reopen(store), records)


def test_fillers_are_no_messages(stores, fill_store, config, end):
    """They stand in for entries whose records have expired. Java has the queue begin with them (ConsumeQueue:357)."""
    store = stores.open()
    records = fill_store(store, 200, topics=1, queues=2)
    store.log.files.delete_first()
    first = store.log.min_offset
    store.close(0)
    stores.opened.remove(store)
    shutil.rmtree(Path(config.store_path_root_dir, "consumequeue", "Topic0", "1"))
    begin = min(one.queue_offset for one in records if one.queue_id == 1 and one.physical_offset >= first)
    assert begin % 20, "fillers are needed"
    for _ in range(3):
        store = stores.open()
        queue = store.queues.find("Topic0", 1)
        assert (queue.min_offset, queue.next_offset) == (begin, 100)
        assert store.get("Topic0", 1, 0, 32).next_begin_offset == begin
        end(store)


@pytest.mark.parametrize(("enabled", "safe", "checked"), [(True, True, 0), (True, False, 1), (False, True, 1)])
def test_index_is_made_safe_only_where_there_is_one(
    stores, fill_store, make_record, now, caplog, enabled, safe, checked
):
    """messageIndexSafe: recovery begins where the index is on disk, too (CommitLog:568-577)."""
    store = stores.open(message_index_enable=enabled, message_index_safe=safe)
    fill_store(store, 150)
    store.append(make_record("Late"), now + 10_000)
    starts = [file.start for file in store.log.files.files]
    store.checkpoint.physical_timestamp = store.checkpoint.queue_timestamp = now + 3_000 + 60
    store.checkpoint.save()
    stores.crash(store)
    with caplog.at_level("WARNING"):
        stores.open()
    (message,) = [one.getMessage() for one in caplog.records if "was not closed" in one.getMessage()]
    begins = int(message.rpartition("from ")[2].removesuffix(" on"))
    assert (begins == starts[0]) == (not checked)


def test_duplication_is_passed_over(stores, fill_store, check_store, caplog):
    store = stores.open(duplication_enable=True)
    assert "duplicationEnable is passed over" in caplog.text
    check_store(store, fill_store(store, 5))
