"""Whole queues: printMsg, printMsgByQueue, consumeMessage (tools/command/message)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rocketpy.admin.errors import JavaError, null_pointer
from rocketpy.admin.invocation import Command, Invocation, parse_int, parse_time
from rocketpy.admin.message_text import message_text
from rocketpy.admin.options import Option
from rocketpy.admin.pulling import TOOLS_GROUP, PullStatus, QueueReader
from rocketpy.clock import now_ms
from rocketpy.filter.tags import ALL
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.message import MessageExt

_BATCH = 32
_MOST = 128
_CHARSET = Option("c", "charsetName ", "CharsetName(eg: UTF-8,GBK)")
_EXPRESSION = Option("s", "subExpression ", "Subscribe Expression(eg: TagA || TagB)")
_BEGIN = Option("b", "beginTimestamp ", "Begin timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]")
_END = Option("e", "endTimestamp ", "End timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]")


@Command(
    "printMsg",
    "Print Message Detail",
    "PrintMessageSubCommand",
    Option("t", "topic", "topic name", required=True),
    _CHARSET,
    _EXPRESSION,
    _BEGIN,
    _END,
    Option("d", "printBody ", "print body"),
)
def print_messages(run: Invocation) -> None:
    """All messages of a topic, queue by queue (PrintMessageSubCommand.java:107)."""
    charset, expression = run.maybe("c") or "UTF-8", run.maybe("s") if run.has("s") else ALL
    reader = QueueReader(run.admin)
    for queue in reader.queues(run.text("t")):
        first, end = _bounds(run, reader, queue)
        name = queue.java_text()
        run.print("minOffset=%s, maxOffset=%s, %s%n", first, end, name)
        at = first
        while at < end:
            try:
                pulled = reader.pull(queue, expression or "", at, _BATCH)
                at = pulled.next_offset
                run.progress(f"queue {queue.queue_id} of {queue.broker_name}", at - first, end - first)
                if pulled.status is PullStatus.FOUND:
                    _print_all(run, pulled.messages, queue, charset, with_body=run.flag("d", True))
                elif pulled.status is PullStatus.NO_MATCHED_MSG:
                    run.print("%s no matched msg. status=%s, offset=%s%n", name, pulled.status.name, at)
                else:
                    run.print("%s print msg finished. status=%s, offset=%s%n", name, pulled.status.name, at)
                    break
            except JavaError as error:
                run.trace(error)
                break
        run.print("--------------------------------------------------------\n")


@Command(
    "printMsgByQueue",
    "Print Message Detail",
    "PrintMessageByQueueCommand",
    Option("t", "topic", "topic name", required=True),
    Option("a", "brokerName ", "broker name", required=True),
    Option("i", "queueId ", "queue id", required=True),
    _CHARSET,
    _EXPRESSION,
    _BEGIN,
    _END,
    Option("p", "print msg", "print msg. eg: true | false(default)"),
    Option("d", "printBody ", "print body. eg: true | false(default)"),
    Option("f", "calculate", "calculate by tag. eg: true | false(default)"),
)
def print_messages_by_queue(run: Invocation) -> None:
    """Those of one queue, and how many have which tag (PrintMessageByQueueCommand.java:159)."""
    charset, expression = run.maybe("c") or "UTF-8", run.maybe("s") if run.has("s") else ALL
    queue_id = parse_int(run.text("i"))
    queue = MessageQueue(topic=run.text("t"), broker_name=run.text("a"), queue_id=queue_id)
    reader = QueueReader(run.admin)
    first, end = _bounds(run, reader, queue)
    at = first
    tags: Counter[str] = Counter()
    while at < end:
        try:
            pulled = reader.pull(queue, expression or "", at, _BATCH)
            if pulled.status is not PullStatus.FOUND:
                break
            at = pulled.next_offset
            run.progress(f"queue {queue_id} of {queue.broker_name}", at - first, end - first)
            tags.update(one.tags for one in pulled.messages if one.tags and not one.tags.isspace())
            if run.flag("p"):
                _print_all(run, pulled.messages, queue, charset, with_body=run.flag("d"), tell=True)
        except JavaError as error:
            run.trace(error)
            break
    if run.flag("f"):
        for tag in sorted(hash_map_order(tags), key=lambda tag: -tags[tag]):
            run.print("Tag: %-30s Count: %s%n", tag, tags[tag])


def _bounds(run: Invocation, reader: QueueReader, queue: MessageQueue) -> tuple[int, int]:
    """The first offset of a queue and the end, or what -b and -e say."""
    first, end = reader.min_offset(queue), reader.max_offset(queue)
    if run.has("b"):
        first = reader.offset_at(queue, parse_time(run.text("b")))
    if run.has("e"):
        end = reader.offset_at(queue, parse_time(run.text("e")))
    return first, end


def _print_all(
    run: Invocation,
    messages: Iterable[MessageExt],
    queue: MessageQueue,
    charset: str,
    *,
    with_body: bool,
    tell: bool = False,
) -> None:
    """A line each; those in an unknown charset are left out, with a trace if `tell`."""
    for message in messages:
        body = "NOT PRINT BODY"
        if with_body:
            if not message.body:
                raise null_pointer()
            try:
                body = message.body.decode(charset, "replace")
            except LookupError:
                if tell:
                    run.trace(JavaError("java.io.UnsupportedEncodingException", charset))
                continue
        run.print("MSGID: %s %s BODY: %s%n", message.msg_id, message_text(message, queue.broker_name), body)


@Command(
    "consumeMessage",
    "Consume message",
    "ConsumeMessageCommand",
    Option("t", "topic", "Topic name", required=True),
    Option("b", "brokerName", "Broker name"),
    Option("i", "queueId", "Queue Id"),
    Option("o", "offset", "Queue offset"),
    Option("g", "consumerGroup", "Consumer group name"),
    Option("s", "beginTimestamp ", "Begin timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"),
    Option("e", "endTimestamp ", "End timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"),
    Option("c", "MessageNumber", "Number of message to be consumed"),
)
def consume_message(run: Invocation) -> None:
    """Show up to -c messages of a topic or a queue (ConsumeMessageCommand.java:116)."""
    complaint = _complaint(run)
    if complaint:
        run.complain("%s", complaint)
        return
    reader = QueueReader(run.admin, run.maybe("g") or TOOLS_GROUP)
    wanted, begin, end = run.long("c", _MOST), _time(run, "s"), _time(run, "e")
    queue_id = parse_int(run.text("i")) if run.has("i") else None
    try:
        if queue_id is None:
            _consume_topic(run, reader, wanted, begin, end)
        else:
            queue = MessageQueue(topic=run.text("t"), broker_name=run.text("b"), queue_id=queue_id)
            _consume_queue(run, reader, queue, run.long("o", 0), wanted, begin, end)
    except JavaError as error:
        run.trace(error)


def _complaint(run: Invocation) -> str:
    """What is wrong with the options, as they are looked at one after the other; "" if nothing is."""
    if run.long("c", _MOST) <= 0:
        return "Please input a positive messageNumber!"
    if run.has("i") and not run.has("b"):
        return "Please set the brokerName before queueId!"
    if run.has("o") and not run.has("i"):
        return "Please set queueId before offset!"
    run.long("o", 0)
    now = now_ms()
    if _time(run, "s") > now:
        return "Please set the beginTimestamp before now!"
    if _time(run, "e") > now:
        return "Please set the endTimestamp before now!"
    if run.has("e") and _time(run, "s") > _time(run, "e"):
        return "Please make sure that the beginTimestamp is less than or equal to the endTimestamp"
    return ""


def _time(run: Invocation, short: str) -> int:
    return parse_time(run.text(short)) if run.has(short) else 0


def _consume_topic(run: Invocation, reader: QueueReader, wanted: int, begin: int, end: int) -> None:
    """Queue after queue; the end of a queue counts as one message, as in Java (executeDefault:240)."""
    for queue in reader.queues(run.text("t")):
        if wanted == 0:
            return
        first, last = _span(reader, queue, begin, end)
        if last - first > wanted:
            run.print("The older %d message of the %d queue will be provided\n", wanted, queue.queue_id)
            last, wanted = first + wanted - 1, 0
        else:
            wanted -= last - first + 1
        _pull_until(run, reader, queue, first, last)


def _consume_queue(
    run: Invocation, reader: QueueReader, queue: MessageQueue, queue_offset: int, wanted: int, begin: int, end: int
) -> None:
    first, last = _span(reader, queue, begin, end)
    if queue_offset > last:
        run.print("%s no matched msg, offset=%s\n", queue.java_text(), queue_offset)
        return
    first = max(first, queue_offset)
    if last - first > wanted:
        run.print("The oldler %d message will be provided\n", wanted)
        last = first + wanted - 1
    _pull_until(run, reader, queue, first, last)


def _span(reader: QueueReader, queue: MessageQueue, begin: int, end: int) -> tuple[int, int]:
    first, last = reader.min_offset(queue), reader.max_offset(queue)
    if begin > 0:
        first = reader.offset_at(queue, begin)
    if end > 0:
        last = reader.offset_at(queue, end)
    return first, last


def _pull_until(run: Invocation, reader: QueueReader, queue: MessageQueue, first: int, last: int) -> None:
    """Show what stands from `first` to `last` (ConsumeMessageCommand.pullMessageByQueue:213)."""
    at = first
    while at <= last:
        try:
            pulled = reader.pull(queue, ALL, at, last - at + 1)
        except JavaError as error:
            run.trace(error)
            return
        at = pulled.next_offset
        if pulled.status is PullStatus.FOUND:
            run.print("Consume ok\n")
            _print_all(run, pulled.messages, queue, "UTF-8", with_body=True, tell=True)
        elif pulled.status is PullStatus.NO_MATCHED_MSG:
            run.print("%s no matched msg. status=%s, offset=%s\n", queue.java_text(), pulled.status.name, at)
        else:
            run.print("%s print msg finished. status=%s, offset=%s\n", queue.java_text(), pulled.status.name, at)
            return
