"""Stores that an official broker wrote, to be looked into and damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rocketpy.config.store import StoreConfig
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.verification import Verification, verify
from rocketpy.protocol.record import Record
from rocketpy.store.message_store import MessageStore
from tools.dissect.store_files import commit_log, index_file
from tools.record_golden.stores import unpack

Unpack = Callable[[str], "Found"]


class Found:
    """A store directory, and what is done to it."""

    def __init__(self, directory: Path, known: dict[str, Any]) -> None:
        self.directory = directory
        self.known = known

    @property
    def config(self) -> StoreConfig:
        return StoreConfig(store_path_root_dir=str(self.directory))

    def verify(self) -> tuple[Verification, Findings]:
        findings = Findings()
        return verify(self.config, findings, lambda what, done, total: None), findings

    def files(self, pattern: str) -> list[Path]:
        return sorted(path for path in self.directory.glob(pattern) if path.is_file())

    def overwrite(self, path: Path, position: int, data: bytes) -> None:
        with path.open("r+b") as file:
            file.seek(position)
            file.write(data)

    def flip(self, path: Path, position: int) -> None:
        self.overwrite(path, position, bytes((path.read_bytes()[position] ^ 1,)))

    def records(self, path: Path) -> list[dict[str, Any]]:
        return list(commit_log(path.read_bytes()))

    def index_position(self, path: Path, number: int) -> int:
        """Where entry `number` of an index file stands."""
        header = next(index_file(path.read_bytes()))
        return int(40 + 4 * header["slots"] + 20 * number)


@pytest.fixture
def found(tmp_path: Path) -> Unpack:
    """Unpacks the golden store of a name."""
    return lambda name: Found(tmp_path / name, unpack(name, tmp_path / name))


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[MessageStore]:
    """An open store of small files, with 300 messages of three keys each in three queues."""
    store = MessageStore(
        StoreConfig(
            store_path_root_dir=str(tmp_path / "ours"),
            mapped_file_size_commit_log=8192,
            mapped_file_size_consume_queue=400,
            max_hash_slot_num=16,
            max_index_num=64,
        )
    )
    store.open(0)
    for number in range(300):
        properties = f"UNIQ_KEY\x01{number:032X}\x02KEYS\x01key{number} all\x02TAGS\x01Tag{number % 3}"
        record = Record("Ours", number % 3, b"b" * (number % 50), properties.encode())
        record.read_properties()
        store.append(record, 1_700_000_000_000 + number)
    yield store
    store.close(0)
