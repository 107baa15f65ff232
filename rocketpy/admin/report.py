"""Where a command puts its answer: on stdout as Java prints it, or with --json as one JSON value in the end."""

from __future__ import annotations

import re
import sys
from typing import Any

import orjson

from rocketpy.admin.format import render

_WORD = re.compile(r"[A-Za-z0-9]+")


class Report:
    """Prints at once, or collects: rows of tables, and facts by name."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._tables: dict[str, list[dict[str, Any]]] = {}
        self._facts: dict[str, Any] = {}

    def print(self, template: str, *values: Any) -> None:
        """Print as Java's System.out.printf; what is printed so is no part of the JSON."""
        if not self.as_json:
            sys.stdout.write(render(template, *values))

    def table(self, template: str, *titles: str, name: str = "rows", with_head: bool = True) -> Table:
        """Begin a table, whose rows are printed by `template`. `name` tells it from others of the command."""
        if with_head:
            self.print(template, *titles)
        return Table(self, template, titles, self._tables.setdefault(name, []))

    def fact(self, name: str, value: Any) -> None:
        """Keep a value for the JSON; printing it is another matter."""
        self._facts[name] = value

    def end(self) -> None:
        """Print the JSON: the rows of the only table as an array, else an object of all tables and facts."""
        if not self.as_json:
            return
        only_table = len(self._tables) == 1 and not self._facts
        value: Any = next(iter(self._tables.values())) if only_table else self._tables | self._facts
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n")


class Table:
    """Rows under titles."""

    def __init__(self, report: Report, template: str, titles: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
        self._report = report
        self._template = template
        self._names = [_member_name(title) for title in titles]
        self._rows = rows

    def add(self, *values: Any) -> None:
        """Print a row, or keep it."""
        if self._report.as_json:
            self._rows.append({name: _plain(value) for name, value in zip(self._names, values, strict=True)})
        else:
            self._report.print(self._template, *values)


def _member_name(title: str) -> str:
    """`#Broker Name` as brokerName, `#QID` as qid, `#InTPS(LOAD)` as inTpsLoad."""
    words = [part for word in _WORD.findall(title) for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", word)]
    return "".join(word.lower() if at == 0 else word.capitalize() for at, word in enumerate(words))


def _plain(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
