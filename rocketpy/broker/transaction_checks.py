"""Asking producers about transactions that did not end (TransactionalMessageServiceImpl.check:128).

Once in transactionCheckInterval the half queue is read on from where the last round came to, and beside it the op
queue. What has ended is passed over. A message that is older than transactionTimeOut, or than its own property
CHECK_IMMUNITY_TIME_IN_SECONDS, goes back to the end of the half queue, and a producer of its group is asked about it.
After transactionCheckMax questions it is given up. A round ends at the first message that is too young, or at what
was stored since it began.

How far both queues were read is kept as the offsets of CID_RMQ_SYS_TRANS. What a crash makes of them is harmless: a
message that went back is then asked about twice.
"""

from __future__ import annotations

import logging
from typing import Final

from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.producers import ProducerTable
from rocketpy.broker.topics import TopicTable
from rocketpy.broker.transactions import END_TAG, END_TAGS_CODE, HalfMessages, real_queue
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import StoreConfig
from rocketpy.errors import FieldError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.transaction import CheckTransactionState
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.properties import java_order, split_stored
from rocketpy.protocol.record import Record, encode_into, offset_message_id, record_size, topic_field
from rocketpy.protocol.topic_names import TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutStatus

READER_GROUP: Final = "CID_RMQ_SYS_TRANS"
"""The group under whose name the offsets are kept (MixAll.CID_SYS_RMQ_TRANS)."""

_QUEUE_ID: Final = 0
_MOST_A_STEP: Final = 100
"""Half messages, or pieces of the op queue, that are looked at before others have their turn."""
_MOST_OPS: Final = 16
_HOUR_MS: Final = 3_600_000

log = logging.getLogger(__name__)


