"""Stores that an official broker wrote (compat/stores/), opened by ours: the same answers as its own after a restart.

The dissector, an independent notation of the layouts, reads the same files and must agree with both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rocketpy.broker.config_file import KeptTable
from rocketpy.broker.consumer_filters import ConsumerFilters, ConsumerFilterTable
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import StoreConfig
from rocketpy.protocol.api.group import SubscriptionGroupWrapper
from rocketpy.protocol.api.offset import ConsumerOffsetSerializeWrapper, DelayOffsetSerializeWrapper
from rocketpy.protocol.api.topic import TopicConfigSerializeWrapper
from rocketpy.protocol.body import Body
from rocketpy.protocol.record import decode
from rocketpy.store.message_store import MessageStore
from tools.dissect.records import records
from tools.dissect.store_files import commit_log, consume_queue, index_chain, index_file
from tools.record_golden.recipes import RECIPES
from tools.record_golden.stores import BROKER, unpack

NAMES = [recipe.name for recipe in RECIPES]
DAMAGED = {recipe.name for recipe in RECIPES if recipe.damage is not None}
INDEXED_TWICE = {("queues-removed", "b5.5")}
"""Keys of the last record: Java enters it again when it makes the queues again."""
DELETED_BY_JAVA = {"garbled": {("consumequeue/StoreT/3/00000000000000000000", 1000)}}
"""Files of queues of which nothing is left: ours keeps them, since their names say what number comes next."""


class Opened(NamedTuple):
    name: str
    store: MessageStore
    directory: Path
    known: dict[str, Any]


@pytest.fixture(params=NAMES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Each store in turn, open; closed by the test or afterwards."""
    known = unpack(request.param, tmp_path)
    config = StoreConfig(store_path_root_dir=str(tmp_path))
    unknown = config.update(known["settings"])
    assert BrokerConfig().update({name: known["settings"][name] for name in unknown}) == []
    store = MessageStore(config)
    store.open(now(known))
    yield Opened(request.param, store, tmp_path, known)
    store.close(now(known))


def now(known: dict[str, Any]) -> int:
    """A second after the last message."""
    return 1000 + max(one["store_timestamp"] for one in known["records"] if "blank" not in one)


def test_queues_hold_what_java_finds_in_them(opened: Opened) -> None:
    store = opened.store
    for queue in opened.known["reopened"]["queues"]:
        topic, queue_id = queue["topic"], queue["queue_id"]
        assert (store.min_offset(topic, queue_id), store.max_offset(topic, queue_id)) == (queue["min"], queue["max"])
        found: list[list[int]] = []
        while len(found) < len(queue["messages"]):
            result = store.get(topic, queue_id, queue["min"] + len(found), 32)
            messages = [one for view in result.views for one in records(view)]
            assert messages, f"{topic} {queue_id}: {result.status}"
            found += [[one["physical_offset"], one["store_timestamp"]] for one in messages]
        assert found == queue["messages"]


def test_records_are_read_where_they_stand(opened: Opened) -> None:
    for known in opened.known["records"]:
        if "blank" in known:
            continue
        view = opened.store.message_at(known["physical_offset"])
        assert view is not None
        (dissected,) = records(view)
        assert dissected["body_crc_holds"]
        assert {name: dissected[name] for name in known} == known
        assert decode(view).topic == known["topic"]


def test_keys_find_what_java_finds(opened: Opened) -> None:
    for asked in opened.known["reopened"]["keys"]:
        result = opened.store.query(asked["topic"], asked["key"], 64, 0, 1 << 62)
        found = [one["physical_offset"] for view in result.views for one in records(view)]
        if (opened.name, asked["key"]) in INDEXED_TWICE:
            found *= 2
        assert found == asked["physical_offsets"], asked["key"]


def test_offsets_by_time_are_the_nearest(opened: Opened) -> None:
    """And Java's, where a queue has one file: of several Java picks one by the time of its last page fault."""
    queues = {(queue["topic"], queue["queue_id"]): queue for queue in opened.known["reopened"]["queues"]}
    for asked in opened.known["reopened"]["times"]:
        topic, queue_id, timestamp = asked["topic"], asked["queue_id"], asked["timestamp"]
        found = opened.store.offset_by_time(topic, queue_id, timestamp)
        stored = [time for _, time in queues[topic, queue_id]["messages"]]
        oldest = queues[topic, queue_id]["min"]
        assert abs(stored[found - oldest] - timestamp) == min(abs(time - timestamp) for time in stored), asked
        if len(files(opened.directory / "consumequeue" / topic / str(queue_id))) == 1:
            assert found == asked["queue_offset"], asked


