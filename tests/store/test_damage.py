"""Every byte of the last records, entries, headers and slots damaged in turn: the store opens, and nothing is hidden.

After a crash of the machine (nothing is trusted) queues, index and checkpoint are put right from the log. After a
clean shutdown or the death of the process alone they are trusted: there a damaged byte may cost the message that it
belongs to, but no other, and neither the start nor later messages.

A bit of each field is flipped, and ends are torn off at each fourth byte; with ROCKETPY_DAMAGE=all at each byte.
"""

import os
import random
from pathlib import Path

import pytest

from rocketpy.errors import StoreError
from rocketpy.protocol.record import intact_size

RECORDS = 12
ENTRY = 20
ENTRIES = 40 + 4 * 16 + (4 * RECORDS + 1) * ENTRY
"""Where those of the index end: the header, the slots, and four entries a message."""
STRIDE = 1 if os.environ.get("ROCKETPY_DAMAGE") == "all" else 4
"""Bytes between two that are flipped: few fields have less."""


@pytest.fixture(params=["close", "kill", "crash"])
def ended(request, stores, fill_store):
    """A store of some messages, at its end; how it ended, its records and its parts."""
    store = stores.open(max_index_num=200)
    records = fill_store(store, RECORDS, queues=2, topics=2)
    if request.param == "close":
        store.close(0)
        stores.opened.remove(store)
    else:
        getattr(stores, request.param)(store)
    return Ended(request.param, stores, store, records)


class Ended:
    """A store that can be damaged, opened, and damaged anew."""

    def __init__(self, how, stores, store, records):
        self.how, self.stores, self.records, self.paths = how, stores, records, store.paths
        self.end = store.log.max_offset
        self.root = Path(store.config.store_path_root_dir)
        self.files = {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        self.rng = random.Random(how)

    def file(self, part):
        """The only one whose path contains `part`."""
        (path,) = [path for path in self.files if part in str(path)]
        return path

    def open(self, damaged, data):
        """The store with one file damaged; everything else as it was."""
        for store in list(self.stores.opened):
            self.stores.kill(store)
        for path in self.root.rglob("*"):
            if path.is_file() and path not in self.files:
                path.unlink()
        for path, content in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if path == damaged else content)
        return self.stores.open()

    def flipped(self, path, begin, end):
        """The file's content with one bit of each byte from `begin` to `end` flipped in turn, and which byte it is."""
        for at in range(begin, end, STRIDE):
            data = bytearray(self.files[path])
            data[at] ^= 1 << self.rng.randrange(8)
            yield at, bytes(data)

    def torn(self, path, begin, end):
        """The file's content ending in zeroes from each byte on, or from some of them."""
        for at in range(begin, end, 1 if end - begin < 64 else STRIDE):
            yield at, self.files[path][:at].ljust(len(self.files[path]), b"\0")


def goes_on(store, make_record, records, damaged=None):
    """All records but the damaged one are in the log, and in their queue if it is another; more can follow."""
    for record in records:
        if record is damaged:
            continue
        stored = store.record_at(record.physical_offset)
        assert stored is not None
        assert (stored.body, stored.queue_offset) == (record.body, record.queue_offset)
        if damaged is None or (record.topic, record.queue_id) != (damaged.topic, damaged.queue_id):
            found = store.get(record.topic, record.queue_id, record.queue_offset, 1)
            assert [view[28:36] for view in found.views] == [record.physical_offset.to_bytes(8, "big")]
    for topic in ("Topic0", "Topic1"):
        for queue_id in (0, 1):
            before = store.max_offset(topic, queue_id)
            result = store.append(make_record(topic, queue_id, keys="after"), 1 << 41)
            assert result.queue_offset == before
            assert store.get(topic, queue_id, before, 1).message_count == 1
    assert len(store.query("Topic0", "after", 64, 0, 1 << 62).views) >= 2


