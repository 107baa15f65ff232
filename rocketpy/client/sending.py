"""Sending, as greenlets do it: choose a queue, ask its broker, try another one (DefaultMQProducerImpl.java:533-870)."""

from __future__ import annotations

import itertools
import logging
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rocketpy.client.checks import check_message
from rocketpy.client.errors import (
    ACCESS_BROKER_TIMEOUT,
    BROKER_NOT_EXIST,
    CONNECT_BROKER_FAILED,
    BrokerError,
    ClientError,
    MessageIllegal,
    see_faq,
)
from rocketpy.client.instance import Instance
from rocketpy.client.latency import Latency
from rocketpy.client.messages import REPLY_TYPE
from rocketpy.client.namespace import queue_without_namespace, with_namespace, without_namespace
from rocketpy.client.publish import Publish
from rocketpy.client.results import SEND_STATUS, SendResult, SendStatus
from rocketpy.clock import now_ms
from rocketpy.errors import ConnectError, ProtocolError, RemotingTimeout, RocketpyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.send import SendBatchMessage, SendMessage, SendMessageReply, SendReplyMessage
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.compression import compress
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.message import Message, encode_batch
from rocketpy.protocol.message_id import UniqueIds
from rocketpy.protocol.properties import join_properties
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC, RETRY_PREFIX

log = logging.getLogger(__name__)

Mode = Literal["sync", "async", "oneway"]
Selector = Callable[[Sequence[MessageQueue], Message], MessageQueue]

RETRY_CODES = frozenset({
    ResponseCode.TOPIC_NOT_EXIST, ResponseCode.SERVICE_NOT_AVAILABLE, ResponseCode.SYSTEM_ERROR,
    ResponseCode.NO_PERMISSION, ResponseCode.NO_BUYER_ID, ResponseCode.NOT_IN_CURRENT_UNIT,
})  # fmt: skip
"""Refusals after which another broker is tried (DefaultMQProducer.java:66)."""

_INT_MAX = (1 << 31) - 1
_RANGES = (
    ("retries", 0, _INT_MAX),
    ("async_retries", 0, _INT_MAX),
    ("max_message_size", 1, _INT_MAX),
    ("compress_over", 0, _INT_MAX),
    ("compress_level", 0, 9),
    ("default_topic_queues", 1, _INT_MAX),
)

COMPRESSIONS = {
    "ZLIB": MessageSysFlag.COMPRESSION_ZLIB,
    "LZ4": MessageSysFlag.COMPRESSION_LZ4,
    "ZSTD": MessageSysFlag.COMPRESSION_ZSTD,
}


@dataclass(frozen=True)
class SendSettings:
    """How to send; `Producer` says what each means."""

    retries: int = 2
    async_retries: int = 2
    retry_another_broker: bool = False
    retry_codes: frozenset[int] = RETRY_CODES
    max_message_size: int = 4 << 20
    compress_over: int = 4096
    compression: Literal["ZLIB", "LZ4", "ZSTD"] = "ZLIB"
    compress_level: int = 5
    create_topic_key: str = AUTO_CREATE_TOPIC
    default_topic_queues: int = 4
    send_latency_fault: bool = False

    def __post_init__(self) -> None:
        """Raises ClientError for a value that cannot be used."""
        if self.compression not in COMPRESSIONS:
            raise ClientError(f"compression is one of {', '.join(COMPRESSIONS)}, not {self.compression!r}")
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= most:
                raise ClientError(f"{name} is a number from {least} to {most}, not {value!r}")


@dataclass(frozen=True)
class Outgoing:
    """A message, or a batch of them, ready to go: `topic` has its namespace, `body` is compressed if it was large."""

    topic: str
    body: bytes
    properties: dict[str, str]
    flag: int
    sys_flag: int
    msg_id: str
    is_batch: bool = False


