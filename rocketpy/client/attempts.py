"""The tries of one send: which queue is next, and when it is enough (DefaultMQProducerImpl.sendDefaultImpl:533)."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from rocketpy.client.errors import (
    ACCESS_BROKER_TIMEOUT,
    BROKER_NOT_EXIST,
    CONNECT_BROKER_FAILED,
    BrokerError,
    ClientError,
    see_faq,
)
from rocketpy.client.publish import Publish
from rocketpy.client.results import SendResult, SendStatus
from rocketpy.errors import ConnectError, RemotingTimeout, RocketpyError
from rocketpy.protocol.api.route import MessageQueue

if TYPE_CHECKING:
    from rocketpy.client.sending import Mode, Sender

log = logging.getLogger(__name__)


class Attempts:
    """Of one message to `topic`, within `timeout_ms`."""

    __slots__ = (
        "_asked", "_began", "_failure", "_most", "_queue", "_result", "_sender", "_started", "_sync", "_timeout_ms",
        "_topic", "publish",
    )  # fmt: skip

    def __init__(self, sender: Sender, topic: str, publish: Publish, mode: Mode, timeout_ms: float) -> None:
        settings = sender.settings
        self.publish = publish
        self._sender = sender
        self._topic = topic
        self._timeout_ms = timeout_ms
        self._most = 1 + (settings.retries if mode == "sync" else settings.async_retries if mode == "async" else 0)
        self._sync = mode == "sync"
        self._started = self._began = time.monotonic()
        self._queue: MessageQueue | None = None
        self._asked: list[str] = []
        self._failure: RocketpyError | None = None
        self._result: SendResult | None = None

    def next_queue(self) -> tuple[MessageQueue, float] | None:
        """Where to send next, and how many ms are left; None when there were enough tries.

        Raises RemotingTimeout when no time is left.
        """
        if len(self._asked) == self._most:
            return None
        queue = self._queue = self._sender.choose(self.publish, self._queue)
        self._asked.append(queue.broker_name)
        self._began = time.monotonic()
        left_ms = self._timeout_ms - (self._began - self._started) * 1000
        if left_ms < 0:
            raise RemotingTimeout("sendDefaultImpl call timeout") from self._failure
        return queue, left_ms

    def failed(self, error: RocketpyError) -> None:
        """The last one failed. Raises the error when that is the broker's last word."""
        assert self._queue is not None
        self._sender.note(self._queue, self._began, failed=True)
        log.warning("send to %s failed: %s", self._queue, error)
        self._failure = error
        if isinstance(error, BrokerError) and not (self._sync and error.code in self._sender.settings.retry_codes):
            raise error

    def is_enough(self, result: SendResult | None) -> bool:
        """Whether the last one ended well enough."""
        assert self._queue is not None
        self._sender.note(self._queue, self._began)
        self._result = result
        if result is None or result.status == SendStatus.SEND_OK:
            return True
        return not self._sender.settings.retry_another_broker

    def outcome(self) -> SendResult:
        """What there is in the end. Raises ClientError where that is nothing (:640-665)."""
        if self._result is not None:
            return self._result
        took = int((time.monotonic() - self._started) * 1000)
        asked = ", ".join(self._asked)
        text = f"Send [{len(self._asked)}] times, still failed, cost [{took}]ms, Topic: {self._topic}"
        text += f", BrokersSent: [{asked}]{see_faq()}"
        failure = self._failure
        if failure is not None:
            text += f"\n{failure}"
        raise ClientError(text, _code_of(failure)) from failure


def _code_of(failure: RocketpyError | None) -> int:
    if isinstance(failure, BrokerError):
        return failure.code
    if isinstance(failure, ConnectError):
        return CONNECT_BROKER_FAILED
    if isinstance(failure, RemotingTimeout):
        return ACCESS_BROKER_TIMEOUT
    return BROKER_NOT_EXIST if isinstance(failure, ClientError) else -1
