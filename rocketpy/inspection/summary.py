"""What is in a store directory: told from names, queues and single records, without reading the whole log."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

from rocketpy.config.store import StoreConfig
from rocketpy.inspection.directory import Directory
from rocketpy.inspection.file_row import FileRow
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.log_walk import LogWalk, store_time
from rocketpy.inspection.queue_files import QueueFiles
from rocketpy.inspection.tables import Tables, read_tables
from rocketpy.store.consume_queue import FILLER_SIZE

Progress = Callable[[str, int, int], None]
"""Told what is being looked at, how many bytes of it have been, and how many there are."""


@dataclass(frozen=True, slots=True)
class Part:
    """The files of one kind: how many, their lengths, and what they take on the disk, in bytes."""

    name: str
    files: int
    length: int
    on_disk: int


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """One queue: numbers of the oldest message and of the next, how many there are, bytes of their records, and when
    the oldest and the newest were stored (ms, -1 if unknown).
    """

    topic: str
    queue_id: int
    min_offset: int
    max_offset: int
    messages: int
    bytes: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole directory. Times are ms, offsets of the log are physical."""

    directory: str
    holder: int
    """Process id of the broker that has it open, 0 for none, -1 if that cannot be told."""
    closed: bool
    log_begin: int
    log_end: int
    oldest: int
    newest: int
    checkpoint: tuple[int, int, int]
    """Up to when log, queues and index are known to be on disk."""
    index_entries: int
    parts: list[Part]
    queues: list[QueueSummary]
    topics: list[str]
    groups: list[str]
    offsets: list[tuple[str, str, int, int]]
    """(group, topic, queue id, number of the message that comes next)."""
    delayed: dict[int, int]


def summarize(
    config: StoreConfig, findings: Findings, progress: Progress, *, given: Collection[str] = ()
) -> Summary:
    """What is in the directory of `config`; see `Directory` for `given`. Raises StoreError."""
    directory = Directory(config, findings, given)
    tables = read_tables(directory.root, findings)
    total = sum(queue.end - queue.first for queue in directory.queues.values()) * 20
    done = 0
    queues: list[QueueSummary] = []
    for queue in directory.queues.values():
        queues.append(_summarize_queue(directory, queue))
        done += (queue.end - queue.first) * 20
        progress("queues", done, total)
    end, newest = _end_of_log(directory)
    directory.log.release()
    checkpoint = directory.checkpoint
    return Summary(
        directory=directory.root,
        holder=directory.holder,
        closed=directory.is_closed,
        log_begin=directory.min_offset,
        log_end=end,
        oldest=store_time(directory.log, directory.min_offset),
        newest=newest,
        checkpoint=(checkpoint.physical_timestamp, checkpoint.queue_timestamp, checkpoint.index_timestamp),
        index_entries=directory.index.entries,
        parts=_parts(directory),
        queues=queues,
        topics=sorted(tables.topics),
        groups=sorted(tables.groups),
        offsets=_offsets(tables),
        delayed=tables.delayed,
    )


def _summarize_queue(directory: Directory, queue: QueueFiles) -> QueueSummary:
    begin = directory.min_offset
    log = directory.log
    first = last = -1
    size = count = holes = 0
    for number, (physical_offset, length, _) in queue.entries():
        if length == FILLER_SIZE or physical_offset < begin:
            continue
        if length <= 0:
            holes += 1
            continue
        if first < 0:
            first = number
        last = number
        count += 1
        size += length
    if holes:
        directory.findings.damage("queue-hole", queue.name, None, f"{holes} entries between others are empty")
    queue.check_end(directory.findings, in_use=directory.holder != 0)
    queue.row.release()
    return QueueSummary(
        topic=queue.topic,
        queue_id=queue.queue_id,
        min_offset=queue.end if first < 0 else first,
        max_offset=queue.end,
        messages=count,
        bytes=size,
        oldest=_time_of(log, queue, first),
        newest=_time_of(log, queue, last),
    )


def _time_of(log: FileRow, queue: QueueFiles, number: int) -> int:
    entry = queue.entry(number)
    return -1 if entry is None else store_time(log, entry[0])


def _end_of_log(directory: Directory) -> tuple[int, int]:
    """Where the log ends, and when its last record was stored: walked from the last record in any queue on."""
    settled = directory.settled
    begins = [file for file in directory.log.files if file.end > settled]
    row = FileRow(begins[:1] or directory.log.files[-1:])
    walk = LogWalk(row, settled, directory.findings, lambda _: None, in_use=directory.holder != 0)
    newest = -1
    for _, record in walk:
        newest = record.store_timestamp
    if newest < 0:
        newest = max((_time_of(directory.log, queue, queue.end - 1) for queue in directory.queues.values()), default=-1)
    return walk.end, newest


def _parts(directory: Directory) -> list[Part]:
    rows = {
        "commitlog": [directory.log],
        "consumequeue": [queue.row for queue in directory.queues.values()],
        "consumequeue_ext": list(directory.extensions.values()),
        "index": [FileRow(directory.index.files)],
    }
    sizes = {
        name: [(file.size, file.blocks) for row in found for file in row.files] for name, found in rows.items()
    }
    config = os.path.join(directory.root, "config")
    found = [entry.stat() for entry in os.scandir(config)] if os.path.isdir(config) else []
    sizes["config"] = [(status.st_size, status.st_blocks * 512) for status in found]
    return [
        Part(name, len(files), sum(size for size, _ in files), sum(blocks for _, blocks in files))
        for name, files in sizes.items()
        if files
    ]


def _offsets(tables: Tables) -> list[tuple[str, str, int, int]]:
    return sorted((*key, number) for key, number in tables.offsets.items())
