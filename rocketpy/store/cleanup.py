"""Deleting what has expired, and keeping the disk from running full.

A file of the log goes when it was last written more than fileReservedTime hours ago, in the hours deleteWhen, when the
disk is fuller than diskMaxUsedSpaceRatio, or when asked to by hand; oldest first, ten a time, never the last. Queue
and index files go when all they point to is gone (DefaultMessageStore.CleanCommitLogService:1638, MappedFileQueue:350).

A file that is still being read can be deleted, so none hangs as in Java, and destroyMapedFileIntervalForcibly means
nothing; redeleteHangedFileInterval is about those that the disk does not let go. What deleteConsumeQueueFilesInterval
is for, not to keep the disk too busy, is done by deleting a bounded number a step.
"""

from __future__ import annotations

import logging
import os
import time
from operator import itemgetter
from typing import Final

from rocketpy.config.store import StoreConfig
from rocketpy.disk import disk_at
from rocketpy.errors import StoreError
from rocketpy.protocol.record import peek_store_timestamp
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

    __slots__ = ("_pause_ms", "error", "files")

    def __init__(self, files: list[MappedFile], pause_ms: int) -> None:
        self.files = files
        """Those that are still there."""
        self._pause_ms = pause_ms
        self.error: StoreError | None = None

    def run(self) -> None:
        """Do it, oldest first, with pauses in between; a failure ends it and is kept in `error`."""
        try:
            while self.files:
                self.files[0].delete()
                del self.files[0]
                if self.files:
                    time.sleep(self._pause_ms / 1000)
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
        self._next_retry = 0
        self._manual_runs = 0
        self._cleaned_up_to = 0
        self._queues_to_clean: list[ConsumeQueue] = []
        self._full: set[str] = set()
        self._hanging: list[MappedFile] = []
        self.by_records = False
        """Whether files are as old as their records say, not as the file system says: it knows but one clock."""

    @property
    def disk_is_full(self) -> bool:
        """Whether appends are to be refused."""
        return bool(self._full)

    def start(self, now: int) -> None:
        """The store has been opened at `now` (ms)."""
        self._next_run = now + _FIRST_AFTER_MS
        self._next_look = now + 1_000

    def look_soon(self) -> None:
        """Look at the next step whether the disk is full."""
        self._next_look = 0

    def next_due(self, end: int) -> int | None:
        """When (ms) the next file of the log expires and may be deleted before `end`; None if none does."""
        if len(self._log.files.files) < 2:
            return None
        expiry = max(self._next_run, int(self._expiry(self._log.files.files)))
        due = _next_hour(self._config.delete_when, expiry)
        return due if due is not None and due < end else None

    def delete_now(self) -> None:
        """Delete what has expired at the next runs, whatever the hour (executeDeleteFilesManually)."""
        self._manual_runs = _MANUAL_RUNS

    def step(self, now: int) -> DeleteFiles | None:
        """Do what is due at `now` (ms); files of the log come back as a job. Raises StoreError."""
        job = None
        if now >= self._next_look:
            self._next_look = now + _DISK_LOOK_INTERVAL_MS
            self._look_at_disk("commitlog", *self._log_used_ratio())
        if now >= self._next_run:
            self._next_run = now + self._config.clean_resource_interval
            expired = self._files_to_retry(now) + self._expired_log_files(now)
            job = DeleteFiles(expired, self._config.delete_commit_log_files_interval) if expired else None
            if self._log.min_offset > self._cleaned_up_to:
                self._cleaned_up_to = self._log.min_offset
                self._queues_to_clean = list(self._queues)
                if self._index is not None:
                    self._index.delete_expired(self._cleaned_up_to)
        for _ in range(min(len(self._queues_to_clean), _QUEUES_A_STEP)):
            self._queues_to_clean.pop().delete_expired(self._cleaned_up_to)
        return job

    def finish(self, job: DeleteFiles) -> None:
        """Take a job back that has been run. Files that could not be deleted are tried again later."""
        if job.error is not None:
            _log.error("%s", job.error)
            self._hanging += job.files

    def _files_to_retry(self, now: int) -> list[MappedFile]:
        if not self._hanging or now < self._next_retry:
            return []
        self._next_retry = now + self._config.redelete_hanged_file_interval
        hanging, self._hanging = self._hanging, []
        return hanging

    def _log_used_ratio(self) -> tuple[str, float]:
        """The emptiest directory of the log and its ratio; nearly full ones get no new files (1749-1775)."""
        ratios = {path: disk_used_ratio(path) for path in self._log.files.directories}
        self._log.files.full = {path for path, ratio in ratios.items() if ratio > _FORCIBLY_RATIO}
        return min(ratios.items(), key=itemgetter(1))

    def _look_at_disk(self, kind: str, path: str, used: float) -> None:
        """Take note whether the disk of the log or the queues is full."""
        full = used > WARNING_RATIO
        if full != (kind in self._full):
            (self._full.add if full else self._full.discard)(kind)
            _log.warning(
                "%s: %d %% of the disk are in use, the limit is %d %%: messages are %s", path, round(used * 100),
                WARNING_RATIO * 100, "refused" if self._full else "accepted again",
            )  # fmt: skip

    def _look_at_space(self) -> tuple[bool, bool]:
        """Whether the disk is short of space, and so short that what has not expired must go (isSpaceToDelete:1726).

        The queues' disk is asked only if that of the log has space.
        """
        path, log = self._log_used_ratio()
        queues = disk_used_ratio(self._paths.consume_queue)
        self._look_at_disk("commitlog", path, log)
        self._look_at_disk("consumequeue", self._paths.consume_queue, queues)
        most = self._config.disk_max_used_space_ratio / 100
        if log < 0 or log > most:
            return True, log > _FORCIBLY_RATIO
        return queues < 0 or queues > most, max(log, queues) > _FORCIBLY_RATIO

    def _expired_log_files(self, now: int) -> list[MappedFile]:
        """The files that have expired, taken out of the log (deleteExpiredFiles:1670)."""
        short, very_short = self._look_at_space()
        if not (short or self._manual_runs > 0 or _is_hour(self._config.delete_when, now)):
            return []
        self._manual_runs = max(self._manual_runs - 1, 0)
        at_once = very_short and self._config.clean_file_forcibly_enable
        files = self._log.files.files
        expired: list[MappedFile] = []
        while len(files) > 1 and len(expired) < _MOST_FILES_A_RUN:
            if not at_once and now < self._expiry(files):
                break
            expired.append(files.pop(0))
            _log.info("%s has expired", expired[-1].path)
        if short and not expired:
            _log.warning("%s: the disk will be full soon, but no file may be deleted yet", self._paths.root)
        return expired


    def _expiry(self, files: list[MappedFile]) -> float:
        """When (ms) the first of two files or more expires; it was last written when the second one was begun."""
        behind = self._log.message_at(files[1].start) if self.by_records else None
        written = _modified(files[0].path) if behind is None else peek_store_timestamp(behind)
        return written + self._config.file_reserved_time * 3_600_000


def _modified(path: str) -> float:
    """When (ms) a file was last written; long ago if it is gone."""
    try:
        return os.stat(path).st_mtime * 1000
    except FileNotFoundError:
        return 0


def _is_hour(hours: str, now: int) -> bool:
    """Whether it is one of the hours, separated by ";", local time (UtilAll.isItTimeToDo:99)."""
    hour = time.localtime(now / 1000).tm_hour
    return any(word.isdecimal() and int(word) == hour for word in hours.split(";"))


def _next_hour(hours: str, moment: int) -> int | None:
    """The first time (ms) from `moment` on that is in one of the hours; None if there are none."""
    for _ in range(26):  # a day has 25 hours when summer ends
        if _is_hour(hours, moment):
            return moment
        at = time.localtime(moment / 1000)
        moment += 3_600_000 - (at.tm_min * 60 + at.tm_sec) * 1000 - moment % 1000
    return None
