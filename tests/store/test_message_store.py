"""The store as the broker uses it."""

import os
import struct
from pathlib import Path

import pytest

from rocketpy.config.store import BrokerRole
from rocketpy.errors import StoreError
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.record import encode_host
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetStatus, PutStatus
from tools.dissect import store_files


def test_new_store_has_the_directories_and_files_of_java(store, config):
    root = Path(config.store_path_root_dir)
    assert sorted(path.name for path in root.iterdir()) == ["abort", "commitlog", "consumequeue", "lock"]
    assert (root / "lock").read_bytes() == b"lock"


def test_message_comes_back_as_it_was(store, make_record, now):
    record = make_record(tags="标签", keys="a b", uniq_key="U" * 32, body="Grüße 🚀".encode())
    result = store.append(record, now)
    assert result.status is PutStatus.PUT_OK
    assert (result.physical_offset, result.queue_offset, result.store_timestamp) == (0, 0, now)
    assert result.msg_id == "7F00000100002A9F0000000000000000"
    found = store.get("TopicTest", 0, 0, 32)
    assert (found.status, found.message_count, found.size) == (GetStatus.FOUND, 1, result.size)
    assert (found.next_begin_offset, found.min_offset, found.max_offset) == (1, 0, 1)
    stored = store.record_at(0)
    assert (stored.body, stored.properties, stored.store_timestamp) == (record.body, record.properties, now)


def test_files_are_what_the_second_notation_says(store, fill_store, config):
    records = fill_store(store, 30)
    store.close(0)
    root = Path(config.store_path_root_dir)
    logged = [
        fields for path in sorted((root / "commitlog").iterdir())
        for fields in store_files.commit_log(path.read_bytes()) if not fields.get("blank")
    ]  # fmt: skip
    assert [fields["physical_offset"] for fields in logged] == [record.physical_offset for record in records]
    assert [fields["body"] for fields in logged] == [record.body for record in records]
    assert all(fields["body_crc_holds"] for fields in logged)
    entries = list(store_files.consume_queue((root / "consumequeue/Topic0/0" / ("0" * 20)).read_bytes()))
    mine = [record for record in records if (record.topic, record.queue_id) == ("Topic0", 0)]
    assert [(entry["physical_offset"], entry["size"], entry["tags_code"]) for entry in entries] == [
        (record.physical_offset, record.size, record.tags_code) for record in mine
    ]
    (first, *_) = sorted((root / "index").iterdir())
    header, *keys = store_files.index_file(first.read_bytes(), 16)
    assert (header["begin_physical_offset"], header["index_count"]) == (0, 64)
    assert len(keys) == 63


def test_records_roll_into_the_next_file(store, fill_store, check_store, config):
    records = fill_store(store, 200)
    names = sorted(os.listdir(store.paths.commit_logs[0]))
    assert names == [f"{start:020d}" for start in range(0, 8192 * len(names), 8192)]
    assert len(names) > 4
    check_store(store, records)
    for path in sorted(Path(store.paths.commit_logs[0]).iterdir())[:-1]:
        *_, blank = store_files.commit_log(path.read_bytes())
        assert blank["blank"]
        assert blank["position"] + blank["total_size"] == 8192
    assert sorted(os.listdir(Path(store.paths.consume_queue) / "Topic0" / "0"))[:2] == ["0" * 20, f"{400:020d}"]


@pytest.mark.parametrize("left", [7, 8, 9])
def test_record_leaves_room_for_a_blank(store, make_record, now, left):
    overhead = store.append(make_record(body=b""), now).size
    first = store.append(make_record(body=bytes(8192 - left - 2 * overhead)), now)
    assert first.physical_offset == (overhead if left >= 8 else 8192)
    second = store.append(make_record(body=b""), now)
    if left >= 8:
        assert second.physical_offset == 8192
        assert bytes(store.log.read(8192 - left, 8)) == struct.pack(">iI", left, 0xCBD43194)


