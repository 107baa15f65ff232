"""The store's blocking work - syncing files, reserving room on the disk - in threads of the pool; the timer's, too.

The store says what is due; a thread does it; the hub hands it back. At a stop everything that is under way is waited
for: a file must not be closed while it is being synced.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar

import gevent
from gevent import Greenlet
from gevent.event import Event

from rocketpy.clock import Clock, now_ms

STEP_MS: Final = 100
"""How often the store is asked; what it does then its keys say."""

_log = logging.getLogger("rocketpy.broker")


class Job(Protocol):
    """Something that blocks."""

    def run(self) -> None:
        """Do it, in any thread; a failure is kept for `finish`."""


J = TypeVar("J", bound=Job)


class HasJobs(Protocol[J]):
    """A store, in that it has work to be done."""

    def step(self, now: int) -> Sequence[J]:
        """The jobs that are due."""

    def finish(self, job: J) -> None:
        """Take one back that has been run."""


class StoreJobs(Generic[J]):
    """Asks the store what is due, from `start` to `stop`, and has it done."""

    def __init__(self, store: HasJobs[J], clock: Clock = now_ms) -> None:
        self._store = store
        self._clock = clock
        self._stopping = Event()
        self._stepping: Greenlet[[], None] | None = None
        self._running: set[Greenlet[..., None]] = set()

    def start(self) -> None:
        """Begin to ask."""
        self._stopping.clear()
        self._stepping = gevent.spawn(self._step)

    def stop(self) -> None:
        """Ask no more, and wait for what is under way."""
        self._stopping.set()
        if self._stepping is not None:
            self._stepping.join()
        gevent.joinall(list(self._running))

    def _step(self) -> None:
        while not self._stopping.wait(STEP_MS / 1000):
            try:
                for job in self._store.step(self._clock()):
                    self._spawn(job)
            except Exception:
                _log.exception("the store failed")

    def _spawn(self, job: J) -> None:
        greenlet = gevent.spawn(self._run, job)
        self._running.add(greenlet)
        greenlet.rawlink(self._running.discard)

    def _run(self, job: J) -> None:
        gevent.get_hub().threadpool.apply(job.run)
        self._store.finish(job)
