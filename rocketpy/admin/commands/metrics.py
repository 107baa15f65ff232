"""exportMetrics: load and versions of a cluster as a file (tools/command/export/ExportMetricsCommand.java)."""

from __future__ import annotations

from typing import Any

from rocketpy.admin.client import in_java_order
from rocketpy.admin.commands.exporting import user_groups, user_topics, write_json
from rocketpy.admin.commands.stats import sum_of_day
from rocketpy.admin.errors import ClientError, JavaError, null_pointer
from rocketpy.admin.invocation import Command, Invocation, parse_number
from rocketpy.admin.options import Option
from rocketpy.config.properties import parse_properties
from rocketpy.protocol.api.broker import GetBrokerConfig
from rocketpy.protocol.api.group import SubscriptionGroupWrapper
from rocketpy.protocol.api.stats import BrokerStatsData, ViewBrokerStatsData
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC, TRANS_HALF_TOPIC
from rocketpy.protocol.version import CURRENT_VERSION, version_name

_TPS = ("normalInTps", "normalOutTps", "transInTps", "scheduleInTps")
_COUNTS = ("normalOneDayInNum", "normalOneDayOutNum", "transOneDayInNum", "scheduleOneDayInNum")


@Command(
    "exportMetrics",
    "export metrics",
    "ExportMetricsCommand",
    Option("c", "clusterName", "choose a cluster to export", required=True),
    Option("f", "filePath", "export metrics.json path | default /tmp/rocketmq/export"),
)
def export_metrics(run: Invocation) -> None:
    """Of each broker of a cluster, and in all (ExportMetricsCommand.java:74)."""
    info = run.admin.cluster_info()
    names = info.cluster_addr_table.get(run.text("c"))
    if names is None:
        raise null_pointer()
    report: dict[str, Any] = {}
    total_tps = dict.fromkeys(_TPS, 0.0)
    total_counts = dict.fromkeys(_COUNTS, 0)
    for number, name in enumerate(names, start=1):
        run.progress("brokers", number, len(names))
        if name in info.broker_addr_table:
            address = info.broker_addr_table[name].broker_addrs[0]
            report[name], tps, counts = _of_broker(run, address)
            total_tps = {key: total_tps[key] + tps[key] for key in _TPS}
            total_counts = {key: total_counts[key] + counts[key] for key in _COUNTS}
    totals = {f"total{name[0].upper()}{name[1:]}": value for name, value in total_tps.items()}
    total = {"totalTps": in_java_order(totals), "totalOneDayNum": in_java_order(total_counts)}
    result = {"evaluateReport": in_java_order(report), "totalData": in_java_order(total)}
    run.print("export %s success", write_json(run, "metrics.json", in_java_order(result)))


def _of_broker(run: Invocation, address: str) -> tuple[dict[str, Any], dict[str, float], dict[str, int]]:
    """The report about a broker, and the two parts of it that are summed up."""
    status = run.admin.runtime_info(address)
    properties = parse_properties(run.admin.ask(address, GetBrokerConfig()).body)
    groups = user_groups(run, address)
    transactions, delayed = (_stats(run, address, topic) for topic in (TRANS_HALF_TOPIC, SCHEDULE_TOPIC))
    tps = {
        "normalInTps": _first_rate(status["putTps"]),
        "normalOutTps": _first_rate(status["getTransferedTps"]),
        "transInTps": _rate(transactions),
        "scheduleInTps": _rate(delayed),
    }
    counts = {
        "normalOneDayInNum": _count(status, "msgPutTotalTodayMorning") - _count(status, "msgPutTotalYesterdayMorning"),
        "normalOneDayOutNum": _count(status, "msgGetTotalTodayMorning") - _count(status, "msgGetTotalYesterdayMorning"),
        "transOneDayInNum": 0 if transactions is None else sum_of_day(transactions),
        "scheduleOneDayInNum": 0 if delayed is None else sum_of_day(delayed),
    }
    ratios = {key: status.get(key) for key in ("commitLogDiskRatio", "consumeQueueDiskRatio")}
    quota = {
        "diskRatio": in_java_order(ratios),
        "tps": in_java_order(tps),
        "oneDayNum": in_java_order(counts),
        "messageAverageSize": status.get("putMessageAverageSize"),
        "topicSize": len(user_topics(run, address, special=False).topic_config_table),
        "groupSize": len(groups.subscription_group_table),
    }
    machine = {
        "cpuNum": properties.get("clientCallbackExecutorThreads"),
        "totalMemKBytes": status.get("totalMemKBytes"),
    }
    report = {
        "runtimeEnv": in_java_order(machine),
        "runtimeQuota": in_java_order(quota),
        "runtimeVersion": _versions(run, groups),
    }
    return in_java_order(report), tps, counts


def _stats(run: Invocation, address: str, topic: str) -> BrokerStatsData | None:
    header = ViewBrokerStatsData(stats_name="TOPIC_PUT_NUMS", stats_key=topic)
    try:
        return run.admin.fetch(address, header, BrokerStatsData)
    except ClientError:
        return None  # nothing was sent to that topic yet


def _rate(data: BrokerStatsData | None) -> float:
    return 0.0 if data is None or data.stats_minute is None else data.stats_minute.tps


def _first_rate(text: str) -> float:
    """The first of three figures; a broker that just started has none."""
    figures = text.rstrip(" ").split(" ")
    return float(figures[0]) if figures[0] else 0.0


def _count(status: dict[str, str], key: str) -> int:
    return parse_number(status.get(key) or "")


def _versions(run: Invocation, groups: SubscriptionGroupWrapper) -> dict[str, Any]:
    """Ours, and those of the groups' clients that are there."""
    found = []
    for group in groups.subscription_group_table.values():
        try:
            online = run.admin.consumer_connection(group.group_name or "").connection_set
        except JavaError:
            continue
        found += [f"{one.language}%{version_name(one.version)}" for one in online]
    clients = tuple(hash_map_order(dict.fromkeys(found)))
    return in_java_order({"rocketmqVersion": version_name(CURRENT_VERSION), "clientInfo": clients})
