"""What a summary tells about stores of an official broker is what that broker says itself."""

from __future__ import annotations

import json
import os

import pytest

from rocketpy.inspection import report
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.summary import Summary, summarize
from rocketpy.store.message_store import MessageStore
from tests.inspection.conftest import Found, Unpack
from tools.record_golden.recipes import RECIPES

WHOLE = [recipe.name for recipe in RECIPES if recipe.damage is None]


def summary_of(store: Found) -> tuple[Summary, Findings]:
    findings = Findings()
    return summarize(store.config, findings, lambda what, done, total: None), findings


@pytest.mark.parametrize("name", WHOLE)
def test_queues_are_as_java_finds_them(found: Unpack, name: str) -> None:
    store = found(name)
    summary, findings = summary_of(store)
    assert findings.kept == []
    rows = {(queue.topic, queue.queue_id): queue for queue in summary.queues}
    for known in store.known["reopened"]["queues"]:
        queue = rows[known["topic"], known["queue_id"]]
        assert (queue.min_offset, queue.max_offset) == (known["min"], known["max"])
        assert queue.messages == known["max"] - known["min"]
        if known["messages"]:
            assert (queue.oldest, queue.newest) == (known["messages"][0][1], known["messages"][-1][1])


@pytest.mark.parametrize("name", WHOLE)
def test_log_reaches_as_far_as_its_records(found: Unpack, name: str) -> None:
    store = found(name)
    summary, _ = summary_of(store)
    records = [record for record in store.known["records"] if "blank" not in record]
    assert summary.log_end == records[-1]["physical_offset"] + records[-1]["total_size"]
    assert (summary.oldest, summary.newest) == (records[0]["store_timestamp"], records[-1]["store_timestamp"])
    assert summary.closed is not store.known["killed"]
    assert {part.name: part.length for part in summary.parts}["commitlog"] == sum(
        size for file, size in store.known["files"].items() if file.startswith("commitlog/")
    )


def test_groups_and_levels_are_told(found: Unpack) -> None:
    plain, _ = summary_of(found("plain"))
    assert plain.offsets == [("StoreG", "StoreT", 0, 5)]
    assert "StoreT" in plain.topics
    delayed, _ = summary_of(found("delayed"))
    assert delayed.delayed == {1: 2}


def test_holder_is_told(ours: MessageStore) -> None:
    store = Found(ours.paths.root, {})  # type: ignore[arg-type]
    assert summary_of(store)[0].holder == os.getpid()
    ours.close(0)
    assert summary_of(store)[0].holder == 0


def test_damage_that_shows_is_told(found: Unpack) -> None:
    store = found("rolled")
    store.files("commitlog/*")[1].unlink()
    store.overwrite(store.directory / "consumequeue/StoreR/1/00000000000000000000", 40, bytes(20))
    _, findings = summary_of(store)
    assert {finding.rule for finding in findings.kept} == {"file-missing", "queue-hole"}


def test_text_and_json_say_the_same(found: Unpack) -> None:
    store = found("plain")
    store.flip(store.directory / "consumequeue/StoreT/0/00000000000000000000", 1000 - 1)
    summary, findings = summary_of(store)
    text = "\n".join(report.summary_lines(summary, findings))
    told = json.loads(report.as_json(summary, findings))
    assert told["queues"][0] == {
        "topic": "StoreT", "queue_id": 0, "min_offset": 0, "max_offset": 15, "messages": 15,
        "bytes": told["queues"][0]["bytes"], "oldest": summary.queues[0].oldest, "newest": summary.queues[0].newest,
    }  # fmt: skip
    assert told["damages"] == 1
    assert told["findings"][0]["rule"] == "queue-hole"
    assert "damage: consumequeue/StoreT/0/00000000000000000000 at 300: entry 15 is empty, and entry 49" in text
    assert "1 damage, no notes" in text
    assert "closed cleanly" in text
    assert ["StoreG", "StoreT", "0", "5", "10"] in [line.split() for line in text.splitlines()]
