"""Sending, as greenlets do it: choose a queue, ask its broker, try another one (DefaultMQProducerImpl.java:533-870)."""

from __future__ import annotations

import itertools
import logging
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import gevent

from rocketpy.client.attempts import Attempts
from rocketpy.client.checks import check_message
from rocketpy.client.errors import BrokerError, ClientError, MessageIllegal
from rocketpy.client.instance import Instance
from rocketpy.client.latency import Latency
from rocketpy.client.messages import REPLY_TYPE
from rocketpy.client.namespace import queue_without_namespace, with_namespace, without_namespace
from rocketpy.client.publish import Publish
from rocketpy.client.results import SEND_STATUS, SendResult
from rocketpy.clock import now_ms
from rocketpy.errors import ProtocolError, RemotingError, RemotingTimeout, RocketpyError
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
Done = Callable[[SendResult | None, Exception | None], None]
"""Told what became of a send, in the hub, where it must not wait."""

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
        started = time.monotonic()
        publish = self.publish(outgoing.topic)
        left_ms = timeout_ms - (time.monotonic() - started) * 1000
        return self._go_on(outgoing, mode, Attempts(self, outgoing.topic, publish, mode, left_ms))

    def begin(
        self,
        outgoing: Outgoing,
        message: Message,
        queue: MessageQueue | None,
        selector: Selector | None,
        mode: Mode,
        timeout_ms: float,
        done: Done,
    ) -> bool:
        """Send as the other methods do, without a greenlet that waits; `done` is told in the hub.

        False, and nothing done, if something has to be waited for first. Raises ClientError.
        """
        instance = self.instance
        attempts: Attempts | None = None
        left_ms = timeout_ms
        if queue is None:
            publish = instance.routes.published(outgoing.topic)
            if publish is None:
                return False
            self.topics.add(outgoing.topic)
            if selector is not None:
                queue = self._selected(publish, message, selector)
            else:
                attempts = Attempts(self, outgoing.topic, publish, mode, timeout_ms)
                next_one = attempts.next_queue()
                assert next_one is not None
                queue, left_ms = next_one
        address = instance.known_address(queue.broker_name)
        connection = None if address is None else instance.client.connection(address)
        if address is None or connection is None:
            return False
        header = self._header(outgoing, queue)
        ended = partial(self._ended, outgoing, queue.broker_name, address, now_ms(), mode, attempts, done)
        instance.client.ask(connection, header, outgoing.body, left_ms, ended)
        return True

    def _ended(
        self,
        outgoing: Outgoing,
        broker_name: str,
        address: str,
        started: int,
        mode: Mode,
        attempts: Attempts | None,
        done: Done,
        answer: Command | RemotingError,
    ) -> None:
        """A request of `begin` was answered, or not."""
        try:
            if isinstance(answer, RemotingError):
                raise answer
            result = self._result(outgoing, broker_name, answer, address)
            if self.on_sent is not None:
                self.on_sent(outgoing, address, result, started)
            if attempts is None or attempts.is_enough(result):
                done(result, None)
                return
        except RocketpyError as error:
            try:
                if attempts is None:
                    raise
                attempts.failed(error)
            except RocketpyError as last_word:
                done(None, last_word)
                return
        gevent.spawn(tell, done, partial(self._go_on, outgoing, mode, attempts))

    def _go_on(self, outgoing: Outgoing, mode: Mode, attempts: Attempts) -> SendResult | None:
        """Try until it is enough. Raises ClientError or RemotingTimeout."""
        while (next_one := attempts.next_queue()) is not None:
            queue, left_ms = next_one
            try:
                result = self.send_to(outgoing, queue, mode, left_ms)
            except RocketpyError as error:
                attempts.failed(error)
                continue
            if attempts.is_enough(result):
                return result
        return attempts.outcome()

    def send_selected(
        self, outgoing: Outgoing, message: Message, selector: Selector, mode: Mode, timeout_ms: float
    ) -> SendResult | None:
        """To the queue that `selector` takes, once (sendSelectImpl:1083). Raises ClientError or RemotingError."""
        started = time.monotonic()
        chosen = self._selected(self.publish(outgoing.topic), message, selector)
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

    def choose(self, publish: Publish, last: MessageQueue | None) -> MessageQueue:
        """The next queue in turn, after a failure one of another broker (selectOneMessageQueue:56)."""
        if self.settings.send_latency_fault:
            return self._latency.next_queue(publish, time.monotonic() * 1000)
        return publish.next_queue(None if last is None else last.broker_name)

    def note(self, queue: MessageQueue, started: float, *, failed: bool = False) -> None:
        """How a send to the queue's broker ended that began at `started`, in seconds."""
        if self.settings.send_latency_fault:
            now = time.monotonic()
            self._latency.note(queue.broker_name, (now - started) * 1000, now * 1000, failed=failed)

    def _selected(self, publish: Publish, message: Message, selector: Selector) -> MessageQueue:
        """The queue that `selector` takes. Raises ClientError."""
        namespace = self.instance.settings.namespace
        try:
            chosen = selector([queue_without_namespace(namespace, queue) for queue in publish.queues], message)
        except Exception as error:
            raise ClientError("select message queue threw exception.") from error
        if chosen is None:
            raise ClientError("select message queue return null.")
        if not isinstance(chosen, MessageQueue):
            raise ClientError(f"select message queue return {chosen!r}, which is none.")
        return chosen

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


def tell(done: Done, sending: Callable[[], SendResult | None]) -> None:
    """Tell what `sending` comes to."""
    try:
        result = sending()
    except Exception as error:
        done(None, error)
    else:
        done(result, None)


_senders = itertools.count()


def _unique_ids(ip: str) -> UniqueIds:
    """Ids that no other sender gives: in the place of the class loader's hash stands a number of its own."""
    number = next(_senders) ^ random.getrandbits(32)
    try:
        return UniqueIds(ip.strip("[]").partition("%")[0], os.getpid(), number)
    except OSError:  # a client may call itself anything
        return UniqueIds("127.0.0.1", os.getpid(), number)
