"""Deleting what has expired, and keeping the disk from running full.

A file of the log goes when it was last written more than fileReservedTime hours ago, in the hours deleteWhen, when the
disk is fuller than diskMaxUsedSpaceRatio, or when asked to by hand; oldest first, ten a time, never the last. Queue
and index files go when all they point to is gone (DefaultMessageStore.CleanCommitLogService:1638, MappedFileQueue:350).
"""

from __future__ import annotations

import logging
import os
import time
from typing import Final

from rocketpy.config.store import StoreConfig
from rocketpy.disk import disk_at
from rocketpy.errors import StoreError
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queue import ConsumeQueue
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.index import Index
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.paths import StorePaths

_log = logging.getLogger("rocketpy.store")

WARNING_RATIO: Final = 0.90
"""Above this part of the disk in use nothing is appended any more (diskSpaceWarningLevelRatio)."""
_FORCIBLY_RATIO: Final = 0.85
_FIRST_AFTER_MS: Final = 60_000
_DISK_LOOK_INTERVAL_MS: Final = 10_000
_MOST_FILES_A_RUN: Final = 10
_MANUAL_RUNS: Final = 20
_QUEUES_A_STEP: Final = 64


def disk_used_ratio(path: str) -> float:
    """The part of the disk under `path` that is in use: see `Disk.used_ratio`."""
    return disk_at(path).used_ratio(path)


class DeleteFiles:
    """A job that removes files nobody looks into any more: `run` it in any thread. A gigabyte may take its time."""

    __slots__ = ("error", "files")

    def __init__(self, files: list[MappedFile]) -> None:
        self.files = files
        self.error: StoreError | None = None

    def run(self) -> None:
        """Do it; a failure is kept in `error`. A file that stays is there again after the next start."""
        try:
            for file in self.files:
                file.delete()
        except StoreError as error:
            self.error = error


class Cleanup:
    """Decides when files go; `step` deletes those of queues and index, a bounded number of them a time."""

    def __init__(
        self, config: StoreConfig, paths: StorePaths, log: CommitLog, queues: ConsumeQueues, index: Index | None
    ) -> None:
        self._config = config
        self._paths = paths
        self._log = log
        self._queues = queues
        self._index = index
        self._next_run = 0
        self._next_look = 0
        self._manual_runs = 0
        self._cleaned_up_to = 0
        self._queues_to_clean: list[ConsumeQueue] = []
        self.disk_is_full = False
        """Whether appends are to be refused."""

    def start(self, now: int) -> None:
        """The store has been opened at `now` (ms)."""
        self._next_run = now + _FIRST_AFTER_MS
        self._next_look = now + 1_000

    def delete_now(self) -> None:
        """Delete what has expired at the next runs, whatever the hour (executeDeleteFilesManually)."""
        self._manual_runs = _MANUAL_RUNS

    def step(self, now: int) -> DeleteFiles | None:
        """Do what is due at `now` (ms); files of the log come back as a job. Raises StoreError."""
        job = None
        if now >= self._next_look:
            self._next_look = now + _DISK_LOOK_INTERVAL_MS
            self._look_at_disk(self._log_used_ratio())
        if now >= self._next_run:
            self._next_run = now + self._config.clean_resource_interval
            expired = self._expired_log_files(now)
            job = DeleteFiles(expired) if expired else None
            if self._log.min_offset > self._cleaned_up_to:
                self._cleaned_up_to = self._log.min_offset
                self._queues_to_clean = list(self._queues)
                if self._index is not None:
                    self._index.delete_expired(self._cleaned_up_to)
        for _ in range(min(len(self._queues_to_clean), _QUEUES_A_STEP)):
            self._queues_to_clean.pop().delete_expired(self._cleaned_up_to)
        return job

    def _log_used_ratio(self) -> float:
        """That of the emptiest directory of the log; those that are nearly full get no new files (1749-1775)."""
        ratios = {path: disk_used_ratio(path) for path in self._log.files.directories}
        self._log.files.full = {path for path, ratio in ratios.items() if ratio > _FORCIBLY_RATIO}
        return min(ratios.values())

    def _look_at_disk(self, used: float) -> None:
        full = used > WARNING_RATIO
        if full != self.disk_is_full:
            self.disk_is_full = full
            _log.warning(
                "%s: %d %% of the disk are in use, the limit is %d %%: messages are %s", self._paths.root,
                used * 100, WARNING_RATIO * 100, "refused" if full else "accepted again",
            )  # fmt: skip

    def _expired_log_files(self, now: int) -> list[MappedFile]:
        """The files that have expired, taken out of the log."""
        used = max(self._log_used_ratio(), disk_used_ratio(self._paths.consume_queue))
        self._look_at_disk(used)
        short = used < 0 or used > self._config.disk_max_used_space_ratio / 100
        if not (short or self._manual_runs > 0 or _is_hour(self._config.delete_when, now)):
            return []
        self._manual_runs = max(self._manual_runs - 1, 0)
        at_once = used > _FORCIBLY_RATIO and self._config.clean_file_forcibly_enable
        kept_ms = self._config.file_reserved_time * 3_600_000
        files = self._log.files.files
        expired: list[MappedFile] = []
        while len(files) > 1 and len(expired) < _MOST_FILES_A_RUN:
            if not at_once and now < os.stat(files[0].path).st_mtime * 1000 + kept_ms:
                break
            expired.append(files.pop(0))
            _log.info("%s has expired", expired[-1].path)
        return expired


def _is_hour(hours: str, now: int) -> bool:
    """Whether it is one of the hours, separated by ";", local time (UtilAll.isItTimeToDo:99)."""
    hour = time.localtime(now / 1000).tm_hour
    return any(word.isdecimal() and int(word) == hour for word in hours.split(";"))
