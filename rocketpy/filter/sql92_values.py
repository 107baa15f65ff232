"""How values compare in a SQL92 filter: Java's classes and conversions (ComparisonExpression.__compare:283).

Properties are strings. An integer literal is an Integer or a Long by its size, and a string that it is compared with
has to fit into the same class.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

from mypy_extensions import mypyc_attr

from rocketpy.protocol.fastjson import java_double


@mypyc_attr(native_class=False)
class Long(int):
    """What Java has as a Long; a plain int is an Integer.

    What is annotated as int is a plain int once it is compiled, so a Long goes by its own name, or as a Value.
    """

    __slots__ = ()


Value = str | int | Long | float | bool | None

_BLANKS: Final = "".join(map(chr, range(0x21)))
_INTEGER: Final = re.compile(r"[+-]?\d+")
_DOUBLE: Final = re.compile(
    r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)",
)
_HEX_DOUBLE: Final = re.compile(r"([+-]?0[xX](?:[0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?")


class EvaluationError(ValueError):
    """Values that Java cannot compare."""


def integer(text: str, bits: int = 32) -> int:
    """Integer.valueOf, or Long.valueOf with 64 bits. Raises EvaluationError."""
    if len(text) <= (9 if bits == 32 else 18) and text.isdecimal():  # as most are: 0.9 -> 0.1 us
        return int(text)
    if _INTEGER.fullmatch(text) is not None and len(text) < 100:
        value = int(text)
        if -(1 << bits - 1) <= value < 1 << bits - 1:
            return value
    raise EvaluationError(f'For input string: "{text}"')


def double(text: str) -> float:
    """Double.valueOf. Raises EvaluationError."""
    trimmed = text.strip(_BLANKS)
    if not trimmed:
        raise EvaluationError("empty String")
    if _DOUBLE.fullmatch(trimmed) is not None:
        return float(trimmed if trimmed.endswith("Infinity") else trimmed.rstrip("fFdD"))
    found = _HEX_DOUBLE.fullmatch(trimmed)
    if found is None:
        raise EvaluationError(f'For input string: "{text}"')
    try:
        return float.fromhex(found.group(1))
    except OverflowError:
        return -math.inf if trimmed.startswith("-") else math.inf


def compare(left: Value, right: Value) -> int:
    """Below, at or above 0. Values of classes that have nothing in common are "below". Raises EvaluationError."""
    if isinstance(left, bool):
        if isinstance(right, str):
            raise EvaluationError("class java.lang.Boolean cannot be cast to class java.lang.String")
        return (left > right) - (left < right) if isinstance(right, bool) else -1
    if isinstance(left, str):
        if isinstance(right, str):
            return (left > right) - (left < right)  # only whether they are equal is ever asked
        left = left.lower() == "true" if isinstance(right, bool) else _converted(left, right)
    elif isinstance(right, bool):
        return -1
    elif isinstance(right, str):
        right = _converted(right, left)
    if left is None or right is None:
        raise EvaluationError("NULL cannot be compared")
    if isinstance(left, float) or isinstance(right, float):
        return compare_doubles(float(left), float(right))
    return (left > right) - (left < right)


def compare_doubles(left: float, right: float) -> int:
    """Double.compareTo: NaN is above all and equal to itself, -0.0 below 0.0."""
    if left < right:
        return -1
    if left > right:
        return 1
    ranks = [
        (math.isnan(value), math.copysign(1.0, value) if not math.isnan(value) else 1.0) for value in (left, right)
    ]
    return (ranks[0] > ranks[1]) - (ranks[0] < ranks[1])


def _converted(text: str, like: Value) -> int | float:
    if isinstance(like, float):
        return double(text) if len(text) > _KEPT else _kept_double(text)
    return integer(text, 64 if isinstance(like, Long) else 32)


_KEPT: Final = 24
"""Texts up to this length are remembered as numbers: 1.2 -> 0.1 us."""
_kept_double = lru_cache(maxsize=4096)(double)


def shown(value: Value) -> str:
    """A literal, as it stands in Java's texts (ConstantExpression.toString:83)."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return java_double(value) if isinstance(value, float) else str(value)
