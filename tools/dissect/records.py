"""CommitLog records, blanks and batch bodies, by the layouts alone."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterator
from typing import Any

from bitstring import Bits

from rocketpy.protocol.flags import MessageSysFlag
from tools.dissect.layouts import (
    BATCHED_BODY,
    BATCHED_HEAD,
    BLANK,
    BLANK_MAGIC,
    RECORD_BODY,
    RECORD_HEAD,
    RECORD_HOSTS,
    RECORD_MAGIC,
    RECORD_PROPERTIES,
    RECORD_TOPIC,
    Data,
    Fields,
    LayoutError,
    take,
)


def record(data: Data) -> Fields:
    """The record at the start of `data`, or the blank that ends a file.

    Raises LayoutError for anything else. Times are ms, hosts "address:port", properties a dict.
    """
    head, _ = take(Bits(bytes(data[:8])), BLANK)
    total_size, magic = head["total_size"], head["magic"]
    if magic == BLANK_MAGIC:
        return {**head, "blank": True}
    if magic != RECORD_MAGIC:
        raise LayoutError(f"magic {magic} is none of {RECORD_MAGIC} (record) and {BLANK_MAGIC} (blank)")
    if not 0 < total_size <= len(data):
        raise LayoutError(f"a record of {total_size} bytes in {len(data)}")
    return _record(Bits(bytes(data[:total_size])))


def _record(bits: Bits) -> Fields:
    fields, rest = take(bits, RECORD_HEAD)
    sys_flag = fields["sys_flag"]
    born = 16 if sys_flag & MessageSysFlag.BORNHOST_V6 else 4
    stored = 16 if sys_flag & MessageSysFlag.STOREHOSTADDRESS_V6 else 4
    hosts, rest = take(rest, RECORD_HOSTS, born=born, stored=stored)
    for name in ("born", "store"):
        hosts[f"{name}_host"] = host(hosts[f"{name}_host"], hosts.pop(f"{name}_port"))
    fields |= hosts
    for layout, length in (
        (RECORD_BODY, "body_length"),
        (RECORD_TOPIC, "topic_length"),
        (RECORD_PROPERTIES, "properties_length"),
    ):
        part, rest = take(rest, layout, n=fields[length])
        fields |= part
    if len(rest):
        raise LayoutError(f"{len(rest) // 8} bytes are left inside the record of {fields['total_size']}")
    fields["topic"] = fields["topic"].decode("utf-8", "replace")
    fields["properties"] = properties(fields["properties"])
    fields["body_crc_holds"] = fields["body_crc"] == zlib.crc32(fields["body"]) & 0x7FFFFFFF
    return fields


def records(data: Data) -> Iterator[Fields]:
    """Records that follow each other, as in the body of a pull."""
    position = 0
    view = memoryview(data)
    while position < len(view):
        fields = record(view[position:])
        yield fields
        position += fields["total_size"]


def batch(data: bytes) -> Iterator[Fields]:
    """The messages in the body of a batch that is being sent."""
    bits = Bits(data)
    while len(bits):
        size = take(bits, "int:32 size")[0]["size"]
        if not 0 < size * 8 <= len(bits):
            raise LayoutError(f"a batched message of {size} bytes in {len(bits) // 8}")
        fields, rest = take(bits[: size * 8], BATCHED_HEAD)
        part, rest = take(rest, BATCHED_BODY, n=fields["body_length"])
        fields |= part
        part, rest = take(rest, RECORD_PROPERTIES, n=fields["properties_length"])
        fields["properties"] = properties(part["properties"])
        yield fields
        bits = bits[size * 8 :]


def host(address: bytes, port: int) -> str:
    """An address of 4 or 16 bytes and a port, as text."""
    if len(address) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, address)}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"


def properties(text: bytes) -> dict[str, str]:
    """What name 0x01 value 0x02 ... says; what is no pair is shown under its own text."""
    pairs: dict[str, Any] = {}
    for pair in text.decode("utf-8", "replace").split("\x02"):
        if pair:
            name, _, value = pair.partition("\x01")
            pairs[name] = value
    return pairs
