"""The producer (`rocketmq.client.Producer`)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from rocketpy import client
from rocketpy.client.errors import BrokerError
from rocketpy.client.sending import Selector
from rocketpy.compat_client.arguments import as_bytes, as_int, as_text
from rocketpy.compat_client.exceptions import (
    ProducerSendAsyncFailed,
    ProducerSendOnewayFailed,
    ProducerSendOrderlyFailed,
    ProducerSendSyncFailed,
    ProducerStartFailed,
    failing_as,
)
from rocketpy.compat_client.member import Member
from rocketpy.compat_client.messages import Message, plain
from rocketpy.compat_client.queue_choice import (
    NextBroker,
    QueueSelector,
    by_callback,
    by_sharding_key,
    hashing_queue_selector,
)
from rocketpy.compat_client.results import SendResult, sent
from rocketpy.errors import RemotingError, RocketpyError

log = logging.getLogger(__name__)

_RETRIES = 4
"""librocketmq tries five times in all (DefaultMQProducerImpl.cpp:48)."""
_SHARDING_RETRIES = 3
_ZLIBS_CHOICE = 6
"""The level that -1 stands for."""


class Producer(Member[client.Producer]):
    """Sends messages for a group. Every producer may send in order, whatever `orderly` says.

    `timeout` is in ms, for all tries of a send, 3000 unless set; `compress_level` is zlib's, 5 unless set;
    `max_message_size` is in bytes, 128 KiB unless set.
    """

    _start_failure = ProducerStartFailed

    def __init__(
        self,
        group_id: str | bytes,
        orderly: bool = False,
        timeout: int | None = None,
        compress_level: int | None = None,
        max_message_size: int | None = None,
    ) -> None:
        super().__init__(group_id)
        self._timeout = 3000
        self._compress_level = 5
        self._max_message_size = 128 << 10
        self._trace = False
        self._callers: ThreadPoolExecutor | None = None
        if timeout is not None:
            self.set_timeout(timeout)
        if compress_level is not None:
            self.set_compress_level(compress_level)
        if max_message_size is not None:
            self.set_max_message_size(max_message_size)

    def send_sync(self, msg: Message) -> SendResult:
        """Send and wait for the answer; other brokers are tried. Raises ProducerSendSyncFailed."""
        given = plain(msg)
        with failing_as(ProducerSendSyncFailed):
            return sent(self._member().send(given))

    def send_oneway(self, msg: Message) -> None:
        """Send without an answer. Raises ProducerSendOnewayFailed when it cannot be sent."""
        given = plain(msg)
        with failing_as(ProducerSendOnewayFailed):
            self._member().send_oneway(given)

    def send_orderly_with_sharding_key(self, msg: Message, sharding_key: str | bytes) -> SendResult:
        """Send to the queue of that key, or to another broker if that fails. Raises ProducerSendOrderlyFailed."""
        return self._send_chosen(msg, by_sharding_key(as_bytes(sharding_key)), _SHARDING_RETRIES)

    def send_orderly(
        self,
        msg: Message,
        arg: int,
        retry_times: int = 3,
        queue_selector: QueueSelector = hashing_queue_selector,
    ) -> SendResult:
        """Send to the queue that `queue_selector` names, or to another broker if that fails.

        Raises ProducerSendOrderlyFailed.
        """
        return self._send_chosen(msg, by_callback(queue_selector, arg), as_int(retry_times))

    def send_oneway_orderly(
        self, msg: Message, arg: int, queue_selector: QueueSelector = hashing_queue_selector
    ) -> None:
        """The same without an answer. Raises ProducerSendOnewayFailed when it cannot be sent."""
        given = plain(msg)
        with failing_as(ProducerSendOnewayFailed):
            self._member().send_oneway(given, selector=by_callback(queue_selector, arg))

    def send_batch(self, msgs: Sequence[Message]) -> SendResult:
        """Send messages of one topic together. Raises AssertionError for none, ProducerSendSyncFailed."""
        assert len(msgs) > 0, "Batch message length should be greater than 0"
        given = [plain(msg) for msg in msgs]
        with failing_as(ProducerSendSyncFailed):
            return sent(*self._member().send_batch(given))

    def send_async(
        self,
        msg: Message,
        success_callback: Callable[[SendResult], object] | None,
        exception_callback: Callable[[ProducerSendAsyncFailed], object] | None,
    ) -> None:
        """Send without waiting; one of the two is called in a thread. Raises ProducerSendAsyncFailed if not running."""
        given = plain(msg)
        try:
            future = self._member().send_async(given)
        except RocketpyError as error:
            raise _async_failure(error) from error
        callers = self._callers
        if callers is None:
            callers = self._callers = ThreadPoolExecutor(thread_name_prefix="send_async")

        def tell(done: Future[client.SendResult]) -> None:
            try:
                error = done.exception()
                if error is None:
                    if success_callback:
                        success_callback(sent(done.result()))
                elif exception_callback:
                    exception_callback(_async_failure(error))
            except Exception:
                log.exception("a callback of send_async failed")

        future.add_done_callback(lambda done: callers.submit(tell, done))

    def shutdown(self) -> None:
        """Finish what is under way and disconnect."""
        super().shutdown()
        callers, self._callers = self._callers, None
        if callers is not None:
            callers.shutdown(wait=False)

    def set_group(self, group_name: str | bytes) -> None:
        """The group, instead of the one it was made with."""
        self._group = as_text(group_name)

    def set_timeout(self, timeout: int) -> None:
        """How long a send may take, in ms; counts at once."""
        self._timeout = as_int(timeout)
        if self._running is not None:
            self._running.send_timeout = self._timeout / 1000

    def set_compress_level(self, level: int) -> None:
        """0 to 9, or -1 for zlib's own choice, for bodies of 4 KiB and more. Raises ProducerStartFailed."""
        if not -1 <= as_int(level) <= 9:
            raise ProducerStartFailed(f"the compress level is from -1 to 9, not {level}")
        self._compress_level = _ZLIBS_CHOICE if level == -1 else int(level)

    def set_max_message_size(self, max_size: int) -> None:
        """The most bytes that a body may have."""
        self._max_message_size = as_int(max_size)

    def set_message_trace(self, message_trace: bool) -> None:
        """Whether to tell the brokers of each message."""
        self._trace = bool(message_trace)

    def _made(self) -> client.Producer:
        return client.Producer(self._group, **self._sending())

    def _sending(self) -> dict[str, Any]:
        return {
            "send_timeout": self._timeout / 1000,
            "retries": _RETRIES,
            "max_message_size": self._max_message_size,
            "compress_level": self._compress_level,
            "trace": self._trace,
            **self._options,
        }

    def _send_chosen(self, msg: Message, choose: Selector, retry_times: int) -> SendResult:
        given = plain(msg)
        selector = NextBroker(choose)
        with failing_as(ProducerSendOrderlyFailed):
            producer = self._member()
            for _ in range(retry_times):
                try:
                    return sent(producer.send(given, selector=selector))
                except (BrokerError, RemotingError):
                    continue
            return sent(producer.send(given, selector=selector))


def _async_failure(error: BaseException) -> ProducerSendAsyncFailed:
    code = getattr(error, "code", -1)
    failure = ProducerSendAsyncFailed(str(error), int(code), "", 0, type(error).__name__)
    failure.__cause__ = error
    return failure
