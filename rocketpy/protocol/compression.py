"""Message bodies, compressed as bits 8 to 10 of sysFlag say: 0 or 3 zlib, 1 LZ4, 2 ZSTD (CompressionType.java:44).

Only clients do this; a broker stores what it gets. Zlib is the one that every client reads.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

import lz4.frame  # type: ignore[import-untyped]
import zstandard

from rocketpy.errors import ProtocolError
from rocketpy.protocol.flags import MessageSysFlag

LEVEL: Final = 5
"""What Java's producer asks for (DefaultMQProducerImpl.java:118)."""


def compress(body: bytes, kind: int = MessageSysFlag.COMPRESSION_ZLIB, level: int = LEVEL) -> bytes:
    """`body`, compressed; `kind` is one of MessageSysFlag.COMPRESSION_*. LZ4 has no level.

    Java reads LZ4 frames only of independent blocks (LZ4FrameInputStream), hence `block_linked=False`.
    """
    if kind == MessageSysFlag.COMPRESSION_LZ4:
        blocks = lz4.frame.BLOCKSIZE_MAX4MB
        return bytes(lz4.frame.compress(body, block_size=blocks, block_linked=False, store_size=False))
    if kind == MessageSysFlag.COMPRESSION_ZSTD:
        return zstandard.ZstdCompressor(level=level).compress(body)
    if kind in (0, MessageSysFlag.COMPRESSION_ZLIB):
        return zlib.compress(body, level)
    raise ValueError(f"unknown compression {kind:#x}")


def decompress(body: bytes, sys_flag: int) -> bytes:
    """The original of a `body` that was stored with `sys_flag`; raises ProtocolError if it is damaged."""
    kind = sys_flag & MessageSysFlag.COMPRESSION_MASK
    try:
        if kind == MessageSysFlag.COMPRESSION_LZ4:
            return bytes(lz4.frame.decompress(body))
        if kind == MessageSysFlag.COMPRESSION_ZSTD:
            return _whole(zstandard.ZstdDecompressor().decompressobj(), body)
        if kind in (0, MessageSysFlag.COMPRESSION_ZLIB):
            return _whole(zlib.decompressobj(), body)
    except (RuntimeError, zstandard.ZstdError, zlib.error) as error:
        raise ProtocolError(f"compressed body is damaged: {error}") from error
    raise ProtocolError(f"unknown compression {kind:#x}")


def _whole(stream: Any, body: bytes) -> bytes:
    original = bytes(stream.decompress(body))
    if not stream.eof:
        raise ProtocolError("compressed body is cut off")
    return original
