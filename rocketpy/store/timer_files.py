"""Timer log, timer wheel and their checkpoint together: what waits for a time of its own, by the second it is due in.

```
config/timercheck
position  field                Java type
       0  readTime             long     ms: all that was due before this has been delivered, and is on disk
       8  logPlace             long     the timer log is on disk up to here, and the wheel knows its units
      16  queueOffset          long     of the first message in rmq_sys_wheel_timer that may have no unit yet
      24  masterQueueOffset    long     the same
      32  zeroes, up to 4096
```
(Java 5: TimerCheckpoint.java.)

A message is first stored in rmq_sys_wheel_timer, then gets its unit; the CommitLog decides. What was written after
the last checkpoint is found again: units by reading on in the timer log, messages by reading on in the queue, and what
was delivered since is delivered once more.
"""

from __future__ import annotations

import logging
from collections import deque
from struct import Struct
from typing import Final

from rocketpy.config.timer import TimerConfig
from rocketpy.disk import disk_at
from rocketpy.errors import StoreError
from rocketpy.protocol.topic_names import TIMER_TOPIC
from rocketpy.store.checkpoint import save
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.message_store import MessageStore
from rocketpy.store.timer_log import DELETE, NOWHERE, TimerLog, TimerUnit
from rocketpy.store.timer_wheel import SLOT_MS, SLOTS, Slot, TimerWheel

_CHECKPOINT: Final = Struct(">qqqq")
_CHECKPOINT_LENGTH: Final = 4096
_EXPIRE_MS: Final = 30_000
_log = logging.getLogger("rocketpy.store")


class TimerFlush:
    """Brings the timer log to the disk, then the wheel, then the checkpoint: `run` it in any thread."""

    def __init__(self, files: list[MappedFile], wheel: TimerWheel, end: int, path: str, checkpoint: bytes) -> None:
        self._files = files
        self._wheel = wheel
        self._path = path
        self._checkpoint = checkpoint
        self.end = end
        self.slots = wheel.changed()
        self.error: OSError | StoreError | None = None

    def run(self) -> None:
        """Do it; a failure is kept in `error`."""
        try:
            for file in self._files:
                file.sync()
            if self.slots:
                self._wheel.write(self.slots)
            save(self._path, self._checkpoint)
        except (OSError, StoreError) as error:
            self.error = error


