"""The way of a message into the store: delayed if it is to be, appended, and counted.

A delayed message waits in SCHEDULE_TOPIC_XXXX, in a queue for each level, and remembers where it belongs in the
properties REAL_TOPIC and REAL_QID. The tags code of its ConsumeQueue entry is the time at which it is due. One that is
due at a time of its own is held by `timer_intake`, where timerWheelEnable says so.

Nothing here waits for disks or slaves; whoever has to asks `durability` afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.timer_intake import ASKED
from rocketpy.clock import Clock, now_ms
from rocketpy.errors import FieldError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.flags import MessageSysFlag, transaction_type, with_transaction_type
from rocketpy.protocol.header_fields import parse_int
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.properties import StoredProperties, java_order, properties_in
from rocketpy.protocol.record import LONGEST_PROPERTIES, Record, encode_host
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC, TRANS_HALF_TOPIC
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import AppendResult, PutStatus

Hold = Callable[[Record, dict[str, str], int], None]
"""Turns a record that is to wait for a time of its own into one that does; may raise ReplyError (`TimerIntake`)."""

_MOST_CACHED: Final = 10_000
_REFUSED: Final = frozenset((
    PutStatus.SERVICE_NOT_AVAILABLE, PutStatus.PROPERTIES_SIZE_EXCEEDED, PutStatus.OS_PAGE_CACHE_BUSY,
    PutStatus.LMQ_CONSUME_QUEUE_NUM_EXCEEDED,
))  # fmt: skip
"""What is no failed put to Java, which refuses it before it tries (DefaultMessageStore.asyncPutMessage:449-463)."""

tags_hash = lru_cache(maxsize=_MOST_CACHED)(string_hash)
"""`string_hash`, but quick for tags that were seen before."""


@lru_cache(maxsize=_MOST_CACHED)
def host_of(address: str) -> bytes:
    """A peer's "ip:port", or "[ip]:port", in the form of the log."""
    ip, _, port = address.rpartition(":")
    return encode_host(ip.strip("[]"), int(port))


class Appender:
    """Puts records into the store. `properties` are always those of the record."""

    def __init__(
        self, store: MessageStore, stats: BrokerStats, clock: Clock = now_ms, hold: Hold | None = None
    ) -> None:
        self._store = store
        self._writer = store.writer
        self._hold = hold
        self._levels = store.delay_levels
        self._stats = stats
        self._clock = clock

    def append(
        self, record: Record, properties: dict[str, str], now: int, counted: bool = True
    ) -> AppendResult:
        """Store a record, or have it wait in SCHEDULE_TOPIC_XXXX if its property DELAY says so.

        `record` is then as stored. Raises FieldError when DELAY is no number, ReplyError when the message asks for a
        time that it cannot have. What is not `counted` is none of the topic's statistics.
        """
        if self._hold is not None:
            self._hold(record, properties, now)
        if names.DELAY_TIME_LEVEL not in properties:
            return self._put(record, now, counted)
        return self._put_delayed(record, properties_in(properties), now, counted)

    def append_stored(
        self, record: Record, properties: StoredProperties, now: int, counted: bool = True
    ) -> AppendResult:
        """The same for properties that are no dict."""
        if self._hold is not None:
            return self.append(record, properties.to_dict(), now, counted)
        if names.DELAY_TIME_LEVEL in properties:
            return self._put_delayed(record, properties, now, counted)
        return self._put(record, now, counted)

    def append_due(self, record: Record, properties: StoredProperties, now: int, counted: bool) -> AppendResult:
        """Store a message whose delay is over: it does not wait again, whatever its properties say."""
        return self._put(record, now, counted)

    def _put_delayed(self, record: Record, properties: StoredProperties, now: int, counted: bool) -> AppendResult:
        self._delay(record, properties, now)
        result = self._put(record, now, counted)
        if counted and record.topic == SCHEDULE_TOPIC and result.status is PutStatus.PUT_OK:
            self._stats.delayed_message_put(record.queue_id, result.size)
        return result

    def _put(self, record: Record, now: int, counted: bool = True) -> AppendResult:
        result = self._writer.append(record, now)
        self._count(record.topic, result, now, counted)
        return result

    def append_half(self, record: Record, properties: StoredProperties, now: int) -> AppendResult:
        """Store a message that waits for the end of its transaction (TransactionalMessageBridge:203)."""
        properties.put(names.REAL_TOPIC, record.topic)
        properties.put(names.REAL_QUEUE_ID, str(record.queue_id))
        record.sys_flag = with_transaction_type(record.sys_flag, MessageSysFlag.TRANSACTION_NOT_TYPE)
        record.topic = TRANS_HALF_TOPIC
        record.queue_id = 0
        record.properties = properties.text().encode()
        return self.append_stored(record, properties, now)

    def append_batch(self, record: Record, properties: dict[str, str], now: int) -> AppendResult:
        """Store the messages of a batch, all of them or none; it may neither be delayed nor half.

        Raises ValueError when the body is no batch, FieldError when DELAY is no number
        (DefaultMessageStore.checkMessages:385, CommitLog.asyncPutMessages:759-764).
        """
        if _delay_level(properties.get(names.DELAY_TIME_LEVEL)) > 0:
            result = AppendResult(PutStatus.MESSAGE_ILLEGAL)
        else:
            result = self._writer.append_batch(record, bytes(record.body), now)
        self._count(record.topic, result, now)
        return result

    def _delay(self, record: Record, properties: StoredProperties, now: int) -> None:
        """Turn a record into one that waits (CommitLog.asyncPutMessage:629-649)."""
        kind = transaction_type(record.sys_flag)
        if kind not in (MessageSysFlag.TRANSACTION_NOT_TYPE, MessageSysFlag.TRANSACTION_COMMIT):
            return
        level = _delay_level(properties.get(names.DELAY_TIME_LEVEL))
        if level <= 0:
            return
        if level > self._levels.highest:
            level = self._levels.highest
            properties.put(names.DELAY_TIME_LEVEL, str(level))
        properties.put(names.REAL_TOPIC, record.topic)
        properties.put(names.REAL_QUEUE_ID, str(record.queue_id))
        record.properties = properties.text().encode()
        record.topic = SCHEDULE_TOPIC
        record.queue_id = level - 1
        record.tags_code = self._levels.deliver_time(level, now)

    def _count(self, topic: str, result: AppendResult, now: int, counted: bool = True) -> None:
        elapsed = self._clock() - now
        if elapsed > 0:
            self._stats.put_took(elapsed)
        if result.status is PutStatus.PUT_OK and not counted:
            self._stats.own_message_put(result.size)
        elif result.status is PutStatus.PUT_OK:
            self._stats.messages_put(topic, result.message_count, result.size)
        elif result.status not in _REFUSED:
            self._stats.put_failed += 1


