"""checkMsgSendRT and sendMsgStatus: how long a send takes (tools/command/message and broker)."""

from __future__ import annotations

import time

from rocketpy.admin.errors import JavaError
from rocketpy.admin.invocation import Command, Invocation, parse_number
from rocketpy.admin.options import Option
from rocketpy.admin.sending import Sender
from rocketpy.protocol.message import Message

_ROW = "%-32s  %-4s  %-20s    %s%n"
_INT_MAX = 0x7FFF_FFFF


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


def _quotient(total: int, count: int) -> float:
    """As Java divides doubles, by zero as well."""
    if count:
        return total / count
    return float("nan") if total == 0 else float("inf")


def _now() -> int:
    return time.time_ns() // 1_000_000
