"""One run of a sub-command: what was asked for, the cluster it is about, and where the answer is printed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any

from rocketpy.admin.client import AdminClient
from rocketpy.admin.errors import JavaError, not_a_number, null_pointer
from rocketpy.admin.format import render
from rocketpy.admin.options import Option, Options
from rocketpy.admin.report import Report

_DATE = re.compile(r"(\d+)-(\d+)-(\d+)#(\d+):(\d+):(\d+):(\d+)")
_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_LONG_MAX = 0x7FFF_FFFF_FFFF_FFFF

Run = Callable[["Invocation"], None]


class Command:
    """A sub-command: its name and words of help, the Java class that has the same, its options, and what it does.

    `failure` is what Java says of a failed command, None where it shows the bare cause. With `has_json` it also takes
    --json: what it tells goes through the tables and facts of its report.
    """

    def __init__(
        self,
        name: str,
        description: str,
        java: str,
        *own: Option,
        alias: str | None = None,
        failure: str | None = "",
        has_json: bool = False,
    ) -> None:
        self.name = name
        self.description = description
        self.java = java
        self.own = own
        self.alias = alias
        self.has_json = has_json
        self.failure = f"{java} command failed" if failure == "" else failure
        self.run: Run | None = None

    def __call__(self, run: Run) -> Command:
        """As a decorator: `run` is what the sub-command does."""
        self.run = run
        return self

    @cached_property
    def options(self) -> Options:
        """Its own options and the common ones."""
        return Options(self.own)

    def usage(self) -> str:
        """The help text."""
        return self.options.usage(f"mqadmin {self.name}")


class Invocation:
    """What a command gets: the values of its options, an AdminClient, and a report to write its answer to.

    `strict` is for scripts that want to know: each failure is one line on stderr, and `failed` in the end.
    """

    def __init__(
        self,
        command: Command,
        given: dict[str, list[str]],
        admin: AdminClient,
        report: Report | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self.command = command
        self.admin = admin
        self.report = Report() if report is None else report
        self.strict = strict
        self.failed = False
        self._given = given

    def has(self, short: str) -> bool:
        """Whether the option was given."""
        return short in self._given

    def raw(self, short: str) -> str | None:
        """The first value of an option, as given."""
        values = self._given.get(short)
        return values[0] if values else None

    def maybe(self, short: str) -> str | None:
        """The value without white space around it."""
        value = self.raw(short)
        return None if value is None else value.strip()

    def text(self, short: str) -> str:
        """The same of an option that is there."""
        value = self.maybe(short)
        if value is None:
            raise null_pointer()
        return value

    def flag(self, short: str, default: bool = False) -> bool:
        """An option's value as Boolean.parseBoolean reads it."""
        return self.text(short).lower() == "true" if self.has(short) else default

    def integer(self, short: str, default: int) -> int:
        """An option's value as a Java int. Raises JavaError."""
        return parse_int(self.text(short)) if self.has(short) else default

    def long(self, short: str, default: int) -> int:
        """An option's value as a Java long. Raises JavaError."""
        return parse_number(self.text(short)) if self.has(short) else default

    def print(self, template: str, *values: Any) -> None:
        """Print as Java's System.out.printf."""
        self.report.print(template, *values)

    def usage(self) -> None:
        """Print the help text, since options are missing."""
        if self.strict:
            self.complain("options are missing, see mqadmin help %s", self.command.name)
        else:
            sys.stdout.write(self.command.usage())

    def complain(self, template: str, *values: Any) -> None:
        """Print, as Java does on stdout, that something is wrong."""
        self.failed = True
        if self.strict or self.report.as_json:
            self._print_failure(render(template, *values))
        else:
            self.report.print(template, *values)

    def trace(self, error: JavaError) -> None:
        """Print the heads of a stack trace, where Java goes on after an exception."""
        self.failed = True
        if self.strict:
            self._print_failure(error.summary)
        else:
            sys.stdout.flush()
            sys.stderr.write(error.trace())

    def progress(self, what: str, done: int, total: int) -> None:
        """Show on the terminal how far long work is, where the answer itself goes into a file or a pipe."""
        if not sys.stderr.isatty() or sys.stdout.isatty():
            return
        sys.stderr.write(f"\r{what}: {done} of {total}" + ("\n" if done >= total else ""))
        sys.stderr.flush()

    def _print_failure(self, text: str) -> None:
        sys.stdout.flush()
        sys.stderr.write(f"mqadmin {self.command.name}: {text.strip()}\n")


def parse_int(text: str) -> int:
    """`text` as Integer.parseInt reads it. Raises JavaError."""
    return parse_number(text, 0x7FFF_FFFF)


def parse_number(text: str, largest: int = _LONG_MAX) -> int:
    """`text` as Long.parseLong reads it. Raises JavaError."""
    if _NUMBER.fullmatch(text):
        number = int(text)
        if -largest - 1 <= number <= largest:
            return number
    raise not_a_number(text)


def parse_time(text: str) -> int:
    """Ms, or yyyy-MM-dd#HH:mm:ss:SSS by the local clock; Java runs into its null for anything else."""
    try:
        return parse_number(text)
    except JavaError:
        match = _DATE.match(text)
        if match is None:
            raise null_pointer() from None
    *parts, milliseconds = map(int, match.groups())
    try:
        moment = datetime(*parts)  # type: ignore[arg-type]
    except ValueError:
        raise null_pointer() from None
    return int(moment.timestamp()) * 1000 + milliseconds
