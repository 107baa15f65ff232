"""Queues that lost their files, or some of them, beside others that did not: found, and made again from the log.

After a clean shutdown Java dispatches only what is behind the last entry of any queue, so that such a queue begins
again at 0 and its messages are never seen (DefaultMessageStore:252-277). It is looked for when files may have gone:
after a crash, or if a directory of queues has changed since the checkpoint was written, which a shutdown does last.
Then the lengths of entries are added up, for each file of the log: 2 % of its size is read, for messages of 1 KiB. Only
where they do not make up the file its records are looked at, and only if one is missing in its queue the log is read.

A topic that is not in config/topics.json any more, and has no queue left, was deleted, and stays so.
"""

from __future__ import annotations

import logging
import os
import sys
from array import array
from collections.abc import Callable, Iterator
from functools import cache

from rocketpy import jsonfile
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.topic import TopicConfigSerializeWrapper
from rocketpy.protocol.record import BLANK_MAGIC, Record, intact_size, peek_size_and_magic
from rocketpy.protocol.topic_names import is_light
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE, FILLER_SIZE
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.dispatch import Dispatch, is_queued, with_topic
from rocketpy.store.extended_dispatch import ExtendedDispatch
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.paths import StorePaths

_log = logging.getLogger("rocketpy.store")

Key = tuple[str, int]
"""Topic and queue id."""


def may_have_gone(paths: StorePaths) -> bool:
    """Whether a directory of queues has changed since the store was closed."""
    try:
        closed = os.stat(paths.checkpoint).st_mtime_ns
        directories = [paths.consume_queue, *_below(paths.consume_queue)]
        directories += [one for topic in directories[1:] for one in _below(topic)]
        return any(os.stat(directory).st_mtime_ns >= closed for directory in directories)
    except OSError:
        return True


def _below(directory: str) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.path for entry in entries if entry.is_dir()]


def known_topics(paths: StorePaths) -> Callable[[str], bool]:
    """Tells whether there is such a topic; all are if nothing is known. Light ones need no configuration.

    The file is read when that is asked first.
    """

    @cache
    def saved() -> TopicConfigSerializeWrapper | None:
        try:
            return jsonfile.load(os.path.join(paths.config, "topics.json"), TopicConfigSerializeWrapper.from_json)
        except ConfigError:
            return None

    def is_known(topic: str) -> bool:
        topics = saved()
        return topics is None or is_light(topic) or topic in topics.topic_config_table

    return is_known


class LostQueues:
    """Looks at a store whose log and queues have been recovered."""

    def __init__(
        self, log: CommitLog, queues: ConsumeQueues, dispatch: Dispatch, is_known: Callable[[str], bool]
    ) -> None:
        self._log = log
        self._queues = queues
        self._dispatch = dispatch
        self._is_known = is_known

    def rebuild(self) -> set[Key]:
        """Make them again; which they were. Raises StoreError."""
        lost = self._find()
        if not lost:
            return lost
        for topic, queue_id in sorted(lost):
            _log.warning("queue %d of %s has lost entries: it is made again from the log", queue_id, topic)
            self._queues.find_or_add(topic, queue_id).delete()
        for file in self._log.files.files:
            view = file.view()
            for position, record in self._records(file):
                if not lost.isdisjoint(self._keys(record)):
                    self._dispatch.found(view, position, file.start + position, tell=False)
            _log.info("making lost queues again: %s has been read", file.path)
        return lost

    def _find(self) -> set[Key]:
        multi = isinstance(self._dispatch, ExtendedDispatch)    # entries of several queues then share a record
        covered = {} if multi else self._covered()
        alive = {queue.topic for queue in self._queues if queue.files.files}
        lost: set[Key] = set()
        for file in self._log.files.files:
            if multi or not self._is_covered(file, covered.get(file.start, 0)):
                entered = self._entered(file)
                lost |= {
                    key
                    for position, record in self._records(file)
                    for key in self._keys(record)
                    if file.start + position not in entered.get(key, ())
                    if key[0] in alive or self._is_known(key[0])
                }
        return lost

    def _keys(self, record: Record) -> list[Key]:
        """The queues that a record belongs into."""
        if not is_queued(record.sys_flag):
            return []
        further = self._dispatch.further_queues(record) if isinstance(self._dispatch, ExtendedDispatch) else []
        return [(record.topic, record.queue_id), *((topic, queue_id) for topic, queue_id, _ in further)]

    def _entries(self) -> Iterator[tuple[Key, memoryview]]:
        """The entries of every file of every queue."""
        for queue in self._queues:
            for file in queue.files.files:
                end = min(file.end, queue.next_offset * ENTRY_SIZE) - file.start
                if end > 0:
                    yield (queue.topic, queue.queue_id), queue.view_of(file)[:end]

    def _covered(self) -> dict[int, int]:
        """How many bytes of each file of the log have an entry, by where it starts."""
        covered: dict[int, int] = {}
        length, oldest = self._log.file_size, self._log.min_offset
        for _, entries in self._entries():
            first, last = (ENTRY.unpack_from(entries, at)[0] for at in (0, len(entries) - ENTRY_SIZE))
            sizes = _sizes(entries)
            if oldest <= first and first // length == last // length and FILLER_SIZE not in sizes:
                start = last - last % length
                covered[start] = covered.get(start, 0) + sum(sizes)
                continue
            for physical_offset, size, _ in ENTRY.iter_unpack(entries):
                if physical_offset >= oldest and size != FILLER_SIZE:
                    start = physical_offset - physical_offset % length
                    covered[start] = covered.get(start, 0) + size
        return covered

    def _is_covered(self, file: MappedFile, covered: int) -> bool:
        end = min(file.end, self._log.max_offset) - file.start
        return covered == end or peek_size_and_magic(file.view(), covered) == (end - covered, BLANK_MAGIC)

    def _entered(self, file: MappedFile) -> dict[Key, set[int]]:
        """The physical offsets of the file's records that queues have entries for."""
        entered: dict[Key, set[int]] = {}
        for key, entries in self._entries():
            rows = ENTRY.iter_unpack(entries)
            inside = {one for one, size, _ in rows if file.start <= one < file.end and size != FILLER_SIZE}
            if inside:
                entered.setdefault(key, set()).update(inside)
        return entered

    def _records(self, file: MappedFile) -> Iterator[tuple[int, Record]]:
        """Those that a queue can have, with their positions."""
        view = file.view()
        position, end = 0, min(file.end, self._log.max_offset) - file.start
        while position < end and (size := intact_size(view, position, check_crc=False)):
            record = with_topic(view, position)
            if record is not None:
                yield position, record
            position += size


def _sizes(entries: memoryview) -> array[int]:
    """The sizes of entries, five times as fast as one by one: a queue file may have 300 000."""
    words = array("I")
    words.frombytes(entries)
    sizes = words[2::5]
    if sys.byteorder == "little":
        sizes.byteswap()
    return sizes
