"""What a broker finds in its directory when it starts, in two lines, before anything is recovered."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from rocketpy.protocol.record import MAGIC, peek_size_and_magic, peek_store_timestamp
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.index import Index
from rocketpy.store.mapped_file import MappedFile


def survey(
    log: CommitLog, queues: ConsumeQueues, index: Index | None, checkpoint: Checkpoint, abort: str
) -> Iterator[str]:
    """Two lines about a store whose files have been found, none about a new one. `abort` is the path of its mark.

    Times are told by the first records of files and by the checkpoint: there may be later messages.
    """
    files = log.files.files
    if not files and not queues.table:
        return
    span = ""
    newest = next((stored for stored in map(_begins, reversed(files)) if stored), 0)
    if newest:
        until = max(newest, checkpoint.physical_timestamp)
        span = f", stored from {_time(_begins(files[0]) or newest)} until {_time(until)} or later"
    yield (
        f"found {len(files)} CommitLog files of {log.file_size} bytes from {log.min_offset} on{span}; "
        f"{len({topic for topic, _ in queues.table})} topics with {len(queues.table)} queues; "
        f"{len(index.files) if index is not None else 'no'} index files"
    )
    yield _exit(abort)


def _exit(abort: str) -> str:
    """How the last broker ended; Java's mark is empty (see `directory_lock`)."""
    try:
        javas = os.path.getsize(abort) == 0
    except OSError:
        return "the last broker closed it cleanly"
    return f"it was not closed: {'a Java broker' if javas else 'a broker'} was killed here, or its machine stopped"


def _begins(file: MappedFile) -> int:
    """When (ms) the first record of a file was stored; 0 if there is none."""
    _, magic = peek_size_and_magic(file.view(), 0)
    return peek_store_timestamp(file.view()) if magic == MAGIC else 0


def _time(timestamp: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(timestamp / 1000))
