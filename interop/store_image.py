"""A store directory as bytes to compare: what differs from run to run is zeroed, where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from interop.expect import equal, same_text
from tools.dissect.store_files import commit_log, consume_queue, consume_queue_ext, index_file

MAGIC = 0xDAA320A7
RUN_TIMES = ((52, 56), (56, 64), (68, 72))
"""Of a record with IPv4 hosts: port of the born host, store timestamp, port of the store host."""
BROKER_BORN = (40, 48)
"""The born timestamp, where the broker itself made the message."""
CONFIG_RUN_TIMES = (
    (re.compile(rb'"timestamp":\d+'), b'"timestamp":0'),
    (re.compile(rb'"counter":\d+'), b'"counter":0'),
    (re.compile(rb'"(bornTime|deadTime|clientVersion)":[1-9]\d*'), rb'"\1":1'),
    (re.compile(rb'\t\t"RMQ_SYS_TRANS_HALF_TOPIC":\{.*?\},\n', re.DOTALL), b""),
)
"""Java makes the topic of half messages when it first looks for some: a minute after the start, or at its end."""


def image(store: Path, *, index_slots: int, broker_topics: tuple[bytes, ...] = ()) -> dict[str, bytes]:
    """Every file of a store that was closed, by its path, masked; IndexFiles are numbered, being named by the time.

    `broker_topics` are those whose messages the broker makes, at times of its own.
    """
    files: dict[str, bytes] = {}
    for path in sorted(path for path in store.rglob("*") if path.is_file()):
        name = str(path.relative_to(store))
        data = bytearray(path.read_bytes())
        if name.startswith("commitlog/"):
            _mask_commit_log(data, broker_topics)
        elif name.startswith("consumequeue/SCHEDULE_TOPIC_XXXX/"):
            for entry in range(0, len(data), 20):
                data[entry + 12 : entry + 20] = bytes(8)  # where others have the tag: the time of delivery
        elif name.startswith("consumequeue_ext/"):
            _mask_units(data, delayed="SCHEDULE_TOPIC_XXXX" in name)
        elif name.startswith("index/"):
            name = f"index/{sum(known.startswith('index/') for known in files)}"
            _mask_index(data, index_slots)
        elif name.startswith("config/"):
            for pattern, mask in CONFIG_RUN_TIMES:
                data = bytearray(pattern.sub(mask, data))
        elif name == "checkpoint":
            data[:24] = bytes(24)
        files[name] = bytes(data)
    return files


def expect_same(name: str, ours: bytes, javas: bytes, *, index_slots: int) -> None:
    """Two masked files are equal; where they are not the dissector says what differs."""
    if name.startswith("config/"):
        same_text(name, ours.decode(), javas.decode())
    elif ours != javas:
        pairs = zip(_rows(name, ours, index_slots), _rows(name, javas, index_slots), strict=False)
        for our_row, javas_row in pairs:
            equal(f"row of {name}", our_row, javas_row)
        position = next(at for at in range(len(javas)) if ours[at : at + 1] != javas[at : at + 1])
        equal(f"{name} ({len(javas)} bytes) from {position} on", ours[position:], javas[position:])


def _rows(name: str, data: bytes, index_slots: int) -> Iterator[str]:
    if name.startswith("commitlog/"):
        yield from (json.dumps(row, default=repr, ensure_ascii=False) for row in commit_log(data))
    elif name.startswith("consumequeue/"):
        yield from map(repr, consume_queue(data))
    elif name.startswith("consumequeue_ext/"):
        yield from map(repr, consume_queue_ext(data))
    elif name.startswith("index/"):
        yield from map(repr, index_file(data, index_slots))


def _mask_commit_log(data: bytearray, broker_topics: tuple[bytes, ...]) -> None:
    position = 0
    while int.from_bytes(data[position + 4 : position + 8]) == MAGIC:
        body_end = position + 88 + int.from_bytes(data[position + 84 : position + 88])
        topic = data[body_end + 1 : body_end + 1 + data[body_end]]
        times = (*RUN_TIMES, BROKER_BORN) if bytes(topic) in broker_topics else RUN_TIMES
        for start, end in times:
            data[position + start : position + end] = bytes(end - start)
        position += int.from_bytes(data[position : position + 4])


def _mask_units(data: bytearray, *, delayed: bool) -> None:
    """The store timestamps, and the times of delivery that delayed messages have for tags codes."""
    for unit in consume_queue_ext(bytes(data)):
        position = unit["position"]
        if "tags_code" in unit:
            data[position + 10 : position + 18] = bytes(8)
            if delayed:
                data[position + 2 : position + 10] = bytes(8)


def _mask_index(data: bytearray, slots: int) -> None:
    data[:16] = bytes(16)  # of the first and the last entry
    for entry in range(40 + 4 * slots, len(data), 20):
        data[entry + 12 : entry + 16] = bytes(4)  # seconds since the first
