"""consumerProgress: how far groups are behind (tools/command/consumer)."""

from __future__ import annotations

import contextlib

from rocketpy.admin.client import queue_rank
from rocketpy.admin.commands.stats import total_diff
from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import cut, date_time
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.protocol.api.connection import ConsumerConnection
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import ConsumeType
from rocketpy.protocol.topic_names import RETRY_PREFIX
from rocketpy.protocol.version import version_name

_QUEUE = "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s%n"
_QUEUE_AND_CLIENT = "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s  %s%n"
_GROUP = "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s%n"


@Command(
    "consumerProgress",
    "Query consumers's progress, speed",
    "ConsumerProgressSubCommand",
    Option("g", "groupName", "consumer group name"),
    Option("s", "showClientIP", "Show Client IP per Queue"),
    has_json=True,
)
def consumer_progress(run: Invocation) -> None:
    """Of one group by queue, or of all in sum (ConsumerProgressSubCommand.java:93)."""
    if run.has("g"):
        _print_group(run, run.text("g"), (run.raw("s") or "").lower() == "true")
        return
    titles = ("#Group", "#Count", "#Version", "#Type", "#Model", "#TPS", "#Diff Total")
    table = run.report.table(_GROUP, *titles)
    for topic in run.admin.topics():
        if topic.startswith(RETRY_PREFIX):
            table.add(*_summary(run, topic.removeprefix(RETRY_PREFIX)))


def _print_group(run: Invocation, group: str, with_clients: bool) -> None:
    found = run.admin.consume_stats(group)
    clients = _clients(run, group) if with_clients else {}
    head = ("#Topic", "#Broker Name", "#QID", "#Broker Offset", "#Consumer Offset")
    if with_clients:
        table = run.report.table(_QUEUE_AND_CLIENT, *head, "#Client IP", "#Diff", "#LastTime", name="queues")
    else:
        table = run.report.table(_QUEUE, *head, "#Diff", "#LastTime", name="queues")
    for queue in sorted(found.offset_table, key=queue_rank):
        offsets = found.offset_table[queue]
        place = (cut(queue.topic, 64), cut(queue.broker_name, 32), queue.queue_id)
        last = "N/A" if offsets.last_timestamp == 0 else date_time(offsets.last_timestamp)
        row = (*place, offsets.broker_offset, offsets.consumer_offset)
        diff = offsets.broker_offset - offsets.consumer_offset
        client = (clients.get(queue, "N/A"),) if with_clients else ()
        table.add(*row, *client, diff, last)
    run.print("%n")
    run.print("Consume TPS: %.2f%n", found.consume_tps)
    run.print("Diff Total: %d%n", total_diff(found))
    run.report.fact("consumeTps", found.consume_tps)
    run.report.fact("diffTotal", total_diff(found))


def _clients(run: Invocation, group: str) -> dict[MessageQueue, str]:
    """The address of the client that has a queue, as far as clients tell (getMessageQueueAllocationResult:74)."""
    table: dict[MessageQueue, str] = {}
    with contextlib.suppress(JavaError):
        for one in run.admin.consumer_connection(group).connection_set:
            client_id = one.client_id or ""
            info = run.admin.running_info(group, client_id, False)
            for queue in info.mq_table if info is not None else ():
                table[queue] = client_id.split("@")[0]
    return table


def _summary(run: Invocation, group: str) -> tuple[str | int | None, ...]:
    """The row of a group."""
    tps = diff = 0
    with contextlib.suppress(JavaError):
        found = run.admin.consume_stats(group)
        tps, diff = int(found.consume_tps), total_diff(found)
    online: ConsumerConnection | None = None
    with contextlib.suppress(JavaError):
        online = run.admin.consumer_connection(group)
    if online is None:
        return cut(group, 64), 0, "OFFLINE", "", "", tps, diff
    clients = online.connection_set
    version = version_name(min(one.version for one in clients))
    kind = "PULL" if online.consume_type == ConsumeType.CONSUME_ACTIVELY else "PUSH"
    model = online.message_model if online.consume_type == ConsumeType.CONSUME_PASSIVELY else ""
    return cut(group, 64), len(clients), version, kind, model, tps, diff
