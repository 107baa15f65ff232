"""When the statistics are sampled (BrokerStatsManager.java, StatsItemSet.java:47)."""

from __future__ import annotations

from collections.abc import Callable

from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.traffic import Traffic
from rocketpy.clock import Clock
from rocketpy.remoting.loops import Loops, in_slices, ms_to_midnight

_TEN_SECONDS_MS = 10_000
_TEN_MINUTES_MS = 600_000
_HOUR_MS = 3_600_000


def start_sampling(stats: BrokerStats, loops: Loops, clock: Clock) -> None:
    """Have `loops` sample from now on, by the time that `clock` tells."""

    def sample(one: Callable[[Traffic, int], None]) -> None:
        now = clock()
        in_slices(stats.all_traffic(), lambda traffic: one(traffic, now))

    loops.every(1_000, stats.sample_second)
    loops.every(60_000, stats.roll_minute)
    loops.every(lambda: ms_to_midnight(clock()), stats.roll_day)
    loops.every(_TEN_SECONDS_MS, lambda: sample(Traffic.sample_minute), first=0)
    loops.every(_TEN_MINUTES_MS, lambda: sample(Traffic.sample_hour), first=0)
    loops.every(_HOUR_MS, lambda: sample(Traffic.sample_day), first=0)