class MultiAppender(Appender):
    """The same while enableMultiDispatch: messages may name further queues to enter (see `store.extended_dispatch`)."""

    def append(
        self, record: Record, properties: dict[str, str], now: int, counted: bool = True
    ) -> AppendResult:
        """See `Appender.append`; the numbers of a message in further queues become a property of it."""
        queues = properties.get(names.INNER_MULTI_DISPATCH, "")
        if not queues or queues.isspace():
            return super().append(record, properties, now, counted)
        if self._hold is not None:
            self._hold(record, properties, now)
        if names.DELAY_TIME_LEVEL in properties:
            stored = properties_in(properties)
            self._delay(record, stored, now)
            properties = stored.to_dict()
        result = self._append_to(queues, record, properties, now)
        self._count(record.topic, result, now, counted)
        return result

    def append_stored(
        self, record: Record, properties: StoredProperties, now: int, counted: bool = True
    ) -> AppendResult:
        """See `Appender.append_stored`."""
        return self.append(record, properties.to_dict(), now, counted)

    def append_due(self, record: Record, properties: StoredProperties, now: int, counted: bool) -> AppendResult:
        """See `Appender.append_due`."""
        left = properties.to_dict()
        for name in (names.DELAY_TIME_LEVEL, *ASKED):
            left.pop(name, None)
        return self.append(record, left, now, counted)

    def _append_to(self, queues: str, record: Record, properties: dict[str, str], now: int) -> AppendResult:
        """Store a record with its numbers; a fault that these bring is an unknown error, as in wrapMultiDispatch:66."""
        if len(record.properties) > LONGEST_PROPERTIES:
            return self._store.append(record, now)
        numbers = self._store.next_offsets(queues, record.queue_id)
        if numbers is None:
            return AppendResult(PutStatus.MESSAGE_ILLEGAL)
        properties[names.INNER_MULTI_QUEUE_OFFSET] = numbers
        record.properties = java_order(properties, left_out=names.WAIT_STORE_MSG_OK).encode()
        result = self._store.append(record, now)
        if result.status in (PutStatus.MESSAGE_ILLEGAL, PutStatus.PROPERTIES_SIZE_EXCEEDED):
            result.status = PutStatus.UNKNOWN_ERROR
        return result


def _delay_level(text: str | None) -> int:
    if text is None:
        return 0
    try:
        return parse_int(text)
    except ValueError:
        raise FieldError(names.DELAY_TIME_LEVEL, text) from None
