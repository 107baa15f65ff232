"""Delivery of delayed messages (ScheduleMessageService.java).

They wait in SCHEDULE_TOPIC_XXXX, a queue for each level, so that within a queue they are due in the order in which
they came; see `appender` for how they get there. The head of each queue is looked at when it is due, and ten times a
second in any case, as Java does.

What is delivered is a new message in the topic and queue that the old one remembers. How far each level has been
delivered is kept in config/delayOffset.json; after a crash what was delivered since it was written comes once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from rocketpy.broker.appender import Appender
from rocketpy.broker.stats import BrokerStats
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.offset import DelayOffsetSerializeWrapper
from rocketpy.protocol.properties import properties_again
from rocketpy.protocol.record import Record
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC, TRANS_HALF_TOPIC
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE, ConsumeQueue
from rocketpy.store.consume_queue_ext import HIGHEST_ADDRESS
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutStatus

log = logging.getLogger(__name__)

FIRST_STEP_MS: Final = 1_000
"""How long after the start the first message may be delivered (FIRST_DELAY_TIME)."""
_STEP_MS: Final = 100
LEAST_PAUSE_MS: Final = 5
"""What is due within so many ms is delivered together."""
_MOST_A_STEP: Final = 50
"""Messages of one level that are delivered before others have their turn."""


class DelayedMessages:
    """Knows how far each level has been delivered and goes on from there; `step` is called again each `pause` ms.

    `dirty` says that something was delivered since it was last set to False.
    """

    def __init__(self, store: MessageStore, appender: Appender, stats: BrokerStats) -> None:
        self._store = store
        self._appender = appender
        self._stats = stats
        self._delivered: dict[int, int] = {}
        self._next: dict[int, int] = {}
        """Where to look next; a message that is gone is passed over without being delivered."""
        self.dirty = False
        self.pause = _STEP_MS

    def step(self, now: int) -> None:
        """Deliver what is due at `now`."""
        self.pause = _STEP_MS
        for level, delay in enumerate(self._store.delay_levels.delays, start=1):
            queue = self._store.queues.find(SCHEDULE_TOPIC, level - 1)
            if queue is not None:
                self._deliver_level(level, queue, now, now + delay)

    def next_due(self, end: int) -> int | None:
        """When the next message is due before `end`, both in ms; None if none is."""
        heads = (self._head_due(level) for level in range(1, self._store.delay_levels.highest + 1))
        return min((due for due in heads if due is not None and due < end), default=None)

    def _head_due(self, level: int) -> int | None:
        queue = self._store.queues.find(SCHEDULE_TOPIC, level - 1)
        entry = None if queue is None else queue.entry(max(self._next.get(level, 0), queue.min_offset))
        if entry is None:
            return None
        physical_offset, size, due = entry
        if due > HIGHEST_ADDRESS:
            return due
        return self._store.delay_levels.deliver_time(level, self._store.log.store_time(physical_offset, size))

    def stats(self) -> dict[int, tuple[int, int]]:
        """How far each level was delivered, and where its queue ends; levels that never delivered are left out."""
        store = self._store
        return {level: (until, store.max_offset(SCHEDULE_TOPIC, level - 1)) for level, until in self._sorted()}

    def snapshot(self) -> DelayOffsetSerializeWrapper:
        """How far each level was delivered."""
        return DelayOffsetSerializeWrapper(offset_table=dict(self._sorted()))

    def freeze(self) -> Callable[[], DelayOffsetSerializeWrapper]:
        """The snapshot of now; there is nothing about it to be done later."""
        snapshot = self.snapshot()
        return lambda: snapshot

    def replace(self, master: DelayOffsetSerializeWrapper) -> None:
        """Take over what a master has delivered, for the day that this becomes one (SlaveSynchronize:96)."""
        self._delivered = dict(master.offset_table)
        self.dirty = True

    def restore(self, saved: DelayOffsetSerializeWrapper) -> None:
        """Take over what `snapshot` gave in an earlier life, within what the queues have (correctDelayOffset:216)."""
        self._delivered = dict(saved.offset_table)
        for level, until in self._delivered.items():
            queue = self._store.queues.find(SCHEDULE_TOPIC, level - 1)
            if queue is not None and not queue.min_offset <= until <= queue.next_offset:
                self._delivered[level] = min(max(until, queue.min_offset), queue.next_offset)
                log.error("delay level %d: offset %d corrected to %d", level, until, self._delivered[level])
        self._next = dict(self._delivered)

    def _sorted(self) -> list[tuple[int, int]]:
        return sorted(self._delivered.items())

    def _deliver_level(self, level: int, queue: ConsumeQueue, now: int, latest: int) -> None:
        """Deliver from the head of a queue; a time beyond `latest` is of a clock set back, and counts as now."""
        queue_offset = min(max(self._next.get(level, 0), queue.min_offset), queue.next_offset)
        self._next[level] = queue_offset
        entries = queue.entries(queue_offset)
        if entries is None:
            return
        if len(entries) > _MOST_A_STEP * ENTRY_SIZE:
            entries = entries[: _MOST_A_STEP * ENTRY_SIZE]
        rows: Iterator[tuple[int, ...]] = ENTRY.iter_unpack(entries)
        if queue.ext is not None:
            rows = queue.ext.resolved(rows)
        for physical_offset, size, due in rows:
            if due <= HIGHEST_ADDRESS:  # of a unit that is lost (ScheduleMessageService:418-423)
                due = self._store.delay_levels.deliver_time(level, self._store.log.store_time(physical_offset, size))
            if now < due <= latest:
                self.pause = min(self.pause, max(due - now, LEAST_PAUSE_MS))
                return
            record = self._store.record_at(physical_offset)
            if record is not None and record.size == size and not self._deliver(record, now):
                return
            queue_offset += 1
            self._next[level] = queue_offset
            if record is not None:
                self._delivered[level] = queue_offset
                self.dirty = True
        if queue_offset < queue.next_offset:
            self.pause = 0

    def _deliver(self, record: Record, now: int) -> bool:
        """Store a message where it belongs (messageTimeup:311); False if that is to be tried again."""
        properties = properties_again(record.properties)
        topic = properties.get(names.REAL_TOPIC)
        queue_id = properties.get(names.REAL_QUEUE_ID) or ""
        if topic is None or not queue_id.isdecimal() or topic == TRANS_HALF_TOPIC:
            log.error("%r in %s belongs to queue %r of %r: it is dropped", record, SCHEDULE_TOPIC, queue_id, topic)
            return True
        waited_in = record.queue_id
        record.topic = topic
        record.queue_id = int(queue_id)
        record.properties = properties.text().encode()
        record.prepared_transaction_offset = 0
        record.take_from(properties)
        counted = self._store.config.enable_schedule_message_stats
        result = self._appender.append_due(record, properties, now, counted)
        if result.status is not PutStatus.PUT_OK:
            log.warning("a delayed message for %s is not stored yet: %s", topic, result.status.name)
            return False
        if counted:
            self._stats.delayed_message_got(waited_in, result.size)
        return True
