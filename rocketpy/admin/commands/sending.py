"""Sending, and how long it takes: sendMessage, checkMsgSendRT, clusterRT, sendMsgStatus (tools/command)."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import fixed
from rocketpy.admin.invocation import Command, Invocation, parse_int
from rocketpy.admin.options import Option
from rocketpy.admin.sending import Sender, sent_text
from rocketpy.clock import now_ms
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.message import Message

_ROW = "%-32s  %-4s  %-20s    %s%n"
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
    size = parse_int(run.raw("s") or "") if run.has("s") else 128
    count = parse_int(run.raw("c") or "") if run.has("c") else 50
    with Sender(run.admin, "PID_SMSC") as sender:
        sender.send(_hello(topic, 16))
        for _ in range(count):
            began = now_ms()
            sent = sender.send(_hello(topic, size))
            run.print("rt=%sms, SendResult=%s%n", now_ms() - began, sent_text(sent))


@Command(
    "sendMessage",
    "Send a message",
    "SendMessageCommand",
    Option("t", "topic", "Topic name", required=True),
    Option("p", "body", "UTF-8 string format of the message body", required=True),
    Option("k", "key", "Message keys"),
    Option("c", "tags", "Message tags"),
    Option("b", "broker", "Send message to target broker"),
    Option("i", "qid", "Send message to target queue"),
    Option("m", "msgTraceEnable", "Message Trace Enable, Default: false"),
)
def send_message(run: Invocation) -> None:
    """To any queue, or to that of -b and -i (SendMessageCommand.java:88)."""
    try:
        if run.has("i") and not run.has("b"):
            run.complain("Broker name must be set if the queue is chosen!")
            return
        queue_id = run.integer("i", -1)
        message = Message(run.text("t"), run.text("p").encode(), tags=run.maybe("c"), keys=run.maybe("k"))
        queue = MessageQueue(topic=message.topic, broker_name=run.maybe("b") or "", queue_id=queue_id)
        with Sender(run.admin, str(now_ms()), trace=run.flag("m")) as sender:
            sent = sender.send(message, queue if queue_id >= 0 else None)
    except JavaError as error:
        failure = JavaError("java.lang.RuntimeException", "SendMessageCommand command failed", error)
        failure.is_bare = True
        raise failure from error
    run.print(_ROW, "#Broker Name", "#QID", "#Send Result", "#MsgId")
    run.print(_ROW, sent.queue.broker_name, sent.queue.queue_id, sent.status, sent.msg_id)


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
    message = Message(topic, b"a" * size)
    run.print(_ROW, "#Broker Name", "#QID", "#Send Result", "#RT")
    chosen, total = MessageQueue(topic=topic, broker_name="", queue_id=0), 0
    with Sender(run.admin, str(now_ms())) as sender:
        for number in range(amount):

            def choose(queues: Sequence[MessageQueue], message: Message, number: int = number) -> MessageQueue:
                nonlocal chosen
                chosen = queues[number % len(queues)]
                return chosen

            began, success = now_ms(), True
            try:
                sender.send(message, selector=choose)
            except JavaError:
                success = False  # that is what the column tells
            took = now_ms() - began
            total += took if number else 0
            run.print(_ROW, chosen.broker_name, chosen.queue_id, success, took)
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
    if not as_log:
        titles = ("#Cluster Name", "#Broker Name", "#RT", "#successCount", "#failCount")
        run.print("%-24s  %-24s  %-4s  %-8s  %-8s%n", *titles)
    with Sender(run.admin, str(now_ms())) as sender:
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
        began = now_ms()
        try:
            sender.send(Message(topic, b"a" * size))
        except JavaError:
            failed += 1
        total += now_ms() - began if number else 0
    return _quotient(total, amount - 1), failed


def _quotient(total: int, count: int) -> float:
    """As Java divides doubles, by zero as well."""
    if count:
        return total / count
    return float("nan") if total == 0 else float("inf")
