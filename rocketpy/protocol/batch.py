"""The body of a batch, and how its messages become records (CommitLog.MessageExtEncoder:1618-1660).

```
totalSize:int magic:int bodyCrc:int flag:int bodyLength:int body propertiesLength:short properties
```
one message after the other; only what is used is looked at. Part of the hot path: each message of 16 in a batch takes
0.8 us here, and most of that is one `pack`, one checksum and the search for keys.
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

_SEPARATOR: Final = 2
_OFFSET_AT: Final = 28
_OFFSET_END: Final = 36


class Batch:
    """The messages of a batch.

    `shared`, the properties of the batch as a whole, end up behind those of each message, and so count when both have
    one of a name. The lists have one item for each message, and none before `encode`: what comes before it only adds up
    lengths, which costs next to nothing.
    """

    __slots__ = (
        "_count", "_data", "_length", "_properties", "_separated", "_shared", "keys", "offset_fields",
        "physical_offsets", "sizes", "tags_codes", "uniq_keys",
    )  # fmt: skip

    def __init__(self, data: bytes, shared: bytes = b"") -> None:
        """Raises ValueError if `data` is cut off or empty, or properties are too long."""
        self._data = data
        self._shared = shared
        self._separated = b"\x02" + shared if shared else b""
        self.physical_offsets: list[int] = []
        self.offset_fields: list[bytes] = []
        """The same as the eight bytes that record, queue and index have."""
        self.sizes: list[int] = []
        """Bytes of the records."""
        self.tags_codes: list[int] = []
        self.uniq_keys: list[str | None] = []
        self.keys: list[str | None] = []
        self._properties: list[bytes] = []
        """Of each message alone."""
        count: i64 = 0
        total: i64 = 0
        at: i64 = 0
        end: i64 = len(data)
        while at < end:
            body_at = at + 20
            if body_at > end:
                raise ValueError(f"batch is cut off at byte {len(data)}")
            properties_at = body_at + unsigned_int(data, at + 16) + 2
            if properties_at > end:
                raise ValueError(f"batch is cut off at byte {len(data)}")
            own_length: i64 = data[properties_at - 2] << 8 | data[properties_at - 1]
            at = properties_at + own_length
            if own_length > LONGEST_PROPERTIES or at > end:
                raise ValueError(f"batch is cut off at byte {len(data)}")
            is_open = own_length > 0 and data[at - 1] != _SEPARATOR
            stored_length = own_length + len(self._separated if is_open else shared)
            if stored_length > LONGEST_PROPERTIES:
                raise ValueError(f"properties of a message in a batch have {stored_length} bytes")
            total += properties_at - 2 - body_at + stored_length
            count += 1
        if not count:
            raise ValueError("batch is empty")
        self._count = count
        self._length = total

    def __len__(self) -> int:
        return self._count

    def size(self, overhead: int) -> int:
        """Bytes of all records; `overhead` are those of one without body and properties."""
        return self._length + overhead * self._count

    def messages(self) -> list[tuple[int, bytes, bytes]]:
        """Flag, body and properties of each message, as their records have them."""
        found: list[tuple[int, bytes, bytes]] = []
        data = self._data
        at: i64 = 0
        while at < len(data):
            properties_at = at + 22 + unsigned_int(data, at + 16)
            next_at = properties_at + (data[properties_at - 2] << 8 | data[properties_at - 1])
            own = data[properties_at:next_at]
            flag = int.from_bytes(data[at + 12 : at + 16], signed=True)
            found.append((flag, data[at + 20 : properties_at - 2], own + self._behind(own)))
            at = next_at
        return found

    def _behind(self, own: bytes) -> bytes:
        """What the properties of a message are followed by."""
        return self._separated if own and own[-1] != _SEPARATOR else self._shared

    def encode(
        self, record: Record, topic: bytes, queue_offset: int, physical_offset: int, store_timestamp: int
    ) -> bytes:
        """All records side by side, from these offsets on; `record` has what they share, and `topic` is its field."""
        constant = constant_head(record, store_timestamp)
        overhead: i64 = record_size(0, len(topic) - 1, 0, len(record.born_host) + len(record.store_host))
        pack = _VARYING_HEAD.pack
        queue_id = record.queue_id
        data = self._data
        pieces: list[bytes] = []
        known_body: i64 = -1
        known_properties: i64 = -1
        before_body = before_properties = b""
        at: i64 = 0
        for number in range(self._count):
            body_length: i64 = unsigned_int(data, at + 16)
            flag: i64 = unsigned_int(data, at + 12)
            if flag >> 31:
                flag -= 1 << 32
            properties_at = at + 22 + body_length
            body = data[at + 20 : properties_at - 2]
            at = properties_at + (data[properties_at - 2] << 8 | data[properties_at - 1])
            own = data[properties_at:at]
            behind = self._behind(own)
            properties_length: i64 = len(own) + len(behind)
            if body_length != known_body:  # most messages of a batch have the same lengths
                known_body = body_length
                before_body = constant + int(body_length).to_bytes(4, "big")
            if properties_length != known_properties:
                known_properties = properties_length
                before_properties = topic + int(properties_length).to_bytes(2, "big")
            size = overhead + body_length + properties_length
            head = pack(
                size, MAGIC, crc32(body) & 0x7FFFFFFF, queue_id, flag, queue_offset + number, physical_offset
            )
            pieces.append(head)
            pieces.append(before_body)
            pieces.append(body)
            pieces.append(before_properties)
            pieces.append(own)
            pieces.append(behind)
            self.sizes.append(size)
            self.physical_offsets.append(physical_offset)
            self.offset_fields.append(head[_OFFSET_AT:_OFFSET_END])
            self._properties.append(own)
            physical_offset += size
        self._find_keys()
        return b"".join(pieces)

    def _find_keys(self) -> None:
        """Find what queue and index take from the properties."""
        text = self._shared.decode("utf-8", "replace")
        shared_uniq_key, shared_keys, shared_tags = (last_value(text, name) for name in (UNIQ_KEY, KEYS, TAGS))
        last_tags: str | None = None
        code = 0
        for own in self._properties:
            text = own.decode("utf-8", "replace")
            tags = last_value(text, TAGS) if shared_tags is None else shared_tags
            if tags != last_tags:
                last_tags = tags
                code = 0 if tags is None else code_of_tags(tags)
            self.tags_codes.append(code)
            self.uniq_keys.append(last_value(text, UNIQ_KEY) if shared_uniq_key is None else shared_uniq_key)
            self.keys.append(last_value(text, KEYS) if shared_keys is None else shared_keys)
