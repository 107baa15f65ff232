"""Greenlets that are lent to connections for as long as these have something to do.

A greenlet per connection would have to exist while the connection is idle, which is nearly always; and running the
handlers in the event loop's own greenlet would forbid them to wait. So a readable socket gets a worker, and gives it
back when its input is handled: ten thousand idle connections cost no greenlet, and a handler that waits keeps its
worker and with it only its own connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
from gevent.hub import get_hub
from greenlet import greenlet

log = logging.getLogger(__name__)

MOST_IDLE = 32
"""Workers kept for the next readable socket; more exist only while handlers wait."""


class Workers:
    """Runs callables in greenlets of one hub, without making a new greenlet each time."""

    __slots__ = ("_hub", "_idle", "_most_idle")

    def __init__(self) -> None:
        self._hub = get_hub()
        self._idle: list[greenlet] = []
        self._most_idle = MOST_IDLE

    def run(self, work: Callable[[], None]) -> None:
        """Run `work` at once, up to where it waits; to be called by the event loop itself, as a watcher's callback."""
        worker = self._idle.pop() if self._idle else greenlet(self._serve, self._hub)
        worker.switch(work)

    def stop(self) -> None:
        """Let the workers go: the idle ones end here, as nothing refers to them any more, the others when done."""
        self._most_idle = 0
        self._idle.clear()

    def _serve(self, work: Callable[[], None]) -> None:
        wait_work = self._hub.switch
        while True:
            try:
                work()
            except (Exception, gevent.Timeout):
                log.exception("%r failed", work)
            if len(self._idle) >= self._most_idle:
                return
            self._idle.append(gevent.getcurrent())
            work = wait_work()
