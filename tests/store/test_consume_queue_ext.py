"""Units beside ConsumeQueue entries: written, found, filtered by, recovered, cut and deleted with their queue."""

import os
import random
import shutil
from pathlib import Path

import pytest

from rocketpy.protocol.java_hash import string_hash
from rocketpy.store.consume_queue_ext import HIGHEST_ADDRESS, UNIT, ConsumeQueueExt
from rocketpy.store.entry_filter import RecordFilter
from rocketpy.store.results import GetStatus, PutStatus
from tools.dissect.store_files import consume_queue_ext

LOWEST = -(1 << 63)
MAP = bytes(range(14))


@pytest.fixture
def ext(tmp_path):
    return ConsumeQueueExt(str(tmp_path / "ext"), "Topic", 3, 256, lambda: None)


@pytest.fixture
def extended(config):
    config.enable_consume_queue_ext = True
    config.mapped_file_size_consume_queue_ext = 256
    return config


def files(ext):
    return [Path(file.path) for file in ext.files.files]


def queue_of(store):
    return store.queues.find("Topic0", 0)


def units_of(store):
    """(tags code, storeTimestamp) of every message of the queue, by way of its entries."""
    queue = queue_of(store)
    codes = [queue.entry(number)[2] for number in range(queue.min_offset, queue.next_offset)]
    assert all(code <= HIGHEST_ADDRESS for code in codes)
    return [queue.ext.unit(code)[:2] for code in codes]


def expected(records):
    return [(record.tags_code, record.store_timestamp) for record in records]


def test_unit_is_laid_out_as_java_does(ext):
    assert ext.put(-5, 1_700_000_000_123, MAP) == LOWEST
    assert ext.put(7, 8, b"") == LOWEST + 34
    assert files(ext)[0].read_bytes()[:34] == UNIT.pack(34, -5, 1_700_000_000_123, 14) + MAP
    first, second = consume_queue_ext(files(ext)[0].read_bytes())
    assert (first["tags_code"], first["msg_store_time"], first["bit_map_size"]) == (-5, 1_700_000_000_123, 14)
    assert (second["size"], second["tags_code"], second["bit_map_size"]) == (20, 7, 0)
    assert ext.unit(LOWEST) == (-5, 1_700_000_000_123, MAP)
    assert ext.unit(LOWEST + 34) == (7, 8, b"")


def test_unit_that_leaves_less_than_four_bytes_begins_the_next_file(ext):
    for _ in range(7):
        ext.put(1, 2, MAP)
    assert ext.put(3, 4, b"") == LOWEST + 256                       # 238 + 20 does not fit
    assert files(ext)[0].read_bytes()[238:240] == b"\xff\xff"
    assert [path.name for path in files(ext)] == [f"{0:020d}", f"{256:020d}"]
    assert ext.put(5, 6, bytes(256 - 20 - 20 - 4)) == LOWEST + 276    # leaves exactly 4
    assert ext.put(7, 8, b"") == LOWEST + 512
    assert ext.unit(LOWEST + 276)[0] == 5


@pytest.mark.parametrize("length", [256 - 20 - 3, 0x8000])
def test_unit_that_fits_into_no_file_leaves_the_tags_code(ext, length):
    assert ext.put(42, 1, bytes(length)) == 42
    assert files(ext) == []


def test_there_is_no_unit_where_none_was_put(ext):
    ext.put(1, 2, MAP)
    for address in (0, HIGHEST_ADDRESS + 1, LOWEST + 1, LOWEST + 34, LOWEST + 4096, HIGHEST_ADDRESS):
        assert ext.unit(address) is None


def test_messages_get_units_and_are_filtered_by_their_tags(stores, extended, fill_store):
    store = stores.open()
    records = fill_store(store, 50, topics=1, queues=1)
    assert units_of(store) == expected(records)
    wanted = frozenset((string_hash("Tag1"),))
    found = store.get("Topic0", 0, 0, 32, wanted)
    assert (found.status, found.message_count, found.next_begin_offset) == (GetStatus.FOUND, 7, 20)
    assert store.get("Topic0", 0, 0, 32, frozenset((string_hash("Tag2"),))).message_count == 6


def test_bit_map_spares_reading_what_does_not_match(stores, extended, make_record, now):
    store = stores.open()
    store.dispatch.bit_map_of = lambda record: b"\1" if record.body == b"yes" else b"\0"
    for number, body in enumerate((b"yes", b"no", b"yes", b"no")):
        store.append(make_record("Topic0", 0, body), now + number)
    read = []

    def matches(view):
        read.append(bytes(view))
        return True

    may_match = lambda timestamp, bit_map: timestamp < now + 1 or bit_map == b"\1"  # noqa: E731
    found = store.get("Topic0", 0, 0, 32, RecordFilter(matches, may_match=may_match))
    assert (found.message_count, len(read)) == (2, 2)
    assert store.get("Topic0", 0, 0, 32, RecordFilter(matches)).message_count == 4


def test_unit_that_is_lost_lets_its_message_through(stores, extended, fill_store):
    store = stores.open()
    fill_store(store, 10, topics=1, queues=1)
    view = queue_of(store).ext.files.files[0].view()
    view[:] = bytes(len(view))
    assert store.get("Topic0", 0, 0, 32, frozenset((string_hash("Tag1"),))).message_count >= 10 - len(view) // 20
    never = RecordFilter(lambda view: True, frozenset((1,)), lambda timestamp, bit_map: False)
    assert store.get("Topic0", 0, 0, 1, never).message_count == 1


