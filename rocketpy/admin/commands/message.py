"""Single messages: queryMsgById, queryMsgByKey, queryMsgByUniqueKey, queryMsgByOffset (tools/command/message)."""

from __future__ import annotations

from pathlib import Path

from rocketpy.admin.errors import JavaError
from rocketpy.admin.files import write_file
from rocketpy.admin.format import date_time_ms, java_text
from rocketpy.admin.invocation import Command, Invocation, parse_int, parse_number
from rocketpy.admin.messages import address_of, consume_directly, find, tracks, view, view_any
from rocketpy.admin.options import Option
from rocketpy.admin.pulling import QueueReader
from rocketpy.admin.sending import Sender, sent_text
from rocketpy.filter.tags import ALL
from rocketpy.protocol.api.connection import ConsumeMessageDirectlyResult
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.message import MessageExt

_BODIES = Path("/tmp/rocketmq/msgbodys")  # fixed in Java, whatever TMPDIR is
_ROW = "%-20s %s%n"
_GROUP = Option("g", "consumerGroup", "consumer group name")
_CLIENT = Option("d", "clientId", "The consumer's client id")
_ID = Option("i", "msgId", "Message Id", required=True)
_TOPIC = Option("t", "topic", "topic name", required=True)


@Command(
    "queryMsgById",
    "Query Message by Id",
    "QueryMsgByIdSubCommand",
    _ID,
    _GROUP,
    _CLIENT,
    Option("s", "sendMessage", "resend message"),
    Option("u", "unitName", "unit name"),
)
def query_by_id(run: Invocation) -> None:
    """Show messages, or have them consumed (-g, -d), or send them again (-s) (QueryMsgByIdSubCommand.java:210)."""
    for message_id in filter(None, map(str.strip, run.text("i").split(","))):
        if run.has("g") and run.has("d"):
            _consume(run, message_id)
        elif not run.has("s"):
            _print_message(run, view(run.admin, message_id), with_id=True)
        elif run.flag("s"):
            _send_again(run, message_id)


def _consume(run: Invocation, message_id: str) -> None:
    try:
        message = view(run.admin, message_id)
        run.print("%s", _shown(consume_directly(run.admin, message, message_id, run.text("g"), run.text("d"))))
    except JavaError as error:
        run.trace(error)


def _send_again(run: Invocation, message_id: str) -> None:
    try:
        message = view(run.admin, message_id)
        run.print("prepare resend msg. originalMsgId=%s", message_id)
        with Sender(run.admin, "ReSendMsgById") as sender:
            run.print("%s", sent_text(sender.send(message)))
    except JavaError as error:
        run.trace(error)


@Command(
    "queryMsgByKey",
    "Query Message by Key",
    "QueryMsgByKeySubCommand",
    _TOPIC,
    Option("k", "msgKey", "Message Key", required=True),
    has_json=True,
)
def query_by_key(run: Invocation) -> None:
    """Where messages with a key are (QueryMsgByKeySubCommand.java:55)."""
    found = find(run.admin, run.text("t"), run.text("k"), 64)
    table = run.report.table("%-50s %4s %40s%n", "#Message ID", "#QID", "#Offset")
    for message in found:
        table.add(message.msg_id, message.queue_id, message.queue_offset)


@Command(
    "queryMsgByUniqueKey",
    "Query Message by Unique key",
    "QueryMsgByUniqueKeySubCommand",
    _ID,
    _GROUP,
    _CLIENT,
    Option("t", "topic", "The topic of msg", required=True),
    Option("a", "showAll", "Print all message, the limit is 32", argument=False),
)
def query_by_unique_key(run: Invocation) -> None:
    """Show it, or with -g and -d have it consumed (QueryMsgByUniqueKeySubCommand.java:173).

    There is never more than one to show, since looking for it keeps the oldest only.
    """
    message_id, topic = run.text("i"), run.text("t")
    if run.has("g") and run.has("d"):
        message = view_any(run.admin, topic, message_id)
        place = message_id if message.uniq_key is None else message.offset_msg_id
        run.print("%s", _shown(consume_directly(run.admin, message, place, run.text("g"), run.text("d"))))
        return
    for message in find(run.admin, topic, message_id, 32, unique=True):
        _print_message(run, message)


@Command(
    "queryMsgByOffset",
    "Query Message by offset",
    "QueryMsgByOffsetSubCommand",
    _TOPIC,
    Option("b", "brokerName", "Broker Name", required=True),
    Option("i", "queueId", "Queue Id", required=True),
    Option("o", "offset", "Queue Offset", required=True),
)
def query_by_offset(run: Invocation) -> None:
    """The message at a place of a queue; nothing if there is none (QueryMsgByOffsetSubCommand.java:64)."""
    queue_id = parse_int(run.text("i"))
    queue = MessageQueue(topic=run.text("t"), broker_name=run.text("b"), queue_id=queue_id)
    for message in QueueReader(run.admin).pull(queue, ALL, parse_number(run.text("o")), 1).messages:
        _print_message(run, message, with_id=True)


def _print_message(run: Invocation, message: MessageExt, *, with_id: bool = False) -> None:
    """Everything about it, the body as a file (QueryMsgByIdSubCommand.printMsg:58)."""
    path = _BODIES / message.msg_id
    write_file(path, message.body)
    if with_id:
        run.print(_ROW, "OffsetID:", message.offset_msg_id)
    properties = {name: message.properties[name] for name in hash_map_order(message.properties)}
    for label, value in (
        ("Topic:", message.topic),
        ("Tags:", [message.tags]),
        ("Keys:", [message.keys]),
        ("Queue ID:", message.queue_id),
        ("Queue Offset:", message.queue_offset),
        ("CommitLog Offset:", message.physical_offset),
        ("Reconsume Times:", message.reconsume_times),
        ("Born Timestamp:", date_time_ms(message.born_timestamp)),
        ("Store Timestamp:", date_time_ms(message.store_timestamp)),
        ("Born Host:", address_of(message.born_host)),
        ("Store Host:", address_of(message.store_host)),
        ("System Flag:", message.sys_flag),
        ("Properties:", properties),
        ("Message Body Path:", path),
    ):
        run.print(_ROW, label, value)
    try:
        found = tracks(run.admin, message)
    except JavaError as error:
        run.trace(error)
        return
    run.print("%n%n%s", "".join(map(str, found)) if found else "WARN: No Consumer")


def _shown(result: ConsumeMessageDirectlyResult) -> str:
    """ConsumeMessageDirectlyResult.toString:71."""
    return (
        f"ConsumeMessageDirectlyResult [order={java_text(result.order)}, autoCommit={java_text(result.auto_commit)}, "
        f"consumeResult={java_text(result.consume_result)}, remark={java_text(result.remark)}, "
        f"spentTimeMills={result.spent_time_mills}]"
    )
