"""mqadmin from its words to its exit status (MQAdminStartup.java, ServerUtil.java).

Help and all failures after the options were read end with 0, options that do not fit with 1 and the help text; that
is what scripts have come to rely on. Whoever writes new ones has three words that Java lacks: `--strict`, or the
environment's ROCKETPY_STRICT=1, makes each failure one line on stderr and a status of 1; `--json` makes the answer of
a listing command JSON; `--completion SHELL` prints what makes a shell complete mqadmin's command lines.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from rocketpy.admin import catalog
from rocketpy.admin.account import account
from rocketpy.admin.client import AdminClient
from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import render
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import OptionError
from rocketpy.admin.report import Report
from rocketpy.config.tls import process_tls
from rocketpy.errors import ConfigError, RocketpyError
from rocketpy.remoting.tls_door import client_tls

_ADDITIONS = ("--json", "--strict")


def main(words: Sequence[str]) -> int:
    """Run `words`, a sub-command and its options; the result is the exit status (MQAdminStartup.main0:99)."""
    logging.getLogger("rocketpy").addHandler(logging.NullHandler())  # stderr is for Java's words
    words, added = _without_additions([_as_text(word) for word in words])
    strict = "--strict" in added or os.environ.get("ROCKETPY_STRICT") == "1"
    if not words:
        _print_overview()
        return 0
    if words[0] == "--completion":
        return _print_completion(words[1:])
    wants_help = len(words) == 2 and words[0] == "help"
    name = words[1] if wants_help else words[0]
    command = catalog.find(name)
    if command is None:
        if strict:
            return _fail(name, "there is no such command")
        sys.stdout.write(f"The sub command {name} not exist.\n")
        return 0
    if wants_help:
        sys.stdout.write(command.usage())
        return 0
    try:
        given = command.options.parse(words[1:])
    except OptionError as error:
        if strict:
            return _fail(command.name, f"{error}, see mqadmin help {command.name}")
        sys.stdout.write(command.usage())
        return 1
    if "h" in given:
        sys.stdout.write(command.usage())
        return 0
    if "--json" in added and not command.has_json:
        return _fail(command.name, "has nothing to tell as JSON")
    try:
        failed = _execute(command, given, Report(as_json="--json" in added), strict=strict)
    except ConfigError as error:  # of TLS: nothing was asked yet
        return _fail(command.name, str(error))
    return 1 if failed and strict else 0


def _as_text(word: str) -> str:
    """A word with bytes that are no UTF-8, which Python kept as lone surrogates, as Java reads it."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _without_additions(words: Sequence[str]) -> tuple[list[str], set[str]]:
    """Java's words, and ours among them; one that is the value of an option is not ours."""
    kept: list[str] = []
    added: set[str] = set()
    command: Command | None = None
    for word in words:
        option = command.options.find(kept[-1]) if command is not None and kept[-1].startswith("-") else None
        if word in _ADDITIONS and (option is None or not option.argument):
            added.add(word)
        else:
            kept.append(word)
            command = command or catalog.find(word)
    return kept, added


def _execute(command: Command, given: dict[str, list[str]], report: Report, *, strict: bool) -> bool:
    """Whether anything went wrong."""
    namesrv = given["n"][0] if "n" in given else os.environ.get("NAMESRV_ADDR")
    tls = process_tls()  # -Dtls.enable=true in JAVA_OPT, as for tools.sh
    admin = AdminClient(namesrv, account(), client_tls(tls) if tls.enable else None)
    assert command.run is not None, "every command is a decorator"
    run = Invocation(command, given, admin, report, strict=strict)
    try:
        command.run(run)
        report.end()
    except RocketpyError as error:
        cause = error if isinstance(error, JavaError) else JavaError("java.lang.RuntimeException", str(error))
        if command.failure is not None and not cause.is_bare and not strict:
            cause = JavaError("org.apache.rocketmq.tools.command.SubCommandException", command.failure, cause)
        run.trace(cause)
    finally:
        admin.close()
    return run.failed


def _fail(name: str, text: str) -> int:
    sys.stderr.write(f"mqadmin {name}: {text}\n")
    return 1


def _print_completion(shells: Sequence[str]) -> int:
    from rocketpy.admin.completion import SCRIPTS

    script = SCRIPTS.get(shells[0]) if len(shells) == 1 else None
    if script is None:
        return _fail("--completion", f"one of {', '.join(SCRIPTS)} is wanted")
    sys.stdout.write(script())
    return 0


def _print_overview() -> None:
    sys.stdout.write("The most commonly used mqadmin commands are:\n")
    for command in catalog.commands():
        sys.stdout.write(render("   %-20s %s%n", command.name, command.description))
    sys.stdout.write("\nSee 'mqadmin help <command>' for more information on a specific command.\n")
