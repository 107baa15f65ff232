"""Everything the broker does from time to time, each in a greenlet of its own.

An interval counts from the end of one run to the beginning of the next. A run that fails is logged and tried again;
what is between two runs is only a sleeping greenlet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

import gevent
from gevent import Greenlet

_SLICE = 256
_log = logging.getLogger("rocketpy.broker")

T = TypeVar("T")
Interval = Callable[[], int]
"""Gives ms until the next run: a key of the configuration may change while the broker runs."""


class Loops:
    """Functions that are called again and again until `stop`."""

    def __init__(self) -> None:
        self._greenlets: list[Greenlet[..., None]] = []

    def every(self, interval: int | Interval, run: Callable[[], object], *, first: int | None = None) -> None:
        """Call `run` every `interval` ms, for the first time in `first` ms, or else in one interval."""
        wait: Interval = interval if callable(interval) else lambda: interval
        self._greenlets.append(gevent.spawn(_repeat, wait, run, wait() if first is None else first))

    def once(self, run: Callable[[], object]) -> None:
        """Call `run` soon, for something that takes its time."""
        self._greenlets.append(gevent.spawn(_run, run))

    def stop(self) -> None:
        """End all of them; a run that is under way is cut short where it waits."""
        gevent.killall(self._greenlets)
        self._greenlets.clear()


def _repeat(interval: Interval, run: Callable[[], object], first: int) -> None:
    gevent.sleep(first / 1000)
    while True:
        _run(run)
        gevent.sleep(interval() / 1000)


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


def ms_to_midnight() -> int:
    """ms until the next day begins, local time (UtilAll.computeNextMorningTimeMillis:121)."""
    now = datetime.now()
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time())
    return int((midnight - now).total_seconds() * 1000) + 1
