"""Message traces: what clients say of their sends and consumes, as the text in the body of messages to a trace topic.

One line a message, its fields separated by 0x01 and each line ended by 0x02 (TraceDataEncoder.java):

```
Pub             time region group topic id tags keys store-host body-length cost type [offset-id] success [client]
SubBefore       time region group request-id id retries keys
SubAfter        request-id id cost success keys [code] [time group]
EndTransaction  time region group topic id tags keys store-host type transaction-id state from-check
```
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rocketpy.errors import ProtocolError


class TraceType(StrEnum):
    """What was done (TraceType.java)."""

    PUB = "Pub"
    SUB_BEFORE = "SubBefore"
    SUB_AFTER = "SubAfter"
    END_TRANSACTION = "EndTransaction"


@dataclass(slots=True, kw_only=True)
class Trace:
    """One line; times are in ms. `group` is "" where old clients leave it out."""

    kind: TraceType
    msg_id: str
    timestamp: int
    group: str
    cost_ms: int = 0
    success: bool = True


def decode_traces(text: str, now: int) -> list[Trace]:
    """The lines of kinds that are known (decoderFromTraceDataString:39). ProtocolError if one of them is damaged.

    `now`, in ms, stands for times that old clients leave out.
    """
    traces = []
    for line in text.split("\x02"):
        name, *fields = line.split("\x01")
        try:
            if name == TraceType.PUB:
                traces.append(_sent(fields))
            elif name == TraceType.SUB_AFTER:
                traces.append(_consumed(fields, now))
            elif name in (TraceType.SUB_BEFORE, TraceType.END_TRANSACTION):
                time, group, msg_id = int(fields[0]), fields[2], fields[4]
                traces.append(Trace(kind=TraceType(name), msg_id=msg_id, timestamp=time, group=group))
        except (IndexError, ValueError) as error:
            raise ProtocolError(f"damaged trace {line!r}: {error}") from error
    return traces


def _sent(fields: list[str]) -> Trace:
    success = fields[11] if len(fields) == 12 else fields[12] if len(fields) > 12 else "true"
    return Trace(
        kind=TraceType.PUB,
        msg_id=fields[4],
        timestamp=int(fields[0]),
        group=fields[2],
        cost_ms=int(fields[9]),
        success=success.lower() == "true",
    )


def _consumed(fields: list[str], now: int) -> Trace:
    has_group = len(fields) >= 8
    return Trace(
        kind=TraceType.SUB_AFTER,
        msg_id=fields[1],
        timestamp=int(fields[6]) if has_group else now,
        group=fields[7] if has_group else "",
        cost_ms=int(fields[2]),
        success=fields[3].lower() == "true",
    )
