"""Every sub-command has the name, words and options that the official jars have."""

from __future__ import annotations

import pytest

import compat
from rocketpy.admin.catalog import MODULES, commands, find

ROWS = {row["name"]: row for row in compat.table("commands")}


@pytest.mark.parametrize("name", MODULES)
def test_command_is_declared_as_in_java(name: str) -> None:
    command, row = find(name), ROWS[name]
    assert command is not None
    assert command.run is not None
    assert (command.name, command.alias, command.description) == (row["name"], row["alias"], row["description"])
    assert command.java == row["java"].rpartition(".")[2]
    ours = {one.short: (one.long, one.argument, one.required, one.description, one.either) for one in command.own}
    assert ours == {
        one["short"]: (one["long"], one["argument"], one["required"], one["description"], "group" in one)
        for one in row["options"]
    }


def test_commands_come_in_the_order_of_java() -> None:
    assert [command.name for command in commands()] == [name for name in ROWS if name in MODULES]


def test_case_does_not_matter_in_names() -> None:
    assert find("TOPICLIST") is find("topiclist") is not None
    assert find("topic") is None


def test_aliases_are_found() -> None:
    for row in ROWS.values():
        if row["alias"] is not None and row["name"] in MODULES:
            assert find(row["alias"]) is find(row["name"])