def test_prepared_and_rolled_back_messages_are_in_no_queue(store, make_record, now):
    kinds = [
        MessageSysFlag.TRANSACTION_PREPARED, MessageSysFlag.TRANSACTION_COMMIT, MessageSysFlag.TRANSACTION_ROLLBACK,
        MessageSysFlag.TRANSACTION_NOT_TYPE,
    ]  # fmt: skip
    results = [store.append(make_record(sys_flag=kind, keys=f"k{kind}"), now) for kind in kinds]
    assert [result.queue_offset for result in results] == [0, 0, 0, 1]
    assert store.max_offset("TopicTest", 0) == 2
    assert store.queues.find("TopicTest", 0).entry(0)[0] == results[1].physical_offset
    hits = [len(store.query("TopicTest", f"k{kind}", 9, 0, 1 << 62).views) for kind in kinds]
    assert hits == [1, 1, 0, 1]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"body": bytes(1001)}, PutStatus.MESSAGE_ILLEGAL),
        ({"body": bytes(1000)}, PutStatus.PUT_OK),
        ({"topic": "t" * 128}, PutStatus.MESSAGE_ILLEGAL),
        ({"topic": "t" * 127}, PutStatus.PUT_OK),
        ({"keys": "k" * 32800}, PutStatus.PROPERTIES_SIZE_EXCEEDED),
        ({"keys": "k" * 8000}, PutStatus.MESSAGE_ILLEGAL),  # no file could take it
    ],
)
def test_message_that_does_not_fit_is_refused(stores, make_record, now, change, status):
    store = stores.open(max_message_size=1000)
    assert store.append(make_record(**change), now).status is status
    assert store.log.max_offset == 0 or status is PutStatus.PUT_OK
    assert store.append(make_record(), now).status is PutStatus.PUT_OK


def test_v6_hosts_set_their_bits(store, make_record, now):
    host = encode_host("::1", 10911)
    result = store.append(make_record(born_host=host, store_host=host), now)
    assert result.msg_id == "00000000000000000000000000000001" + "00002A9F" + "0" * 16
    assert store.record_at(0).sys_flag == MessageSysFlag.BORNHOST_V6 | MessageSysFlag.STOREHOSTADDRESS_V6


def test_listeners_hear_of_every_queued_message(store, make_record, now):
    heard = []
    store.arrival_listeners.append(lambda *arrival: heard.append(arrival))
    record = make_record(tags="Aa")
    store.append(record, now)
    store.append(make_record(sys_flag=MessageSysFlag.TRANSACTION_PREPARED), now)
    store.append(make_record(queue_id=7), now + 1)
    assert heard == [("TopicTest", 0, 1, [2112], now), ("TopicTest", 7, 1, [0], now + 1)]