class TimerFiles:
    """What waits. `step` and `finish` are for `StoreJobs`; nothing here waits or looks at a clock."""

    def __init__(self, store: MessageStore, config: TimerConfig) -> None:
        self._store = store
        self._config = config
        self._path = store.paths.timer_checkpoint
        self._log = TimerLog(store.paths.timer_log, config.mapped_file_size_timer_log)
        self._wheel = TimerWheel(store.paths.timer_wheel)
        self.queue_offset = 0
        """The message in rmq_sys_wheel_timer that gets the next unit."""
        self.read_time = 0
        """ms: all that was due before has been delivered."""
        self._safe_time = 0
        """The same of what is on disk as well."""
        self._read: deque[tuple[int, int]] = deque()
        """Times before which all was delivered, and where the CommitLog ended then."""
        self._delivered = False
        self._flushed = 0
        self._flushed_at = 0
        self._expired_at = 0
        self._job: TimerFlush | None = None

    # ---------------------------------------------------------------- opening and closing

    def open(self, now: int) -> None:
        """Open the files, or make them, and find what the last checkpoint does not tell. Raises StoreError."""
        try:
            disk_at(self._path).make_directories(self._store.paths.config)
        except OSError as error:
            raise StoreError(f"cannot make {self._store.paths.config}: {error.strerror}") from error
        self.read_time, place, self.queue_offset = self._load_checkpoint()
        self._wheel.open()
        self._log.load()
        if self.read_time < 0:
            self.read_time = now - SLOTS // 2 * SLOT_MS if self._log.files.files else now
        self._safe_time = self.read_time
        last = -1
        for unit_place, unit in self._log.recover(place, self._is_intact):
            self._link(unit_place, unit)
            last = unit.physical_offset
        self._flushed = min(place, self._log.end)
        self._correct_queue_offset(last)

    def _load_checkpoint(self) -> tuple[int, int, int]:
        try:
            with open(self._path, "rb") as file:
                data = file.read(_CHECKPOINT.size)
        except FileNotFoundError:
            return -1, 0, 0
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror}") from error
        if len(data) < _CHECKPOINT.size:
            return -1, 0, 0
        read_time, place, queue_offset, _ = _CHECKPOINT.unpack(data)
        return read_time, place, queue_offset

    def _is_intact(self, unit: TimerUnit) -> bool:
        record = self._store.record_at(unit.physical_offset) if unit.physical_offset >= 0 else None
        return record is not None and record.size == unit.record_size and record.topic == TIMER_TOPIC

    def _correct_queue_offset(self, last: int) -> None:
        """Go behind the message at physical offset `last`, which has a unit as those before it have."""
        queue = self._store.queues.find(TIMER_TOPIC, 0)
        if queue is None:
            self.queue_offset = 0
            return
        self.queue_offset = min(max(self.queue_offset, queue.min_offset), queue.next_offset)
        while (entry := queue.entry(self.queue_offset)) is not None and entry[0] <= last:
            self.queue_offset += 1

    def close(self) -> None:
        """Bring everything to the disk, what was delivered included. Raises StoreError if that fails."""
        delivered = self._store.flush_job()
        if delivered is not None:
            delivered.run()
            self._store.finish(delivered)
        job = self._flush()
        job.run()
        self.finish(job)
        self._wheel.close()
        self._log.files.release()
        if job.error is not None:
            raise StoreError(f"cannot flush {self._store.paths.root}/timerlog: {job.error}")

    # ---------------------------------------------------------------- what waits

    def add(self, unit: TimerUnit) -> None:
        """Have a unit wait; `previous` is filled in. Raises StoreError when the disk has no room."""
        slot = self._wheel.get(unit.due // SLOT_MS)
        place = self._log.append(unit._replace(previous=NOWHERE if slot is None else slot.last))
        self._link(place, unit)

    def _link(self, place: int, unit: TimerUnit) -> None:
        second = unit.due // SLOT_MS
        slot = self._wheel.get(second)
        if slot is not None and slot.last >= place:
            return
        count = 0 if slot is None else slot.units
        first = place if slot is None else slot.first
        self._wheel.put(Slot(second, first, place, count - 1 if unit.magic & DELETE else count + 1))

    def last(self, second: int) -> int:
        """The place of the last unit that is due in a second; NOWHERE if nothing is."""
        slot = self._wheel.get(second)
        return NOWHERE if slot is None else slot.last

    def count(self, second: int) -> int:
        """How many messages are due in a second."""
        slot = self._wheel.get(second)
        return 0 if slot is None else slot.units

    def unit(self, place: int) -> TimerUnit | None:
        """The unit at a place; None if it is lost."""
        return self._log.read(place)

    def delivered(self) -> None:
        """Remember that something was delivered, so that the next checkpoint is worth while."""
        self._delivered = True

    @property
    def read_second(self) -> int:
        """The second that is being delivered."""
        return self.read_time // SLOT_MS

    def advance(self, read_time: int) -> None:
        """Take note that everything that is due before `read_time` (ms) has been delivered."""
        if read_time <= self.read_time:
            return
        self.read_time = read_time
        end = self._store.log.max_offset
        if self._read and self._read[-1][1] == end:
            self._read.pop()
        self._read.append((read_time, end))

    def next_used(self, first: int, end: int) -> int:
        """A second from `first` on before which nothing is due; `end` at most."""
        return self._wheel.next_used(first, end)

    def skip(self, end: int) -> None:
        """Pass over seconds in which nothing is due, from `read_second` on, up to `end`."""
        self.advance(self.next_used(self.read_second, end) * SLOT_MS)

    # ---------------------------------------------------------------- bringing it to the disk

    def step(self, now: int) -> list[TimerFlush]:
        """The flush that is due at `now` (ms), if any. Deletes what nobody needs any more."""
        if now - self._expired_at >= _EXPIRE_MS:
            self._expired_at = now
            try:
                self._log.expire(self._store.log.min_offset)
            except StoreError as error:
                _log.error("%s", error)
        if self._job is not None or now - self._flushed_at < self._config.timer_flush_interval_ms:
            return []
        self._flushed_at = now
        known = self._safe_time
        self._move_safe_time()
        if self._log.end == self._flushed and not (self._delivered and known != self._safe_time):
            return []
        self._delivered = self._safe_time != self.read_time
        self._job = self._flush()
        return [self._job]

    def finish(self, job: TimerFlush) -> None:
        """Take a flush back that has been run; one that failed is tried again."""
        self._job = None
        if job.error is not None:
            _log.error("the timer log is not flushed: %s", job.error)
            self._delivered = True
            return
        self._flushed = job.end
        self._wheel.written(job.slots)

    def _flush(self) -> TimerFlush:
        self._move_safe_time()
        end = self._log.end
        files = [file for file in self._log.files.files if file.end > self._flushed and file.start < end]
        fields = self._safe_time, end, self.queue_offset, self.queue_offset
        return TimerFlush(
            files, self._wheel, end, self._path, _CHECKPOINT.pack(*fields).ljust(_CHECKPOINT_LENGTH, b"\0")
        )

    def _move_safe_time(self) -> None:
        flushed = self._store.flushed_offset
        while self._read and self._read[0][1] <= flushed:
            self._safe_time = self._read.popleft()[0]
