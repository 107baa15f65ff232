"""Fields as indented text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

CLIP = 400


def show(value: Any, indent: str = "", name: str = "") -> Iterator[str]:
    """Lines for a value: names first, nested values indented, long ones clipped, times also as dates."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            if isinstance(one, dict | list) and one:
                yield f"{indent}{key}:"
                yield from show(one, indent + "  ", str(key))
            else:
                yield f"{indent}{key}: {scalar(one, str(key))}"
    elif isinstance(value, list) and value:
        for one in value:
            for number, line in enumerate(show(one, "", name)):
                yield f"{indent}{'  ' if number else '- '}{line}"
    else:
        yield f"{indent}{scalar(value, name)}"


def scalar(value: Any, name: str = "") -> str:
    """One value: bytes as text where they are text, times with their date in UTC."""
    if value is None:
        return "-"
    if isinstance(value, bytes):
        return _clip(_text(value))
    if isinstance(value, int) and name.lower().endswith(("timestamp", "store_time")) and value > 0:
        return f"{value} ({datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec='milliseconds')})"
    return _clip(str(value))


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return repr(text)[1:-1] if text.isprintable() or "\n" in text else value.hex()


def _clip(text: str) -> str:
    return text if len(text) <= CLIP else f"{text[:CLIP]}... ({len(text)} characters)"
