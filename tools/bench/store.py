"""python -m tools.bench.store [--messages N] [--directory PATH]: what the store costs, in us of CPU a message.

CPU time of this process, not the time on the clock: the machine is shared. `append` is everything that a message of
128 bytes takes: record, queue entry, one unique key in the index, one listener.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Callable

from rocketpy.config.store import StoreConfig
from rocketpy.protocol.record import Record, encode_host
from rocketpy.store.message_store import MessageStore

_NOW = 1_700_000_000_000
_HOST = encode_host("127.0.0.1", 10911)
_BATCH = 16
_ROUNDS = 4


def _record(number: int, queues: int, with_key: bool, size: int) -> Record:
    uniq_key = f"7F000001000A18B4AAC2{number:012X}"
    text = f"UNIQ_KEY\x01{uniq_key}\x02CLUSTER\x01DefaultCluster\x02TAGS\x01TagA".encode()
    return Record(
        "BenchmarkTest", number % queues, bytes(size), text, born_timestamp=_NOW, born_host=_HOST, store_host=_HOST,
        tags_code=2598919, uniq_key=uniq_key if with_key else None,
    )  # fmt: skip


def _batch() -> bytes:
    text = b"UNIQ_KEY\x017F000001000A18B4AAC2000000000001"
    head = struct.pack(">iiiii", 150 + len(text), 0, 0, 0, 128)
    return (head + bytes(128) + struct.pack(">h", len(text)) + text) * _BATCH


def _appends(store: MessageStore, count: int, queues: int, with_key: bool, size: int = 128) -> Callable[[], int]:
    made = 0

    def run() -> int:
        nonlocal made
        records = [_record(made + number, queues, with_key, size) for number in range(count)]
        made += count
        append, now = store.append, _NOW + made // 100
        started = time.process_time_ns()
        for record in records:
            append(record, now)
        return time.process_time_ns() - started

    return run


def _batches(store: MessageStore, count: int) -> Callable[[], int]:
    body, record = _batch(), _record(2000, 2001, True, 0)

    def run() -> int:
        started = time.process_time_ns()
        for _ in range(count // _BATCH):
            record.properties = b""
            store.append_batch(record, body, _NOW)
        return time.process_time_ns() - started

    return run


def _gets(store: MessageStore, count: int, queue_id: int, codes: frozenset[int] | None) -> Callable[[], int]:
    def run() -> int:
        queue_offset = got = 0
        started = time.process_time_ns()
        while got < count:
            found = store.get("BenchmarkTest", queue_id, queue_offset, 32, codes)
            got += found.message_count
            queue_offset = found.next_begin_offset if found.message_count == 32 else 0
        return (time.process_time_ns() - started) * 32

    return run


def measure(directory: str, count: int) -> dict[str, float]:
    """us of CPU of each subject, the best of some rounds of `count` messages in a new store in `directory`."""
    store = MessageStore(StoreConfig(store_path_root_dir=directory, max_message_size=4 << 20))
    store.open(_NOW)
    store.arrival_listeners.append(lambda *_: None)
    subjects = {
        "append 128 B to 4 queues": _appends(store, count, 4, True),
        "append 128 B to 4 queues, no key": _appends(store, count, 4, False),
        "append 128 B to 1024 queues": _appends(store, count, 1024, True),
        "append 1 KiB to 4 queues": _appends(store, count, 4, True, 1024),
        f"append in batches of {_BATCH}, a message": _batches(store, count),
        "get 32, interleaved": _gets(store, count, 3, None),
        "get 32, neighbours": _gets(store, count, 2000, None),
        "get 32, by tag": _gets(store, count, 3, frozenset({2598919})),
    }
    figures = {
        name: min(subject() for _ in range(_ROUNDS)) / count / 1000 for name, subject in subjects.items()
    }
    started = time.perf_counter()
    store.close(_NOW)
    figures["close: sync all, ms"] = (time.perf_counter() - started) * 1000
    store = MessageStore(store.config)
    started = time.perf_counter()
    store.open(_NOW)
    figures["open after a clean shutdown, ms"] = (time.perf_counter() - started) * 1000
    store.close(_NOW)
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.store", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="of each round (default 100000)")
    parser.add_argument("--directory", help="where the store goes for the time being (default: the system's)")
    options = parser.parse_args(arguments)
    directory = tempfile.mkdtemp(prefix="rocketpy-bench-", dir=options.directory)
    try:
        for name, figure in measure(directory, options.messages).items():
            print(f"{name:<44}{figure:8.2f}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
