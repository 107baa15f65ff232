"""Stores of tiny files in a temporary directory, and messages to put into them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rocketpy.config.store import StoreConfig
from rocketpy.protocol.record import Record, encode_host
from rocketpy.store.message_store import MessageStore

NOW = 1_700_000_000_000
HOST = encode_host("127.0.0.1", 10911)


@pytest.fixture
def now() -> int:
    """When tests happen, in ms."""
    return NOW


@pytest.fixture
def config(tmp_path: Path) -> StoreConfig:
    """Files so small that everything rolls."""
    return StoreConfig(
        store_path_root_dir=str(tmp_path / "store"),
        mapped_file_size_commit_log=8192,
        mapped_file_size_consume_queue=400,
        max_hash_slot_num=16,
        max_index_num=64,
    )


class Stores:
    """Opens stores, and lets go of them at the end of the test."""

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self.opened: list[MessageStore] = []

    def open(self, **changes: Any) -> MessageStore:
        """The store of the directory; `changes` are keys of its configuration."""
        for name, value in changes.items():
            setattr(self.config, name, value)
        store = MessageStore(self.config)
        store.open(NOW)
        self.opened.append(store)
        return store

    def kill(self, store: MessageStore) -> None:
        """What is left when the process dies: everything written, nothing closed."""
        store._lock.release()
        self.opened.remove(store)

    def crash(self, store: MessageStore) -> None:
        """The same when nobody knows whether the machine died, too."""
        self.kill(store)
        Path(store.paths.abort).write_text("")

    def reopen(self, store: MessageStore) -> MessageStore:
        """Close and open."""
        store.close(NOW)
        self.opened.remove(store)
        return self.open()


@pytest.fixture
def stores(config: StoreConfig) -> Iterator[Stores]:
    """See `Stores`."""
    stores = Stores(config)
    yield stores
    for store in stores.opened:
        store._lock.release()


@pytest.fixture
def store(stores: Stores) -> MessageStore:
    """An open store in a new directory."""
    return stores.open()


MakeRecord = Callable[..., Record]


@pytest.fixture
def make_record() -> MakeRecord:
    """Makes different records: topic, queue id, body; `tags`, `keys`, `uniq_key` become properties."""
    rng = random.Random(42)

    def make(topic: str = "TopicTest", queue_id: int = 0, body: bytes | None = None, **fields: Any) -> Record:
        names = {"tags": "TAGS", "keys": "KEYS", "uniq_key": "UNIQ_KEY", "delay": "DELAY"}
        properties = {name: fields.pop(field) for field, name in names.items() if field in fields}
        properties["Ünïcode"] = "值🚀"
        text = "\x02".join(f"{name}\x01{value}" for name, value in properties.items())
        record = Record(
            topic, queue_id, rng.randbytes(rng.randrange(200)) if body is None else body, text.encode(),
            **{"born_host": HOST, "store_host": HOST, "born_timestamp": NOW - 5} | fields,
        )  # fmt: skip
        record.read_properties()
        return record

    return make


def fill(store: MessageStore, make_record: MakeRecord, count: int, queues: int = 3, topics: int = 2) -> list[Record]:
    """Append `count` messages over some queues, one a millisecond, with keys and tags; they are returned as stored."""
    records = []
    for number in range(count):
        record = make_record(
            f"Topic{number % topics}",
            number % queues,
            tags=f"Tag{number % 3}",
            keys=f"key{number} all",
            uniq_key=f"7F000001000A18B4AAC2{number:012X}",
        )
        result = store.append(record, NOW + number)
        record.physical_offset, record.size, record.queue_offset = (
            result.physical_offset, result.size, result.queue_offset,
        )  # fmt: skip
        record.store_timestamp = result.store_timestamp
        records.append(record)
    return records


def check(store: MessageStore, records: list[Record]) -> None:
    """Everything about `records` can be found in `store`, and nothing else is in its queues."""
    queues: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        queues.setdefault((record.topic, record.queue_id), []).append(record)
        view = store.message_at(record.physical_offset)
        assert view is not None
        assert len(view) == record.size
        stored = store.record_at(record.physical_offset)
        assert stored is not None
        for name in ("topic", "queue_id", "queue_offset", "body", "properties", "store_timestamp", "physical_offset"):
            assert getattr(stored, name) == getattr(record, name), name
        if record.keys:
            views = store.query(record.topic, record.keys.split()[0], 64, 0, 1 << 62).views
            assert [bytes(found) for found in views].count(bytes(view)) == 1, f"index of {record}"
    assert {key for key, queue in store.queues.table.items() if queue.next_offset} == set(queues)
    for (topic, queue_id), members in queues.items():
        queue = store.queues.find(topic, queue_id)
        assert queue is not None
        assert (queue.min_offset, queue.next_offset) == (members[0].queue_offset, members[-1].queue_offset + 1)
        for record in members:
            assert queue.entry(record.queue_offset) == (record.physical_offset, record.size, record.tags_code)


@pytest.fixture
def fill_store(make_record: MakeRecord) -> Callable[..., list[Record]]:
    """`fill` with this test's records."""
    return lambda store, count, **options: fill(store, make_record, count, **options)


@pytest.fixture
def check_store() -> Callable[[MessageStore, list[Record]], None]:
    """See `check`."""
    return check
