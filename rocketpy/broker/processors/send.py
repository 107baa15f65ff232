"""SEND_MESSAGE, its V2, and SEND_BATCH_MESSAGE (SendMessageProcessor.java).

Whether a request is a batch is said by its field `batch`, not by its code.
"""

from __future__ import annotations

import logging
from typing import Final

from rocketpy.broker.appender import Appender, host_of, tags_hash
from rocketpy.broker.durability import Durability
from rocketpy.broker.groups import GroupTable, most_retries
from rocketpy.broker.send_answers import SendAnswers
from rocketpy.broker.send_checks import SendChecks, random_queue
from rocketpy.broker.topics import TopicTable
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol.api.send import SendBatchMessage, SendMessage
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import HOLD, Command, Hold, Reply
from rocketpy.protocol.flags import MessageSysFlag, Perm, TopicFilterType
from rocketpy.protocol.properties import StoredProperties, java_order, split_properties, stored_properties
from rocketpy.protocol.property_names import (
    CLUSTER,
    DELAY_TIME_LEVEL,
    KEYS,
    TAGS,
    TRANSACTION_PREPARED,
    UNIQ_KEY,
    WAIT_STORE_MSG_OK,
)
from rocketpy.protocol.record import Record
from rocketpy.protocol.remarks import SEE_FAQ
from rocketpy.protocol.topic_names import RETRY_PREFIX, dlq_topic
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.results import AppendResult, PutStatus

log = logging.getLogger(__name__)

_PUT_OK: Final = PutStatus.PUT_OK
_MULTI_TAG: Final = TopicFilterType.MULTI_TAG.value


class SendProcessor:
    """Stores what producers send. `store_host` is this broker's address, in the form of the log."""

    def __init__(
        self,
        config: BrokerConfig,
        topics: TopicTable,
        groups: GroupTable,
        checks: SendChecks,
        appender: Appender,
        answers: SendAnswers,
        durability: Durability,
        store_host: bytes,
        clock: Clock,
    ) -> None:
        self._config = config
        self._topics = topics
        self._groups = groups
        self._checks = checks
        self._appender = appender
        self._answers = answers
        self._durability = durability
        self._store_host = store_host
        self._clock = clock

    @handles(SendMessage, SendBatchMessage)
    def send(self, peer: Connection, request: SendMessage, command: Command) -> Reply | Hold:
        """Store the body as one message, or as the batch that it is."""
        now = self._clock()
        try:
            topic = self._checks.topic(peer, request, now)
            queue_id = request.queue_id
            if queue_id < 0:
                queue_id = random_queue(topic)
            if request.batch:
                wait, result = self._append_batch(peer, request, command, topic, queue_id, now)
            else:
                wait, result = self._append(peer, request, command, topic, queue_id, now)
        except ReplyError as error:
            error.header = self._answers.refusal_header()
            raise
        if self._durability.synchronous and result.status is _PUT_OK and _is_worth_waiting(wait):
            self._answer_when_safe(peer, command, result, queue_id, now)
            return HOLD
        return self._answers.answer(result, queue_id)

    def _append(
        self, peer: Connection, request: SendMessage, command: Command, topic: TopicConfig, queue_id: int, now: int
    ) -> tuple[str | None, AppendResult]:
        """Store a message; also the value of its property WAIT."""
        name = request.topic
        reconsume_times = request.reconsume_times or 0
        if name.startswith(RETRY_PREFIX) and self._is_exhausted(request, command, reconsume_times):
            name = dlq_topic(name[len(RETRY_PREFIX) :])
            topic = self._topics.create_on_send_back(name, 1, Perm.READ | Perm.WRITE)
            queue_id = 0
        properties = stored_properties(request.properties, self._config.broker_cluster_name)
        tags = properties.get(TAGS)
        record = Record(
            name,
            queue_id,
            command.body,
            properties.text_without_wait().encode(),
            flag=request.flag,
            sys_flag=_sys_flag(request, topic),
            born_timestamp=request.born_timestamp,
            born_host=host_of(peer.remote_address),
            store_host=self._store_host,
            reconsume_times=reconsume_times,
            tags_code=0 if tags is None else tags_hash(tags),
            uniq_key=properties.get(UNIQ_KEY),
            keys=properties.get(KEYS),
        )
        if DELAY_TIME_LEVEL in properties or TRANSACTION_PREPARED in properties:
            result = self._append_special(record, properties, now)
        else:
            result = self._appender.append_stored(record, properties, now)
        return properties.get(WAIT_STORE_MSG_OK), result

    def _append_special(self, record: Record, properties: StoredProperties, now: int) -> AppendResult:
        """Store a message that may be delayed or half, which means that its properties are written once more.

        WAIT is among them then, and behind others of its bucket, since Java has taken it out and put it back
        (asyncSendMessage:303-309).
        """
        properties.move_to_end(WAIT_STORE_MSG_OK)
        prepared = properties.get(TRANSACTION_PREPARED)
        if prepared is None or prepared.lower() != "true":
            return self._appender.append_stored(record, properties, now)
        if self._config.reject_transaction_message:
            remark = f"the broker[{self._config.broker_ip1}] sending transaction message is forbidden"
            raise ReplyError(ResponseCode.NO_PERMISSION, remark)
        return self._appender.append_half(record, properties, now)

    def _append_batch(
        self, peer: Connection, request: SendMessage, command: Command, topic: TopicConfig, queue_id: int, now: int
    ) -> tuple[str | None, AppendResult]:
        properties = split_properties(request.properties)
        properties[CLUSTER] = self._config.broker_cluster_name
        record = Record(
            request.topic,
            queue_id,
            command.body,
            java_order(properties).encode(),
            sys_flag=_sys_flag(request, topic),
            born_timestamp=request.born_timestamp,
            born_host=host_of(peer.remote_address),
            store_host=self._store_host,
            reconsume_times=request.reconsume_times or 0,
        )
        try:
            return properties.get(WAIT_STORE_MSG_OK), self._appender.append_batch(record, properties, now)
        except ValueError as error:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, str(error)) from None

    def _is_exhausted(self, request: SendMessage, command: Command, reconsume_times: int) -> bool:
        """Whether a retry was the last one, so that the message is given up (handleRetryAndDLQ:344)."""
        group_name = request.topic[len(RETRY_PREFIX) :]
        group = self._groups.find(group_name)
        if group is None:
            raise ReplyError(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"subscription group not exist, {group_name} {SEE_FAQ}"
            )
        return reconsume_times >= most_retries(group, command.version, request.max_reconsume_times)

    def _answer_when_safe(
        self, peer: Connection, command: Command, result: AppendResult, queue_id: int, now: int
    ) -> None:
        def answer(status: PutStatus) -> None:
            result.status = status
            if not command.is_oneway:
                peer.reply(command, self._answers.answer(result, queue_id))

        self._durability.wait_safe(result.end, now, answer)


def _sys_flag(request: SendMessage, topic: TopicConfig) -> int:
    if topic.topic_filter_type == _MULTI_TAG:
        return request.sys_flag | MessageSysFlag.MULTI_TAGS
    return request.sys_flag


def _is_worth_waiting(wait: str | None) -> bool:
    """Whether the sender wants to know that its message is safe (Message.isWaitStoreMsgOK:150)."""
    return wait is None or wait.lower() == "true"
