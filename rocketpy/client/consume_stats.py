"""How fast a consumer gets through its topics (ConsumerStatsManager.java, StatsItem.java).

Totals are sampled each 10 s; a figure is that of the last minute, or of the last hour where nothing came within it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from rocketpy.protocol.api.connection import ConsumeStatus

SAMPLE_SECONDS = 10.0
_MINUTE_SAMPLES = 7
_HOUR_SAMPLES = 361


class _Sample(NamedTuple):
    at: float
    total: int
    times: int


class _Item:
    """A total, how often it was added to, and its past."""

    __slots__ = ("_samples", "_times", "_total")

    def __init__(self) -> None:
        self._total = self._times = 0
        self._samples: deque[_Sample] = deque(maxlen=_HOUR_SAMPLES)

    def add(self, value: int) -> None:
        self._total += value
        self._times += 1

    def sample(self, now: float) -> None:
        self._samples.append(_Sample(now, self._total, self._times))

    def within(self, samples: int) -> tuple[int, float, float]:
        """The sum, the sum a second, and the mean of what was added."""
        if not self._samples:
            return 0, 0.0, 0.0
        last = self._samples[-1]
        first = self._samples[max(len(self._samples) - samples, 0)]
        added, times, seconds = last.total - first.total, last.times - first.times, last.at - first.at
        return added, added / seconds if seconds > 0 else 0.0, added / times if times else 0.0


class ConsumeStats:
    """The figures of one consumer, by topic."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], _Item] = {}

    def pulled(self, topic: str, took_ms: int, count: int) -> None:
        """A pull brought `count` messages."""
        self._add("pull_rt", topic, took_ms)
        self._add("pull_tps", topic, count)

    def consumed(self, topic: str, took_ms: int, ok: int, failed: int) -> None:
        """The application was given a batch."""
        self._add("consume_rt", topic, took_ms)
        if ok:
            self._add("ok", topic, ok)
        if failed:
            self._add("failed", topic, failed)

    def sample(self, now: float | None = None) -> None:
        """Remember the totals; to be called each SAMPLE_SECONDS."""
        at = time.monotonic() if now is None else now
        for item in self._items.values():
            item.sample(at)

    def status(self, topic: str) -> ConsumeStatus:
        """The figures of a topic (consumeStatus:80)."""
        consume_sum, _, consume_rt = self._within("consume_rt", topic, _MINUTE_SAMPLES)
        if consume_sum == 0:
            consume_rt = self._within("consume_rt", topic, _HOUR_SAMPLES)[2]
        return ConsumeStatus(
            pull_rt=self._within("pull_rt", topic, _MINUTE_SAMPLES)[2],
            pull_tps=self._within("pull_tps", topic, _MINUTE_SAMPLES)[1],
            consume_rt=consume_rt,
            consume_ok_tps=self._within("ok", topic, _MINUTE_SAMPLES)[1],
            consume_failed_tps=self._within("failed", topic, _MINUTE_SAMPLES)[1],
            consume_failed_msgs=self._within("failed", topic, _HOUR_SAMPLES)[0],
        )

    def _add(self, what: str, topic: str, value: int) -> None:
        item = self._items.get((what, topic))
        if item is None:
            item = self._items[what, topic] = _Item()
            item.sample(time.monotonic())
        item.add(value)

    def _within(self, what: str, topic: str, samples: int) -> tuple[int, float, float]:
        item = self._items.get((what, topic))
        return (0, 0.0, 0.0) if item is None else item.within(samples)