class TransactionChecks:
    """Finds half messages that did not end; `step` is called again in `pause` ms. `address` is the broker's own."""

    def __init__(
        self,
        config: BrokerConfig,
        store_config: StoreConfig,
        store: MessageStore,
        half_messages: HalfMessages,
        offsets: OffsetTable,
        topics: TopicTable,
        producers: ProducerTable,
        address: str,
    ) -> None:
        self._config = config
        self._store_config = store_config
        self._store = store
        self._half_messages = half_messages
        self._offsets = offsets
        self._topics = topics
        self._producers = producers
        self._address = address
        self._started: int | None = None
        """When the round began that is under way, in ms."""
        self._first = 0
        self._half_offset = 0
        """The half message to look at next."""
        self._end = 0
        """Where the half messages end that were there when the round began: what is put back waits for the next one."""
        self._op_offset = 0
        """Where the next round begins to read the op queue; what is before has been used."""
        self._next_op = 0
        self._ended: dict[int, int] = {}
        """Half messages that have ended and were not passed yet: the queue offsets of their ops."""
        self._used: set[int] = set()

    @property
    def pause(self) -> int:
        """ms until the next step: none in the midst of a round."""
        return self._config.transaction_check_interval if self._started is None else 0

    @property
    def has_work(self) -> bool:
        """Whether there are half messages that the next round will look at."""
        return self._store.max_offset(TRANS_HALF_TOPIC, _QUEUE_ID) > self._saved_offset(TRANS_HALF_TOPIC)

    def step(self, now: int) -> None:
        """Begin a round at `now`, or go on with one."""
        if self._started is None:
            self._begin(now)
        for _ in range(_MOST_A_STEP):
            if not self._pass_one(now):
                self._started = None
                break
        self._commit(TRANS_HALF_TOPIC, self._half_offset)
        while self._op_offset in self._used:
            self._used.remove(self._op_offset)
            self._op_offset += 1
        self._commit(TRANS_OP_HALF_TOPIC, self._op_offset)

    def _begin(self, now: int) -> None:
        self._topics.create_on_send_back(TRANS_HALF_TOPIC, 1, Perm.READ | Perm.WRITE)
        self._started = now
        self._first = self._half_offset = self._saved_offset(TRANS_HALF_TOPIC)
        self._end = self._store.max_offset(TRANS_HALF_TOPIC, _QUEUE_ID)
        self._op_offset = self._next_op = self._saved_offset(TRANS_OP_HALF_TOPIC)
        self._ended.clear()
        self._used.clear()

    def _saved_offset(self, topic: str) -> int:
        """Where the last round came to, within what the queue has."""
        saved = self._offsets.query(READER_GROUP, topic, _QUEUE_ID)
        first, end = self._store.min_offset(topic, _QUEUE_ID), self._store.max_offset(topic, _QUEUE_ID)
        if saved == -1:
            return first
        if not first <= saved <= end:
            log.error("offset %d of %s corrected into %d..%d", saved, topic, first, end)
        return min(max(saved, first), end)

    def _commit(self, topic: str, queue_offset: int) -> None:
        """Remember how far a queue was read; one that was never begun has no offset, as in Java."""
        if queue_offset != max(0, self._offsets.query(READER_GROUP, topic, _QUEUE_ID)):
            self._offsets.commit(self._address, READER_GROUP, topic, _QUEUE_ID, queue_offset)

    def _pass_one(self, now: int) -> bool:
        """Look at one half message, or at the ops that may tell of its end; False if the round is over."""
        op_offset = self._ended.pop(self._half_offset, None)
        if op_offset is not None:
            self._used.add(op_offset)
            self._half_offset += 1
            return True
        if self._read_ops():
            return True
        queue = self._store.queues.find(TRANS_HALF_TOPIC, _QUEUE_ID)
        entry = None if queue is None or self._half_offset >= self._end else queue.entry(self._half_offset)
        if entry is None:
            return False
        half = self._store.record_at(entry[0])
        if half is None:
            log.warning("half message %d is gone", self._half_offset)
        elif not self._is_settled(half, now):
            return False
        self._half_offset += 1
        return True

    def _read_ops(self) -> bool:
        """Read on in the op queue; False at its end (fillOpRemoveMap:277)."""
        queue = self._store.queues.find(TRANS_OP_HALF_TOPIC, _QUEUE_ID)
        entries = None if queue is None else queue.entries(self._next_op)
        if not entries:
            return False
        for physical_offset, _, tags_code in ENTRY.iter_unpack(entries[: _MOST_OPS * ENTRY_SIZE]):
            op = self._store.record_at(physical_offset)
            ended = -1 if op is None else _number(bytes(op.body).decode("ascii", "replace"))
            if tags_code != END_TAGS_CODE:
                log.error("op %d has another tag than %r", self._next_op, END_TAG)
            if ended >= self._first and tags_code == END_TAGS_CODE:
                self._ended[ended] = self._next_op
            else:
                self._used.add(self._next_op)
            self._next_op += 1
        return True

    def _is_settled(self, half: Record, now: int) -> bool:
        """Do what is due with a half message that has not ended; False if that is nothing yet, or did not work."""
        config = self._config
        properties = split_stored(half.properties)
        checked = properties.get(names.TRANSACTION_CHECK_TIMES)
        times = 0 if checked is None else _number(checked)
        too_often = checked is not None and times >= config.transaction_check_max
        if not too_often:
            properties[names.TRANSACTION_CHECK_TIMES] = str(times + 1)
        age = now - half.born_timestamp
        if too_often or age > self._store_config.file_reserved_time * _HOUR_MS:
            return self._half_messages.give_up(half, properties, now)
        if self._started is not None and half.store_timestamp >= self._started:
            return False
        immunity = properties.get(names.CHECK_IMMUNITY_TIME_IN_SECONDS)
        if immunity is None:
            if 0 <= age < config.transaction_time_out:
                return False
        elif age < _immunity_ms(immunity, config.transaction_time_out):
            return self._wait_longer(half, properties, now)
        return self._ask(half, properties, now)

    def _wait_longer(self, half: Record, properties: dict[str, str], now: int) -> bool:
        """Put a message back that is not to be asked about yet, so that it does not hold up others.

        It remembers where it was first, which is what its end speaks of (checkPrepareQueueOffset:326).
        """
        first = properties.get(names.TRANSACTION_PREPARED_QUEUE_OFFSET)
        op_offset = None if first is None else self._ended.pop(_number(first), None)
        if op_offset is not None:
            self._used.add(op_offset)
            return True
        properties[names.WAIT_STORE_MSG_OK] = "false"
        properties.setdefault(names.TRANSACTION_PREPARED_QUEUE_OFFSET, str(half.queue_offset))
        return self._half_messages.put_back(half, properties, now).status is PutStatus.PUT_OK

    def _ask(self, half: Record, properties: dict[str, str], now: int) -> bool:
        """Put a message back and ask a producer of its group; that there is none counts as asked, too."""
        put = self._half_messages.put_back(half, properties, now)
        if put.status is not PutStatus.PUT_OK:
            log.error("%r is not put back: %s", half, put.status.name)
            return False
        half.queue_offset = put.queue_offset
        half.physical_offset = put.physical_offset
        group = properties.get(names.PRODUCER_GROUP)
        producer = None if group is None else self._producers.pick(group)
        if producer is None:
            log.warning("nobody of producer group %s is there to be asked about its transaction", group)
            return True
        try:
            body = _question_body(half, properties)
        except FieldError as error:
            log.error("%r cannot be asked about: %s", half, error)
            return True
        producer.peer.push(_question(half, properties), body)
        return True


def _question(half: Record, properties: dict[str, str]) -> CheckTransactionState:
    """Where the half message is now, and how its producer calls it (sendCheckMessage:55)."""
    uniq_key = properties.get(names.UNIQ_KEY)
    return CheckTransactionState(
        tran_state_table_offset=half.queue_offset,
        commit_log_offset=half.physical_offset,
        msg_id=uniq_key,
        transaction_id=uniq_key,
        offset_msg_id=offset_message_id(half.store_host, half.physical_offset),
    )


def _question_body(half: Record, properties: dict[str, str]) -> bytes:
    """The message as its producer knows it: in its own topic and queue (MessageDecoder.encode:157)."""
    topic, half.queue_id = real_queue(properties)
    properties[names.WAIT_STORE_MSG_OK] = "false"
    half.properties = java_order(properties).encode()
    field = topic_field(topic)
    hosts_length = len(half.born_host) + len(half.store_host)
    buffer = bytearray(record_size(len(half.body), len(field) - 1, len(half.properties), hosts_length))
    encode_into(memoryview(buffer), 0, half, field, half.queue_offset, half.physical_offset, half.store_timestamp)
    return bytes(buffer)


def _immunity_ms(text: str, timeout: int) -> int:
    """How long a message is not asked about; a number that does not parse counts as -1 (getImmunityTime:253)."""
    seconds = _number(text)
    return timeout if seconds == -1 else seconds * 1000


def _number(text: str) -> int:
    """A number in a property, -1 if it is none (getLong:383)."""
    try:
        return int(text)
    except ValueError:
        return -1
