"""Delivery of messages that are due at a time of their own (Java 5: TimerMessageStore); off unless timerWheelEnable.

`timer_intake` brings them into rmq_sys_wheel_timer. From there each gets a unit in the timer log, in the slot of the
second it is due in. The units of a second are read a second ahead into a heap, and each message is delivered in its
millisecond: memory holds what is due now, not what waits.

A message that would wait longer than timerRollWindowSlot seconds, or two thirds of fileReservedTime, is stored anew
before that, since the CommitLog forgets it otherwise.
"""

from __future__ import annotations

import logging
from heapq import heappop, heappush
from typing import Final

from rocketpy.broker.appender import Appender
from rocketpy.broker.delay import LEAST_PAUSE_MS
from rocketpy.config.store import StoreConfig
from rocketpy.config.timer import TimerConfig
from rocketpy.errors import StoreError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.properties import LONGEST_PROPERTIES, java_order, property_value, split_stored
from rocketpy.protocol.record import Record
from rocketpy.protocol.topic_names import TIMER_TOPIC
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutStatus
from rocketpy.store.timer_files import TimerFiles
from rocketpy.store.timer_log import DELETE, NORMAL, NOWHERE, ROLL, TimerUnit
from rocketpy.store.timer_wheel import SLOT_MS, SLOTS

log = logging.getLogger(__name__)

_STEP_MS: Final = 20
_RETRY_MS: Final = 100
_MOST_DELIVERED_A_STEP: Final = 100
_MOST_A_STEP: Final = 500
"""Messages that arrive, units or seconds that are dealt with before others have their turn."""
_MOST_SECONDS_A_STEP: Final = 50_000
_HOUR_MS: Final = 3_600_000
_GONE: Final = frozenset({PutStatus.MESSAGE_ILLEGAL, PutStatus.PROPERTIES_SIZE_EXCEEDED})
"""What will not be stored another time either."""
_TIMER_OUT_MS: Final = names.TIMER_OUT_MS.encode() + b"\x01"
_REAL_TOPIC: Final = names.REAL_TOPIC.encode() + b"\x01"
_DELETE_KEY: Final = names.TIMER_DELETE_UNIQ_KEY.encode() + b"\x01"


