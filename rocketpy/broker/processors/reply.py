"""SEND_REPLY_MESSAGE: the answer to a request message, pushed to who asked (ReplyMessageProcessor.java).

The requester is a producer; its id is in the property REPLY_TO_CLIENT. The reply is stored as well, pushed or not, and
unlike other messages with its properties as they came.
"""

from __future__ import annotations

import logging
from typing import Final

from rocketpy.broker.appender import Appender, host_of
from rocketpy.broker.producers import ProducerTable
from rocketpy.broker.send_answers import SendAnswers, StoredHeader
from rocketpy.broker.send_checks import SendChecks, random_queue
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import RemotingError, ReplyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.send import PushReplyMessage, SendReplyMessage
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.properties import java_order, split_properties
from rocketpy.protocol.record import Record, decode_host
from rocketpy.remoting.connection import Connection, address_text
from rocketpy.remoting.router import handles
from rocketpy.store.results import PutStatus

log = logging.getLogger(__name__)

_PUSH_TIMEOUT_MS: Final = 10_000


class ReplyProcessor:
    """Hands replies on. `store_host` is this broker's address, in the form of the log."""

    def __init__(
        self,
        config: BrokerConfig,
        producers: ProducerTable,
        checks: SendChecks,
        appender: Appender,
        answers: SendAnswers,
        store_host: bytes,
        clock: Clock,
    ) -> None:
        self._config = config
        self._producers = producers
        self._checks = checks
        self._appender = appender
        self._answers = answers
        self._store_host = store_host
        self._clock = clock

    @handles(SendReplyMessage, spawn=True)
    def send_reply(self, peer: Connection, request: SendReplyMessage, command: Command) -> Reply:
        """Push the body to the requester and store it; a push that fails is an error, though with a message id."""
        try:
            topic = self._checks.topic(peer, request, self._clock())
            queue_id = request.queue_id if request.queue_id >= 0 else random_queue(topic)
        except ReplyError as error:
            error.header = self._answers.refusal_header()
            raise
        properties = split_properties(request.properties)
        failure = self._push(peer, request, command.body, properties)
        header = self._store(peer, request, command.body, queue_id, properties)
        if failure is not None:
            log.warning("%s", failure)
            return Reply(ResponseCode.SYSTEM_ERROR, header or self._answers.refusal_header(), remark=failure)
        return Reply(ResponseCode.SUCCESS, header or self._answers.header("0", queue_id, 0))

    def _push(
        self, peer: Connection, request: SendReplyMessage, body: bytes, properties: dict[str, str]
    ) -> str | None:
        """Ask the requester to take the reply, and wait until it has; what went wrong, or None."""
        client_id = properties.get(names.REPLY_TO_CLIENT)
        if client_id is None:
            return f"reply message properties[{names.REPLY_TO_CLIENT}] is null"
        client = self._producers.find(client_id)
        if client is None:
            return f"push reply message fail, channel of <{client_id}> not found."
        now = self._clock()
        properties[names.PUSH_REPLY_TIME] = str(now)
        push = PushReplyMessage(
            producer_group=request.producer_group,
            topic=request.topic,
            default_topic=request.default_topic,
            default_topic_queue_nums=request.default_topic_queue_nums,
            queue_id=request.queue_id,
            sys_flag=request.sys_flag,
            born_timestamp=request.born_timestamp,
            flag=request.flag,
            properties=java_order(properties),
            reconsume_times=request.reconsume_times,
            unit_mode=request.unit_mode,
            born_host=peer.remote_address,
            store_host=address_text(decode_host(self._store_host)),
            store_timestamp=now,
        )
        try:
            code = client.peer.invoke(push, body, _PUSH_TIMEOUT_MS).code
        except RemotingError as error:
            log.warning("%s", error)
            code = ResponseCode.SYSTEM_ERROR
        return None if code == ResponseCode.SUCCESS else f"push reply message to {client_id}fail."

    def _store(
        self, peer: Connection, request: SendReplyMessage, body: bytes, queue_id: int, properties: dict[str, str]
    ) -> StoredHeader | None:
        """Store the reply unless the broker is told not to; where it went, or None."""
        if not self._config.store_reply_message_enable:
            return None
        record = Record(
            request.topic,
            queue_id,
            body,
            (request.properties or "").encode(),
            flag=request.flag,
            born_timestamp=request.born_timestamp,
            born_host=host_of(peer.remote_address),
            store_host=self._store_host,
            reconsume_times=request.reconsume_times or 0,
        )
        record.read_properties()
        result = self._appender.append(record, properties, self._clock())
        if result.status is not PutStatus.PUT_OK:
            log.warning("a reply is not stored: %s", result.status.name)
            return None
        return self._answers.header(result.msg_id, queue_id, result.queue_offset)
