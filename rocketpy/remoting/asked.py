"""Requests under way, and who is told their answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from rocketpy.errors import RemotingError, RemotingTimeout
from rocketpy.protocol.command import Command

if TYPE_CHECKING:
    from rocketpy.remoting.connection import Connection

log = logging.getLogger(__name__)

Callback = Callable[[Command | RemotingError], None]


class Waiting(Protocol):
    """Who waits for an answer: an AsyncResult, or whoever does not want a greenlet to wait."""

    def set(self, value: Command) -> None:
        """The answer."""

    def set_exception(self, exception: BaseException) -> None:
        """There will be none."""


class Asked:
    """A request without a greenlet that waits for its answer."""

    __slots__ = ("_callback", "_others", "connection", "deadline", "name", "opaque", "timeout_ms")

    def __init__(
        self, others: set[Asked], connection: Connection, callback: Callback, name: str, timeout_ms: float
    ) -> None:
        self._others = others
        self._callback = callback
        self.connection = connection
        self.name = name
        self.timeout_ms = timeout_ms
        self.deadline = monotonic() + timeout_ms / 1000
        self.opaque = 0

    def set(self, value: Command) -> None:
        """The answer came."""
        self._tell(value)

    def set_exception(self, exception: BaseException) -> None:
        """It did not."""
        assert isinstance(exception, RemotingError)
        self._tell(exception)

    def _tell(self, outcome: Command | RemotingError) -> None:
        self._others.discard(self)
        try:
            self._callback(outcome)
        except Exception:
            log.exception("%r failed", self._callback)


def late(connection: Connection, name: str, timeout_ms: float) -> RemotingTimeout:
    """What is wrong when the answer to a request of that name did not come in time."""
    return RemotingTimeout(f"{name} to <{connection.remote_address}>: no answer within {timeout_ms:.0f} ms")
