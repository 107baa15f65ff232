"""Everything that a server does from time to time, each in a greenlet of its own.

An interval counts from the end of one run to the beginning of the next. A run that fails is logged and tried again;
what is between two runs is only a sleeping greenlet.

Loops sleep by the machine's clock, whatever the server's own one says. Who moves that one (`rocketpy.testing.clock`)
wakes what has become due.
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
        self._woken = Event()
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
            if pause and not self._woken.is_set():
                self.rests.set()
            self._woken.wait(pause / 1000)
            self._woken.clear()
            self.rests.clear()
            _run(self._run)
            pause = self._interval()

    def wake(self) -> None:
        """Have it run now, and on as long as it has more to do; `rests` is set when it has."""
        self.rests.clear()
        self._woken.set()


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
