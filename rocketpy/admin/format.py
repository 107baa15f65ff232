"""Columns, numbers and times as Java's String.format and Date print them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import Any

from rocketpy.protocol.fastjson import java_double

_CONVERSION = re.compile(r"%([-0]?)(\d*)(?:\.(\d+))?([sdfn%])")
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)  # holds every double


def render(template: str, *values: Any) -> str:
    """`template` with its %s, %d, %f and %n replaced, as java.util.Formatter does in the English locale."""
    given = iter(values)
    return _CONVERSION.sub(lambda match: _convert(match, given), template)


def java_text(value: Any) -> str:
    """What Java's string concatenation makes of `value`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{java_text(name)}={java_text(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return str(value)


def fixed(value: float, digits: int) -> str:
    """`value` with `digits` decimals, halves rounded up from its shortest decimal form (java.util.Formatter)."""
    if not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), context=_EXACT))


def date_time(timestamp: int) -> str:
    """A time in ms by the local clock, e.g. 2024-01-31 23:59:59 (UtilAll.YYYY_MM_DD_HH_MM_SS)."""
    return f"{datetime.fromtimestamp(timestamp // 1000):%Y-%m-%d %H:%M:%S}"


def date_time_ms(timestamp: int) -> str:
    """The same with milliseconds, e.g. 2024-01-31 23:59:59,007 (UtilAll.timeMillisToHumanString2:173)."""
    return f"{date_time(timestamp)},{timestamp % 1000:03}"


def cut(text: str | None, length: int) -> str | None:
    """At most the first `length` characters (UtilAll.frontStringAtLeast:405)."""
    return None if text is None else text[:length]


def _convert(match: re.Match[str], values: Iterator[Any]) -> str:
    flag, width, digits, kind = match.groups()
    if kind == "n":
        return "\n"
    if kind == "%":
        return "%"
    value = next(values)
    text = fixed(float(value), int(digits or 6)) if kind == "f" else java_text(value)
    if not width:
        return text
    return text.ljust(int(width)) if flag == "-" else text.zfill(int(width)) if flag == "0" else text.rjust(int(width))
