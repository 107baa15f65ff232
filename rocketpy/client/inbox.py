"""Calls that other threads want to be made in a hub: cheaper than a greenlet each, for functions that do not wait."""

from __future__ import annotations

import logging
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from typing import Any

from gevent.hub import get_hub

from rocketpy.remoting.app import NotRunning

log = logging.getLogger(__name__)


class Inbox:
    """Calls for the hub of the thread that makes this, in the order in which they were posted."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._posting = allocate_lock()
        self._told = False
        """Whether the hub was told that there is something. Threads may see it late, which costs a needless word."""
        self._watcher: Any = get_hub().loop.async_()
        self._watcher.start(self._take)

    def post(self, call: Callable[[], None]) -> None:
        """Have `call` made in the hub itself, where it must not wait; from any thread. Raises NotRunning."""
        with self._posting:
            watcher = self._watcher
            if watcher is None:
                raise NotRunning("nobody takes calls any more")
            self._calls.append(call)
            if not self._told:
                self._told = True
                watcher.send()

    def drain(self) -> None:
        """Make what was posted up to now; in the hub."""
        calls = self._calls
        for _ in range(len(calls)):  # others have their turn before what is posted meanwhile
            call = calls.popleft()
            try:
                call()
            except Exception:
                log.exception("%r failed", call)

    def close(self) -> None:
        """Make what was posted, and take nothing more; in the hub."""
        with self._posting:
            watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()
        self.drain()

    def _take(self) -> None:
        self._told = False
        self.drain()
        if self._calls and not self._told and self._watcher is not None:
            self._told = True
            self._watcher.send()
