"""Half messages: what is written when a transaction ends, goes on, or is given up (TransactionalMessageBridge.java).

A message of a transaction first waits in RMQ_SYS_TRANS_HALF_TOPIC, out of everybody's sight; `appender` brings it
there. Its end is a message in RMQ_SYS_TRANS_OP_HALF_TOPIC, whose body is the queue offset of the half message and
whose tag is "d"; on a commit the message itself is stored in its own topic before that. `transaction_checks` reads both
queues side by side to find what has not ended.
"""

from __future__ import annotations

import logging
from typing import Final

from rocketpy.broker.appender import Appender
from rocketpy.broker.topics import TopicTable
from rocketpy.errors import FieldError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.flags import MessageSysFlag, Perm, with_transaction_type
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.properties import StoredProperties, java_order, properties_in, split_stored
from rocketpy.protocol.record import Record
from rocketpy.protocol.topic_names import TRANS_CHECK_MAX_TIME_TOPIC, TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC
from rocketpy.store.results import AppendResult, PutStatus

END_TAG: Final = "d"
"""The tag of the messages in the op queue (TransactionalMessageUtil.REMOVETAG)."""

END_TAGS_CODE: Final = string_hash(END_TAG)
_END_PROPERTIES: Final = java_order({names.TAGS: END_TAG, names.WAIT_STORE_MSG_OK: "true"}).encode()

log = logging.getLogger(__name__)


class HalfMessages:
    """Writes half messages and what becomes of them. `host` is the broker's own address, in the form of the log."""

    def __init__(self, appender: Appender, topics: TopicTable, host: bytes) -> None:
        self._appender = appender
        self._topics = topics
        self._host = host

    def commit(self, half: Record, properties: StoredProperties, now: int) -> AppendResult:
        """Store the message where it belongs, for everybody to see (EndTransactionProcessor.endMessageTransaction:190).

        It keeps all properties of the half message. Raises FieldError when these do not say where it belongs.
        """
        topic, queue_id = real_queue(properties)
        record = _copy(half, topic, queue_id, properties)
        record.sys_flag = with_transaction_type(half.sys_flag, MessageSysFlag.TRANSACTION_COMMIT)
        record.prepared_transaction_offset = half.physical_offset
        return self._appender.append_stored(record, properties, now, counted=False)

    def end(self, half: Record, now: int) -> bool:
        """Note that the transaction has ended; False when that is not stored (addRemoveTagInTransactionOp:314)."""
        record = Record(
            TRANS_OP_HALF_TOPIC,
            half.queue_id,
            str(half.queue_offset).encode(),
            _END_PROPERTIES,
            born_timestamp=now,
            born_host=self._host,
            store_host=self._host,
            tags_code=END_TAGS_CODE,
        )
        return self._is_stored(record, {}, now)

    def put_back(self, half: Record, properties: dict[str, str], now: int) -> AppendResult:
        """Store a half message at the end of its queue, since it is looked at only once (renewHalfMessageInner:236).

        Its flag and reconsume times are lost thereby, as in Java.
        """
        record = _copy(half, half.topic, half.queue_id, properties_in(properties))
        record.flag = 0
        record.reconsume_times = 0
        return self._appender.append(record, properties, now, counted=False)

    def give_up(self, half: Record, properties: dict[str, str], now: int) -> bool:
        """Move a half message to TRANS_CHECK_MAX_TIME_TOPIC for good (resolveDiscardMsg:43)."""
        read_write = Perm.READ | Perm.WRITE
        self._topics.create_on_send_back(TRANS_CHECK_MAX_TIME_TOPIC, 1, read_write)
        log.error("the transaction of %r is given up, it moves to %s", half, TRANS_CHECK_MAX_TIME_TOPIC)
        return self._is_stored(_copy(half, TRANS_CHECK_MAX_TIME_TOPIC, 0, properties_in(properties)), properties, now)

    def resume(self, given_up: Record, now: int) -> bool:
        """Let a message that was given up be checked again from the beginning (resumeCheckHalfMessage:1609).

        Java also takes the body out of its compression, but leaves the flag that says so; here the body stays.
        """
        properties = split_stored(given_up.properties)
        properties[names.TRANSACTION_CHECK_TIMES] = "0"
        return self._is_stored(_copy(given_up, TRANS_HALF_TOPIC, 0, properties_in(properties)), properties, now)

    def _is_stored(self, record: Record, properties: dict[str, str], now: int) -> bool:
        status = self._appender.append(record, properties, now, counted=False).status
        if status is not PutStatus.PUT_OK:
            log.error("%r is not stored: %s", record, status.name)
        return status is PutStatus.PUT_OK


def real_queue(properties: dict[str, str] | StoredProperties) -> tuple[str, int]:
    """Topic and queue that a half message is meant for; FieldError if its properties do not say so."""
    topic = properties.get(names.REAL_TOPIC)
    queue_id = properties.get(names.REAL_QUEUE_ID)
    if topic is None:
        raise FieldError(names.REAL_TOPIC, None)
    if queue_id is None or not queue_id.isdecimal():
        raise FieldError(names.REAL_QUEUE_ID, queue_id)
    return topic, int(queue_id)


def _copy(half: Record, topic: str, queue_id: int, properties: StoredProperties) -> Record:
    record = Record(
        topic,
        queue_id,
        half.body,
        properties.text().encode(),
        flag=half.flag,
        sys_flag=half.sys_flag,
        born_timestamp=half.born_timestamp,
        born_host=half.born_host,
        store_host=half.store_host,
        reconsume_times=half.reconsume_times,
    )
    record.take_from(properties)
    return record
