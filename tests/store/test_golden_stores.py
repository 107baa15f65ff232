"""Directories that Java's broker wrote are opened, and answer as Java's broker answered when it opened them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rocketpy.config.store import StoreConfig
from rocketpy.protocol.record import tags_code
from rocketpy.protocol.topic_names import TRANS_OP_HALF_TOPIC
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetStatus
from tools.record_golden.stores import unpack

STORES = Path(__file__).parent.parent.parent / "compat" / "stores"
NAMES = sorted(path.name.removesuffix(".json5") for path in STORES.glob("*.json5"))
FOREVER = 1 << 62


@pytest.fixture(params=NAMES)
def golden(request, tmp_path) -> tuple[MessageStore, dict[str, Any]]:
    """A store that Java wrote, opened by ours, and what is known about it."""
    known = unpack(request.param, tmp_path / "store")
    config = StoreConfig(store_path_root_dir=str(tmp_path / "store"))
    config.update(known["settings"])
    store = MessageStore(config)
    store.open(0)
    yield store, known
    store._lock.release()


def _pulled(store: MessageStore, queue: dict[str, Any]) -> list[list[int]]:
    """[physical offset, store timestamp] of all messages of a queue, as pulls find them."""
    found = []
    queue_offset = queue["min"]
    while queue_offset < queue["max"]:
        result = store.get(queue["topic"], queue["queue_id"], queue_offset, 32)
        assert result.status is GetStatus.FOUND
        for view in result.views:
            at = 0
            while at < len(view):
                size = int.from_bytes(view[at : at + 4], "big")
                physical_offset = int.from_bytes(view[at + 28 : at + 36], "big")
                found.append([physical_offset, store.record_at(physical_offset).store_timestamp])
                at += size
        queue_offset = result.next_begin_offset
    return found


def test_records_are_read_as_java_wrote_them(golden):
    store, known = golden
    end = 0
    for fields in known["records"]:
        if "blank" in fields:
            end = fields["physical_offset"] + fields["blank"]
            continue
        record = store.record_at(fields["physical_offset"])
        assert record.size == fields["total_size"]
        for name in ("topic", "queue_id", "queue_offset", "flag", "born_timestamp", "store_timestamp"):
            assert getattr(record, name) == fields[name], name
        pairs = (pair.split("\x01") for pair in record.properties.decode().split("\x02") if pair)
        assert {name: value for name, value in pairs if value} == {
            name: value for name, value in fields["properties"].items() if value
        }
        end = record.physical_offset + record.size
    assert store.log.max_offset == end


def _has_queues(known: dict[str, Any]) -> bool:
    return any(name.startswith("consumequeue/") for name in known["files"])


def _first_entry(known: dict[str, Any], topic: str, queue_id: int) -> int:
    """The number of the first entry that the queue's files held."""
    begins = f"consumequeue/{topic}/{queue_id}/"
    files = known["files"] if _has_queues(known) else known["reopened"]["files_after"]
    return min(int(name.removeprefix(begins)) // 20 for name in files if name.startswith(begins))


def test_queues_are_as_java_found_them(golden):
    store, known = golden
    for queue in known["reopened"]["queues"]:
        topic, queue_id = queue["topic"], queue["queue_id"]
        assert (store.min_offset(topic, queue_id), store.max_offset(topic, queue_id)) == (queue["min"], queue["max"])
        if queue["topic"] != TRANS_OP_HALF_TOPIC:       # no broker lets anybody pull from it
            assert _pulled(store, queue) == queue["messages"]
        entries = store.queues.find(topic, queue_id)
        written = queue["tags_codes"][queue["min"] - _first_entry(known, topic, queue_id) :]
        found = [entries.entry(number)[2] for number in range(queue["min"], queue["max"])]
        assert found == written[: len(found)]
        assert len(found) == len(written) or known["killed"]


def test_keys_find_at_least_what_java_found(golden):
    """After a kill Java has forgotten some keys; ours has not."""
    store, known = golden
    for row in known["reopened"]["keys"]:
        views = store.query(row["topic"], row["key"], 64, 0, FOREVER).views
        found = [int.from_bytes(view[28:36], "big") for view in views]
        java = row["physical_offsets"]
        if _has_queues(known):
            assert sorted(found) == sorted(java) or (known["killed"] and set(found) > set(java))
        else:   # making the queues again, Java enters the last record twice
            assert set(found) == set(java)


def test_times_find_messages_no_further_away_than_javas(golden):
    """Java goes by the times of files first, which may lead it past the right one."""
    store, known = golden
    for row in known["reopened"]["times"]:
        topic, queue_id, timestamp = row["topic"], row["queue_id"], row["timestamp"]
        found = store.offset_by_time(topic, queue_id, timestamp)
        distance = abs(store.store_time(topic, queue_id, found) - timestamp)
        assert distance <= abs(store.store_time(topic, queue_id, row["queue_offset"]) - timestamp)


def test_store_goes_on_behind_java(golden, make_record):
    store, known = golden
    end = store.log.max_offset
    for queue in known["reopened"]["queues"]:
        result = store.append(make_record(queue["topic"], queue["queue_id"], keys="new"), 1 << 41)
        assert result.queue_offset == queue["max"]
        assert result.physical_offset >= end
    store.close(0)
    again = MessageStore(store.config)
    again.open(0)
    for queue in known["reopened"]["queues"]:
        assert again.max_offset(queue["topic"], queue["queue_id"]) == queue["max"] + 1
        assert len(again.query(queue["topic"], "new", 64, 0, FOREVER).views) >= 1
        if not known["settings"].get("enableConsumeQueueExt"):
            record = again.record_at(again.queues.find(queue["topic"], queue["queue_id"]).entry(queue["min"])[0])
            assert queue["topic"] == "SCHEDULE_TOPIC_XXXX" or tags_code(record.properties) == queue["tags_codes"][0]
    again.close(0)


def _files(known: dict[str, Any]) -> dict[str, int]:
    """Those that are there after a clean start and stop, but for what differs."""
    files = known["files"] if _has_queues(known) and not known["killed"] else known["reopened"]["files_after"]
    return {name: size for name, size in files.items() if not name.startswith(("index/", "config/", "consumequeue_"))}


def test_clean_store_is_left_as_it_was(golden):
    """Opening and closing changes nothing but the index of what no Java broker had entered, and the checkpoint."""
    store, known = golden
    store.close(0)
    root = Path(store.config.store_path_root_dir)
    lengths = {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}
    left = {name: size for name, size in lengths.items() if not name.startswith(("index/", "config/", "consumequeue_"))}
    empty = {f"consumequeue/{queue.topic}/{queue.queue_id}/{0:020}" for queue in store.queues if not queue.next_offset}
    assert {name: size for name, size in left.items() if name not in empty} == _files(known)    # Java deletes those
