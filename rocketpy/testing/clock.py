"""Time that a test moves: a delay of two hours is over in some ms.

The clock belongs to a name server and a broker, not to the process: clients live by the machine's, those in the same
process, too. So heartbeats, renewals of locks and time-outs of clients go on as ever, and what a client is to do in
between, such as answering a transaction check or sending back a message, takes the time that it takes.

What clients say of the time is taken by the servers' clock: TIMER_DELIVER_MS, and when a message was born. So a
transaction that is begun after the clock was moved looks as old as that: the next round of checks asks about it, and
when it was moved by more than fileReservedTime, 72 h, gives it up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import gevent

from rocketpy.clock import now_ms
from rocketpy.remoting.app import App
from rocketpy.remoting.loops import Loop

_PASSES: Final = 3
"""How often, at one moment, loops are asked whether what they did made more to be done."""
_REMOTE_WAIT_S: Final = 1.0
"""How long a loop is waited for that may itself wait for other processes."""


class MovableClock:
    """Gives the time in ms since the epoch: that of the machine, until it is moved; it goes on from there.

    While it is frozen it stands still but when it is moved.
    """

    def __init__(self) -> None:
        self._ahead = 0
        self._kept = 0
        self._frozen_at: int | None = None

    def __call__(self) -> int:
        """The time of the servers."""
        frozen_at = self._frozen_at
        return self._ahead + (now_ms() if frozen_at is None else frozen_at)

    def of_peers(self) -> int:
        """By this one peers fall silent: it did not move when heartbeats were taken as having come in between."""
        return self() - self._kept

    def freeze(self) -> None:
        """Stand still."""
        if self._frozen_at is None:
            self._frozen_at = now_ms()

    def unfreeze(self) -> None:
        """Go on from there."""
        if self._frozen_at is not None:
            self._ahead -= now_ms() - self._frozen_at
            self._frozen_at = None

    def move_to(self, moment: int, *, heartbeats: bool) -> None:
        """Be at `moment` (ms), or stay where it is if that is over; see `ServerClock.advance`."""
        ms = max(moment - self(), 0)
        self._ahead += ms
        if heartbeats:
            self._kept += ms


class ServerClock:
    """Moves the clock of running servers; any thread may do so, one at a time."""

    def __init__(self, clock: MovableClock, servers: App) -> None:
        """`servers` run with `clock` and its `of_peers`."""
        self._clock = clock
        self._servers = servers

    def now(self) -> int:
        """The servers' time, in ms since the epoch."""
        return self._clock()

    def advance(self, seconds: float | timedelta, *, heartbeats: bool = True) -> None:
        """Have so much time pass for the servers; returns when they have done all that has become due.

        Delayed messages, timer messages, rounds of transaction checks and the expiry of files happen each at its
        time, one after the other. Everything else that is done from time to time is done once, at the end.

        Clients, and brokers at the name server, count as having sent their heartbeats in between, so that they are
        still there. With `heartbeats=False` these did not come: who is silent for 120 s by then is dropped.

        Raises ValueError for a time that goes back, NotRunning when the servers do not run.
        """
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"time goes on by 0 s or more, not by {seconds}")
        self._servers.call(self._advance, round(seconds * 1000), heartbeats)

    def freeze(self) -> None:
        """Have the time stand still but for `advance`, so that it can be told to the ms."""
        self._clock.freeze()

    def unfreeze(self) -> None:
        """Have it go on from there."""
        self._clock.unfreeze()

    def _advance(self, ms: int, heartbeats: bool) -> None:
        target = self._clock() + ms
        self._run_events()
        while (moment := self._next_event(target)) is not None:
            self._clock.move_to(moment, heartbeats=heartbeats)
            self._run_events()
        self._clock.move_to(target, heartbeats=heartbeats)
        now = self._clock()
        _run(loop for loop in self._loops() if loop.due <= now)
        self._run_events()
        for loop in self._loops():
            loop.clock_moved()
        self._servers.settle()
        gevent.sleep(0)  # what came of it is written to the clients at the end of this turn of the hub

    def _loops(self) -> list[Loop]:
        return [loop for loops in self._servers.loops() for loop in loops.loops]

    def _next_event(self, target: int) -> int | None:
        """When something happens next, until `target`."""
        now = self._clock()
        events = [loop.next_event(target + 1) for loop in self._loops() if loop.next_event is not None]
        return min((event for event in events if event is not None and now < event <= target), default=None)

    def _run_events(self) -> None:
        """Do what is to be done now."""
        for _ in range(_PASSES):
            now = self._clock()
            due = [loop for loop in self._loops() if loop.next_event is not None and _is_due(loop, now)]
            if not due:
                return
            _run(due)


def _is_due(loop: Loop, now: int) -> bool:
    event = None if loop.next_event is None else loop.next_event(now + 1)
    return event is not None and event <= now


def _run(loops: Iterable[Loop]) -> None:
    """Have all of them run, and wait until they have."""
    running = list(loops)
    for loop in running:
        loop.wake()
    end = time.monotonic() + _REMOTE_WAIT_S
    for loop in running:
        loop.rests.wait(max(end - time.monotonic(), 0) if loop.remote else None)
