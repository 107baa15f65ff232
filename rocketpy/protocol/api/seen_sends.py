"""Binary send headers that were seen before: what one producer sends differs by time and properties only.

The header is cut around those two fields; what is left of it is looked up, so that neither its fields nor their
numbers are read again. That takes 1.5 us instead of 4.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, Protocol, Self, TypeVar

from rocketpy.errors import FieldError, ProtocolError
from rocketpy.protocol.binary_fields import decode_fields


class Send(Protocol):
    """What is needed of a send header."""

    born_timestamp: int
    properties: str | None

    def copy(self) -> Self:
        """Another one with the same fields."""


S = TypeVar("S", bound=Send)

_BORN: Final = b"\x00\x01g\x00\x00\x00\x0d"
"""How the field bornTimestamp begins: 13 digits follow, until the year 2286."""
_BORN_LENGTH: Final = len(_BORN) + 13
_PROPERTIES: Final = b"\x00\x01i\x00\x00"
"""How the field properties begins: the lower half of its length follows."""
_MOST: Final = 10_000


class SeenSends(Generic[S]):
    """The last send headers of one class; `decode` reads one that was not seen."""

    __slots__ = ("_decode", "_seen")

    def __init__(self, decode: Callable[[bytes], S]) -> None:
        self._decode = decode
        self._seen: dict[tuple[int, int, bytes], S] = {}

    def read(self, fields: bytes) -> S:
        """The header with these fields. Raises what `decode` raises."""
        born_at = fields.find(_BORN)
        born_end = born_at + _BORN_LENGTH
        properties_at = fields.find(_PROPERTIES, born_end)
        text_at = properties_at + len(_PROPERTIES) + 2
        if born_at < 0 or properties_at < 0 or text_at > len(fields):
            return self._decode(fields)
        end = text_at + (fields[text_at - 2] << 8 | fields[text_at - 1])
        key = born_at, properties_at, fields[:born_at] + fields[born_end:properties_at] + fields[end:]
        seen = self._seen.get(key)
        born = fields[born_end - 13 : born_end]
        if seen is None or end > len(fields) or not born.isdigit():
            header = self._decode(fields)
            if _are_fields(fields[:born_at], fields[born_end:properties_at], fields[end:]):
                self._remember(key, header)
            return header
        header = seen.copy()
        header.born_timestamp = int(born)
        header.properties = str(fields[text_at:end], "utf-8", "replace") or None
        return header

    def _remember(self, key: tuple[int, int, bytes], header: S) -> None:
        if len(self._seen) >= _MOST:
            self._seen.clear()
        with suppress(FieldError):  # one that lacks a number is not worth it
            self._seen[key] = header.copy()


def _are_fields(*parts: bytes) -> bool:
    """Whether each part is whole fields: then the header was cut between fields, not within one that looks alike."""
    try:
        for part in parts:
            decode_fields(part)
    except ProtocolError:
        return False
    return True