def test_listener_that_fails_does_no_harm(store, make_record, now, caplog):
    store.arrival_listeners.append(lambda *arrival: 1 // 0)
    assert store.append(make_record(keys="k"), now).status is PutStatus.PUT_OK
    assert "a listener to arriving messages failed" in caplog.text
    assert len(store.query("TopicTest", "k", 1, 0, 1 << 62).views) == 1
    assert store.dispatch_behind_bytes() == 0


def test_slave_accepts_no_messages(stores, make_record, now):
    store = stores.open(broker_role=BrokerRole.SLAVE)
    assert store.append(make_record(), now).status is PutStatus.SERVICE_NOT_AVAILABLE


def test_slave_grows_by_bytes_of_its_master(stores, fill_store, check_store, config, tmp_path):
    master = stores.open()
    records = fill_store(master, 120)
    data = [bytes(file.view()) for file in master.log.files.files]
    end = master.log.max_offset
    slave = stores.open(store_path_root_dir=str(tmp_path / "slave"), broker_role=BrokerRole.SLAVE)
    heard = []
    slave.arrival_listeners.append(lambda *arrival: heard.append(arrival))
    at = 0
    while at < end:  # pieces that cut records anywhere
        piece = data[at // 8192][at % 8192 :][: min(777, end - at)]
        slave.append_raw(at, piece)
        at += len(piece)
        slave.step(at)
    assert slave.dispatch_behind_bytes() == 0
    assert len(heard) == len(records)
    check_store(slave, records)
    for wrong in (5, end + 1, 8192 * 100):
        with pytest.raises(StoreError, match=f"cannot append at {wrong}"):
            slave.append_raw(wrong, b"x")


def test_slave_may_begin_in_the_middle(stores, fill_store, config, tmp_path):
    master = stores.open()
    records = fill_store(master, 120)
    slave = stores.open(store_path_root_dir=str(tmp_path / "slave"), broker_role=BrokerRole.SLAVE)
    with pytest.raises(StoreError, match="cannot append at 8193"):
        slave.append_raw(8193, b"x")
    assert os.listdir(slave.paths.commit_logs[0]) == []
    end = min(master.log.max_offset, 16384)
    slave.append_raw(8192, master.log.read(8192, end - 8192))
    slave.step(0)
    mine = [record for record in records if 8192 <= record.physical_offset < end]
    for topic, queue_id in {(record.topic, record.queue_id) for record in mine}:
        numbers = [record.queue_offset for record in mine if (record.topic, record.queue_id) == (topic, queue_id)]
        assert (slave.min_offset(topic, queue_id), slave.max_offset(topic, queue_id)) == (numbers[0], numbers[-1] + 1)
        assert slave.get(topic, queue_id, numbers[0], 1).message_count == 1
    slave.close(0)


def test_closed_store_refuses(store, make_record, now):
    store.close(now)
    assert store.append(make_record(), now).status is PutStatus.SERVICE_NOT_AVAILABLE
    with pytest.raises(StoreError, match="is closed"):
        store.get("TopicTest", 0, 0, 1)
    assert store.step(now) == []
    store.close(now)


def mapped_below(directory):
    with open("/proc/self/maps") as maps:
        return {line.split(maxsplit=5)[5].strip() for line in maps if directory in line}


def test_closed_store_maps_nothing_but_what_is_still_looked_at(store, fill_store, config, now):
    directory = os.path.realpath(config.store_path_root_dir)
    fill_store(store, 60)
    kinds = {Path(path).relative_to(directory).parts[0] for path in mapped_below(directory)}
    assert kinds == {"commitlog", "consumequeue", "index"}
    looked_at = store.message_at(0)
    store.close(now)
    assert mapped_below(directory) == {f"{directory}/commitlog/{0:020}"}
    del looked_at
    assert mapped_below(directory) == set()


def test_second_broker_on_a_directory_is_refused(store, config):
    with pytest.raises(StoreError, match=r"in use by another broker .*lock is locked"):
        MessageStore(config).open(0)


def test_topic_can_be_deleted_and_made_anew(stores, fill_store, make_record, now):
    store = stores.open()
    fill_store(store, 60)
    assert store.delete_topic("Topic0") == 3
    assert store.delete_topic("Topic0") == 0
    assert os.listdir(store.paths.consume_queue) == ["Topic1"]
    assert store.append(make_record("Topic0", 0), now).queue_offset == 0
    store = stores.reopen(store)
    assert store.max_offset("Topic0", 0) == 1


def test_stats_show_what_there_is(store, fill_store):
    assert store.stats().min_physical_offset == -1
    records = fill_store(store, 50)
    stats = store.stats()
    assert (stats.put_messages, stats.put_bytes) == (50, sum(record.size for record in records))
    assert stats.max_physical_offset == stats.unflushed == store.log.max_offset
    assert (stats.queues, stats.dispatch_behind, stats.is_writable) == (6, 0, True)
    assert stats.earliest_time == -1
    store.config.max_message_size = 100
    assert store.stats().earliest_time == records[0].store_timestamp


def test_views_outlive_their_file(store, make_record, now):
    store.append(make_record(body=b"still here"), now)
    view = store.message_at(0)
    store.log.files.delete_first()
    assert b"still here" in bytes(view)
    assert view.readonly


def test_log_is_spread_over_directories(stores, fill_store, check_store, tmp_path, config):
    places = [str(tmp_path / name) for name in ("b", "a", "c")]
    store = stores.open(store_path_commit_log=",".join(places))
    records = fill_store(store, 150)
    names = {name: os.listdir(tmp_path / name) for name in "abc"}
    assert names["a"][:1] == ["0" * 20]
    assert f"{8192:020d}" in names["b"]
    assert f"{16384:020d}" in names["c"]
    store.close(0)
    stores.opened.remove(store)
    store = stores.open(
        store_path_commit_log=",".join(places[:2]), read_only_commit_log_store_paths=places[2]
    )
    check_store(store, records)
    store.log.files.full = {places[1]}
    in_a, in_c = os.listdir(tmp_path / "a"), os.listdir(tmp_path / "c")
    records += fill_store(store, 150)
    assert (os.listdir(tmp_path / "a"), os.listdir(tmp_path / "c")) == (in_a, in_c)
    check_store(store, records)
    assert not (tmp_path / "store" / "commitlog").exists()


def test_queues_are_closed_when_too_many_are_open(stores, fill_store, check_store):
    store = stores.open()
    store.queues._most_open = 2
    records = fill_store(store, 400, queues=7, topics=3)
    assert sum(any(file.is_mapped for file in queue.files.files) for queue in store.queues) == 2
    check_store(store, records)
    check_store(stores.reopen(store), records)
