"""What Java 4.9.8 says about itself, as data: the contract that tests/test_compat.py holds our declarations against.

The tables (`*.json5`: JSON with comment lines) are made from the official jars by `python -m tools.extract`; golden
frames and small stores are recorded from an official broker by `python -m tools.record_golden`; what the C++ binding
offers, which `rocketpy.compat_client` stands in for, is read off its source by `python -m tools.extract.binding`. None
is edited by hand, and nothing in rocketpy reads them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent

Row = dict[str, Any]


@cache
def table(name: str) -> list[Row]:
    """The rows of `compat/<name>.json5`; do not change them, they are shared."""
    rows: list[Row] = read(DIRECTORY / f"{name}.json5")
    return rows


def read(path: Path) -> Any:
    """A file as `write` leaves it; the full JSON5 grammar would take a hundred times as long to read."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return json.loads("\n".join(line for line in lines if not line.startswith("//")))


def write(path: Path, comment: str, value: Any, *, width: int = 120) -> None:
    """Write `value` as JSON5 in lines that diff well, under `comment`; nested rows up to `width` stay on one line."""
    head = "".join(f"// {line}".rstrip() + "\n" for line in comment.strip().splitlines())
    path.write_text(f"{head}{_layout(value, '', width)}\n", encoding="utf-8")


def _layout(value: Any, indent: str, width: int) -> str:
    """A flat row is one line, however long; what nests is one line when short, else a line for each element."""
    flat = json.dumps(value, ensure_ascii=False)
    if not _nests(value) or (indent and len(indent) + len(flat) <= width):
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(name)}: {_layout(one, inner, width)}" for name, one in value.items()]
        opening, closing = "{", "}"
    else:
        lines = [inner + _layout(one, inner, width) for one in value]
        opening, closing = "[", "]"
    return opening + "\n" + ",\n".join(lines) + "\n" + indent + closing


def _nests(value: Any) -> bool:
    elements = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(one, list | dict) for one in elements)
