"""What the broker counts: StoreStatsService.java, BrokerStatsManager.java and BrokerStats.java in one.

Counting happens for every message, so it is plain additions; rates come from samples that `loops` takes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from itertools import accumulate
from typing import Final, NamedTuple

from rocketpy.broker.traffic import Rate, Traffic
from rocketpy.clock import Clock, now_ms
from rocketpy.protocol.fastjson import java_double
from rocketpy.protocol.topic_names import LIGHT_PREFIX, SCHEDULE_TOPIC, is_light

_SAMPLES = 601  # one a second for ten minutes, and the one before them
_PERIODS = (10, 60, 600)  # seconds, of the three numbers in putTps and its like

_TIMES = (0, 9, 49, 99, 199, 499, 999, 1999, 2999, 3999, 4999, 9999)  # ms, each the last of its range
_TIME_NAMES = (
    "[<=0ms]", "[0~10ms]", "[10~50ms]", "[50~100ms]", "[100~200ms]", "[200~500ms]", "[500ms~1s]",
    "[1~2s]", "[2~3s]", "[3~4s]", "[4~5s]", "[5~10s]", "[10s~]",
)  # fmt: skip
_LATENCY_STEPS = [*[1] * 20, *[2] * 15, *[5] * 10, *[10] * 10, *[50] * 6, *[100] * 5, *[1000] * 9]
_LATENCIES: Final = (*accumulate(_LATENCY_STEPS), (1 << 63) - 1)
"""Upper ends of the ranges that percentiles are taken from, in ms (StoreStatsService:83-90)."""
_WITHOUT_SIZE: Final = ("SNDBCK_PUT", "BROKER_PUT", "BROKER_GET")
_SCHEDULE_CONSUMER: Final = "SCHEDULE_CONSUMER"
"""The group that delayed messages are counted for when they are delivered (MixAll.SCHEDULE_CONSUMER_GROUP)."""


class Totals(NamedTuple):
    """The broker's counters at one moment."""

    timestamp: int
    put: int
    found: int
    missed: int
    transferred: int