class TimedMessages:
    """Gives what arrived its units and delivers what is due; `step` is called again in `pause` ms."""

    def __init__(
        self,
        config: TimerConfig,
        store_config: StoreConfig,
        store: MessageStore,
        files: TimerFiles,
        appender: Appender,
    ) -> None:
        self._store = store
        self._files = files
        self._appender = appender
        window = min(config.timer_roll_window_slot * SLOT_MS, store_config.file_reserved_time * _HOUR_MS * 2 // 3)
        self._window = max(window, 2 * SLOT_MS)
        self._due: list[tuple[int, int, TimerUnit]] = []
        """A heap of what was read ahead: due time, physical offset, unit."""
        self._deleted: set[str] = set()
        """Keys of messages in it that are not to be delivered."""
        self._read_ahead = files.read_second
        """All units that are due before this second are in the heap, or have been delivered."""
        self._place: int | None = None
        """The next unit to read of that second; None if that has not begun."""
        self._fault = ""
        """What was said last about why nothing more can wait."""
        self.pause = _STEP_MS

    def step(self, now: int) -> None:
        """Do what is due at `now`."""
        self.pause = _STEP_MS
        self._skip_empty_seconds(now)
        self._take_in(now)
        self._fill_heap(now)
        self._deliver(now)

    def next_due(self, end: int) -> int | None:
        """When the next message is due before `end`, both in ms; None if none is. 0 if some have no unit yet."""
        files = self._files
        queue = self._store.queues.find(TIMER_TOPIC, 0)
        if queue is not None and files.queue_offset < queue.next_offset:
            return 0
        if self._due:
            return self._due[0][0]
        beyond = -(-end // SLOT_MS)
        second = files.next_used(max(self._read_ahead, files.read_second), beyond)
        return second * SLOT_MS if second < beyond else None

    # ---------------------------------------------------------------- from the queue into the wheel

    def _take_in(self, now: int) -> None:
        """Give the messages that arrived in rmq_sys_wheel_timer their units."""
        files = self._files
        queue = self._store.queues.find(TIMER_TOPIC, 0)
        if queue is None:
            return
        files.queue_offset = max(files.queue_offset, queue.min_offset)
        entries = queue.entries(files.queue_offset)
        if entries is None:
            return
        for physical_offset, size, _ in ENTRY.iter_unpack(entries[: _MOST_A_STEP * ENTRY_SIZE]):
            record = self._store.record_at(physical_offset)
            if record is not None and record.size == size and not self._add(record, now):
                return
            files.queue_offset += 1
        if files.queue_offset < queue.next_offset:
            self.pause = 0

    def _add(self, record: Record, now: int) -> bool:
        """Have a message wait; False if that is to be tried again."""
        due_text = property_value(record.properties, _TIMER_OUT_MS)
        if due_text is None or not due_text.isdecimal():
            log.error("%r in %s has no time: it is dropped", record, TIMER_TOPIC)
            return True
        due = int(due_text)
        when, magic = self._when(due, now)
        if property_value(record.properties, _DELETE_KEY) is not None:
            magic |= DELETE
        topic = property_value(record.properties, _REAL_TOPIC) or ""
        slot_time = max(when, self._files.read_time)
        if slot_time // SLOT_MS - self._files.read_second >= SLOTS:
            return False            # not before what is overdue has made room on the wheel
        unit = TimerUnit(
            NOWHERE, magic, min(now, slot_time), max(slot_time - now, 0), record.physical_offset, record.size,
            string_hash(topic),
        )  # fmt: skip
        try:
            self._files.add(unit)
        except StoreError as error:
            if self._fault != str(error):
                self._fault = str(error)
                log.error("%s; what is to wait for a time of its own is held up until there is room", error)
            return False
        self._fault = ""
        if slot_time // SLOT_MS < self._read_ahead + (self._place is not None):
            self._push(unit, when)
        return True

    def _when(self, due: int, now: int) -> tuple[int, int]:
        """When to deal with a message, and how: those that wait long are stored anew (doEnqueue)."""
        window = self._window
        if due - now < window:
            return due, NORMAL
        soon = due - now - window < window // 3     # the rest is to be worth while
        return now + (window // 2 if soon else window), NORMAL | ROLL

    # ---------------------------------------------------------------- from the wheel into the heap

    def _skip_empty_seconds(self, now: int) -> None:
        """After a pause: pass over seconds in which nothing was due, quickly."""
        files = self._files
        if self._due or self._place is not None:
            return
        files.skip(min(now // SLOT_MS, files.read_second + _MOST_SECONDS_A_STEP))
        self._read_ahead = max(self._read_ahead, files.read_second)
        if files.read_second < now // SLOT_MS:
            self.pause = 0

    def _fill_heap(self, now: int) -> None:
        """Read the units of the second after this one, and of those before."""
        files = self._files
        budget = _MOST_A_STEP
        while self._read_ahead <= now // SLOT_MS + 1 and budget > 0:
            if self._place is None:
                self._place = files.last(self._read_ahead)
            while self._place != NOWHERE and budget > 0:
                unit = files.unit(self._place)
                if unit is None or unit.previous >= self._place:
                    log.error("the timer log has no unit at %d: what was due before it is lost", self._place)
                    self._place = NOWHERE
                    break
                if unit.due >= files.read_time:     # or else it was delivered before the broker ended in this second
                    self._push(unit, unit.due)
                self._place = unit.previous
                budget -= 1
            if self._place == NOWHERE:
                self._place = None
                self._read_ahead += 1
                budget -= 1
        if budget <= 0:
            self.pause = 0

    def _push(self, unit: TimerUnit, when: int) -> None:
        if unit.magic & DELETE and not unit.magic & ROLL:
            record = self._record_of(unit)
            key = None if record is None else property_value(record.properties, _DELETE_KEY)
            if key is not None:
                self._deleted.add(key)
        heappush(self._due, (when, unit.physical_offset, unit))

    def _record_of(self, unit: TimerUnit) -> Record | None:
        record = self._store.record_at(unit.physical_offset)
        if record is None or record.size != unit.record_size or record.topic != TIMER_TOPIC:
            return None
        return record

    # ---------------------------------------------------------------- from the heap into their queues

    def _deliver(self, now: int) -> None:
        """Deliver what is due, second by second; not before all units of a second are there to be sorted."""
        files, heap = self._files, self._due
        budget = _MOST_DELIVERED_A_STEP
        while files.read_second < self._read_ahead:
            end = (files.read_second + 1) * SLOT_MS
            while heap and heap[0][0] < end:
                if heap[0][0] > now:
                    self.pause = min(self.pause, max(heap[0][0] - now, LEAST_PAUSE_MS))
                    break
                if budget == 0:
                    self.pause = 0
                    return
                if not self._settle(heap[0][2], now):
                    self.pause = _RETRY_MS
                    return
                heappop(heap)
                files.delivered()
                budget -= 1
            if end > now:
                files.advance(now + 1)
                self.pause = min(self.pause, max(end - now, LEAST_PAUSE_MS))
                return
            files.advance(end)
            if not heap:
                self._deleted.clear()

    def _settle(self, unit: TimerUnit, now: int) -> bool:
        """Deliver a message, or store it anew; False if that is to be tried again."""
        record = self._record_of(unit)
        if record is None:
            log.warning("the message at %d, which was due now, is gone", unit.physical_offset)
            return True
        properties = split_stored(record.properties)
        if unit.magic & ROLL:
            times = properties.get(names.TIMER_ROLL_TIMES, "0")
            properties[names.TIMER_ROLL_TIMES] = str(int(times) + 1) if times.isdecimal() else "1"
        elif not self._find_way(record, properties):
            return True
        self._stamp(record, properties, unit.write_time, now)
        record.prepared_transaction_offset = 0
        record.read_properties()
        status = self._appender.append(record, properties, now).status
        if status is PutStatus.PUT_OK:
            return True
        log.warning("a delayed message for %s is not stored: %s", record.topic, status.name)
        return status in _GONE

    def _find_way(self, record: Record, properties: dict[str, str]) -> bool:
        """Address a message to its own topic and queue; False if it goes nowhere."""
        if names.TIMER_DELETE_UNIQ_KEY in properties:
            return False
        topic, queue_id = properties.get(names.REAL_TOPIC), properties.get(names.REAL_QUEUE_ID, "")
        if topic is None or not queue_id.isdecimal():
            log.error("%r in %s belongs to queue %r of %r: it is dropped", record, TIMER_TOPIC, queue_id, topic)
            return False
        if self._deleted and f"{topic}+{properties.get(names.UNIQ_KEY)}" in self._deleted:
            return False
        record.topic = topic
        record.queue_id = int(queue_id)
        return True

    def _stamp(self, record: Record, properties: dict[str, str], entered: int, now: int) -> None:
        """Note when a message began to wait and when it ceased to, if there is room for it (convert)."""
        stamped = {**properties, names.TIMER_ENQUEUE_MS: str(entered), names.TIMER_DEQUEUE_MS: str(now)}
        text = java_order(stamped).encode()
        record.properties = text if len(text) <= LONGEST_PROPERTIES else java_order(properties).encode()
