"""Bringing what was written to the disk, on Java's schedule.

The store only decides what is due; a job does the blocking part in any thread, and is then handed back:

    for job in store.step(now):
        thread_pool.apply(job.run)
        store.finish(job)

The log is looked at each flushIntervalCommitLog, or each time if that is not flushCommitLogTimed, and flushed when
enough pages are dirty, or all of it each flushCommitLogThoroughInterval (CommitLog.FlushRealTimeService:1093). With
SYNC_FLUSH all of it is flushed each time, for those messages whose senders do not wait (GroupCommitService.doCommit:
1227). The queues are flushed like the log, and when that was thorough the checkpoint is written
(DefaultMessageStore.FlushConsumeQueueService:1871).

Java can collect messages in a pool of buffers and commit them to the files some time later, unreadable and lost with
the process until then (transientStorePoolEnable). It does so because writing into mapped memory may wait for the disk;
here room is reserved ahead instead. The keys of the pool are accepted, and messages are readable at once all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from rocketpy.config.store import FlushDiskType, StoreConfig
from rocketpy.errors import StoreError
from rocketpy.store.checkpoint import Checkpoint, save
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queue import ENTRY_SIZE, ConsumeQueue
from rocketpy.store.dispatch import Dispatch
from rocketpy.store.index import Index

_PAGE: Final = 4096
_CLOCK_TOLERANCE_MS: Final = 1000
"""A clock that goes back by less is made up for by the three seconds that the checkpoint allows."""


class Syncable(Protocol):
    """A file that can be brought to the disk."""

    def sync(self) -> None:
        """Block until it is there. Raises StoreError."""


class FlushJob:
    """Files to sync, and then perhaps a checkpoint to write: `run` it in any thread."""

    __slots__ = ("_checkpoint_path", "checkpoint", "error", "files", "log_end", "queues", "timestamp")

    def __init__(self, checkpoint: Checkpoint, files: Sequence[Syncable]) -> None:
        self.files = files
        self.log_end = -1
        """What the log was flushed up to; -1 if this job is not about the log."""
        self.timestamp = 0
        """storeTimestamp (ms) of the last record that is then on disk, in the log, the queues or the index; or 0."""
        self.queues: list[tuple[ConsumeQueue, int]] = []
        self.checkpoint = b""
        """What to write as the checkpoint when all is synced, if anything."""
        self._checkpoint_path = checkpoint.path
        self.error: StoreError | None = None

    def run(self) -> None:
        """Do it; a failure is kept in `error`."""
        try:
            for file in self.files:
                file.sync()
            if self.checkpoint:
                save(self._checkpoint_path, self.checkpoint)
        except StoreError as error:
            self.error = error


class Flusher:
    """Knows what has been flushed and makes the jobs. Log and queues have one job under way at most, each."""

    def __init__(
        self, config: StoreConfig, log: CommitLog, index: Index | None, checkpoint: Checkpoint, dispatch: Dispatch
    ) -> None:
        self._config = config
        self._log = log
        self._index = index
        self._checkpoint = checkpoint
        self._dispatch = dispatch
        self.flushed_offset = 0
        """The log is on disk up to this physical offset."""
        self._latest = 0
        self._log_looked = 0
        self._log_flushed_thoroughly = 0
        self._queues_looked = 0
        self._queues_flushed_thoroughly = 0
        self._log_job: FlushJob | None = None
        self._queue_job: FlushJob | None = None
        self._index_job: FlushJob | None = None

    def due(self, now: int) -> list[FlushJob]:
        """The jobs that are to be run at `now` (ms)."""
        config = self._config
        jobs: list[FlushJob | None] = []
        if now < self._latest - _CLOCK_TOLERANCE_MS:
            self._clock_went_back(now)
            jobs.append(self._checkpoint_job())
        self._latest = max(now, self._latest)
        if config.flush_disk_type is FlushDiskType.SYNC_FLUSH:
            jobs.append(self.flush_log())
        elif now - self._log_looked >= config.flush_interval_commit_log or not config.flush_commit_log_timed:
            self._log_looked = now
            jobs.append(self._log_flush_if_due(now))
        if now - self._queues_looked >= config.flush_interval_consume_queue:
            self._queues_looked = now
            jobs.append(self._queue_flush_if_due(now))
        if self._index is not None and self._index.rolled and self._index_job is None:
            jobs.append(self._index_flush(self._index))
        return [job for job in jobs if job is not None]

    def _clock_went_back(self, now: int) -> None:
        """What is due is counted from `now` on, and the checkpoint says no more than it can."""
        self._latest = now
        self._log_looked = self._log_flushed_thoroughly = self._queues_looked = self._queues_flushed_thoroughly = now
        self._checkpoint.lower(now)
        for job in (self._log_job, self._queue_job, self._index_job):
            if job is not None:
                job.timestamp = min(job.timestamp, now)

    def _checkpoint_job(self) -> FlushJob:
        job = FlushJob(self._checkpoint, [])
        job.checkpoint = self._checkpoint.encode()
        return job

    def _log_flush_if_due(self, now: int) -> FlushJob | None:
        thorough = now - self._log_flushed_thoroughly >= self._config.flush_commit_log_thorough_interval
        if thorough:
            self._log_flushed_thoroughly = now
        pages = self._log.max_offset // _PAGE - self.flushed_offset // _PAGE
        if thorough or pages >= self._config.flush_commit_log_least_pages:
            return self.flush_log()
        return None

    def flush_log(self) -> FlushJob | None:
        """A job that flushes all of the log; None if nothing is to be flushed or such a job is under way.

        Everybody who waits for an offset up to its `log_end` is answered by one job: a group commit.
        """
        end = self._log.max_offset
        if self._log_job is not None or end <= self.flushed_offset:
            return None
        flushed = self.flushed_offset
        files = [file for file in self._log.files.files if file.end > flushed and file.start < end]
        job = FlushJob(self._checkpoint, files)
        job.log_end = end
        job.timestamp = max(self._log.last_store_timestamp, self._dispatch.queue_timestamp)
        self._log_job = job
        return job

    def _queue_flush_if_due(self, now: int) -> FlushJob | None:
        thorough = now - self._queues_flushed_thoroughly >= self._config.flush_consume_queue_thorough_interval
        if self._queue_job is not None:
            return None
        if thorough:
            self._queues_flushed_thoroughly = now
        return self._flush_queues(0 if thorough else self._config.flush_consume_queue_least_pages)

    def _flush_queues(self, least_pages: int) -> FlushJob | None:
        job = FlushJob(self._checkpoint, [])
        due = job.queues
        rest = []
        for queue in self._dispatch.dirty:
            pages = queue.next_offset * ENTRY_SIZE // _PAGE - queue.flushed_offset * ENTRY_SIZE // _PAGE
            if pages >= least_pages:
                queue.is_dirty = False
                due.append((queue, queue.next_offset))
            else:
                rest.append(queue)
        self._dispatch.dirty = rest
        job.files = [file for queue, end in due for file in queue.files_between(queue.flushed_offset, end)]
        if least_pages == 0:
            job.files = [*job.files, *self._index_files()]
            job.timestamp = self._dispatch.queue_timestamp
            job.checkpoint = self._checkpoint.encode(queue_timestamp=job.timestamp)
        elif not due:
            return None
        self._queue_job = job
        return job

    def _index_files(self) -> list[Syncable]:
        """What the checkpoint says of queues holds for the index as well: all that is not known to be synced."""
        rolling = [] if self._index_job is None else list(self._index_job.files)
        return [] if self._index is None else [*rolling, *self._index.rolled, *self._index.files[-1:]]

    def _index_flush(self, index: Index) -> FlushJob:
        """Sync the index files that have become full; nothing is added to them any more (IndexService.flush:345)."""
        job = FlushJob(self._checkpoint, index.rolled)
        job.timestamp = index.rolled[-1].end_timestamp
        job.checkpoint = self._checkpoint.encode(index_timestamp=job.timestamp)
        index.rolled = []
        self._index_job = job
        return job

    def finish(self, job: FlushJob) -> None:
        """Take note of a job that has run well."""
        known = self._checkpoint
        if job is self._log_job:
            self._log_job = None
            self.flushed_offset = max(self.flushed_offset, job.log_end)
            known.physical_timestamp = max(known.physical_timestamp, job.timestamp)
        elif job is self._queue_job:
            self._queue_job = None
            known.queue_timestamp = max(known.queue_timestamp, job.timestamp)
            for queue, end in job.queues:
                queue.flushed_offset = end
        elif job is self._index_job:
            self._index_job = None
            known.index_timestamp = max(known.index_timestamp, job.timestamp)

    def flush_all(self) -> None:
        """Sync everything here and now, and write the checkpoint. For shutdown. Raises StoreError."""
        self._log_job = self._queue_job = self._index_job = None
        log_job, queue_job = self.flush_log(), self._flush_queues(0)
        for job in (log_job, queue_job):
            if job is not None:
                job.checkpoint = b""
                job.run()
                if job.error is not None:
                    raise job.error
                self.finish(job)
        if self._index is not None and self._index.files:
            for file in [*self._index.rolled, self._index.files[-1]]:
                file.sync()
            self._index.rolled = []
        self._checkpoint.save()
