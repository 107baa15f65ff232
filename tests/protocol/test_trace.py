"""Traces as clients write them."""

from __future__ import annotations

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.trace import Trace, TraceType, decode_traces

NOW = 1_700_000_009_000
PUB = "Pub|1700000000000|zone|group|Topic|ID|tag|key|host|4|7|0|OFFSETID|false"
SUB_AFTER = "SubAfter|request|ID|5|false|key|0|1700000000003|group"


def lines(*texts: str) -> str:
    return "".join(text.replace("|", "\x01") + "\x02" for text in texts)


@pytest.mark.parametrize(
    ("line", "trace"),
    [
        (PUB, Trace(kind=TraceType.PUB, msg_id="ID", timestamp=1700000000000, group="group", cost_ms=7, success=False)),
        (
            PUB.replace("OFFSETID|false", "true"),
            Trace(kind=TraceType.PUB, msg_id="ID", timestamp=1700000000000, group="group", cost_ms=7),
        ),
        (
            PUB + "|10.0.0.1",
            Trace(kind=TraceType.PUB, msg_id="ID", timestamp=1700000000000, group="group", cost_ms=7, success=False),
        ),
        (
            "SubBefore|1700000000001|zone|group|request|ID|0|key",
            Trace(kind=TraceType.SUB_BEFORE, msg_id="ID", timestamp=1700000000001, group="group"),
        ),
        (
            SUB_AFTER,
            Trace(
                kind=TraceType.SUB_AFTER, msg_id="ID", timestamp=1700000000003, group="group", cost_ms=5, success=False
            ),
        ),
        (
            "SubAfter|request|ID|5|true|key",
            Trace(kind=TraceType.SUB_AFTER, msg_id="ID", timestamp=NOW, group="", cost_ms=5),
        ),
        (
            "EndTransaction|1700000000005|zone|group|Topic|ID|tag|key|host|2|TID|COMMIT_MESSAGE|false",
            Trace(kind=TraceType.END_TRANSACTION, msg_id="ID", timestamp=1700000000005, group="group"),
        ),
    ],
)
def test_line_is_read(line: str, trace: Trace) -> None:
    assert decode_traces(lines(line), NOW) == [trace]


def test_unknown_lines_and_nothing_are_skipped() -> None:
    assert decode_traces("", NOW) == []
    assert [trace.kind for trace in decode_traces(lines("Other|1", PUB, SUB_AFTER), NOW)] == ["Pub", "SubAfter"]


@pytest.mark.parametrize("line", ["Pub|now", "Pub", "SubAfter|request|ID|fast|true|key", "SubBefore|1|zone"])
def test_damaged_line_is_a_protocol_error(line: str) -> None:
    with pytest.raises(ProtocolError, match="damaged trace"):
        decode_traces(lines(line), NOW)
