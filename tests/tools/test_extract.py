"""What happens to the answers of the official jars before they are written down; the jars themselves are not asked."""

from __future__ import annotations

import compat
from tools.extract import COMMENTS, _mark_machine


def key(default: str | None, *, machine: bool = False) -> compat.Row:
    return {"key": "k", "default": default, "machine": machine}


def test_defaults_that_differ_between_machines_are_dropped() -> None:
    rows = [key("1"), key("4"), key("host", machine=True), key(None)]
    _mark_machine(rows, [key("1"), key("16"), key("host", machine=True), key(None)])
    assert rows == [
        {"key": "k", "default": "1"},
        {"key": "k", "default": None, "machine": True},
        {"key": "k", "default": None, "machine": True},
        {"key": "k", "default": None},
    ]


def test_every_table_is_there_and_names_java_classes() -> None:
    for name in COMMENTS:
        assert compat.table(name)
        assert all(row["java"].startswith("org.apache.rocketmq.") for row in compat.table(name))
