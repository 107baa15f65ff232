"""How many messages and bytes passed for one topic or group, over a minute, an hour and a day (StatsItem.java)."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Rate(NamedTuple):
    """What happened within a period (StatsSnapshot.java)."""

    sum: int
    """Messages, or bytes."""
    tps: float
    """The sum by seconds."""
    average: float
    """The sum by calls: how many messages, or bytes, a send or pull had."""


class Sample(NamedTuple):
    """The counters at one moment."""

    timestamp: int
    times: int
    messages: int
    size: int


class Traffic:
    """Counters that grow for ever, and what they were at the ends of the last periods."""

    __slots__ = ("_days", "_hours", "_minutes", "messages", "size", "times")

    def __init__(self) -> None:
        self.times = 0
        self.messages = 0
        self.size = 0
        self._minutes: deque[Sample] = deque(maxlen=7)
        self._hours: deque[Sample] = deque(maxlen=7)
        self._days: deque[Sample] = deque(maxlen=25)

    def sample_minute(self, now: int) -> None:
        """Call it every 10 s (samplingInSeconds:137)."""
        self._sample(self._minutes, now, 10_000)

    def sample_hour(self, now: int) -> None:
        """Call it every 10 minutes (samplingInMinutes:150)."""
        self._sample(self._hours, now, 600_000)

    def sample_day(self, now: int) -> None:
        """Call it every hour (samplingInHour:163)."""
        self._sample(self._days, now, 3_600_000)

    def rates(self, *, of_size: bool) -> tuple[Rate, Rate, Rate]:
        """What passed in the last minute, hour and day: bytes with `of_size`, else messages."""
        return (
            _rate(self._minutes, of_size),
            _rate(self._hours, of_size),
            _rate(self._days, of_size),
        )

    def _sample(self, samples: deque[Sample], now: int, period: int) -> None:
        if not samples:
            samples.append(Sample(now - period, 0, 0, 0))
        samples.append(Sample(now, self.times, self.messages, self.size))


def _rate(samples: deque[Sample], of_size: bool) -> Rate:
    if not samples:
        return Rate(0, 0.0, 0.0)
    first, last = samples[0], samples[-1]
    total = last.size - first.size if of_size else last.messages - first.messages
    times = last.times - first.times
    return Rate(total, total * 1000 / max(1, last.timestamp - first.timestamp), total / times if times else 0.0)
