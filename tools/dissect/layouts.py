"""Every layout of the wire and the store, written down a second time, in bitstring's notation.

Nothing here is shared with rocketpy.protocol.record, rocketpy.store or the codecs of commands: what both notations
agree on is unlikely to be a slip of the pen. All integers are big endian and signed unless the token says uint.
"""

from __future__ import annotations

from mmap import mmap
from typing import Any

from bitstring import Bits, ReadError

Data = bytes | memoryview | mmap
Fields = dict[str, Any]

FRAME = "int:32 length, uint:8 serialization, uint:24 header_length"
BINARY_HEADER = "int:16 code, int:8 language, int:16 version, int:32 opaque, int:32 flag, int:32 remark_length"
REMARK = "bytes:n remark, int:32 ext_fields_length"
EXT_NAME = "int:16 name_length, bytes:n name"
EXT_VALUE = "int:32 value_length, bytes:n value"

RECORD_HEAD = (
    "int:32 total_size, hex:32 magic, int:32 body_crc, int:32 queue_id, int:32 flag, int:64 queue_offset, "
    "int:64 physical_offset, int:32 sys_flag, int:64 born_timestamp"
)
RECORD_HOSTS = (
    "bytes:born born_host, int:32 born_port, int:64 store_timestamp, bytes:stored store_host, int:32 store_port, "
    "int:32 reconsume_times, int:64 prepared_transaction_offset, int:32 body_length"
)
RECORD_BODY = "bytes:n body, int:8 topic_length"
RECORD_TOPIC = "bytes:n topic, int:16 properties_length"
RECORD_PROPERTIES = "bytes:n properties"

BATCHED_HEAD = "int:32 total_size, int:32 magic, int:32 body_crc, int:32 flag, int:32 body_length"
BATCHED_BODY = "bytes:n body, int:16 properties_length"

CONSUME_QUEUE_ENTRY = "int:64 physical_offset, int:32 size, int:64 tags_code"
CONSUME_QUEUE_EXT_UNIT = "int:16 size, int:64 tags_code, int:64 msg_store_time, int:16 bit_map_size"
INDEX_HEADER = (
    "int:64 begin_timestamp, int:64 end_timestamp, int:64 begin_physical_offset, int:64 end_physical_offset, "
    "int:32 hash_slot_count, int:32 index_count"
)
INDEX_SLOT = "int:32 entry"
INDEX_ENTRY = "int:32 key_hash, int:64 physical_offset, int:32 time_difference, int:32 previous_entry"
TIMER_UNIT = (
    "int:32 size, int:64 previous, int:32 magic, int:64 write_time, int:32 delay, int:64 physical_offset, "
    "int:32 record_size, int:32 topic_hash, int:64 reserved"
)
TIMER_SLOT = "int:64 second, int:64 first, int:64 last, int:32 units, int:32 reserved"
TIMER_CHECKPOINT = "int:64 read_time, int:64 log_place, int:64 queue_offset, int:64 master_queue_offset"
CHECKPOINT = "int:64 physic_msg_timestamp, int:64 logics_msg_timestamp, int:64 index_msg_timestamp"

BLANK = "int:32 total_size, hex:32 magic"
RECORD_MAGIC = "daa320a7"
BLANK_MAGIC = "cbd43194"
CONSUME_QUEUE_ENTRY_SIZE = 20
CONSUME_QUEUE_EXT_UNIT_SIZE = 20
INDEX_HEADER_SIZE = 40
INDEX_SLOT_SIZE = 4
INDEX_ENTRY_SIZE = 20
CHECKPOINT_SIZE = 24
TIMER_UNIT_SIZE = 52
TIMER_SLOT_SIZE = 32
TIMER_CHECKPOINT_SIZE = 32


class LayoutError(Exception):
    """The bytes are not what the layout says."""


def take(bits: Bits, layout: str, **lengths: int) -> tuple[Fields, Bits]:
    """The fields of `layout` at the front of `bits`, and what follows them.

    `lengths` are the sizes, in bytes, of the tokens that name one. Raises LayoutError when the bits end early or a
    length is negative.
    """
    tokens, names = zip(*(part.split() for part in layout.split(",")), strict=True)
    short = [f"{name}={size}" for name, size in lengths.items() if size < 0]
    if short:
        raise LayoutError(f"negative length: {', '.join(short)}")
    try:
        values: list[Any] = bits.unpack(", ".join((*tokens, "bits")), **lengths)
    except ReadError as error:
        raise LayoutError(f"{len(bits) // 8} bytes are too few for {', '.join(names)}") from error
    return dict(zip(names, values[:-1], strict=True)), values[-1]