class Sender:
    """Sends for one group of one instance; to be used in its hub. Timeouts are in ms."""

    def __init__(self, instance: Instance, group: str, settings: SendSettings) -> None:
        self.instance = instance
        self.group = group
        self.settings = settings
        self._latency = Latency()
        self._ids = _unique_ids(instance.settings.ip)
        self.topics: set[str] = {settings.create_topic_key}
        self.on_sent: Callable[[Outgoing, str, SendResult, int], None] | None = None
        """Told of each message that was answered: to whom it went, what came of it, and when it began, in ms."""

    def prepare(self, message: Message, topic: str | None = None) -> Outgoing:
        """Check a message and make it ready. `topic` is where it goes if not to its own. Raises ClientError."""
        topic = with_namespace(self.instance.settings.namespace, topic or message.topic)
        settings = self.settings
        check_message(message, topic, settings.max_message_size)
        properties = self._properties(message)
        body, sys_flag = bytes(message.body), 0
        if len(body) >= settings.compress_over:
            kind = COMPRESSIONS[settings.compression]
            body, sys_flag = compress(body, kind, settings.compress_level), MessageSysFlag.COMPRESSED | kind
        if properties.get(names.TRANSACTION_PREPARED, "").lower() == "true":
            sys_flag |= MessageSysFlag.TRANSACTION_PREPARED
        return Outgoing(topic, body, properties, message.flag, sys_flag, properties[names.UNIQ_KEY])

    def prepare_batch(self, messages: Sequence[Message]) -> Outgoing:
        """The same for a batch, which is not compressed (DefaultMQProducer.batch:420)."""
        first = messages[0]
        topic = with_namespace(self.instance.settings.namespace, first.topic)
        ready = [
            Message(topic, bytes(one.body), flag=one.flag, properties=self._properties(one)) for one in messages
        ]
        for one in ready:
            check_message(one, topic, self.settings.max_message_size)
        try:
            body = encode_batch(ready)
        except (ProtocolError, UnicodeEncodeError) as error:
            raise MessageIllegal(f"the messages do not fit into a batch: {error}") from error
        if len(body) > self.settings.max_message_size:
            check_message(Message(topic, body), topic, self.settings.max_message_size)
        ids = ",".join(one.properties[names.UNIQ_KEY] for one in ready)
        properties = {names.WAIT_STORE_MSG_OK: "true" if first.wait_store_msg_ok else "false"}
        return Outgoing(topic, body, properties, 0, 0, ids, is_batch=True)

    def publish(self, topic: str) -> Publish:
        """The queues of `topic`, which has its namespace. Raises TopicNotFound."""
        self.topics.add(topic)
        return self.instance.routes.publish(
            topic, self.settings.create_topic_key, self.settings.default_topic_queues
        )

    def send(self, outgoing: Outgoing, mode: Mode, timeout_ms: float) -> SendResult | None:
        """To the next queue in turn, and if that fails to another one (sendDefaultImpl:533).

        Raises ClientError, or RemotingTimeout when the time was over before anybody could be asked.
        """
        started = now = time.monotonic()
        publish = self.publish(outgoing.topic)
        settings = self.settings
        attempts = 1 + {"sync": settings.retries, "async": settings.async_retries, "oneway": 0}[mode]
        queue: MessageQueue | None = None
        result: SendResult | None = None
        failure: RocketpyError | None = None
        asked: list[str | None] = [None] * attempts
        for number in range(attempts):
            queue = self._next_queue(publish, queue.broker_name if queue else None)
            asked[number] = queue.broker_name
            now = time.monotonic()
            left_ms = timeout_ms - (now - started) * 1000
            if left_ms < 0:
                raise RemotingTimeout("sendDefaultImpl call timeout") from failure
            try:
                result = self.send_to(outgoing, queue, mode, left_ms)
            except RocketpyError as error:
                self._note(queue, now, failed=True)
                log.warning("send to %s failed: %s", queue, error)
                failure = error
                if isinstance(error, BrokerError) and (mode != "sync" or error.code not in settings.retry_codes):
                    raise
                continue
            self._note(queue, now)
            if result is None or result.status == SendStatus.SEND_OK or not settings.retry_another_broker:
                return result
        if result is not None:
            return result
        raise _given_up(attempts, started, outgoing.topic, asked, failure) from failure

    def send_selected(
        self, outgoing: Outgoing, message: Message, selector: Selector, mode: Mode, timeout_ms: float
    ) -> SendResult | None:
        """To the queue that `selector` takes, once (sendSelectImpl:1083). Raises ClientError or RemotingError."""
        started = time.monotonic()
        namespace = self.instance.settings.namespace
        queues = self.publish(outgoing.topic).queues
        try:
            chosen = selector([queue_without_namespace(namespace, queue) for queue in queues], message)
        except Exception as error:
            raise ClientError("select message queue threw exception.") from error
        if chosen is None:
            raise ClientError("select message queue return null.")
        if not isinstance(chosen, MessageQueue):
            raise ClientError(f"select message queue return {chosen!r}, which is none.")
        left_ms = timeout_ms - (time.monotonic() - started) * 1000
        if left_ms < 0:
            raise RemotingTimeout("sendSelectImpl call timeout")
        return self.send_to(outgoing, chosen, mode, left_ms)

    def send_to(
        self, outgoing: Outgoing, queue: MessageQueue, mode: Mode, timeout_ms: float
    ) -> SendResult | None:
        """To one queue, once (sendKernelImpl:711). Raises BrokerError, ClientError or RemotingError."""
        address = self.instance.broker_address(queue.broker_name, outgoing.topic)
        header = self._header(outgoing, queue)
        started = now_ms()
        if mode == "oneway":
            self.instance.client.invoke_oneway(address, header, outgoing.body, timeout_ms)
            return None
        answer = self.instance.client.invoke(address, header, outgoing.body, timeout_ms)
        result = self._result(outgoing, queue.broker_name, answer, address)
        if self.on_sent is not None:
            self.on_sent(outgoing, address, result, started)
        return result

    def new_id(self) -> str:
        """An id that nothing else has."""
        return self._ids.create(now_ms())

    def _header(self, outgoing: Outgoing, queue: MessageQueue) -> SendMessage:
        properties = outgoing.properties
        times, most = "0", None
        if outgoing.topic.startswith(RETRY_PREFIX):
            times = properties.get(names.RECONSUME_TIME, "0")
            most = properties.get(names.MAX_RECONSUME_TIMES)
        kind: type[SendMessage] = SendMessage
        if properties.get(names.MESSAGE_TYPE) == REPLY_TYPE:
            kind = SendReplyMessage
        elif outgoing.is_batch:
            kind = SendBatchMessage
        return kind(
            producer_group=self.group,
            topic=outgoing.topic,
            default_topic=self.settings.create_topic_key,
            default_topic_queue_nums=self.settings.default_topic_queues,
            queue_id=queue.queue_id,
            sys_flag=outgoing.sys_flag,
            born_timestamp=now_ms(),
            flag=outgoing.flag,
            properties=join_properties(properties),
            reconsume_times=int(times),
            unit_mode=self.instance.settings.unit_mode,
            max_reconsume_times=None if most is None else int(most),
            batch=outgoing.is_batch,
            bname=queue.broker_name,
        )

    def _result(self, outgoing: Outgoing, broker_name: str, answer: Command, address: str) -> SendResult:
        """(MQClientAPIImpl.processSendResponse:622.)"""
        status = SEND_STATUS.get(answer.code)
        if status is None:
            raise BrokerError(answer.code, answer.remark, address)
        reply = SendMessageReply.decode(answer.ext_fields, answer.code)
        topic = without_namespace(self.instance.settings.namespace, outgoing.topic)
        fields = answer.ext_fields or {}
        return SendResult(
            status,
            outgoing.msg_id,
            reply.msg_id,
            MessageQueue(topic=topic, broker_name=broker_name, queue_id=reply.queue_id),
            reply.queue_offset,
            reply.transaction_id,
            reply.region_id or "DefaultRegion",
            fields.get(names.TRACE_SWITCH) != "false",
        )

    def _properties(self, message: Message) -> dict[str, str]:
        """Those of `message` with an id, with the namespace if there is one, and where Java says so whether to wait."""
        properties = dict(message.properties)
        if properties.get(names.MESSAGE_TYPE) != REPLY_TYPE and not message.topic.startswith(RETRY_PREFIX):
            properties.setdefault(names.WAIT_STORE_MSG_OK, "true")
        if names.UNIQ_KEY not in properties:
            properties[names.UNIQ_KEY] = self.new_id()
        if self.instance.settings.namespace is not None:
            properties[names.INSTANCE_ID] = self.instance.settings.namespace
        return properties

    def _next_queue(self, publish: Publish, last_broker: str | None) -> MessageQueue:
        if self.settings.send_latency_fault:
            return self._latency.next_queue(publish, time.monotonic() * 1000)
        return publish.next_queue(last_broker)

    def _note(self, queue: MessageQueue, started: float, *, failed: bool = False) -> None:
        if self.settings.send_latency_fault:
            now = time.monotonic()
            self._latency.note(queue.broker_name, (now - started) * 1000, now * 1000, failed=failed)


