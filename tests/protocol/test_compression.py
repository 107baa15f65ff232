from __future__ import annotations

import random

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.compression import compress, decompress
from rocketpy.protocol.flags import MessageSysFlag

LZ4, ZSTD, ZLIB = MessageSysFlag.COMPRESSION_LZ4, MessageSysFlag.COMPRESSION_ZSTD, MessageSysFlag.COMPRESSION_ZLIB

BY_JAVA = [
    (LZ4, "04224D18607073070000806772C3BCC39F6500000000"),
    (ZSTD, "28B52FFD00583800006772C3BCC39F65010000"),
    (ZLIB, "785E4B2F3ABCE7F0FC5400102F0420"),
    (0, "785E4B2F3ABCE7F0FC5400102F0420"),
]


@pytest.mark.parametrize(("kind", "data"), BY_JAVA)
def test_what_java_compressed_is_read(kind: int, data: str) -> None:
    assert decompress(bytes.fromhex(data), kind | MessageSysFlag.COMPRESSED).decode() == "grüße"


def test_zlib_gives_the_bytes_of_java() -> None:
    assert compress("grüße".encode()).hex().upper() == BY_JAVA[2][1]


def test_lz4_blocks_are_independent_as_java_needs_them() -> None:
    assert compress(bytes(10_000_000), LZ4)[4:6] == bytes([0x60, 0x70])


@pytest.mark.parametrize("kind", [0, LZ4, ZSTD, ZLIB])
@pytest.mark.parametrize("size", [0, 1, 4096, 5_000_000])
def test_a_body_survives(kind: int, size: int) -> None:
    body = random.Random(size).randbytes(size // 2) + b"a" * (size - size // 2)
    compressed = compress(body, kind)
    assert decompress(compressed, kind) == body
    assert size < 4096 or len(compressed) < size


@pytest.mark.parametrize("kind", [LZ4, ZSTD, ZLIB])
def test_a_damaged_body_is_a_protocol_error(kind: int) -> None:
    compressed = compress(random.Random(1).randbytes(1000), kind)
    for damaged in (compressed[:-9], b"x" + compressed, b"", compressed[:3]):
        with pytest.raises(ProtocolError, match="compressed body"):
            decompress(damaged, kind)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ProtocolError, match="unknown compression 0x700"):
        decompress(b"", 0x701)
    with pytest.raises(ValueError, match="unknown compression 0x700"):
        compress(b"", 0x700)
