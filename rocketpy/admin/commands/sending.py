"""checkMsgSendRT, clusterRT and sendMsgStatus: how long a send takes (tools/command/message and broker)."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone

from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import fixed
from rocketpy.admin.invocation import Command, Invocation, parse_number
from rocketpy.admin.options import Option
from rocketpy.admin.sending import Sender
from rocketpy.protocol.message import Message

_ROW = "%-32s  %-4s  %-20s    %s%n"
_INT_MAX = 0x7FFF_FFFF
_CHINA = timezone(timedelta(hours=8))  # whatever the local time is (CLusterSendMsgRTCommand.getCurTime:201)


@Command(
    "sendMsgStatus",
    "send msg to broker.",
    "SendMsgStatusCommand",
    Option("b", "brokerName", "Broker Name", required=True),
    Option("s", "messageSize", "Message Size, Default: 128"),
    Option("c", "count", "send message count, Default: 50"),
)
def send_msg_status(run: Invocation) -> None:
    """To the topic named like a broker, after one that does not count (SendMsgStatusCommand.java:74)."""
    topic = run.text("b")
    size = parse_number(run.raw("s") or "", _INT_MAX) if run.has("s") else 128
    count = parse_number(run.raw("c") or "", _INT_MAX) if run.has("c") else 50
    sender = Sender(run.admin, "PID_SMSC")
    sender.send(_hello(topic, 16))
    for _ in range(count):
        began = _now()
        sent = sender.send(_hello(topic, size))
        run.print("rt=%sms, SendResult=%s%n", _now() - began, sent)


def _hello(topic: str, size: int) -> Message:
    """A body of whole words, at least `size` bytes long."""
    return Message(topic, b"hello jodie" * -(-max(size, 0) // 11))


@Command(
    "checkMsgSendRT",
    "check message send response time",
    "CheckMsgSendRTCommand",
    Option("t", "topic", "topic name", required=True),
    Option("a", "amount", "message amount | default 100"),
    Option("s", "size", "message size | default 128 Byte"),
)
def check_msg_send_rt(run: Invocation) -> None:
    """To all queues of a topic in turn; the first does not count (CheckMsgSendRTCommand.java:61)."""
    topic, amount, size = run.text("t"), run.long("a", 100), run.long("s", 128)
    sender = Sender(run.admin, str(_now()))
    message = Message(topic, b"a" * size)
    run.print(_ROW, "#Broker Name", "#QID", "#Send Result", "#RT")
    broker_name, queue_id, total = "", 0, 0
    for number in range(amount):
        began, success = _now(), True
        try:
            queues = sender.queues(topic)
            queue = queues[number % len(queues)]
            broker_name, queue_id = queue.broker_name, queue.queue_id
            sender.send(message, queue)
        except JavaError:
            success = False  # that is what the column tells
        took = _now() - began
        total += took if number else 0
        run.print(_ROW, broker_name, queue_id, success, took)
    run.print("Avg RT: %.2f%n", _quotient(total, amount - 1))


@Command(
    "clusterRT",
    "List All clusters Message Send RT",
    "CLusterSendMsgRTCommand",
    Option("a", "amount", "message amount | default 100"),
    Option("s", "size", "message size | default 128 Byte"),
    Option("c", "cluster", "cluster name | default display all cluster"),
    Option("p", "print log", "print as tlog | default false"),
    Option("m", "machine room", "machine room name | default noname"),
    Option("i", "interval", "print interval | default 10 seconds"),
)
def cluster_rt(run: Invocation) -> None:
    """To the topic named like each broker, for ever; the first does not count (CLusterSendMsgRTCommand.java:84)."""
    clusters = run.admin.cluster_info().cluster_addr_table
    amount, size, interval = run.long("a", 100), run.long("s", 128), run.long("i", 10)
    as_log, room = run.flag("p"), run.maybe("m") or "noname"
    sender = Sender(run.admin, str(_now()))
    if not as_log:
        titles = ("#Cluster Name", "#Broker Name", "#RT", "#successCount", "#failCount")
        run.print("%-24s  %-24s  %-4s  %-8s  %-8s%n", *titles)
    while True:
        for cluster in [run.text("c")] if run.has("c") else clusters:
            if cluster not in clusters:
                run.complain("cluster [%s] not exist", cluster)
                break
            for broker_name in clusters[cluster]:
                mean, failed = _round_trip(sender, broker_name, amount, size)
                if as_log:
                    moment = datetime.now(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
                    run.print("%s|%s|%s|%s|%s%n", moment, room, cluster, broker_name, fixed(mean, 0))
                else:
                    figures = (fixed(mean, 2), amount - failed, failed)
                    run.print("%-24s  %-24s  %-8s  %-16s  %-16s%n", cluster, broker_name, *figures)
        sys.stdout.flush()
        time.sleep(interval)


def _round_trip(sender: Sender, topic: str, amount: int, size: int) -> tuple[float, int]:
    """The mean time of a send in ms, and how many failed."""
    total = failed = 0
    for number in range(amount):
        began = _now()
        try:
            sender.send(Message(topic, b"a" * size))
        except JavaError:
            failed += 1
        total += _now() - began if number else 0
    return _quotient(total, amount - 1), failed


def _quotient(total: int, count: int) -> float:
    """As Java divides doubles, by zero as well."""
    if count:
        return total / count
    return float("nan") if total == 0 else float("inf")


def _now() -> int:
    return time.time_ns() // 1_000_000
