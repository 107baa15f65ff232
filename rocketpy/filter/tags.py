"""Tag expressions: "TagA || TagB", or "*" for everything (FilterAPI.buildSubscriptionData:44)."""

from __future__ import annotations

from typing import Final

from rocketpy.protocol.java_hash import string_hash

ALL: Final = "*"
_BLANKS: Final = "".join(map(chr, range(0x21)))
"""What Java's String.trim takes off."""


def tags_of(expression: str | None) -> list[str] | None:
    """The tags that an expression lets through, or None if it lets everything through.

    No expression, "" and "*" mean everything. " " means nothing. ValueError if there is nothing but bars, as in Java.
    """
    if expression is None or expression in ("", ALL):
        return None
    parts = expression.split("||")
    if not any(parts):
        raise ValueError("subString split error")
    return [tag for tag in (part.strip(_BLANKS) for part in parts) if tag]


def tag_codes(expression: str | None) -> frozenset[int] | None:
    """The hashes of those tags, which is what a ConsumeQueue has of them; None for everything."""
    tags = tags_of(expression)
    return None if tags is None else frozenset(map(string_hash, tags))
