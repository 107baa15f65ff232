"""Everything that a server does from time to time, each in a greenlet of its own.

An interval counts from the end of one run to the beginning of the next. A run that fails is logged and tried again;
what is between two runs is only a sleeping greenlet.

Loops sleep by the machine's monotonic clock, since the time of day may be set back. Who moves the server's own clock
(`rocketpy.testing.clock`) tells them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

import gevent
from gevent import Greenlet
from gevent.event import Event

from rocketpy.clock import Clock, now_ms

_SLICE = 256
_log = logging.getLogger("rocketpy.loops")

T = TypeVar("T")
Interval = Callable[[], int]
"""Gives ms until the next run: a key of the configuration may change while the server runs."""
NextEvent = Callable[[int], int | None]
"""Gives the time (ms) at which a run has something to do again; None if nothing is foreseen before the time given."""


class Loop:
    """A function that is called again and again.

    `due` is when it runs next, in ms by the server's clock. With `next_event` it is worth while to stop there when the
    clock is moved: what happens then is not the same when it happens later. A `remote` one may wait for other
    processes.
    """

    def __init__(self, clock: Clock, interval: Interval, run: Callable[[], object], remote: bool) -> None:
        self._clock = clock
        self._interval = interval
        self._run = run
        self._wanted = False
        self._told = Event()
        self.rests = Event()
        """Set while it sleeps, and has nothing more to do at once."""
        self.due = 0
        self.next_event: NextEvent | None = None
        self.remote = remote

    def repeat(self, first: int) -> None:
        """Run for ever, for the first time in `first` ms."""
        pause = first
        while True:
            self.due = self._clock() + pause
            self._sleep(pause)
            self._wanted = False
            self.rests.clear()
            _run(self._run)
            pause = self._interval()

    def _sleep(self, left: int) -> None:
        if left <= 0:
            gevent.sleep(0)  # which costs a tenth of a wait that is over at once
            return
        if not self._wanted:
            self.rests.set()
        while self._told.wait(left / 1000):
            self._told.clear()
            left = self.due - self._clock()
            if left <= 0 or self._wanted:
                return

    def wake(self) -> None:
        """Have it run now, and on as long as it has more to do; `rests` is set when it has."""
        self._wanted = True
        self.rests.clear()
        self._told.set()

    def clock_moved(self) -> None:
        """Sleep no longer than until `due` by the clock as it is now."""
        self._told.set()


class Loops:
    """Functions that are called again and again until `stop`; `clock` is the server's."""

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._greenlets: list[Greenlet[..., None]] = []
        self.loops: list[Loop] = []

    def every(
        self,
        interval: int | Interval,
        run: Callable[[], object],
        *,
        first: int | None = None,
        next_event: NextEvent | None = None,
        remote: bool = False,
    ) -> Loop:
        """Call `run` every `interval` ms, for the first time in `first` ms, or else in one interval; see `Loop`."""
        wait: Interval = interval if callable(interval) else lambda: interval
        loop = Loop(self._clock, wait, run, remote)
        loop.next_event = next_event
        self.loops.append(loop)
        self._greenlets.append(gevent.spawn(loop.repeat, wait() if first is None else first))
        return loop

    def once(self, run: Callable[[], object]) -> None:
        """Call `run` soon, for something that takes its time."""
        self._greenlets.append(gevent.spawn(_run, run))

    def stop(self) -> None:
        """End all of them; a run that is under way is cut short where it waits."""
        gevent.killall(self._greenlets)
        self._greenlets.clear()
        for loop in self.loops:
            loop.rests.set()
        self.loops.clear()


def _run(run: Callable[[], object]) -> None:
    try:
        run()
    except Exception:
        _log.exception("%s failed", getattr(run, "__qualname__", run))


def in_slices(items: Iterable[T], run: Callable[[T], object]) -> None:
    """Call `run` with each of many items, letting others have their turn in between."""
    for number, item in enumerate(items, 1):
        run(item)
        if number % _SLICE == 0:
            gevent.sleep(0)


def ms_to_midnight(now: int) -> int:
    """ms until the next day begins, local time; `now` is in ms (UtilAll.computeNextMorningTimeMillis:121)."""
    moment = datetime.fromtimestamp(now / 1000)
    midnight = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time())
    return int((midnight - moment).total_seconds() * 1000) + 1
