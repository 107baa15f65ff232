"""Dispatch into more than a queue and the index: units of ConsumeQueueExt, and queues named by a property.

Stores that want neither use `Dispatch` as it is; `message_store` chooses.

A message may name further queues to enter, INNER_MULTI_DISPATCH=q1,q2 (enableMultiDispatch), and then has its number in
each, INNER_MULTI_QUEUE_OFFSET=7,0, which whoever appends has put there (see `MessageStore.next_offsets`). While
enableLmq, those that are called %LMQ%... are light queues: topics with queue 0 only, and without a configuration
(MultiDispatch.java, ConsumeQueue.multiDispatchLmqQueue:433). Entries of such queues have no units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rocketpy.protocol.batch import Batch
from rocketpy.protocol.properties import property_value
from rocketpy.protocol.record import LONGEST_TOPIC, Record
from rocketpy.protocol.topic_names import is_light
from rocketpy.store.consume_queue import ConsumeQueue
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.delay_levels import DelayLevels
from rocketpy.store.dispatch import Dispatch, is_queued
from rocketpy.store.index import Index

BitMapOf = Callable[[Record], bytes]
"""The bit map of the consumers that filter a message and get it; empty where nobody filters."""

_NAMES: Final = b"INNER_MULTI_DISPATCH\x01"
_NUMBERS: Final = b"INNER_MULTI_QUEUE_OFFSET\x01"


def listed(text: str) -> list[str]:
    """The members of a list with commas; empty ones at its end do not count (String.split)."""
    members = text.split(",")
    while members and not members[-1]:
        members.pop()
    return members


def queue_of(name: str, queue_id: int, *, light_queues: bool) -> int:
    """Which queue of topic `name` a message of queue `queue_id` enters (MultiDispatch.queueKey:54)."""
    return 0 if light_queues and is_light(name) else queue_id


class ExtendedDispatch(Dispatch):
    """`multi`: into further queues, too, with `light_queues` among them. Queues with an extension get units there."""

    __slots__ = ("_light_queues", "_multi", "bit_map_of")

    def __init__(
        self,
        queues: ConsumeQueues,
        index: Index | None,
        delay_levels: DelayLevels,
        *,
        multi: bool,
        light_queues: bool,
    ) -> None:
        super().__init__(queues, index, delay_levels)
        self._multi = multi
        self._light_queues = light_queues
        self.bit_map_of: BitMapOf | None = None
        """Asked for each message that enters a queue with an extension (CommitLogDispatcherCalcBitMap.java)."""

    def appended(self, record: Record, queue: ConsumeQueue, physical_offset: int, size: int, now: int) -> None:
        """See `Dispatch.appended`."""
        queued = is_queued(record.sys_flag)
        record.queue_offset = queue.next_offset if queued else 0
        record.physical_offset, record.size, record.store_timestamp = physical_offset, size, now
        self.again(record)
        self.dispatched = physical_offset + size
        if queued:
            self._tell(record, record.queue_offset + 1, now)

    def appended_batch(self, batch: Batch, record: Record, queue: ConsumeQueue, now: int) -> None:
        """See `Dispatch.appended_batch`; units and further queues depend on each message."""
        for number, (_, _, properties) in enumerate(batch.messages()):
            record.properties = properties
            record.read_properties()
            queue.ensure_room()
            self.appended(record, queue, batch.physical_offsets[number], batch.sizes[number], now)

    def again(self, record: Record) -> None:
        """See `Dispatch.again`."""
        queue = self._queues.find_or_add(record.topic, record.queue_id)
        tags_code = record.tags_code
        if is_queued(record.sys_flag):
            if queue.ext is not None and record.physical_offset >= queue.max_physical_offset:
                if record.queue_offset == 0 and queue.next_offset:
                    queue.cut(0)  # see `ConsumeQueue.put_at`; it takes the units along
                bit_map = b"" if self.bit_map_of is None else self.bit_map_of(record)
                record.tags_code = queue.ext.put(tags_code, record.store_timestamp, bit_map)
            try:
                super().again(record)
            finally:
                record.tags_code = tags_code
            for name, queue_id, number in self.further_queues(record):
                further = self._queues.find_or_add(name, queue_id)
                # a number of 0 may stand for "the next" in Java, which then looks at no numbers: ConsumeQueue:506
                further.put_at(number or further.next_offset, record.physical_offset, record.size, tags_code)
                if not further.is_dirty:
                    further.is_dirty = True
                    self.dirty.append(further)
        else:
            super().again(record)

    def further_queues(self, record: Record) -> list[tuple[str, int, int]]:
        """Topic, queue id and number of each; none if the two lists do not fit together."""
        names = property_value(record.properties, _NAMES) if self._multi else None
        numbers = None if names is None else property_value(record.properties, _NUMBERS)
        if names is None or numbers is None or names.isspace() or numbers.isspace():
            return []
        topics, offsets = listed(names), listed(numbers)
        if len(topics) != len(offsets) or not all(number.isdecimal() for number in offsets):
            return []
        return [
            (topic, queue_of(topic, record.queue_id, light_queues=self._light_queues), int(number))
            for topic, number in zip(topics, offsets, strict=True)
            if is_usable(topic)
        ]

    def _tell(self, record: Record, next_queue_offset: int, store_timestamp: int) -> None:
        super()._tell(record, next_queue_offset, store_timestamp)
        topic, queue_id = record.topic, record.queue_id
        for name, further_id, number in self.further_queues(record):
            record.topic, record.queue_id = name, further_id
            super()._tell(record, number + 1, store_timestamp)
        record.topic, record.queue_id = topic, queue_id


def is_usable(topic: str) -> bool:
    """Whether a directory can be called so. (Java makes directories outside of the store for names with "..".)"""
    short = len(topic.encode("utf-8", "replace")) <= LONGEST_TOPIC
    return short and topic not in ("", ".", "..") and "/" not in topic and "\0" not in topic
