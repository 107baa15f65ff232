"""The one clock. Whatever depends on the time takes it, or a time, as an argument, so that tests need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the time in ms since the epoch, as System.currentTimeMillis does."""


def now_ms() -> int:
    """The time of the machine."""
    return time.time_ns() // 1_000_000
