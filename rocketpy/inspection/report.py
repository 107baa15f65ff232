"""What was found in a store directory, as text for people or as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from rocketpy.inspection.finding import DAMAGE, Findings
from rocketpy.inspection.summary import Summary
from rocketpy.inspection.verification import Verification


def summary_lines(summary: Summary, findings: Findings) -> Iterator[str]:
    """A summary as text, damage at the end."""
    yield summary.directory
    yield f"  {state_of(summary)}"
    yield f"  log from {summary.log_begin} to {summary.log_end}, stored {_span(summary.oldest, summary.newest)}"
    names = ("log", "queues", "index")
    times = ", ".join(f"{name} {_time(stamp)}" for name, stamp in zip(names, summary.checkpoint, strict=True))
    yield f"  known to be on disk up to: {times}"
    topics = {queue.topic for queue in summary.queues}
    messages = sum(queue.messages for queue in summary.queues)
    yield (
        f"  {len(topics)} topics with {len(summary.queues)} queues and {messages} messages; "
        f"configured are {len(summary.topics)} topics and {len(summary.groups)} groups; "
        f"{summary.index_entries} index entries"
    )
    yield ""
    parts = [(part.name, f"{part.files:,}", f"{part.length:,}", f"{part.on_disk:,}") for part in summary.parts]
    yield from _table(("files of", "count", "bytes", "on disk"), parts)
    yield ""
    queues = [
        (queue.topic, str(queue.queue_id), str(queue.min_offset), str(queue.max_offset), f"{queue.messages:,}",
         f"{queue.bytes:,}", _time(queue.oldest), _time(queue.newest))
        for queue in summary.queues
    ]  # fmt: skip
    yield from _table(("topic", "queue", "min", "max", "messages", "bytes", "oldest", "newest"), queues)
    if summary.offsets:
        yield ""
        ends = {(queue.topic, queue.queue_id): queue.max_offset for queue in summary.queues}
        offsets = [
            (group, topic, str(queue_id), str(number), str(ends.get((topic, queue_id), 0) - number))
            for group, topic, queue_id, number in summary.offsets
        ]
        yield from _table(("group", "topic", "queue", "next", "behind"), offsets)
    if summary.delayed:
        yield ""
        delayed = [(str(level), str(number)) for level, number in sorted(summary.delayed.items())]
        yield from _table(("delay level", "next"), delayed)
    yield ""
    yield from finding_lines(findings)
    yield "This was a glance; `rocketpy verify` reads every byte."


def verification_lines(result: Verification, findings: Findings) -> Iterator[str]:
    """What was looked at, and what is wrong."""
    yield from finding_lines(findings)
    yield (
        f"{result.records} records ({result.bytes} bytes of the log), {result.entries} queue entries and "
        f"{result.index_entries} index entries were looked at"
    )


def finding_lines(findings: Findings) -> Iterator[str]:
    """The findings, damage first, and how many there are."""
    for finding in sorted(findings.kept, key=lambda one: one.severity != DAMAGE):
        yield str(finding)
    for (severity, rule), count in findings.left_out().items():
        yield f"{severity}: and {count} more of {rule}"
    notes = sum(findings.counts.values()) - findings.damages
    yield f"{findings.damages or 'no'} damage, {notes or 'no'} notes"


def as_json(result: Summary | Verification, findings: Findings) -> str:
    """The same as one JSON object: the fields of `result`, and `damages`, `findings` and `left_out`."""
    fields: dict[str, Any] = dataclasses.asdict(result)
    fields["damages"] = findings.damages
    fields["findings"] = [dataclasses.asdict(finding) for finding in findings.kept]
    fields["left_out"] = [
        {"severity": severity, "rule": rule, "count": count} for (severity, rule), count in findings.left_out().items()
    ]
    return json.dumps(fields, ensure_ascii=False, indent=2)


def state_of(summary: Summary) -> str:
    """Whether a broker has it open, or how the last one left it."""
    if summary.holder:
        return f"open: a broker uses it{f', process {summary.holder}' if summary.holder > 0 else ''}"
    return "closed cleanly" if summary.closed else "not closed: its broker was killed, or the machine stopped"


def _time(timestamp: int) -> str:
    if timestamp <= 0:
        return "-"
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(timestamp / 1000))},{timestamp % 1000:03}"


def _span(oldest: int, newest: int) -> str:
    return f"{_time(oldest)} to {_time(newest)}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as what is in them; numbers to the right."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        cells = [
            cell.rjust(width) if cell[:1].isdigit() and "-" not in cell else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        yield f"  {'  '.join(cells)}".rstrip()