class BrokerStats:
    """Counters and rates of one broker. `detailed` is enableDetailStat: whether queues are counted one by one."""

    def __init__(self, cluster: str, clock: Clock = now_ms, detailed: bool = True) -> None:
        self._cluster = cluster
        self._clock = clock
        self._detailed = detailed
        self.boot_timestamp = clock()
        self.put_times = 0
        self.put_size = 0
        self.put_failed = 0
        self.get_found = 0
        self.get_missed = 0
        self.get_transferred = 0
        self.put_time_max = self.get_time_max = 0
        """Longest times of a put and of a get, in ms."""
        self.put_at_mornings = self.got_at_mornings = (0, 0)
        """Totals when yesterday and today began."""
        self._puts: dict[str, Traffic] = {}
        self._gets: dict[str, Traffic] = {}
        self._sends_back: dict[str, Traffic] = {}
        self._queue_puts: dict[str, Traffic] = {}
        self._queue_gets: dict[str, Traffic] = {}
        self._get_times: dict[str, Traffic] = {}
        """Of these the sizes are ms."""
        self._all_puts: Traffic | None = None
        self._all_gets: Traffic | None = None
        self._totals: deque[Totals] = deque(maxlen=_SAMPLES)
        self._put_at_minute = 0
        self._distribution, self._latencies = _no_times(), _no_latencies()
        self._last_distribution: list[int] | None = None
        self._last_latencies: list[int] = []
        self.sample_second()

    def messages_put(self, topic: str, count: int, size: int) -> None:
        """`count` messages of `size` bytes altogether were stored by one request."""
        self.put_times += count
        self.put_size += size
        traffic = self._puts.get(topic)
        if traffic is None:
            traffic = self._puts[topic] = Traffic()
        traffic.times += 1
        traffic.messages += count
        traffic.size += size
        every = self._all_puts
        if every is None:
            every = self._all_puts = Traffic()
        every.messages += count

    def delayed_message_put(self, queue_id: int, size: int) -> None:
        """A message was put into that queue of the schedule topic, and has been counted as one of the topic's."""
        if self._detailed:
            _add(self._queue_puts, f"{SCHEDULE_TOPIC}@{queue_id}", 1, size)

    def delayed_retry_put(self, queue_id: int, size: int) -> None:
        """The same for a message that a consumer sent back: the broker as a whole does not count it (241-247)."""
        _add(self._puts, SCHEDULE_TOPIC, 1, size)
        self.delayed_message_put(queue_id, size)

    def own_message_put(self, size: int) -> None:
        """The broker stored a message of its own, which Java does not count for its topic."""
        self.put_times += 1
        self.put_size += size

    def delayed_message_got(self, queue_id: int, size: int) -> None:
        """A message was taken out of that queue of the schedule topic (ScheduleMessageService.onSuccess:695)."""
        _add(self._gets, f"{SCHEDULE_TOPIC}@{_SCHEDULE_CONSUMER}", 1, size)
        if self._detailed:
            _add(self._queue_gets, f"{SCHEDULE_TOPIC}@{queue_id}@{_SCHEDULE_CONSUMER}", 1, size)

    def messages_got(self, group: str, topic: str, count: int, size: int) -> None:
        """One pull found `count` messages of `size` bytes altogether."""
        self.get_found += 1
        self.get_transferred += count
        key = f"{topic}@{group}"
        traffic = self._gets.get(key)
        if traffic is None:
            traffic = self._gets[key] = Traffic()
        traffic.times += 1
        traffic.messages += count
        traffic.size += size
        every = self._all_gets
        if every is None:
            every = self._all_gets = Traffic()
        every.messages += count

    def get_took(self, group: str, topic: str, queue_id: int, elapsed: int) -> None:
        """A pull that found something took this many ms (incGroupGetLatency:272)."""
        key = f"{queue_id}@{topic}@{group}" if self._detailed else f"{topic}@{group}"
        traffic = self._get_times.get(key)
        if traffic is None:
            traffic = self._get_times[key] = Traffic()
        traffic.times += 1
        traffic.size += elapsed
        if elapsed > self.get_time_max:
            self.get_time_max = elapsed

    def message_sent_back(self, group: str, topic: str) -> None:
        """A consumer gave a message back to be consumed later."""
        _add(self._sends_back, f"{topic}@{group}", 1, 0)

    def put_took(self, elapsed: int) -> None:
        """Storing a message took this many ms; call it only where that is one or more."""
        self._distribution[bisect_left(_TIMES, elapsed)] += 1
        self._latencies[bisect_left(_LATENCIES, elapsed)] += 1
        if elapsed > self.put_time_max:
            self.put_time_max = elapsed

    def sample_second(self) -> None:
        """Call it every second."""
        self._totals.append(
            Totals(self._clock(), self.put_times, self.get_found, self.get_missed, self.get_transferred)
        )

    def roll_minute(self) -> None:
        """Call it every minute: what was counted until now becomes the last minute's distribution of put times."""
        quick = max(0, self.put_times - self._put_at_minute - sum(self._distribution))
        self._distribution[0] = quick
        self._latencies[0] += quick
        self._last_distribution, self._last_latencies = self._distribution, self._latencies
        self._distribution, self._latencies = _no_times(), _no_latencies()
        self._put_at_minute = self.put_times

    def roll_day(self) -> None:
        """Call it at midnight (BrokerStats.record:41)."""
        self.put_at_mornings = self.put_at_mornings[1], self.put_times
        self.got_at_mornings = self.got_at_mornings[1], self.get_transferred

    def all_traffic(self) -> list[Traffic]:
        """Every counter that has rates, to be sampled."""
        tables = (
            self._puts, self._gets, self._sends_back, self._queue_puts, self._queue_gets, self._get_times,
            self._of_all(self._all_puts), self._of_all(self._all_gets),
        )  # fmt: skip
        return [traffic for table in tables for traffic in table.values()]

    def rates(self, name: str, key: str) -> tuple[Rate, Rate, Rate] | None:
        """A statistic of the last minute, hour and day by Java's name; None if there is none (getStatsItem:155).

        There is none before something was counted. Java has more names (GROUP_GET_FROM_DISK_NUMS, COMMERCIAL_SEND_TIMES
        and their like), and counts nothing under them.
        """
        tables = {
            "TOPIC_PUT": self._puts,
            "GROUP_GET": self._gets,
            "QUEUE_PUT": self._queue_puts,
            "QUEUE_GET": self._queue_gets,
            "SNDBCK_PUT": self._sends_back,
            "BROKER_PUT": self._of_all(self._all_puts),
            "BROKER_GET": self._of_all(self._all_gets),
        }
        if name == "GROUP_GET_LATENCY":
            traffic = self._get_times.get(key)
        else:
            table, _, quantity = name.rpartition("_")
            known = quantity == "NUMS" or (quantity == "SIZE" and table not in _WITHOUT_SIZE)
            traffic = tables.get(table, {}).get(key) if known else None
        return None if traffic is None else traffic.rates(of_size=not name.endswith("NUMS"))

    def _of_all(self, traffic: Traffic | None) -> dict[str, Traffic]:
        """What is counted for the whole broker goes by the name of its cluster."""
        return {} if traffic is None else {self._cluster: traffic}

    def consume_tps(self, group: str, topic: str) -> float:
        """Messages a second that the group got of the topic in the last minute (tpsGroupGetNums:337)."""
        traffic = self._gets.get(f"{topic}@{group}")
        return 0.0 if traffic is None else traffic.rates(of_size=False)[0].tps

    def forget_topic(self, topic: str) -> None:
        """Drop the counters of a deleted topic (onTopicDeleted:163)."""
        self._puts.pop(topic, None)
        for table in (self._queue_puts, self._gets, self._queue_gets, self._sends_back):
            for key in [key for key in table if key.startswith(f"{topic}@")]:
                del table[key]
        for key in [key for key in self._get_times if f"@{topic}@" in key]:
            del self._get_times[key]

    def forget_group(self, group: str) -> None:
        """Drop the counters of a deleted group (onGroupDeleted:180)."""
        for table in (self._gets, self._queue_gets, self._sends_back, self._get_times):
            for key in [key for key in table if key.endswith(f"@{group}")]:
                del table[key]

    def tps(self, counter: str) -> str:
        """Calls a second within 10, 60 and 600 s, as three numbers; one is empty until there is that much past.

        `counter` is a field of `Totals`.
        """
        return " ".join("" if rate is None else java_double(rate) for rate in self._rates(counter))

    def total_get_tps(self) -> str:
        """Pulls a second, found and missed, in the same form but with 0.0 for what is not known yet."""
        pairs = zip(self._rates("found"), self._rates("missed"), strict=True)
        return " ".join(java_double((found or 0.0) + (missed or 0.0)) for found, missed in pairs)

    def put_distribution(self) -> str | None:
        """How many puts of the last minute took how long; None before the first minute is over."""
        if self._last_distribution is None:
            return None
        return "".join(f"{name}:{count} " for name, count in zip(_TIME_NAMES, self._last_distribution, strict=True))

    def put_latency(self, share: float) -> float:
        """The ms within which this share of the last minute's puts was done (findPutMessageEntireTimePX:121)."""
        wanted = int(sum(self._last_latencies) * share)
        passed = 0
        low = 0
        for high, count in zip(_LATENCIES, self._last_latencies, strict=False):
            if wanted <= passed + count:
                return low + ((high - low) * (wanted - passed) / count if count else 0)
            passed += count
            low = high
        return 0.0

    def _rates(self, counter: str) -> list[float | None]:
        last = self._totals[-1]
        rates: list[float | None] = []
        for period in _PERIODS:
            if len(self._totals) <= period:
                rates.append(None)
                continue
            first = self._totals[-1 - period]
            grown = getattr(last, counter) - getattr(first, counter)
            rates.append(grown / max(1, last.timestamp - first.timestamp) * 1000)
        return rates


