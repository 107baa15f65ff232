"""clusterList: all brokers and how busy they are (tools/command/cluster)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rocketpy.admin.errors import JavaError, not_a_number, null_pointer
from rocketpy.admin.format import fixed, render
from rocketpy.admin.invocation import Command, Invocation, parse_number
from rocketpy.admin.options import Option
from rocketpy.clock import now_ms

_ROW = "%-16s  %-22s  %-4s  %-22s %-16s %19s %19s %10s %5s %6s%n"
_MORE_ROW = "%-16s  %-32s %14s %14s %14s %14s%n"
_TOTALS = ("msgPutTotal", "msgGetTotal")


@Command(
    "clusterList",
    "List all of clusters",
    "ClusterListSubCommand",
    Option("m", "moreStats", "Print more stats", argument=False),
    Option("i", "interval", "specify intervals numbers, it is in seconds"),
    has_json=True,
)
def cluster_list(run: Invocation) -> None:
    """Once, or with -i for ever (ClusterListSubCommand.java:64)."""
    interval = _interval(run.raw("i"))
    while True:
        if run.has("m"):
            _print_totals(run)
        else:
            _print_loads(run)
        if interval is None:
            return
        time.sleep(interval)


def _interval(text: str | None) -> int | None:
    """Seconds; what is no number Java reports in a way of its own."""
    try:
        return None if text is None else parse_number(text)
    except JavaError as error:
        error.is_bare = True
        raise


def _print_totals(run: Invocation) -> None:
    titles = ("#Cluster Name", "#Broker Name", "#InTotalYest", "#OutTotalYest", "#InTotalToday", "#OutTotalToday")
    brokers = list(_brokers(run))
    table = run.report.table(_MORE_ROW, *titles)
    for cluster, name, _, address in brokers:
        table.add(cluster, name, *_totals(run, address))


def _totals(run: Invocation, address: str) -> list[int]:
    """Messages in and out yesterday, then today; Java prints zeros for what it cannot make out."""
    totals = [0, 0, 0, 0]
    try:
        table = run.admin.runtime_info(address)
        for at, (newer, older) in enumerate((("TodayMorning", "YesterdayMorning"), ("TodayNow", "TodayMorning"))):
            for column, name in enumerate(_TOTALS):
                totals[2 * at + column] = int(table[name + newer]) - int(table[name + older])
    except (JavaError, KeyError, ValueError):
        pass
    return totals


def _print_loads(run: Invocation) -> None:
    brokers = list(_brokers(run))
    titles = ("#Cluster Name", "#Broker Name", "#BID", "#Addr", "#Version", "#InTPS(LOAD)", "#OutTPS(LOAD)")
    table = run.report.table(_ROW, *titles, "#PCWait(ms)", "#Hour", "#SPACE")
    for cluster, name, broker_id, address in brokers:
        table.add(cluster, name, broker_id, address, *_load(run, address))


def _load(run: Invocation, address: str) -> tuple[str | None, ...]:
    """The columns from #Version on; defaults for those after the first that cannot be had."""
    table: dict[str, str | None] = {}
    loads = [0.0, 0.0]
    try:
        table.update(run.admin.runtime_info(address))
        for at, name in enumerate(("putTps", "getTransferedTps")):
            loads[at] = _first_number(table.get(name))
    except JavaError as error:
        run.trace(error)
    default = None if table else ""
    queues = [
        render("%9.2f(%s,%sms)", load, *(table.get(kind + what, default) for what in ("Size", "HeadWaitTimeMills")))
        for load, kind in zip(loads, ("sendThreadPoolQueue", "pullThreadPoolQueue"), strict=True)
    ]
    earliest, ratio = table.get("earliestMessageTimeStamp"), table.get("commitLogDiskRatio")
    hours = (now_ms() - parse_number(earliest)) / 1000.0 / 60.0 / 60.0 if earliest else 0.0
    space = float(ratio) if ratio else 0.0
    wait = table.get("pageCacheLockTimeMills", default)
    return table.get("brokerVersionDesc", default), *queues, wait, fixed(hours, 2), fixed(space, 4)


def _first_number(texts: str | None) -> float:
    """The first of several numbers in a text; there is none before the broker's first sample, only blanks."""
    if texts is None:
        raise null_pointer()
    first = texts.split(" ")[0]
    if texts and not texts.strip(" "):
        return 0.0
    try:
        return float(first)
    except ValueError:
        raise not_a_number(first) from None


def _brokers(run: Invocation) -> Iterator[tuple[str, str, int, str]]:
    """Cluster, name, id and address of each broker."""
    info = run.admin.cluster_info()
    for cluster, names in info.cluster_addr_table.items():
        for name in sorted(names):
            data = info.broker_addr_table.get(name)
            if data is not None:
                for broker_id, address in sorted(data.broker_addrs.items()):
                    yield cluster, name, broker_id, address
