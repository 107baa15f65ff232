"""What a child process can be told: a line of JSON each way.

    {"command": "create_topic", "name": "Order", "queues": 8}
    {"result": "Order"}
    {"command": "lag", "group": "shipping", "topic": "Ordr"}
    {"error": "there is no topic Ordr; there are Order", "kind": "NoSuchTopic"}

A command is a method of `RocketMQ`, or of its clock or its faults, as in

    {"command": "clock.advance", "seconds": 3600}
    {"command": "faults.fail", "request": "SEND_MESSAGE", "code": "SYSTEM_ERROR", "times": 1}
    {"result": 1}
    {"command": "fault", "verb": "lift", "arguments": {"number": 1}}

its arguments are that method's, by name. "stop" has none, and closing stdin does the same. A fault is a number. A
message is an object with the fields of `_message`: `body` is its text, or null if that is no UTF-8, and `bodyBase64` is
always there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from inspect import signature
from operator import attrgetter
from typing import Any

from rocketpy.errors import RocketpyError
from rocketpy.protocol.message import MessageExt
from rocketpy.testing.faults import Fault
from rocketpy.testing.inspector import QueueProgress
from rocketpy.testing.rocketmq import RocketMQ

COMMANDS = frozenset({
    "create_topic", "create_group", "topics", "messages", "delayed", "half_messages", "lag", "progress", "consumers",
    "retries", "dead_letters", "wait_for_messages", "wait_for_dead_letters", "wait_for_retries", "wait_for_consumers",
    "wait_until_consumed", "restart", "reset", "clock.now", "clock.advance", "clock.freeze", "clock.unfreeze", "fault",
    "faults.fail", "faults.busy", "faults.answer", "faults.slow", "faults.lose_request", "faults.lose_reply",
    "faults.break_connection", "faults.wrong_route", "faults.close_connections", "faults.unreachable",
    "faults.unregister", "faults.fail_disk", "faults.slow_disk", "faults.fill_disk", "faults.clear",
})  # fmt: skip


def is_stop(line: str | bytes) -> bool:
    """Whether a line says {"command": "stop"}, which is the same as the end of all lines."""
    try:
        return bool(json.loads(line) == {"command": "stop"})
    except ValueError:
        return False


def obey(rocketmq: RocketMQ, line: str | bytes) -> str:
    """Do what a line says; the line that answers it."""
    try:
        command, arguments = _parse(rocketmq, line)
        result = command(**arguments)
    except (RocketpyError, TypeError, ValueError) as error:
        return json.dumps({"error": str(error), "kind": type(error).__name__})
    return json.dumps({"result": result}, default=_plain)


def _parse(rocketmq: RocketMQ, line: str | bytes) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Raises ValueError or TypeError that says what is wrong."""
    try:
        arguments = json.loads(line)
    except ValueError as error:
        raise ValueError(f"a command is a JSON object in one line: {error}") from error
    name = arguments.pop("command", None) if isinstance(arguments, dict) else None
    if name not in COMMANDS:
        raise ValueError(f"there is no command {name!r}; there are stop, {', '.join(sorted(COMMANDS))}")
    command: Callable[..., Any] = attrgetter(name)(rocketmq)
    try:
        signature(command).bind(**arguments)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from error
    return command, arguments


def _plain(value: object) -> object:
    """What JSON has no notion of."""
    if isinstance(value, Fault):
        return value.number
    if isinstance(value, MessageExt):
        return _message(value)
    if isinstance(value, QueueProgress):
        return {**asdict(value), "queue": value.queue.to_value(), "lag": value.lag}
    raise TypeError(f"{value!r} is not to be written as JSON")


def _message(message: MessageExt) -> dict[str, object]:
    try:
        text = message.body.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "topic": message.topic,
        "body": text,
        "bodyBase64": base64.b64encode(message.body).decode(),
        "tags": message.tags,
        "keys": message.keys,
        "properties": message.properties,
        "msgId": message.msg_id,
        "queueId": message.queue_id,
        "queueOffset": message.queue_offset,
        "reconsumeTimes": message.reconsume_times,
        "bornTimestamp": message.born_timestamp,
        "storeTimestamp": message.store_timestamp,
    }
