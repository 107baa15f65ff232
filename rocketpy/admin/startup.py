"""mqadmin from its words to its exit status (MQAdminStartup.java, ServerUtil.java).

Help and all failures after the options were read end with 0, options that do not fit with 1 and the help text; that
is what scripts have come to rely on.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from rocketpy.admin import catalog
from rocketpy.admin.client import AdminClient
from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import render
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import OptionError
from rocketpy.errors import RocketpyError


def main(words: Sequence[str]) -> int:
    """Run `words`, a sub-command and its options; the result is the exit status (MQAdminStartup.main0:99)."""
    logging.getLogger("rocketpy").addHandler(logging.NullHandler())  # stderr is for Java's words
    if not words:
        _print_overview()
        return 0
    wants_help = len(words) == 2 and words[0] == "help"
    name = words[1] if wants_help else words[0]
    command = catalog.find(name)
    if command is None:
        sys.stdout.write(f"The sub command {name} not exist.\n")
        return 0
    if wants_help:
        sys.stdout.write(command.usage())
        return 0
    try:
        given = command.options.parse(words[1:])
    except OptionError:
        sys.stdout.write(command.usage())
        return 1
    if "h" in given:
        sys.stdout.write(command.usage())
        return 0
    _execute(command, given)
    return 0


def _execute(command: Command, given: dict[str, list[str]]) -> None:
    namesrv = given["n"][0] if "n" in given else os.environ.get("NAMESRV_ADDR")
    admin = AdminClient(namesrv)
    assert command.run is not None, "every command is a decorator"
    try:
        command.run(Invocation(command, given, admin))
    except RocketpyError as error:
        sys.stdout.flush()
        cause = error if isinstance(error, JavaError) else JavaError("java.lang.RuntimeException", str(error))
        if command.failure is not None and not cause.is_bare:
            cause = JavaError("org.apache.rocketmq.tools.command.SubCommandException", command.failure, cause)
        sys.stderr.write(cause.trace())
    finally:
        admin.close()


def _print_overview() -> None:
    sys.stdout.write("The most commonly used mqadmin commands are:\n")
    for command in catalog.commands():
        sys.stdout.write(render("   %-20s %s%n", command.name, command.description))
    sys.stdout.write("\nSee 'mqadmin help <command>' for more information on a specific command.\n")
