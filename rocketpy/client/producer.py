"""Producers (DefaultMQProducer.java, TransactionMQProducer.java)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, Literal, Unpack

import gevent
from gevent.event import Event

from rocketpy.client.batches import check_batch, split_batch
from rocketpy.client.errors import ClientError, NotRunning
from rocketpy.client.hub import wait
from rocketpy.client.instance import Instance
from rocketpy.client.member import Member, settings_of
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import queue_with_namespace, without_namespace
from rocketpy.client.results import SendResult, TransactionSendResult
from rocketpy.client.selectors import by_sharding_key
from rocketpy.client.sending import RETRY_CODES, Mode, Outgoing, Selector, Sender, SendSettings, tell
from rocketpy.client.settings import ClientOptions
from rocketpy.client.trace import Trace
from rocketpy.client.transactions import TransactionChecks, TransactionListener, end_transaction, execute
from rocketpy.client.user_code import UserCode
from rocketpy.errors import RocketpyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.transaction import CheckTransactionState
from rocketpy.protocol.message import Message
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC, TRACE_TOPIC
from rocketpy.remoting import app

log = logging.getLogger(__name__)


class Producer(Member):
    """Sends messages for a group.

        with Producer("orders", namesrv="127.0.0.1:9876") as producer:
            result = producer.send(Message("Order", b"...", tags="new", keys="4711"))

    A message that is given stays as it is; the id that it gets stands in the result.
    """

    def __init__(
        self,
        group: str,
        *,
        send_timeout: float = 3.0,
        retries: int = 2,
        async_retries: int = 2,
        retry_another_broker: bool = False,
        retry_codes: frozenset[int] = RETRY_CODES,
        max_message_size: int = 4 << 20,
        compress_over: int = 4096,
        compression: Literal["ZLIB", "LZ4", "ZSTD"] = "ZLIB",
        compress_level: int = 5,
        create_topic_key: str = AUTO_CREATE_TOPIC,
        default_topic_queues: int = 4,
        send_latency_fault: bool = False,
        transaction_listener: TransactionListener | None = None,
        check_threads: int = 1,
        trace: bool | str = False,
        **client: Unpack[ClientOptions],
    ) -> None:
        """`send_timeout` covers all tries of a send, in seconds.

        A send that fails is tried at other brokers, `retries` times, also when the broker's answer is one of
        `retry_codes`, and with `retry_another_broker` when it is not SEND_OK; one that is sent asynchronously
        `async_retries` times, unless a broker refused it. Bodies of `compress_over` bytes are compressed.
        A topic that does not exist is created like `create_topic_key` with at most `default_topic_queues` queues a
        broker, where brokers do so. `send_latency_fault`: brokers that were slow are left alone for a while.
        `check_threads` run the listener's checks. `trace` tells the brokers of each message: True in their own topic
        for that, a text in the topic of that name. For the rest see `ClientSettings`.

        Raises ClientError for values that cannot be used.
        """
        super().__init__(group, settings_of(client))
        self.send_timeout = send_timeout
        self.transaction_listener = transaction_listener
        self._check_threads = check_threads
        self._trace_topic = trace
        self._trace: Trace | None = None
        self._settings = SendSettings(
            retries, async_retries, retry_another_broker, retry_codes, max_message_size, compress_over, compression,
            compress_level, create_topic_key, default_topic_queues, send_latency_fault,
        )  # fmt: skip
        self._sender: Sender | None = None
        self._user_code: UserCode | None = None
        self._checks: TransactionChecks | None = None
        self._under_way = 0
        self._all_sent: Event | None = None
        """Set when nothing is under way any more; there is one while the producer stops."""

    def send(
        self,
        message: Message,
        *,
        queue: MessageQueue | None = None,
        sharding_key: str | int | None = None,
        selector: Selector | None = None,
        timeout: float | None = None,
    ) -> SendResult:
        """Send and wait for the answer: to the next queue in turn, to `queue`, to the queue that all messages with
        `sharding_key` go to, or to the one that `selector(queues, message)` takes.

        Only in the first case are other brokers tried. `selector` is called in the client's own thread and must not
        wait. `timeout` is in seconds, instead of `send_timeout`.

        Raises TopicNotFound, MessageIllegal, BrokerError, or another ClientError or RemotingError.
        """
        instance = self._running()
        chosen = _selector(queue, sharding_key, selector)
        if not instance.is_callers:
            return wait(self._post(message, "sync", queue, chosen, timeout))
        result = self._run(self._send, message, "sync", queue, chosen, timeout)
        assert result is not None
        return result

    def send_async(
        self,
        message: Message,
        *,
        queue: MessageQueue | None = None,
        sharding_key: str | int | None = None,
        selector: Selector | None = None,
        timeout: float | None = None,
    ) -> Future[SendResult]:
        """The same without waiting: the future gets the result, or what `send` would raise.

        Callbacks of the future run in the client's own thread and must not wait.
        """
        chosen = _selector(queue, sharding_key, selector)
        if not self._running().is_callers:
            return self._post(message, "async", queue, chosen, timeout)
        return self._begin(self._send_async, message, queue, chosen, timeout)

    def send_oneway(
        self,
        message: Message,
        *,
        queue: MessageQueue | None = None,
        sharding_key: str | int | None = None,
        selector: Selector | None = None,
    ) -> None:
        """Send without an answer: nobody tells whether it arrived. Raises as `send` does when it cannot be sent."""
        chosen = _selector(queue, sharding_key, selector)
        self._run(self._send, message, "oneway", queue, chosen, None)

    def send_batch(
        self, messages: Iterable[Message], *, queue: MessageQueue | None = None, timeout: float | None = None
    ) -> list[SendResult]:
        """Send messages of one topic in as few requests as `max_message_size` allows; a result for each request.

        Raises ClientError if they do not go together: see MessageBatch.java. After a failure those before are sent.
        """
        batches = split_batch(check_batch(messages), self._settings.max_message_size)
        return [self._run(self._send_batch, batch, "sync", queue, timeout) for batch in batches]

    def send_batch_async(
        self, messages: Iterable[Message], *, queue: MessageQueue | None = None, timeout: float | None = None
    ) -> list[Future[SendResult]]:
        """The same without waiting: a future for each request."""
        batches = split_batch(check_batch(messages), self._settings.max_message_size)
        return [self._begin(self._send_batch, batch, "async", queue, timeout) for batch in batches]

    def request(
        self,
        message: Message,
        *,
        timeout: float,
        queue: MessageQueue | None = None,
        sharding_key: str | int | None = None,
        selector: Selector | None = None,
    ) -> ReceivedMessage:
        """Send, and wait up to `timeout` seconds for the reply that a consumer makes with `create_reply`.

        Raises RequestTimeout when there is none, ClientError when the request cannot be sent.
        """
        chosen = _selector(queue, sharding_key, selector)
        return self._run(self._request, message, timeout, queue, chosen)

    def request_async(
        self,
        message: Message,
        *,
        timeout: float,
        queue: MessageQueue | None = None,
        sharding_key: str | int | None = None,
        selector: Selector | None = None,
    ) -> Future[ReceivedMessage]:
        """The same without waiting."""
        chosen = _selector(queue, sharding_key, selector)
        return self._begin(self._request, message, timeout, queue, chosen)

    def send_in_transaction(self, message: Message, arg: Any = None) -> TransactionSendResult:
        """Send a half message, have the listener execute its local transaction, and tell the broker the outcome.

        The message is delivered only if that is COMMIT_MESSAGE. Raises ClientError when the half message cannot be
        sent; what the listener raises counts as UNKNOW.
        """
        listener = self.transaction_listener
        if listener is None:
            raise ClientError("TransactionListener is null")
        half = Message(message.topic, message.body, flag=message.flag, properties=message.properties)
        half.properties.pop(names.DELAY_TIME_LEVEL, None)
        half.properties |= {names.TRANSACTION_PREPARED: "true", names.PRODUCER_GROUP: self.group}
        result = self._run(self._send, half, "sync", None, None, None)
        assert result is not None
        half.properties[names.UNIQ_KEY] = result.msg_id
        if result.transaction_id is not None:
            half.properties["__transactionId__"] = result.transaction_id
        state, failure = execute(listener, half, arg, result.status)
        try:
            timeout_ms = self.send_timeout * 1000
            self._run(end_transaction, self._sending(), half, result, state, failure, timeout_ms, self._trace)
        except RocketpyError as error:
            log.warning("local transaction execute %s, but end broker transaction failed: %s", state, error)
        return TransactionSendResult(**vars(result), local_state=state)

    # -- in the instance's hub

    def topics(self) -> list[str]:
        """The topics sent to; for the instance."""
        return [] if self._sender is None else list(self._sender.topics)

    def check_transaction(self, address: str, message: ReceivedMessage, header: CheckTransactionState) -> None:
        """The broker at `address` asks what became of a half message; for the instance."""
        if self._checks is None:
            log.warning("group %s has no transaction listener to check %s", self.group, header.transaction_id)
            return
        message.topic = without_namespace(self.settings.namespace, message.topic)
        self._checks.check(address, message, header)

    def _enter(self, instance: Instance) -> None:
        instance.join(producer=self)
        self._sender = Sender(instance, self.group, self._settings)
        if self._trace_topic:
            topic = TRACE_TOPIC if self._trace_topic is True else self._trace_topic
            self._trace = Trace(instance, self.group, "PRODUCE", topic)
            self._sender.on_sent = self._trace.sent
        if self.transaction_listener is not None:
            self._user_code = instance.threads(self._check_threads, f"TransactionCheckThread_{self.group}")
            self._checks = TransactionChecks(self._sender, self.transaction_listener, self._user_code, self._trace)

    def _leave(self, instance: Instance) -> None:
        self._all_sent = Event()
        instance.inbox.drain()
        gevent.sleep(0)  # what was begun just before begins now
        if self._under_way:
            self._all_sent.wait(timeout=self.send_timeout)
        self._sender = None
        if self._trace is not None:
            self._trace.stop()
        instance.leave(producer=self)
        if self._user_code is not None:
            self._user_code.stop(self.send_timeout)

    def _sending(self) -> Sender:
        """What sends, also while the producer stops and lets go only what was begun before."""
        sender = self._sender
        if sender is None:
            self._running()
            raise NotRunning(f"{self.group} was stopped meanwhile")
        return sender

    def _timeout_ms(self, timeout: float | None) -> float:
        return (self.send_timeout if timeout is None else timeout) * 1000

    def _send(
        self, message: Message, mode: Mode, queue: MessageQueue | None, selector: Selector | None, timeout: float | None
    ) -> SendResult | None:
        sender = self._sending()
        self._under_way += 1
        try:
            outgoing, queue = self._prepared(sender, message, queue)
            return _sent(sender, outgoing, message, queue, selector, mode, self._timeout_ms(timeout))
        finally:
            self._settled()

    def _post(
        self, message: Message, mode: Mode, queue: MessageQueue | None, selector: Selector | None, timeout: float | None
    ) -> Future[SendResult]:
        """Have a message sent, from another thread than the client's."""
        result: Future[SendResult] = Future()
        try:
            self._running().inbox.post(partial(self._send_quickly, result, message, mode, queue, selector, timeout))
        except app.NotRunning as error:
            raise NotRunning(f"{self.group} was stopped meanwhile") from error
        return result

    def _send_quickly(
        self,
        result: Future[SendResult],
        message: Message,
        mode: Mode,
        queue: MessageQueue | None,
        selector: Selector | None,
        timeout: float | None,
    ) -> None:
        """In the hub itself, without a greenlet, unless something has to be waited for before the answer."""
        instance = self._instance
        if not result.set_running_or_notify_cancel():
            return
        assert instance is not None
        self._under_way += 1

        def done(found: SendResult | None, error: Exception | None) -> None:
            self._settled()
            instance.tell(result, found, error)

        try:
            sender = self._sending()
            outgoing, queue = self._prepared(sender, message, queue)
            timeout_ms = self._timeout_ms(timeout)
            if not sender.begin(outgoing, message, queue, selector, mode, timeout_ms, done):
                sending = partial(_sent, sender, outgoing, message, queue, selector, mode, timeout_ms)
                gevent.spawn(tell, done, sending)
        except Exception as error:
            done(None, error)

    def _prepared(
        self, sender: Sender, message: Message, queue: MessageQueue | None
    ) -> tuple[Outgoing, MessageQueue | None]:
        """The message ready to go, and the queue with its namespace. Raises ClientError."""
        outgoing = sender.prepare(message)
        if queue is not None:
            queue = queue_with_namespace(self.settings.namespace, queue)
            if outgoing.topic != queue.topic:
                raise ClientError("message's topic not equal mq's topic")
            sender.topics.add(outgoing.topic)
        return outgoing, queue

    def _send_async(
        self, message: Message, queue: MessageQueue | None, selector: Selector | None, timeout: float | None
    ) -> SendResult:
        result = self._send(message, "async", queue, selector, timeout)
        assert result is not None
        return result

    def _send_batch(
        self, batch: list[Message], mode: Mode, queue: MessageQueue | None, timeout: float | None
    ) -> SendResult:
        sender = self._sending()
        outgoing = sender.prepare_batch(batch)
        timeout_ms = self._timeout_ms(timeout)
        self._under_way += 1
        try:
            if queue is None:
                result = sender.send(outgoing, mode, timeout_ms)
            else:
                queue = queue_with_namespace(self.settings.namespace, queue)
                result = sender.send_to(outgoing, queue, mode, timeout_ms)
        finally:
            self._settled()
        assert result is not None
        return result

    def _settled(self) -> None:
        """One that was under way is not any more."""
        self._under_way -= 1
        if self._all_sent is not None and not self._under_way:
            self._all_sent.set()

    def _request(
        self, message: Message, timeout: float, queue: MessageQueue | None, selector: Selector | None
    ) -> ReceivedMessage:
        sender = self._sending()
        if queue is not None:
            queue = queue_with_namespace(self.settings.namespace, queue)
        return sender.instance.pushes.requests.ask(sender, message, timeout * 1000, queue, selector)


def _selector(
    queue: MessageQueue | None, sharding_key: str | int | None, selector: Selector | None
) -> Selector | None:
    if sum(given is not None for given in (queue, sharding_key, selector)) > 1:
        raise ClientError("only one of queue, sharding_key and selector can say where a message goes")
    return by_sharding_key(sharding_key) if sharding_key is not None else selector


def _sent(
    sender: Sender,
    outgoing: Outgoing,
    message: Message,
    queue: MessageQueue | None,
    selector: Selector | None,
    mode: Mode,
    timeout_ms: float,
) -> SendResult | None:
    """Send in a greenlet that waits. Raises ClientError or RemotingError."""
    if queue is not None:
        return sender.send_to(outgoing, queue, mode, timeout_ms)
    if selector is not None:
        return sender.send_selected(outgoing, message, selector, mode, timeout_ms)
    return sender.send(outgoing, mode, timeout_ms)
