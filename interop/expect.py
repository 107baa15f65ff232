"""What must hold, said so that a failure explains itself outside of pytest too."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable


class MismatchError(AssertionError):
    """Something does not hold; the text says what, what was expected and what was found."""


def equal(what: str, actual: object, expected: object) -> None:
    """`actual` is `expected`."""
    if actual != expected:
        raise MismatchError(f"{what}: expected {_short(expected)}, found {_short(actual)}")


def holds(what: str, condition: object) -> None:
    """`condition` is true."""
    if not condition:
        raise MismatchError(f"it does not hold that {what}")


def becomes(what: str, probe: Callable[[], object], expected: object, *, timeout: float = 60.0) -> None:
    """`probe()` gives `expected`, now or within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while (actual := probe()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    equal(what, actual, expected)


def same_text(what: str, ours: str, javas: str) -> None:
    """Both texts are equal, line by line."""
    difference = difflib.unified_diff(javas.splitlines(), ours.splitlines(), "Java's", "ours", lineterm="")
    if ours != javas:
        raise MismatchError("\n".join((what, *difference)))


def becomes_same_text(what: str, ours: Callable[[], str], javas: Callable[[], str], *, timeout: float = 30.0) -> None:
    """Both texts are equal, now or within `timeout` seconds; figures that are sampled come at moments of their own."""
    deadline = time.monotonic() + timeout
    while (found := ours()) != (expected := javas()) and time.monotonic() < deadline:
        time.sleep(0.5)
    same_text(what, found, expected)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 1000 else f"{text[:1000]}... ({len(text)} characters)"
