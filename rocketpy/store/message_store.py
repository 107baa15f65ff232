"""The message store: one directory, opened by one broker.

Nothing here waits, starts a thread, switches greenlets or looks at a clock: time (ms) is an argument, and what would
block - flushing, making room - comes out of `step` as jobs that the broker runs in threads. An append, with its queue
entry and its index entries, is therefore atomic for everybody on the same hub, without a lock.

    store = MessageStore(config)
    store.open(now)
    result = store.append(record, now)
    found = store.get("TopicTest", 0, 0, 32)
    for job in store.step(now):
        job.run()                       # in a thread
        store.finish(job)               # on the hub
    store.close(now)
"""

from __future__ import annotations

import logging
import sys
from typing import Final

from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.disk import disk_at, refusal
from rocketpy.errors import ProtocolError, StoreError
from rocketpy.protocol.record import Record, decode
from rocketpy.protocol.topic_names import is_light
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.cleanup import Cleanup, DeleteFiles
from rocketpy.store.commit_log import CommitLog, ReserveAhead
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.delay_levels import DelayLevels
from rocketpy.store.directory_lock import AbortMark, DirectoryLock
from rocketpy.store.dispatch import ArrivalListener, Dispatch
from rocketpy.store.entry_filter import TagsFilter
from rocketpy.store.extended_dispatch import ExtendedDispatch, is_usable, listed, queue_of
from rocketpy.store.flush import Flusher, FlushJob
from rocketpy.store.index import Index
from rocketpy.store.lost_queues import LostQueues, known_topics, may_have_gone
from rocketpy.store.paths import StorePaths
from rocketpy.store.reader import Reader
from rocketpy.store.recovery import Recovery
from rocketpy.store.results import AppendResult, GetResult, PutStatus, QueryResult, StoreStats
from rocketpy.store.survey import survey
from rocketpy.store.writer import Writer

Job = FlushJob | ReserveAhead | DeleteFiles
_log = logging.getLogger("rocketpy.store")
_progress = logging.getLogger("rocketpy.store.progress")
_CATCH_UP_A_STEP: Final = 4 << 20


