"""A store directory as it was found: its files of every kind, and whether a broker has it open."""

from __future__ import annotations

import os
from collections.abc import Collection

from rocketpy.config.store import StoreConfig
from rocketpy.errors import StoreError
from rocketpy.inspection.file_row import FileRow
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.index_files import IndexFiles
from rocketpy.inspection.queue_files import QueueFiles
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.consume_queue import ENTRY_SIZE
from rocketpy.store.directory_lock import lock_holder
from rocketpy.store.paths import StorePaths

_MARKS = ("commitlog", "consumequeue", "index", "config", "checkpoint", "abort", "lock")


class Directory:
    """The directory that `config` names. What is wrong with its files is told to `findings`.

    `given` are the keys that somebody has set: the size of a file whose key is not among them is that of the files
    there are. Of a running broker's directory the index is looked at before the queues, and the queues before the log:
    what the former point at is then in the latter. And the queues are looked at twice: what the first look finds to be
    `settled` is in all of them at the second one, since records are entered in the order of the log. Raises StoreError.
    """

    def __init__(self, config: StoreConfig, findings: Findings, given: Collection[str] = ()) -> None:
        self.config = config
        self.paths = StorePaths(config)
        self.findings = findings
        root = self.root = self.paths.root
        try:
            self._expect_a_store()
            self.holder = lock_holder(self.paths.lock)
            """Process id of the broker that has it open, 0 for none, -1 if that cannot be told."""
            self.is_closed = not os.path.exists(self.paths.abort)
            """Whether the last broker has shut down cleanly."""
            self.checkpoint = Checkpoint(self.paths.checkpoint)
            self.checkpoint.load()
            self.index = IndexFiles(root, self.paths.index, findings, self._index_sizes(given))
            queue_size = _given(given, "mappedFileSizeConsumeQueue", config.mapped_file_size_consume_queue)
            early = self._queues(queue_size, Findings()) if self.holder else {}
            self.queues = self._queues(queue_size, findings)
            """By topic and queue id."""
            ends = (queue.max_physical_offset for queue in (early or self.queues).values())
            self.settled = max(ends, default=-1)
            """End of the last record that has an entry in any queue; -1 without any."""
            ext_size = _given(given, "mappedFileSizeConsumeQueueExt", config.mapped_file_size_consume_queue_ext)
            self.extensions = {
                (topic, queue_id): FileRow.load(root, [path], findings, file_size=ext_size)
                for topic, queue_id, path in _queue_directories(os.path.join(root, "consumequeue_ext"))
            }
            """Files of consumequeue_ext, where there are some."""
            log_size = _given(given, "mappedFileSizeCommitLog", config.mapped_file_size_commit_log)
            places = (*self.paths.commit_logs, *self.paths.read_only_commit_logs)
            self.log = FileRow.load(root, places, findings, file_size=log_size)
            """The CommitLog."""
        except OSError as error:
            raise StoreError(f"cannot read {error.filename}: {error.strerror}") from error

    def _expect_a_store(self) -> None:
        if not os.path.isdir(self.root):
            raise StoreError(f"{self.root} is no directory")
        if not any(os.path.exists(os.path.join(self.root, mark)) for mark in _MARKS):
            raise StoreError(f"{self.root} is no store: there is none of {', '.join(_MARKS)} in it")

    def _index_sizes(self, given: Collection[str]) -> tuple[int, int] | None:
        if not {"maxHashSlotNum", "maxIndexNum"} & set(given):
            return None
        return self.config.max_hash_slot_num, self.config.max_index_num

    def _queues(self, file_size: int, findings: Findings) -> dict[tuple[str, int], QueueFiles]:
        return {
            (topic, queue_id): QueueFiles(
                topic, queue_id, FileRow.load(self.root, [path], findings, file_size=file_size, unit=ENTRY_SIZE)
            )
            for topic, queue_id, path in _queue_directories(self.paths.consume_queue)
        }

    @property
    def min_offset(self) -> int:
        """Physical offset of the first byte of the log; 0 without one."""
        return self.log.files[0].start if self.log.files else 0


def _given(given: Collection[str], key: str, value: int) -> int:
    return value if key in given else 0


def _queue_directories(directory: str) -> list[tuple[str, int, str]]:
    """(topic, queue id, path) of each; directories that are not called after a number are none."""
    found = []
    for topic in sorted(os.listdir(directory)) if os.path.isdir(directory) else ():
        path = os.path.join(directory, topic)
        names = os.listdir(path) if os.path.isdir(path) else ()
        found += [(topic, int(name), os.path.join(path, name)) for name in sorted(names) if name.isdecimal()]
    return sorted(found)
