"""The body of a batch, and how its messages become records (CommitLog.MessageExtEncoder:1618-1660).

```
totalSize:int magic:int bodyCrc:int flag:int bodyLength:int body propertiesLength:short properties
```
one message after the other; only what is used is looked at. Part of the hot path: each message of 16 in a batch takes
1 us here, and most of that is one `pack`, one checksum and the search for keys.
"""

from __future__ import annotations

from struct import Struct
from typing import Final
from zlib import crc32

from mypy_extensions import i64

from rocketpy.protocol.big_endian import unsigned_int
from rocketpy.protocol.properties import last_value
from rocketpy.protocol.record import (
    KEYS,
    LONGEST_PROPERTIES,
    MAGIC,
    TAGS,
    UNIQ_KEY,
    Record,
    code_of_tags,
    constant_head,
    record_size,
)

_VARYING_HEAD: Final = Struct(">iiiiiqq")
"""totalSize, magic, bodyCrc, queueId, flag, queueOffset, physicalOffset: where records of a batch begin to differ."""

_OFFSET_AT: Final = 28
_OFFSET_END: Final = 36


class Batch:
    """The messages of a batch: lists with one item each.

    `shared`, the properties of the batch as a whole, end up behind those of each message, and so count when both have
    one of a name. What `encode` sets is empty before.
    """

    __slots__ = (
        "_suffixes", "bodies", "flags", "keys", "lengths", "offset_fields", "physical_offsets", "properties", "sizes",
        "tags_codes", "uniq_keys",
    )  # fmt: skip

    def __init__(self, data: bytes, shared: bytes = b"") -> None:
        """Raises ValueError if `data` is cut off or empty, or properties are too long."""
        self.flags: list[int] = []
        self.bodies: list[bytes] = []
        self.properties: list[bytes] = []
        """Of each message alone."""
        self._suffixes: list[bytes] = []
        self.lengths: list[int] = []
        """Bytes of body and stored properties."""
        self.physical_offsets: list[int] = []
        """Set by `encode`."""
        self.offset_fields: list[bytes] = []
        """The same as the eight bytes that record, queue and index have. Set by `encode`."""
        self.sizes: list[int] = []
        """Set by `encode`."""
        separated = b"\x02" + shared if shared else b""
        at: i64 = 0
        end: i64 = len(data)
        while at < end:
            body_at = at + 20
            if body_at > end:
                raise ValueError(f"batch is cut off at byte {len(data)}")
            properties_at = body_at + unsigned_int(data, at + 16) + 2
            if properties_at > end:
                raise ValueError(f"batch is cut off at byte {len(data)}")
            properties_length: i64 = data[properties_at - 2] << 8 | data[properties_at - 1]
            next_at = properties_at + properties_length
            if properties_length > LONGEST_PROPERTIES or next_at > end:
                raise ValueError(f"batch is cut off at byte {len(data)}")
            body = data[body_at : properties_at - 2]
            own = data[properties_at:next_at]
            suffix = separated if own and own[-1] != 2 else shared
            stored_length = len(own) + len(suffix)
            if stored_length > LONGEST_PROPERTIES:
                raise ValueError(f"properties of a message in a batch have {stored_length} bytes")
            flag = unsigned_int(data, at + 12)
            self.flags.append(flag - 0x1_0000_0000 if flag & 0x8000_0000 else flag)
            self.bodies.append(body)
            self.properties.append(own)
            self._suffixes.append(suffix)
            self.lengths.append(len(body) + stored_length)
            at = next_at
        if not self.bodies:
            raise ValueError("batch is empty")
        self._find_keys(shared)

    def _find_keys(self, shared: bytes) -> None:
        """Find what queue and index take from the properties."""
        self.tags_codes: list[int] = []
        self.uniq_keys: list[str | None] = []
        self.keys: list[str | None] = []
        text = shared.decode("utf-8", "replace")
        shared_uniq_key, shared_keys, shared_tags = (last_value(text, name) for name in (UNIQ_KEY, KEYS, TAGS))
        last_tags: str | None = None
        code = 0
        for own in self.properties:
            text = own.decode("utf-8", "replace")
            tags = last_value(text, TAGS) if shared_tags is None else shared_tags
            if tags != last_tags:
                last_tags = tags
                code = 0 if tags is None else code_of_tags(tags)
            self.tags_codes.append(code)
            self.uniq_keys.append(last_value(text, UNIQ_KEY) if shared_uniq_key is None else shared_uniq_key)
            self.keys.append(last_value(text, KEYS) if shared_keys is None else shared_keys)

    def __len__(self) -> int:
        return len(self.bodies)

    def stored_properties(self, number: int) -> bytes:
        """The properties of a message as its record has them."""
        return self.properties[number] + self._suffixes[number]

    def size(self, overhead: int) -> int:
        """Bytes of all records; `overhead` are those of one without body and properties."""
        return sum(self.lengths) + overhead * len(self.lengths)

    def encode(
        self, record: Record, topic: bytes, queue_offset: int, physical_offset: int, store_timestamp: int
    ) -> bytes:
        """All records side by side, from these offsets on; `record` has what they share, and `topic` is its field."""
        constant = constant_head(record, store_timestamp)
        overhead = record_size(0, len(topic) - 1, 0, len(record.born_host) + len(record.store_host))
        pack = _VARYING_HEAD.pack
        queue_id = record.queue_id
        pieces: list[bytes] = []
        body_length = properties_length = -1
        before_body = before_properties = b""
        for number in range(len(self.bodies)):
            body = self.bodies[number]
            size = overhead + self.lengths[number]
            if len(body) != body_length:  # most messages of a batch have the same lengths
                body_length = len(body)
                before_body = constant + body_length.to_bytes(4, "big")
            if size - overhead - body_length != properties_length:
                properties_length = size - overhead - body_length
                before_properties = topic + properties_length.to_bytes(2, "big")
            head = pack(
                size, MAGIC, crc32(body) & 0x7FFFFFFF, queue_id, self.flags[number], queue_offset, physical_offset
            )
            pieces.append(head)
            pieces.append(before_body)
            pieces.append(body)
            pieces.append(before_properties)
            pieces.append(self.properties[number])
            pieces.append(self._suffixes[number])
            self.sizes.append(size)
            self.physical_offsets.append(physical_offset)
            self.offset_fields.append(head[_OFFSET_AT:_OFFSET_END])
            queue_offset += 1
            physical_offset += size
        return b"".join(pieces)
