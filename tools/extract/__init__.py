"""Asks the official jars what they are, and writes the answers down as tables under compat/.

    python -m tools.extract [DIRECTORY]

The jars come from Maven Central (interop.artifacts); `Extract.java` looks at them by reflection. Where 4.9.8 was never
published (broker, namesrv) 4.9.7 fills in, behind the class path of 4.9.8.

A default that depends on the machine is not one to compare: the program runs twice, as if on two machines, and what
comes out differently is marked.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import compat
from interop import artifacts

SOURCE = Path(__file__).with_name("Extract.java")

COMMENTS = {
    "request_codes": "What a request asks for.",
    "response_codes": "How a request ended.",
    "language_codes": "What a peer is written in: its name in a JSON header, its code in a binary one.",
    "versions": "Versions as the wire knows them, by ordinal.",
    "constants": "Names of message properties, bits of flags, names of system topics.",
    "headers": "Request and reply headers: every field with its Java type; not_null is @CFNotNull; default is what a\n"
    "fresh header holds, for a primitive only where it may be missing. Inherited fields come last.",
    "bodies": "Classes written or read as JSON, with their properties as fastjson sees them.",
    "enums": "Enums that bodies are made of: they travel by name.",
    "config_keys": "Configuration keys with types and defaults. settable: a file or UPDATE_*_CONFIG can set it;\n"
    "printed: GET_*_CONFIG and -p show it; important: -m shows it; machine: the default depends on the machine.",
    "commands": "The sub-commands of mqadmin in the order of its help, with their own options (-h and -n are common);\n"
    "options of one group exclude each other.",
}

ORIGIN = "Made by `python -m tools.extract` from the official jars of Apache RocketMQ 4.9.8; not edited by hand."


def extract(directory: Path = compat.DIRECTORY) -> dict[str, int]:
    """Write every table into `directory`; the number of rows of each.

    Raises interop.artifacts.MissingToolError without Java, Maven or a registry.
    """
    tables = _ask(processors=1, home="/home/one")
    _mark_machine(tables["config_keys"], _ask(processors=16, home="/home/two")["config_keys"])
    for command in tables["commands"]:
        command["options"].sort(key=lambda option: (option["short"] or option["long"]).lower())
    for name, rows in tables.items():
        compat.write(directory / f"{name}.json5", f"{COMMENTS[name]}\n{ORIGIN}", rows)
    return {name: len(rows) for name, rows in tables.items()}


def _ask(processors: int, home: str) -> dict[str, list[compat.Row]]:
    class_path = os.pathsep.join((artifacts.classpath("reference"), artifacts.classpath("broker")))
    settings = ("-Xmx256m", f"-XX:ActiveProcessorCount={processors}", f"-Duser.home={home}")
    unset = ("NAMESRV_ADDR", "ROCKETMQ_HOME", "JAVA_TOOL_OPTIONS")
    done = subprocess.run(
        [artifacts.java(), *settings, "-cp", class_path, str(SOURCE)],
        stdout=subprocess.PIPE,
        check=True,
        env={name: value for name, value in os.environ.items() if name not in unset},
    )
    tables: dict[str, list[compat.Row]] = json.loads(done.stdout)
    return tables


def _mark_machine(keys: list[compat.Row], elsewhere: list[compat.Row]) -> None:
    """Where the default is of the machine, drop it and say so."""
    for row, other in zip(keys, elsewhere, strict=True):
        own: Any = row.pop("machine")
        if own or row["default"] != other["default"]:
            row["default"] = None
            row["machine"] = True