def test_files_left_behind_are_those_that_java_leaves(opened: Opened) -> None:
    opened.store.close(now(opened.known))
    paths = (path for path in opened.directory.rglob("*") if path.is_file())
    ours = {str(path.relative_to(opened.directory)): path.stat().st_size for path in paths}
    java = opened.known["reopened"]["files_after"]
    assert set(files_of(ours)) - set(files_of(java)) == DELETED_BY_JAVA.get(opened.name, set())
    more = [name for name, _ in set(files_of(java)) - set(files_of(ours))]
    assert not more or opened.known["killed"]
    assert all(name.startswith("consumequeue_ext/") for name in more)   # each replay of Java's adds units to it


def files_of(sizes: dict[str, int]) -> list[tuple[str, int]]:
    """Names and sizes of the store's own files; index files are named by the clock."""
    named = {name: size for name, size in sizes.items() if not name.startswith("config/")}
    return sorted(("index/*" if name.startswith("index/") else name, size) for name, size in named.items())


# --- the dissector


@pytest.mark.parametrize("name", NAMES)
def test_dissector_reads_what_java_wrote(name: str, tmp_path: Path) -> None:
    """Up to where a damaged log ends, and what has not expired."""
    known = unpack(name, tmp_path)
    sizes = {str(path.relative_to(tmp_path)): path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    assert sizes == known["files"]
    log = [one for path in files(tmp_path / "commitlog") for one in commit_log(path.read_bytes())]
    if name in DAMAGED:
        log = [*itertools.takewhile(lambda one: one.get("blank") or one.get("body_crc_holds"), log)]
    sizes_by_offset = {one["physical_offset"]: one["total_size"] for one in log if "blank" not in one}
    assert list(sizes_by_offset) == [one["physical_offset"] for one in known["records"] if "blank" not in one]
    begin, last = min(sizes_by_offset), max(sizes_by_offset)
    for directory in (tmp_path / "consumequeue").glob("*/*"):
        for entry in (one for path in files(directory) for one in consume_queue(path.read_bytes())):
            if begin <= entry["physical_offset"] <= last:
                assert sizes_by_offset[entry["physical_offset"]] == entry["size"]
            else:
                assert name in DAMAGED | {"expired"}


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_of_an_index_is_in_its_chain(name: str, tmp_path: Path) -> None:
    known = unpack(name, tmp_path)
    slots = int(known["settings"]["maxHashSlotNum"])
    for path in files(tmp_path / "index"):
        data = path.read_bytes()
        header, *entries = index_file(data)
        assert header["slots"] == (slots if entries else 0)
        for entry in entries:
            assert entry["entry"] in index_chain(data, slots, entry["slot"])


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.exists() else []


# --- the tables beside the messages


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_written_back_as_java_wrote_them(name: str, tmp_path: Path) -> None:
    """Nothing that Java keeps there is lost or changed on the way through ours."""
    unpack(name, tmp_path)
    config = BrokerConfig(broker_name=BROKER["name"], broker_cluster_name=BROKER["cluster"])
    tables: dict[str, tuple[KeptTable[Any], type[Body]]] = {
        "topics.json": (TopicTable(config), TopicConfigSerializeWrapper),
        "subscriptionGroup.json": (GroupTable(config), SubscriptionGroupWrapper),
        "consumerOffset.json": (OffsetTable(), ConsumerOffsetSerializeWrapper),
        "consumerFilter.json": (ConsumerFilters(config), ConsumerFilterTable),
    }
    for file, (table, body) in tables.items():
        path = tmp_path / "config" / file
        if path.exists():
            table.restore(body.from_json(path.read_bytes()))
            written = table.freeze()().to_json(pretty=True).decode()
            if file == "consumerOffset.json":   # Java's own order is another one after a start: its map is smaller
                assert body.from_json(written) == body.from_json(path.read_bytes())
                assert sorted(written.splitlines()) == sorted(path.read_text().splitlines())
            else:
                assert written == path.read_text(), file
    delayed = tmp_path / "config" / "delayOffset.json"
    if delayed.exists():
        assert DelayOffsetSerializeWrapper.from_json(delayed.read_bytes()).to_json(pretty=True) == delayed.read_bytes()
