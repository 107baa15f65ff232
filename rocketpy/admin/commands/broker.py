"""One broker or those of a cluster: state, configuration, progress of all groups (tools/command/broker)."""

from __future__ import annotations

from rocketpy.admin.client import queue_rank
from rocketpy.admin.clusters import masters, members, slaves_by_master
from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import cut, date_time
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.admin.report import Table
from rocketpy.config.properties import format_properties, parse_properties
from rocketpy.protocol.api.broker import GetBrokerConfig, UpdateBrokerConfig
from rocketpy.protocol.api.stats import ConsumeStats, ConsumeStatsList, GetBrokerConsumeStats
from rocketpy.protocol.java_hash import concurrent_hash_map_order

_ROW = "%-64s  %-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s%n"


@Command(
    "brokerStatus",
    "Fetch broker runtime status data",
    "BrokerStatusSubCommand",
    Option("b", "brokerAddr", "Broker address"),
    Option("c", "clusterName", "which cluster"),
    has_json=True,
)
def broker_status(run: Invocation) -> None:
    """Its figures by name (BrokerStatusSubCommand.java:60)."""
    if run.has("b"):
        for name, value in _status(run, run.text("b")):
            run.print("%-32s: %s%n", name, value)
    elif run.has("c"):
        for address in members(run, run.text("c")):
            try:
                for name, value in _status(run, address):
                    run.print("%-24s %-32s: %s%n", address, name, value)
            except JavaError as error:
                run.trace(error)


def _status(run: Invocation, address: str) -> list[tuple[str, str]]:
    figures = run.admin.runtime_info(address)
    run.report.fact(address, figures)
    return sorted(figures.items())


@Command(
    "updateBrokerConfig",
    "Update broker's config",
    "UpdateBrokerConfigSubCommand",
    Option("b", "brokerAddr", "update which broker"),
    Option("c", "clusterName", "update which cluster"),
    Option("k", "key", "config key", required=True),
    Option("v", "value", "config value", required=True),
)
def update_broker_config(run: Invocation) -> None:
    """At one broker, or at all masters of a cluster (UpdateBrokerConfigSubCommand.java:65)."""
    body = format_properties({run.text("k"): run.text("v")}).encode()
    if run.has("b"):
        address = run.text("b")
        run.admin.ask(address, UpdateBrokerConfig(), body)
        run.print("update broker config success, %s\n", address)
    elif run.has("c"):
        for address in masters(run, run.text("c")):
            try:
                run.admin.ask(address, UpdateBrokerConfig(), body)
                run.print("update broker config success, %s\n", address)
            except JavaError as error:
                run.trace(error)
    else:
        run.usage()


@Command(
    "getBrokerConfig",
    "Get broker config by cluster or special broker!",
    "GetBrokerConfigCommand",
    Option("b", "brokerAddr", "get which broker"),
    Option("c", "clusterName", "get which cluster"),
    has_json=True,
)
def get_broker_config(run: Invocation) -> None:
    """Of one broker, or of a cluster's masters and their slaves (GetBrokerConfigCommand.java:63)."""
    if run.has("b"):
        _print_config(run, run.text("b"), run.text("b"))
    elif run.has("c"):
        for master, slaves in slaves_by_master(run, run.text("c")).items():
            _print_config(run, master, f"Master: {master}")
            for slave in slaves:
                _print_config(run, slave, f"My Master: {master}=====Slave: {slave}")


def _print_config(run: Invocation, address: str, title: str) -> None:
    run.print("============%s============\n", title)
    properties = parse_properties(run.admin.ask(address, GetBrokerConfig()).body)
    run.report.fact(address, properties)
    for key in concurrent_hash_map_order(properties, 8):
        run.print("%-50s=  %s\n", key, properties[key])
    run.print("%n")


@Command(
    "brokerConsumeStats",
    "Fetch broker consume stats data",
    "BrokerConsumeStatsSubCommad",
    Option("b", "brokerAddr", "Broker address", required=True),
    Option("t", "timeoutMillis", "request timeout Millis"),
    Option("l", "level", "threshold of print diff"),
    Option("o", "order", "order topic"),
    has_json=True,
)
def broker_consume_stats(run: Invocation) -> None:
    """How far all groups are (BrokerConsumeStatsSubCommad.java:91)."""
    header = GetBrokerConsumeStats(is_order=run.flag("o"))
    timeout_ms, level = run.long("t", 50_000), run.long("l", 0)
    found = run.admin.fetch(run.text("b"), header, ConsumeStatsList, timeout_ms)
    titles = ("#Topic", "#Group", "#Broker Name", "#QID", "#Broker Offset", "#Consumer Offset", "#Diff", "#LastTime")
    table = run.report.table(_ROW, *titles, name="queues")
    for by_group in found.consume_stats_list:
        for group, parts in by_group.items():
            for part in parts:
                _add_progress(table, group, part, level)
    run.print("%nDiff Total: %d%n", found.total_diff)
    run.report.fact("diffTotal", found.total_diff)


def _add_progress(table: Table, group: str, part: ConsumeStats, level: int) -> None:
    for queue in sorted(part.offset_table, key=queue_rank):
        offsets = part.offset_table[queue]
        diff = offsets.broker_offset - offsets.consumer_offset
        if diff < level or offsets.last_timestamp <= 0:
            continue
        place = (cut(queue.topic, 64), group, cut(queue.broker_name, 32), queue.queue_id)
        table.add(*place, offsets.broker_offset, offsets.consumer_offset, diff, date_time(offsets.last_timestamp))
