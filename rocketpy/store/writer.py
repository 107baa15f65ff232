"""Appending messages: checked, written to the log, dispatched, one after the other or a batch at once.

`Writer.append` is on the hot path; with the queue's entry, one key in the index and a listener it takes some 5 us.
"""

from __future__ import annotations

import logging

from rocketpy.config.store import StoreConfig
from rocketpy.errors import ProtocolError, StoreError
from rocketpy.protocol.batch import Batch
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.record import (
    BLANK_SIZE,
    LONGEST_PROPERTIES,
    OVERHEAD_LIMIT,
    Record,
    record_size,
)
from rocketpy.store.commit_log import CommitLog
from rocketpy.store.consume_queues import ConsumeQueues
from rocketpy.store.dispatch import Dispatch, is_queued
from rocketpy.store.results import AppendResult, PutStatus

_log = logging.getLogger("rocketpy.store")


class Writer:
    """Appends while `refusal` is PUT_OK, and answers with it otherwise."""

    __slots__ = ("_config", "_dispatch", "_log", "_queues", "put_bytes", "put_messages", "refusal")

    def __init__(self, config: StoreConfig, log: CommitLog, queues: ConsumeQueues, dispatch: Dispatch) -> None:
        self._config = config
        self._log = log
        self._queues = queues
        self._dispatch = dispatch
        self.refusal = PutStatus.SERVICE_NOT_AVAILABLE
        self.put_messages = 0
        self.put_bytes = 0

    def append(self, record: Record, now: int) -> AppendResult:
        """Store one message: see `MessageStore.append`."""
        if self.refusal is not PutStatus.PUT_OK:
            return AppendResult(self.refusal)
        try:
            queue = self._queues.table.get((record.topic, record.queue_id))
            if queue is None:
                queue = self._queues.find_or_add(record.topic, record.queue_id)
            body_length = len(record.body)
            properties_length = len(record.properties)
            topic = queue.topic_field
            size = record_size(
                body_length, len(topic) - 1, properties_length, len(record.born_host) + len(record.store_host)
            )
            if properties_length > LONGEST_PROPERTIES:
                return AppendResult(PutStatus.PROPERTIES_SIZE_EXCEEDED)
            most = self._config.max_message_size
            if body_length > most or size > most + OVERHEAD_LIMIT or size + BLANK_SIZE > self._log.file_size:
                return AppendResult(PutStatus.MESSAGE_ILLEGAL)
            queue_offset = queue.next_offset if is_queued(record.sys_flag) else 0
            queue.ensure_room()
            physical_offset = self._log.append(record, topic, size, queue_offset, now)
        except ProtocolError:
            return AppendResult(PutStatus.MESSAGE_ILLEGAL)
        except StoreError as error:
            return self._no_room(error)
        try:
            self._dispatch.appended(record, queue, physical_offset, size, now)
        except StoreError as error:
            self._dispatch_failed(error)
        self.put_messages += 1
        self.put_bytes += size
        return AppendResult(PutStatus.PUT_OK, physical_offset, size, queue_offset, now, record.store_host)

    def append_batch(self, record: Record, batch_body: bytes, now: int) -> AppendResult:
        """Store a batch: see `MessageStore.append_batch`."""
        if self.refusal is not PutStatus.PUT_OK:
            return AppendResult(self.refusal)
        if record.sys_flag & MessageSysFlag.TRANSACTION_ROLLBACK or len(batch_body) > self._config.max_message_size:
            return AppendResult(PutStatus.MESSAGE_ILLEGAL)
        batch = Batch(batch_body, record.properties)
        try:
            queue = self._queues.find_or_add(record.topic, record.queue_id)
            total = batch.size(
                record_size(0, len(queue.topic_field) - 1, 0, len(record.born_host) + len(record.store_host))
            )
            if total + BLANK_SIZE > self._log.file_size:
                return AppendResult(PutStatus.MESSAGE_ILLEGAL)
            queue.ensure_room()
            self._log.make_room(total)
        except ProtocolError:
            return AppendResult(PutStatus.MESSAGE_ILLEGAL)
        except StoreError as error:
            return self._no_room(error)
        first = queue.next_offset
        self._log.append_batch(batch, record, queue.topic_field, first, now)
        try:
            self._dispatch.appended_batch(batch, record, queue, now)
        except StoreError as error:
            self._dispatch_failed(error)
        self.put_messages += len(batch)
        self.put_bytes += total
        return AppendResult(
            PutStatus.PUT_OK, batch.physical_offsets[0], total, first, now, record.store_host, batch.offset_fields,
            len(batch),
        )  # fmt: skip

    def _no_room(self, error: StoreError) -> AppendResult:
        _log.error("%s", error)
        return AppendResult(PutStatus.CREATE_MAPPED_FILE_FAILED)

    def _dispatch_failed(self, error: StoreError) -> None:
        """The log has it, but queue or index had no room. `MessageStore.step` catches up and then lifts the refusal."""
        _log.error("%s; no messages are accepted until there is room", error)
        self.refusal = PutStatus.SERVICE_NOT_AVAILABLE
