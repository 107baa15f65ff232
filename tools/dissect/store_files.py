"""The files of a store: CommitLog, ConsumeQueue and its extension, IndexFile, checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from bitstring import Bits

from tools.dissect.layouts import (
    CHECKPOINT,
    CHECKPOINT_SIZE,
    CONSUME_QUEUE_ENTRY,
    CONSUME_QUEUE_ENTRY_SIZE,
    CONSUME_QUEUE_EXT_UNIT,
    CONSUME_QUEUE_EXT_UNIT_SIZE,
    INDEX_ENTRY,
    INDEX_ENTRY_SIZE,
    INDEX_HEADER,
    INDEX_HEADER_SIZE,
    INDEX_SLOT,
    INDEX_SLOT_SIZE,
    Data,
    Fields,
    LayoutError,
    take,
)
from tools.dissect.records import record

EXT_ADDRESS_BASE = -(1 << 63)
EXT_ADDRESS_MAX = -(1 << 31) - 1
FILLER_SIZE = 0x7FFFFFFF
END_OF_EXT_FILE = -1


def commit_log(data: Data) -> Iterator[Fields]:
    """The records of a CommitLog file up to its blank, or to the first thing that is neither."""
    view = memoryview(data)
    position = 0
    while position + 8 <= len(view) and bytes(view[position : position + 8]) != bytes(8):
        try:
            fields = record(view[position:])
        except LayoutError as error:
            yield {"position": position, "error": str(error)}
            return
        yield {"position": position, **fields}
        position += fields["total_size"]
        if fields.get("blank"):
            return


def consume_queue(data: Data) -> Iterator[Fields]:
    """The entries of a ConsumeQueue file up to the first one that was never written."""
    for position in range(0, len(data) - CONSUME_QUEUE_ENTRY_SIZE + 1, CONSUME_QUEUE_ENTRY_SIZE):
        entry, _ = take(Bits(bytes(data[position : position + CONSUME_QUEUE_ENTRY_SIZE])), CONSUME_QUEUE_ENTRY)
        if entry["physical_offset"] < 0 or entry["size"] <= 0:
            return
        fields = {"position": position, **entry}
        if entry["tags_code"] <= EXT_ADDRESS_MAX:
            fields["ext_position"] = entry["tags_code"] - EXT_ADDRESS_BASE
        if entry["size"] == FILLER_SIZE:
            fields["filler"] = True
        yield fields


def consume_queue_ext(data: Data) -> Iterator[Fields]:
    """The units of a consumequeue_ext file."""
    position = 0
    while position + 2 <= len(data):
        size = take(Bits(bytes(data[position : position + 2])), "int:16 size")[0]["size"]
        if size == 0:
            return
        if size == END_OF_EXT_FILE:
            yield {"position": position, "end_of_file": True}
            return
        unit = Bits(bytes(data[position : position + max(size, CONSUME_QUEUE_EXT_UNIT_SIZE)]))
        fields, bit_map = take(unit, CONSUME_QUEUE_EXT_UNIT)
        if size != CONSUME_QUEUE_EXT_UNIT_SIZE + fields["bit_map_size"]:
            raise LayoutError(f"a unit of {size} bytes with a bit map of {fields['bit_map_size']}")
        yield {"position": position, **fields, "bit_map": bit_map.bin}
        position += size


def index_file(data: Data, slots: int | None = None) -> Iterator[Fields]:
    """The header of an IndexFile, then its entries; each names the slot whose chain it is in.

    `slots` is maxHashSlotNum; without it, it is guessed from the length of the file.
    """
    header, _ = take(Bits(bytes(data[:INDEX_HEADER_SIZE])), INDEX_HEADER)
    slots = _guess_slots(data, header) if slots is None else slots
    yield {**header, "slots": slots}
    for number in range(1, header["index_count"]):
        entry = _index_entry(data, slots, number)
        yield {"entry": number, **entry, "slot": entry["key_hash"] % slots}


def index_chain(data: Data, slots: int, slot: int) -> list[int]:
    """The numbers of the entries in a slot's chain, newest first."""
    position = INDEX_HEADER_SIZE + slot * INDEX_SLOT_SIZE
    number: int = take(Bits(bytes(data[position : position + INDEX_SLOT_SIZE])), INDEX_SLOT)[0]["entry"]
    chain: list[int] = []
    while 0 < number < len(data) // INDEX_ENTRY_SIZE and number not in chain:
        chain.append(number)
        number = _index_entry(data, slots, number)["previous_entry"]
    return chain


def checkpoint(data: Data) -> Iterator[Fields]:
    """The three times of a checkpoint."""
    fields, _ = take(Bits(bytes(data[:CHECKPOINT_SIZE])), CHECKPOINT)
    yield fields


def _guess_slots(data: Data, header: Fields) -> int:
    """A slot count with which the file makes sense: the oldest entry is where the file begins, the newest one is what
    its slot points at. 0 for a file without entries, in which nothing tells.

    Raises LayoutError when there is none.
    """
    newest = header["index_count"] - 1
    if newest < 1:
        return 0
    usual: list[int] = [5_000_000, *range(header["hash_slot_count"], len(data) // INDEX_SLOT_SIZE)]
    for slots in usual:
        room, odd = divmod(len(data) - INDEX_HEADER_SIZE - slots * INDEX_SLOT_SIZE, INDEX_ENTRY_SIZE)
        if odd or room <= newest:
            continue
        begins = _index_entry(data, slots, 1)["physical_offset"] == header["begin_physical_offset"]
        slot = _index_entry(data, slots, newest)["key_hash"] % slots
        if begins and index_chain(data, slots, slot)[:1] == [newest]:
            return slots
    raise LayoutError(f"{len(data)} bytes are no IndexFile")


def _index_entry(data: Data, slots: int, number: int) -> Fields:
    position = INDEX_HEADER_SIZE + slots * INDEX_SLOT_SIZE + number * INDEX_ENTRY_SIZE
    return take(Bits(bytes(data[position : position + INDEX_ENTRY_SIZE])), INDEX_ENTRY)[0]
