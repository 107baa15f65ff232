"""The store's blocking work - syncing files, reserving room on the disk - in threads of the pool; the timer's, too.

The store says what is due; a thread does it; the hub hands it back. At a stop everything that is under way is waited
for: a file must not be closed while it is being synced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar

import gevent
from gevent import Greenlet

from rocketpy.clock import Clock, now_ms
from rocketpy.remoting.loops import Loops, NextEvent

STEP_MS: Final = 100
"""How often the store is asked; what it does then its keys say."""


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

    def __init__(self, store: HasJobs[J], clock: Clock = now_ms, next_event: NextEvent | None = None) -> None:
        self._store = store
        self._clock = clock
        self._next_event = next_event
        self.loops = Loops(clock)
        self._running: set[Greenlet[..., None]] = set()

    def start(self) -> None:
        """Begin to ask."""
        self.loops.every(STEP_MS, self._step, next_event=self._next_event)

    def stop(self) -> None:
        """Ask no more, and wait for what is under way."""
        self.loops.stop()
        self.wait_done()

    def wait_done(self) -> None:
        """Until all that is under way is done."""
        gevent.joinall(list(self._running))

    def _step(self) -> None:
        for job in self._store.step(self._clock()):
            self._spawn(job)

    def _spawn(self, job: J) -> None:
        greenlet = gevent.spawn(self._run, job)
        self._running.add(greenlet)
        greenlet.rawlink(self._running.discard)

    def _run(self, job: J) -> None:
        gevent.get_hub().threadpool.apply(job.run)
        self._store.finish(job)