class LightBrokerStats(BrokerStats):
    """The same while enableLmq: all light topics count as one, and all light groups (LmqBrokerStatsManager.java)."""

    def messages_got(self, group: str, topic: str, count: int, size: int) -> None:
        """See `BrokerStats.messages_got`."""
        super().messages_got(_one_if_light(group), _one_if_light(topic), count, size)

    def get_took(self, group: str, topic: str, queue_id: int, elapsed: int) -> None:
        """See `BrokerStats.get_took`."""
        super().get_took(_one_if_light(group), _one_if_light(topic), queue_id, elapsed)

    def message_sent_back(self, group: str, topic: str) -> None:
        """See `BrokerStats.message_sent_back`."""
        super().message_sent_back(_one_if_light(group), _one_if_light(topic))

    def consume_tps(self, group: str, topic: str) -> float:
        """See `BrokerStats.consume_tps`."""
        return super().consume_tps(_one_if_light(group), _one_if_light(topic))


def _one_if_light(name: str) -> str:
    return LIGHT_PREFIX if is_light(name) else name


def _add(table: dict[str, Traffic], key: str, count: int, size: int) -> None:
    traffic = table.get(key)
    if traffic is None:
        traffic = table[key] = Traffic()
    traffic.times += 1
    traffic.messages += count
    traffic.size += size


def _no_times() -> list[int]:
    return [0] * len(_TIME_NAMES)


def _no_latencies() -> list[int]:
    return [0] * len(_LATENCIES)