def test_batches_get_units_too(stores, extended, make_record, now):
    store = stores.open()
    body = b"".join(
        (22 + 1 + 6).to_bytes(4) + bytes(12) + (1).to_bytes(4) + b"x" + (6).to_bytes(2) + b"TAGS\1" + tag
        for tag in (b"A", b"B")
    )
    assert store.append_batch(make_record("Topic0", 0), body, now).status is PutStatus.PUT_OK
    assert units_of(store) == [(65, now), (66, now)]


@pytest.mark.parametrize("how", ["close", "kill", "crash"])
def test_units_go_on_where_they_ended(stores, extended, fill_store, how):
    store = stores.open()
    records = []
    for _ in range(4):
        records += fill_store(store, 33, topics=1, queues=1)
        assert units_of(store) == expected(records)
        if how == "close":
            store.close(0)
            stores.opened.remove(store)
        else:
            getattr(stores, how)(store)
        store = stores.open()
        assert units_of(store) == expected(records)
    ext = queue_of(store).ext
    units = [unit for path in files(ext) for unit in consume_queue_ext(path.read_bytes()) if "tags_code" in unit]
    assert [(unit["tags_code"], unit["msg_store_time"]) for unit in units] == expected(records)


def test_units_behind_the_last_in_use_are_cut_off(stores, extended, fill_store):
    store = stores.open()
    records = fill_store(store, 10, topics=1, queues=1)
    ext = queue_of(store).ext
    end = ext.end_address
    for _ in range(40):
        ext.put(9, 9, MAP)
    stores.kill(store)
    store = stores.open()
    ext = queue_of(store).ext
    assert ext.end_address == end
    assert len(ext.files.files) == 1
    assert not any(files(ext)[0].read_bytes()[end - LOWEST :])
    assert units_of(store) == expected(records)


def test_lost_files_of_units_are_not_begun_again_at_addresses_in_use(stores, extended, fill_store):
    store = stores.open()
    fill_store(store, 20, topics=1, queues=1)
    last = queue_of(store).entry(19)[2]
    store.close(0)
    shutil.rmtree(store.paths.consume_queue_ext)
    store = stores.open()
    records = fill_store(store, 1, topics=1, queues=1)
    queue = queue_of(store)
    assert queue.ext.unit(last) is None
    assert last < queue.entry(20)[2] <= HIGHEST_ADDRESS
    assert queue.ext.unit(queue.entry(20)[2])[1] == records[0].store_timestamp
    assert store.get("Topic0", 0, 0, 32).message_count == 20


def test_expired_units_go_with_whole_files(stores, extended, fill_store):
    store = stores.open()
    records = fill_store(store, 120, topics=1, queues=1)
    queue = queue_of(store)
    before = files(queue.ext)
    store.log.files.delete_first()
    queue.delete_expired(store.log.min_offset)
    oldest = queue.entry(queue.min_offset)[2] - LOWEST
    left = range((oldest - 1) // 256 * 256, len(before) * 256, 256)
    assert [int(path.name) for path in files(queue.ext)] == list(left)
    assert units_of(store) == expected(records[queue.min_offset :])
    assert units_of(stores.reopen(store)) == expected(records[queue.min_offset :])


def test_units_are_deleted_with_their_queue(stores, extended, fill_store):
    store = stores.open()
    fill_store(store, 20)
    store.delete_topic("Topic0")
    assert os.listdir(store.paths.consume_queue_ext) == ["Topic1"]


def test_units_are_synced_before_their_entries_count_as_synced(stores, extended, fill_store, now):
    store = stores.open()
    fill_store(store, 60, topics=1, queues=1)
    jobs = store.step(now + 100_000)
    synced = [file for job in jobs for file in getattr(job, "files", ())]
    assert all(file in synced for file in queue_of(store).ext.files.files)


def test_store_goes_on_without_extension_and_with_it_again(stores, extended, fill_store):
    store = stores.open()
    fill_store(store, 10, topics=1, queues=1)
    store.close(0)
    stores.opened.remove(store)
    store = stores.open(enable_consume_queue_ext=False)
    assert store.get("Topic0", 0, 0, 32, frozenset((1,))).message_count == 10     # the consumer filters
    plain = fill_store(store, 5, topics=1, queues=1)
    store.close(0)
    stores.opened.remove(store)
    store = stores.open(enable_consume_queue_ext=True)
    records = fill_store(store, 3, topics=1, queues=1)
    queue = queue_of(store)
    assert [queue.entry(number)[2] for number in range(10, 15)] == [record.tags_code for record in plain]
    assert [queue.ext.unit(queue.entry(number)[2])[:2] for number in range(15, 18)] == expected(records)


@pytest.mark.parametrize("seed", range(5))
def test_garbage_in_files_of_units_harms_nothing(stores, extended, fill_store, seed):
    rng = random.Random(seed)
    store = stores.open()
    records = fill_store(store, 60, topics=1, queues=1)
    paths = files(queue_of(store).ext)
    store.close(0)
    for path in paths:
        data = bytearray(path.read_bytes())
        for _ in range(20):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
    stores.opened.remove(store)
    store = stores.open()
    got = []
    while len(got) < 60:
        result = store.get("Topic0", 0, len(got), 32)
        got += [1] * result.message_count
        assert result.message_count
    records = fill_store(store, 30, topics=1, queues=1)
    queue = queue_of(store)
    assert [queue.ext.unit(queue.entry(number)[2])[:2] for number in range(60, 90)] == expected(records)