@pytest.mark.parametrize("which", [RECORDS - 1, RECORDS // 2])
def test_flipped_bit_hides_no_record_before_it(ended, make_record, which):
    log = ended.file("commitlog/00000000000000000000")
    damaged = ended.records[which]
    before = [record for record in ended.records if record.physical_offset < damaged.physical_offset]
    for _, data in ended.flipped(log, damaged.physical_offset, damaged.physical_offset + damaged.size):
        store = ended.open(log, data)
        whole = intact_size(data, damaged.physical_offset) == damaged.size
        assert store.log.max_offset >= (ended.end if whole else damaged.physical_offset)
        goes_on(store, make_record, before, damaged)


@pytest.mark.parametrize("topic", [b"\xd4opic1", b"To/ic1", b"To\0ic1", b"....."])
def test_record_of_an_impossible_topic_is_in_no_queue(ended, make_record, caplog, topic):
    log = ended.file("commitlog/00000000000000000000")
    damaged = ended.records[5]
    at = ended.files[log].index(b"Topic1", damaged.physical_offset)
    data = ended.files[log][:at] + topic.ljust(6, b".") + ended.files[log][at + 6 :]
    store = ended.open(log, data)
    assert store.log.max_offset == ended.end
    if ended.how == "crash" and topic != b".....":
        assert f"the record at {damaged.physical_offset} has no topic that could be" in caplog.text
    others = [record for record in ended.records if (record.topic, record.queue_id) != ("Topic1", 1)]
    goes_on(store, make_record, others)


def test_torn_record_hides_no_record_before_it(ended, make_record):
    log = ended.file("commitlog/00000000000000000000")
    last = ended.records[-1]
    for _, data in ended.torn(log, last.physical_offset, ended.end):
        store = ended.open(log, data)
        assert store.log.max_offset in (last.physical_offset, ended.end)
        goes_on(store, make_record, ended.records[:-1], last)


@pytest.mark.parametrize("damage", ["flipped", "torn"])
def test_damaged_queue_entry(ended, make_record, check_store, damage):
    queue = ended.file("consumequeue/Topic1/1")
    members = [record for record in ended.records if (record.topic, record.queue_id) == ("Topic1", 1)]
    begin, end = (len(members) - 3) * ENTRY, len(members) * ENTRY
    for at, data in getattr(ended, damage)(queue, begin, end):
        store = ended.open(queue, data)
        is_address = data[at - at % ENTRY + 12] == 0x80         # in an extension: that can only be believed
        if (ended.how == "crash" and not is_address) or (damage == "torn" and at >= end - ENTRY):
            check_store(store, ended.records)
        goes_on(store, make_record, ended.records, members[at // ENTRY])


@pytest.mark.parametrize("damage", ["flipped", "torn"])
@pytest.mark.parametrize(("begin", "end"), [(0, 40), (40, 104), (ENTRIES - 6 * ENTRY, ENTRIES)])
def test_damaged_index(ended, make_record, check_store, damage, begin, end):
    index = ended.file("/index/")
    for _, data in getattr(ended, damage)(index, begin, end):
        store = ended.open(index, data)
        if ended.how == "crash":
            check_store(store, ended.records)
        for number in range(RECORDS):
            store.query(f"Topic{number % 2}", f"key{number}", 64, 0, 1 << 62)
        goes_on(store, make_record, ended.records)


@pytest.mark.parametrize("damage", ["flipped", "torn"])
def test_damaged_checkpoint_costs_nothing(ended, make_record, check_store, damage):
    checkpoint = ended.root / "checkpoint"
    ended.files[checkpoint] = ended.files.get(checkpoint, bytes(4096))
    for _, data in getattr(ended, damage)(checkpoint, 0, 24):
        check_store(ended.open(checkpoint, data), ended.records)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 16, 23, 24, 4095])
def test_short_checkpoint_costs_nothing(ended, check_store, length):
    checkpoint = ended.root / "checkpoint"
    ended.files[checkpoint] = b""
    check_store(ended.open(checkpoint, bytes(length)), ended.records)


@pytest.mark.parametrize("part", ["commitlog/00000000000000000000", "consumequeue/Topic1/1"])
def test_file_of_another_length_is_named(ended, part):
    path = ended.file(part)
    with pytest.raises(StoreError, match=f"{path.name} has 5 bytes"):
        ended.open(path, b"short")
