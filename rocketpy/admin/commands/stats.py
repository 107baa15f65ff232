"""statsAll: what comes into each topic and what each group takes out (tools/command/stats)."""

from __future__ import annotations

from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import cut
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.admin.report import Table
from rocketpy.protocol.api.stats import BrokerStatsData, ConsumeStats, ViewBrokerStatsData
from rocketpy.protocol.topic_names import DLQ_PREFIX, RETRY_PREFIX

_TITLES = "%-64s  %-64s %12s %11s %11s %14s %14s%n"
_ROW = "%-64s  %-64s %12d %11.2f %11.2f %14d %14d%n"
_NOBODY = "%-64s  %-64s %12d %11.2f %11s %14d %14s%n"


@Command(
    "statsAll",
    "Topic and Consumer tps stats",
    "StatsAllSubCommand",
    Option("a", "activeTopic", "print active topic only", argument=False),
    Option("t", "topic", "print select topic only"),
    has_json=True,
)
def stats_all(run: Invocation) -> None:
    """A row a topic and group (StatsAllSubCommand.java:157)."""
    topics = run.admin.topics()
    titles = ("#Topic", "#Consumer Group", "#Accumulation", "#InTPS", "#OutTPS", "#InMsg24Hour", "#OutMsg24Hour")
    run.print(_TITLES, *titles)
    report = run.report
    rows = report.table(_ROW, *titles, with_head=False)
    idle = report.table(_NOBODY, *titles, with_head=False)
    wanted = run.raw("t")
    for topic in topics:
        if topic.startswith((RETRY_PREFIX, DLQ_PREFIX)) or (wanted and topic != wanted):
            continue
        try:
            _add_topic(run, rows, idle, topic, run.has("a"))
        except JavaError:
            continue  # Java leaves such a topic out


def _add_topic(run: Invocation, rows: Table, idle: Table, topic: str, active_only: bool) -> None:
    """A row for each group; one of `idle` if there is none."""
    route = run.admin.route(topic)
    groups = run.admin.groups_of(topic)
    masters = [data.broker_addrs[0] for data in route.broker_datas if 0 in data.broker_addrs]
    in_tps, in_today = _traffic(run, masters, "TOPIC_PUT_NUMS", topic)
    if not groups:
        if not active_only or in_today > 0:
            idle.add(cut(topic, 64), "", 0, in_tps, "", in_today, "NO_CONSUMER")
        return
    for group in groups:
        out_tps, out_today = _traffic(run, masters, "GROUP_GET_NUMS", f"{topic}@{group}")
        behind = _accumulation(run, group, topic)
        if not active_only or in_today > 0 or out_today > 0:
            rows.add(cut(topic, 64), cut(group, 64), behind, in_tps, out_tps, in_today, out_today)


def _traffic(run: Invocation, masters: list[str], name: str, key: str) -> tuple[float, int]:
    """Messages a second and of the day; brokers that do not tell count as nothing."""
    tps, today = 0.0, 0
    for address in masters:
        try:
            data = run.admin.fetch(address, ViewBrokerStatsData(stats_name=name, stats_key=key), BrokerStatsData)
        except JavaError:
            continue
        if data.stats_minute is not None:
            tps += data.stats_minute.tps
        today += sum_of_day(data)
    return tps, today


def _accumulation(run: Invocation, group: str, topic: str) -> int:
    try:
        return max(total_diff(run.admin.consume_stats(group, topic)), 0)
    except JavaError:
        return 0


def total_diff(stats: ConsumeStats) -> int:
    """How many messages a group is behind (ConsumeStats.computeTotalDiff:33)."""
    return sum(one.broker_offset - one.consumer_offset for one in stats.offset_table.values())


def sum_of_day(data: BrokerStatsData) -> int:
    """The count of the longest period that has one (StatsAllSubCommand.compute24HourSum:122)."""
    periods = (data.stats_day, data.stats_hour, data.stats_minute)
    return next((one.sum for one in periods if one is not None and one.sum != 0), 0)
