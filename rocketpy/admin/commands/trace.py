"""queryMsgTraceById: who sent and who consumed a message (tools/command/message/QueryMsgTraceByIdSubCommand.java)."""

from __future__ import annotations

from rocketpy.admin.format import date_time
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.messages import find
from rocketpy.admin.options import Option
from rocketpy.clock import now_ms
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.topic_names import TRACE_TOPIC
from rocketpy.protocol.trace import Trace, TraceType, decode_traces

_ROW = "%-10s %-20s %-20s %-20s %-10s %-10s%n"
_MOST = 64


@Command(
    "queryMsgTraceById",
    "query a message trace",
    "QueryMsgTraceByIdSubCommand",
    Option("i", "msgId", "Message Id", required=True),
    Option("t", "traceTopic", "The name value of message trace topic"),
    alias="QueryMsgTraceById",
    failure="QueryMsgTraceByIdSubCommandcommand failed",
)
def query_trace_by_id(run: Invocation) -> None:
    """Sends as they come, then what each group made of it (QueryMsgTraceByIdSubCommand.java:67)."""
    message_id = run.text("i")
    now = now_ms()
    by_group: dict[str, list[tuple[Trace, str]]] = {}
    for message in find(run.admin, run.maybe("t") or TRACE_TOPIC, message_id, _MOST):
        client_host = message.born_host[0]
        for trace in decode_traces(message.body.decode(errors="replace"), now):
            if trace.msg_id != message_id:
                continue
            if trace.kind is TraceType.PUB:
                run.print(_ROW, "#Type", "#ProducerGroup", "#ClientHost", "#SendTime", "#CostTimes", "#Status")
                _print_row(run, "Pub", trace, client_host)
                run.print("\n")
            elif trace.kind is TraceType.SUB_AFTER:
                by_group.setdefault(trace.group, []).append((trace, client_host))
    for group in hash_map_order(by_group):
        run.print(_ROW, "#Type", "#ConsumerGroup", "#ClientHost", "#ConsumerTime", "#CostTimes", "#Status")
        for trace, client_host in by_group[group]:
            _print_row(run, "Sub", trace, client_host)
        run.print("\n")


def _print_row(run: Invocation, kind: str, trace: Trace, client_host: str) -> None:
    status = "success" if trace.success else "failed"
    run.print(_ROW, kind, trace.group, client_host, date_time(trace.timestamp), f"{trace.cost_ms}ms", status)