class MessageStore:
    """The store that `config` describes. Opening one that exists recovers it first."""

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self.paths = StorePaths(config)
        self.log = CommitLog(
            self.paths.commit_logs, config.mapped_file_size_commit_log, self.paths.read_only_commit_logs
        )
        self.queues = ConsumeQueues(
            self.paths.consume_queue,
            config.mapped_file_size_consume_queue,
            self.paths.consume_queue_ext if config.enable_consume_queue_ext else "",
            config.mapped_file_size_consume_queue_ext,
        )
        self.index = (
            Index(self.paths.index, config.max_hash_slot_num, config.max_index_num)
            if config.message_index_enable
            else None
        )
        self.delay_levels = DelayLevels(config.message_delay_level)
        self.checkpoint = Checkpoint(self.paths.checkpoint)
        self.dispatch = self._make_dispatch()
        self.flusher = Flusher(config, self.log, self.index, self.checkpoint, self.dispatch)
        self.cleanup = Cleanup(config, self.paths, self.log, self.queues, self.index)
        self.writer = Writer(config, self.log, self.queues, self.dispatch)
        self.reader = Reader(config, self.log, self.queues, self.index)
        self.arrival_listeners: list[ArrivalListener] = self.dispatch.listeners
        both = config.enable_lmq and config.enable_multi_dispatch
        self._most_light = config.max_lmq_consume_queue_num if both else sys.maxsize
        self._lock = DirectoryLock(self.paths.lock)
        self._abort = AbortMark(self.paths.abort)
        self._reserving: ReserveAhead | None = None
        self._is_open = False
        self._failure: StoreError | None = None

    def _make_dispatch(self) -> Dispatch:
        config = self.config
        if config.enable_consume_queue_ext or config.enable_multi_dispatch:
            return ExtendedDispatch(
                self.queues, self.index, self.delay_levels,
                multi=config.enable_multi_dispatch, light_queues=config.enable_lmq,
            )  # fmt: skip
        return Dispatch(self.queues, self.index, self.delay_levels)

    # ---------------------------------------------------------------- opening and closing

    def open(self, now: int) -> None:
        """Lock the directory, recover what is in it and be ready to append. Raises StoreError."""
        if not self.log.files.directories:
            raise StoreError(f"every directory of storePathCommitLog={self.config.store_path_commit_log} is only read")
        try:
            for path in (self.paths.root, *self.log.files.directories, self.paths.consume_queue):
                disk_at(path).make_directories(path)
        except OSError as error:
            raise StoreError(f"cannot make {error.filename}: {refusal(error)}") from error
        if self.config.duplication_enable:
            _log.warning("duplicationEnable is passed over: messages arrive without being confirmed")
        self._lock.acquire()
        try:
            self._recover()
            self._abort.set()
            if self.checkpoint.lower(now):
                self.checkpoint.save()
        except BaseException:
            self._lock.release()
            raise
        self.cleanup.start(now)
        self._is_open = True
        self._update_refusal()

    def _recover(self) -> None:
        closed = not self._abort.is_set()
        self.log.load()
        self.queues.load()
        self.checkpoint.load()
        if self.index is not None:
            self.index.load()
        for line in survey(self.log, self.queues, self.index, self.checkpoint, self._abort.path):
            _progress.info("%s: %s", self.paths.root, line)
        recovery = Recovery(
            self.log, self.queues, self.index, self.checkpoint, self.dispatch,
            check_crc=self.config.check_crc_on_recover,
            with_index=self.config.message_index_enable and self.config.message_index_safe,
        )  # fmt: skip
        lost = LostQueues(self.log, self.queues, self.dispatch, known_topics(self.paths))
        recovery.run(
            closed=closed,
            same_boot=self._abort.is_of_this_boot(),
            lost=lost if not closed or may_have_gone(self.paths) else None,
        )
        self.flusher.flushed_offset = self.log.max_offset if closed else max(self.log.min_offset, 0)

    def close(self, now: int) -> None:
        """Bring everything to the disk and give the directory back. Raises StoreError if that fails.

        The files are unmapped, each as soon as the last view of it is gone.
        """
        if not self._is_open:
            return
        self._is_open = False
        self._update_refusal()
        try:
            self.flusher.flush_all()
            self.log.delete_prepared()
            if self._failure is None and self.dispatch_behind_bytes() == 0:
                self._abort.clear()
        finally:
            self.log.release()
            self.queues.release()
            if self.index is not None:
                self.index.release()
            self._lock.release()

    # ---------------------------------------------------------------- writing

    def append(self, record: Record, now: int) -> AppendResult:
        """Store a message, enter it into its queue and the index, and tell the arrival listeners.

        The result's status says what is wrong with the message or the store, in Java's terms; then nothing is stored.
        """
        return self.writer.append(record, now)

    def append_batch(self, record: Record, batch_body: bytes, now: int) -> AppendResult:
        """Store the messages of a batch side by side in one file, all or none (CommitLog.asyncPutMessages:748).

        `record` has what they share; its properties are added to those of each. ValueError if the body is not one of
        a batch.
        """
        return self.writer.append_batch(record, batch_body, now)

    def append_raw(self, physical_offset: int, data: bytes | memoryview) -> None:
        """Continue the log with bytes of a master's, which `step` dispatches later. Raises StoreError."""
        self.log.append_raw(physical_offset, data)

    def next_offsets(self, names: str, queue_id: int) -> str | None:
        """The numbers that a message of queue `queue_id` will have in the queues that it is to enter besides its own.

        `names` is its INNER_MULTI_DISPATCH, the result its INNER_MULTI_QUEUE_OFFSET: see `extended_dispatch`. None if
        a name cannot be that of a queue.
        """
        topics = listed(names)
        if not all(map(is_usable, topics)):
            return None
        ids = (queue_of(topic, queue_id, light_queues=self.config.enable_lmq) for topic in topics)
        return ",".join(str(self.max_offset(topic, one)) for topic, one in zip(topics, ids, strict=True))

    def _update_refusal(self) -> None:
        writable = (
            self._is_open
            and self._failure is None
            and not self.cleanup.disk_is_full
            and self.config.broker_role is not BrokerRole.SLAVE
            and self.dispatch_behind_bytes() == 0
        )
        self.writer.refusal = PutStatus.PUT_OK if writable else PutStatus.SERVICE_NOT_AVAILABLE

    @property
    def is_writable(self) -> bool:
        """Whether messages are accepted."""
        return self.writer.refusal is PutStatus.PUT_OK

    @property
    def has_failed(self) -> bool:
        """Whether a flush has failed: nothing is accepted or acknowledged any more until the broker starts again."""
        return self._failure is not None

    # ---------------------------------------------------------------- what is due

    def step(self, now: int) -> list[Job]:
        """Do what is due at `now` and give out the jobs to be run elsewhere; call it some ten times a second."""
        if not self._is_open:
            return []
        jobs: list[Job] = []
        try:
            expired = self.cleanup.step(now)
            if expired is not None:
                jobs.append(expired)
            if self.dispatch_behind_bytes():
                self.dispatch.catch_up(self.log, _CATCH_UP_A_STEP)
        except StoreError as error:
            _log.error("%s", error)
        self._update_refusal()
        jobs += self.flusher.due(now)
        if self._reserving is None:
            self._reserving = self.log.reserve_ahead()
            if self._reserving is not None:
                jobs.append(self._reserving)
        return jobs

    def flush_job(self) -> FlushJob | None:
        """A job that brings all of the log to the disk, for those who wait for it; None while one is under way.

        When it has been finished, `flushed_offset` tells who can be answered.
        """
        return self.flusher.flush_log()

    def finish(self, job: Job) -> None:
        """Take a job back that has been run. A failed flush makes the store refuse messages for good."""
        if isinstance(job, ReserveAhead):
            self._reserving = None
            if self._is_open:
                self.log.reserved(job)
        elif isinstance(job, DeleteFiles):
            self.cleanup.finish(job)
        elif job.error is None:
            self.flusher.finish(job)
        elif self._failure is None:
            self._failure = job.error
            _log.critical("%s; no messages are accepted any more", self._failure)
            self._update_refusal()

    # ---------------------------------------------------------------- reading

    def get(
        self,
        topic: str,
        queue_id: int,
        queue_offset: int,
        max_count: int,
        tags_filter: TagsFilter | None = None,
    ) -> GetResult:
        """Messages of a queue: see `Reader.get`. Raises StoreError when the store is closed.

        And for light queues if there are too many of them.
        """
        if not self._is_open:
            raise StoreError(f"{self.paths.root} is closed")
        if self.queues.light > self._most_light and is_light(topic):
            raise StoreError(f"there are {self.queues.light} light queues, more than maxLmqConsumeQueueNum")
        return self.reader.get(topic, queue_id, queue_offset, max_count, tags_filter)

    def min_offset(self, topic: str, queue_id: int) -> int:
        """The number of the oldest message of a queue, 0 for an unknown one."""
        queue = self.queues.find(topic, queue_id)
        return 0 if queue is None else queue.min_offset

    def max_offset(self, topic: str, queue_id: int) -> int:
        """The number that the next message of a queue gets, 0 for an unknown one."""
        queue = self.queues.find(topic, queue_id)
        return 0 if queue is None else queue.next_offset

    def offset_by_time(self, topic: str, queue_id: int, timestamp: int) -> int:
        """The number of the message stored nearest to `timestamp` (ms), 0 for an unknown queue."""
        queue = self.queues.find(topic, queue_id)
        return 0 if queue is None else self.reader.offset_by_time(queue, timestamp)

    def store_time(self, topic: str, queue_id: int, queue_offset: int) -> int:
        """When (ms) the message with that number was stored, -1 if it is not there."""
        queue = self.queues.find(topic, queue_id)
        return -1 if queue is None else self.reader.store_time(queue, queue_offset)

    def earliest_time(self, topic: str, queue_id: int) -> int:
        """When (ms) the oldest message of a queue was stored, -1 if there is none."""
        return self.store_time(topic, queue_id, self.min_offset(topic, queue_id))

    def is_cold(self, topic: str, queue_id: int, queue_offset: int) -> bool:
        """Whether a message is so far behind the end of the log that it counts as on disk only (1112)."""
        queue = self.queues.find(topic, queue_id)
        return queue is not None and self.reader.is_cold(queue, queue_offset)

    def message_at(self, physical_offset: int) -> memoryview | None:
        """The record at a physical offset, or None."""
        return self.log.message_at(physical_offset)

    def record_at(self, physical_offset: int) -> Record | None:
        """The same, decoded; None also if it is no record."""
        view = self.log.message_at(physical_offset)
        try:
            return None if view is None else decode(view)
        except ProtocolError:
            return None

    def query(self, topic: str, key: str, max_count: int, begin: int, end: int) -> QueryResult:
        """Messages by key: see `Reader.query`."""
        return self.reader.query(topic, key, max_count, begin, end)

    # ---------------------------------------------------------------- what there is

    @property
    def flushed_offset(self) -> int:
        """The log is on disk up to this physical offset."""
        return self.flusher.flushed_offset

    def dispatch_behind_bytes(self) -> int:
        """Bytes of the log that are not in queues and index yet."""
        return self.log.max_offset - self.dispatch.dispatched

    def delete_topic(self, topic: str) -> int:
        """Delete the queues of a topic; how many. Its messages stay in the log till that expires. Raises StoreError."""
        return self.queues.delete_topic(topic)

    def delete_expired_queues(self) -> int:
        """Delete the queues whose messages have all expired; how many. Raises StoreError."""
        return self.queues.delete_expired(self.log.min_offset)

    def stats(self) -> StoreStats:
        """What the store has and has done."""
        log, oldest = self.log, self.log.min_offset
        return StoreStats(
            min_physical_offset=oldest,
            max_physical_offset=log.max_offset,
            unflushed=log.max_offset - self.flushed_offset,
            dispatch_behind=self.dispatch_behind_bytes(),
            earliest_time=log.store_time(oldest, 2 * self.config.max_message_size),
            queues=len(self.queues.table),
            put_messages=self.writer.put_messages,
            put_bytes=self.writer.put_bytes,
            is_writable=self.is_writable,
        )
