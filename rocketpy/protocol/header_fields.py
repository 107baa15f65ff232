"""The fields of a header one by one, from text to attributes and back, by a plan made when it was declared.

What every request goes through, apart from the declarations in `header` so that it can be compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from rocketpy.errors import FieldError

REQUIRED: Final[Any] = object()
"""Stands for the default of a field that has none."""

ReadPlan = tuple[tuple[str, str, Callable[[str], Any] | None, Any], ...]
"""Of each field: attribute, wire name, what parses it (None: the text is the value), default."""
WritePlan = tuple[tuple[str, str, bool], ...]
"""Of each field: attribute, wire name, whether it is text."""


def read_fields(header: object, plan: ReadPlan, ext_fields: dict[str, str], strict: bool) -> bool:
    """Set the attributes of `header`, and tell whether all of them are.

    `strict` raises FieldError for what does not parse. See `Header.decode`.
    """
    complete = True
    for attribute, name, parse, default in plan:
        text = ext_fields.get(name)
        if text is not None:
            if parse is None:
                setattr(header, attribute, text)
                continue
            try:
                setattr(header, attribute, parse(text))
                continue
            except ValueError:
                if strict:
                    raise FieldError(name, text) from None
        if default is REQUIRED:
            complete = False
        else:
            setattr(header, attribute, default)
    return complete


def write_fields(header: object, plan: WritePlan) -> dict[str, str]:
    """The attributes of `header` as text; None is left out."""
    ext_fields: dict[str, str] = {}
    for attribute, name, is_text in plan:
        value = getattr(header, attribute)
        if value is None:
            continue
        if is_text:
            ext_fields[name] = value
        elif value is True or value is False:
            ext_fields[name] = "true" if value else "false"
        else:
            ext_fields[name] = str(value)
    return ext_fields


@lru_cache(maxsize=4096)  # most are flags, ids and numbers of queues, seen before: a send's header 2.6 -> 2.2 us
def parse_int(text: str) -> int:
    """A Java int, or ValueError."""
    number = int(text)
    if -0x8000_0000 <= number <= 0x7FFF_FFFF and (text.isdecimal() or _SIGNED(text)):
        return number
    raise ValueError(text)


def parse_long(text: str) -> int:
    """A Java long, or ValueError."""
    number = int(text)
    if -0x8000_0000_0000_0000 <= number <= 0x7FFF_FFFF_FFFF_FFFF and (text.isdecimal() or _SIGNED(text)):
        return number
    raise ValueError(text)


@lru_cache(maxsize=64)
def parse_bool(text: str) -> bool:
    """Whether a text is "true", in any case."""
    return text.lower() == "true"


_SIGNED: Final = re.compile(r"[+-]\d+").fullmatch
"""What Java reads beside plain digits; Python's int also takes blanks and underscores."""
