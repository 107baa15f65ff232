"""The files of the timer: log, wheel and checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from bitstring import Bits

from tools.dissect.layouts import (
    BLANK_MAGIC,
    TIMER_CHECKPOINT,
    TIMER_CHECKPOINT_SIZE,
    TIMER_SLOT,
    TIMER_SLOT_SIZE,
    TIMER_UNIT,
    TIMER_UNIT_SIZE,
    Data,
    Fields,
    LayoutError,
    take,
)

KINDS_OF_UNITS = {1: "normal", 3: "store anew", 5: "delete", 7: "delete, store anew"}


def timer_log(data: Data) -> Iterator[Fields]:
    """The units of a timer log file up to its blank, or to the first one that was never written."""
    for position in range(0, len(data), TIMER_UNIT_SIZE):
        unit_bytes = bytes(data[position : position + TIMER_UNIT_SIZE])
        if unit_bytes[12:16].hex() == BLANK_MAGIC:
            yield {"position": position, "blank": True, "size": int.from_bytes(unit_bytes[:4])}
            return
        if not any(unit_bytes[:4]):
            return
        unit, _ = take(Bits(unit_bytes), TIMER_UNIT)
        if unit["size"] != TIMER_UNIT_SIZE:
            raise LayoutError(f"a unit of {unit['size']} bytes at position {position}")
        kind = KINDS_OF_UNITS.get(unit["magic"], "unknown")
        yield {"position": position, **unit, "kind": kind, "due": unit["write_time"] + unit["delay"]}


def timer_wheel(data: Data) -> Iterator[Fields]:
    """The slots of a timer wheel that have been used; most may be over."""
    for position in range(0, len(data) - TIMER_SLOT_SIZE + 1, TIMER_SLOT_SIZE):
        slot = bytes(data[position : position + TIMER_SLOT_SIZE])
        if slot != bytes(TIMER_SLOT_SIZE):
            yield {"position": position, **take(Bits(slot), TIMER_SLOT)[0]}


def timer_checkpoint(data: Data) -> Iterator[Fields]:
    """Its four figures."""
    yield take(Bits(bytes(data[:TIMER_CHECKPOINT_SIZE])), TIMER_CHECKPOINT)[0]