_senders = itertools.count()


def _unique_ids(ip: str) -> UniqueIds:
    """Ids that no other sender gives: in the place of the class loader's hash stands a number of its own."""
    number = next(_senders) ^ random.getrandbits(32)
    try:
        return UniqueIds(ip.strip("[]").partition("%")[0], os.getpid(), number)
    except OSError:  # a client may call itself anything
        return UniqueIds("127.0.0.1", os.getpid(), number)


def _given_up(
    attempts: int, started: float, topic: str, asked: list[str | None], failure: Exception | None
) -> ClientError:
    """(sendDefaultImpl:640-665.)"""
    took = int((time.monotonic() - started) * 1000)
    brokers = ", ".join("null" if name is None else name for name in asked)
    text = f"Send [{attempts}] times, still failed, cost [{took}]ms, Topic: {topic}, BrokersSent: [{brokers}]"
    code = -1
    if isinstance(failure, BrokerError):
        code = failure.code
    elif isinstance(failure, ConnectError):
        code = CONNECT_BROKER_FAILED
    elif isinstance(failure, RemotingTimeout):
        code = ACCESS_BROKER_TIMEOUT
    elif isinstance(failure, ClientError):
        code = BROKER_NOT_EXIST
    return ClientError(text + see_faq() + (f"\n{failure}" if failure is not None else ""), code)
