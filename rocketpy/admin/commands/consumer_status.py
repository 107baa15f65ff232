"""consumerStatus: what running consumers tell about themselves (tools/command/consumer, ConsumerRunningInfo.java)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from rocketpy.admin.client import queue_rank
from rocketpy.admin.errors import JavaError
from rocketpy.admin.files import write_file
from rocketpy.admin.format import java_text, render
from rocketpy.admin.health import as_java_compares, stuck_queues, subscribe_alike
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.clock import now_ms
from rocketpy.protocol.api.connection import ConsumerConnection, ConsumerRunningInfo, ProcessQueueInfo
from rocketpy.protocol.java_hash import concurrent_hash_map_order
from rocketpy.protocol.version import version_name

_QUEUE_ROW = "%-64s  %-32s  %-4s  %-20s%n"


@Command(
    "consumerStatus",
    "Query consumer's internal data structure",
    "ConsumerStatusSubCommand",
    Option("g", "consumerGroup", "consumer group name", required=True),
    Option("i", "clientId", "The consumer's client id"),
    Option("b", "brokerAddr", "broker address"),
    Option("s", "jstack", "Run jstack command in the consumer progress", argument=False),
)
def consumer_status(run: Invocation) -> None:
    """Of one client on stdout, or of all in files of the current directory (ConsumerStatusSubCommand.java:75)."""
    group = run.text("g")
    online = run.admin.consumer_connection(group, run.maybe("b"))
    if not run.has("i"):
        infos = _write_files(run, group, online)
        if infos:
            _analyze(run, dict(sorted(infos.items())))
        return
    info = run.admin.running_info(group, run.text("i"), run.has("s"))
    if info is not None:
        run.print("%s", "".join(_described(info)))


def _write_files(run: Invocation, group: str, online: ConsumerConnection) -> dict[str, ConsumerRunningInfo]:
    infos: dict[str, ConsumerRunningInfo] = {}
    directory = Path(str(now_ms()))
    run.print("%-10s %-40s %-20s %s%n", "#Index", "#ClientId", "#Version", "#ConsumerRunningInfoFile")
    for one in online.connection_set:
        client_id = one.client_id or ""
        try:
            info = run.admin.running_info(group, client_id, run.has("s"))
            if info is None:
                continue
            write_file(directory / client_id, "".join(_described(info)).encode())
        except JavaError as error:
            run.trace(error)
            continue
        infos[client_id] = info
        row = (len(infos), client_id, version_name(one.version), directory / client_id)
        run.print("%-10d %-40s %-20s %s%n", *row)
    return infos


def _analyze(run: Invocation, infos: dict[str, ConsumerRunningInfo]) -> None:
    """Whether all subscribe to the same, and which queues are stuck."""
    if not subscribe_alike(list(infos.values())):
        run.print("%n%nWARN: Different subscription in the same group of consumer!!!")
        return
    run.print("%n%nSame subscription in the same group of consumer")
    run.print("%n%nRebalance %s%n", "OK")
    for client_id, info in infos.items():
        run.print("%s", "".join(stuck_queues(client_id, info)))


def _described(info: ConsumerRunningInfo) -> Iterator[str]:
    """ConsumerRunningInfo.formatString:194."""
    yield "#Consumer Properties#\n"
    for name in concurrent_hash_map_order(info.properties, 8):
        yield render("%-40s: %s%n", name, info.properties[name])
    yield "\n\n#Consumer Subscription#\n"
    for number, one in enumerate(sorted(info.subscription_set, key=as_java_compares), start=1):
        text = "%03d Topic: %-40s ClassFilter: %-8s SubExpression: %s%n"
        yield render(text, number, one.topic, one.class_filter_mode, one.sub_string)
    queues = [(queue, info.mq_table[queue]) for queue in sorted(info.mq_table, key=queue_rank)]
    yield "\n\n#Consumer Offset#\n"
    yield render(_QUEUE_ROW, "#Topic", "#Broker Name", "#QID", "#Consumer Offset")
    for queue, held in queues:
        row = (queue.topic, queue.broker_name, queue.queue_id, held.commit_offset)
        yield render("%-32s  %-32s  %-4d  %-20d%n", *row)
    yield "\n\n#Consumer MQ Detail#\n"
    yield render(_QUEUE_ROW, "#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo")
    for queue, held in queues:
        yield render("%-64s  %-32s  %-4d  %s%n", queue.topic, queue.broker_name, queue.queue_id, _shown(held))
    yield from _described_rates(info)
    if info.jstack is not None:
        yield "\n\n#Consumer jstack#\n" + info.jstack


def _described_rates(info: ConsumerRunningInfo) -> Iterator[str]:
    yield "\n\n#Consumer RT&TPS#\n"
    titles = ("#Topic", "#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS", "#ConsumeFailed TPS")
    yield render("%-64s  %14s %14s %14s %14s %18s %25s%n", *titles, "#ConsumeFailedMsgsInHour")
    for topic, one in sorted(info.status_table.items()):
        rates = (one.pull_rt, one.pull_tps, one.consume_rt, one.consume_ok_tps, one.consume_failed_tps)
        text = "%-32s  %14.2f %14.2f %14.2f %14.2f %18.2f %25d%n"
        yield render(text, topic, *rates, one.consume_failed_msgs)


def _shown(held: ProcessQueueInfo) -> str:
    """ProcessQueueInfo.toString:155."""
    fields = {
        "commitOffset": held.commit_offset,
        "cachedMsgMinOffset": held.cached_msg_min_offset,
        "cachedMsgMaxOffset": held.cached_msg_max_offset,
        "cachedMsgCount": held.cached_msg_count,
        "cachedMsgSizeInMiB": held.cached_msg_size_in_mib,
        "transactionMsgMinOffset": held.transaction_msg_min_offset,
        "transactionMsgMaxOffset": held.transaction_msg_max_offset,
        "transactionMsgCount": held.transaction_msg_count,
        "locked": held.locked,
        "tryUnlockTimes": held.try_unlock_times,
        "lastLockTimestamp": _digits(held.last_lock_timestamp),
        "droped": held.droped,
        "lastPullTimestamp": _digits(held.last_pull_timestamp),
        "lastConsumeTimestamp": _digits(held.last_consume_timestamp),
    }
    return "ProcessQueueInfo [" + ", ".join(f"{name}={java_text(value)}" for name, value in fields.items()) + "]"


def _digits(timestamp: int) -> str:
    """yyyyMMddHHmmssSSS by the local clock (UtilAll.timeMillisToHumanString:118)."""
    return f"{datetime.fromtimestamp(timestamp // 1000):%Y%m%d%H%M%S}{timestamp % 1000:03}"
