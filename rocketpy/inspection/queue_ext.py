"""The extension of one ConsumeQueue: where an entry's tags code is an address, the tags code stands there."""

from __future__ import annotations

from struct import Struct
from typing import Final

from rocketpy.inspection.file_row import FileRow

_UNIT: Final = Struct(">hqqh")  # size, tagsCode, msgStoreTime, bitMapSize; the bit map follows (ConsumeQueueExt:520)
_ADDRESS_BASE: Final = -(1 << 63)
_ADDRESS_MAX: Final = -(1 << 31) - 1


def is_address(tags_code: int) -> bool:
    """Whether the tags code of an entry is the address of a unit (ConsumeQueueExt.isExtAddr:98)."""
    return tags_code <= _ADDRESS_MAX


def unit_at(row: FileRow, address: int) -> tuple[int, int] | None:
    """(tags code, storeTimestamp in ms) of the unit at an address, or None if there is none."""
    place = address - _ADDRESS_BASE
    file = row.find(place)
    if file is None or not file.view() or place - file.start + _UNIT.size > file.size:
        return None
    size, tags_code, timestamp, bits = _UNIT.unpack_from(file.view(), place - file.start)
    return (tags_code, timestamp) if size == _UNIT.size + bits and bits >= 0 else None
