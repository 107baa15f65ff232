"""The bloom filter by which messages are marked for consumers when they are stored (BloomFilter.java)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

_MASK: Final = (1 << 64) - 1
_C1: Final = 0x87C37B91114253D5
_C2: Final = 0x4CF5AD432745937F


class BloomFilter:
    """Of `bits` bits, sized for a number of names and a rate of false hits in percent, 1 to 99."""

    def __init__(self, error_rate: int, names: int) -> None:
        """Raises ValueError for a size that makes no sense."""
        if not 1 <= error_rate < 100:
            raise ValueError("f must be greater or equal than 1 and less than 100")
        if names < 1:
            raise ValueError("n must be greater than 0")
        rate = error_rate / 100.0
        self.hashes: Final = math.ceil(math.log(rate) / math.log(0.5))
        least = math.ceil(names * (math.log(1 / rate) / math.log(2)) * (math.log(math.e) / math.log(2)))
        self.bits: Final = 8 * math.ceil(least / 8.0)

    def positions(self, name: str) -> list[int]:
        """The bits that stand for a name (calcBitPositions:97)."""
        digest = murmur3(name.encode("utf-8", "replace"))
        first, second = digest & 0xFFFFFFFF, digest >> 32
        positions = []
        for number in range(1, self.hashes + 1):
            combined = (first + number * second) & 0xFFFFFFFF
            positions.append((combined ^ 0xFFFFFFFF if combined >> 31 else combined) % self.bits)
        return positions


def bit_set(positions: Iterable[int]) -> int:
    """The set of these bits. In bytes, the lowest first, it is Java's bit map (BitsArray.java)."""
    marked = 0
    for position in positions:
        marked |= 1 << position
    return marked


def murmur3(data: bytes) -> int:
    """The first 64 bits of murmur3_128 with seed 0, unsigned."""
    h1 = h2 = 0
    whole = len(data) & ~15
    for start in range(0, whole, 16):
        h1 ^= _mixed(int.from_bytes(data[start : start + 8], "little"), _C1, 31, _C2)
        h1 = ((_rotated(h1, 27) + h2) * 5 + 0x52DCE729) & _MASK
        h2 ^= _mixed(int.from_bytes(data[start + 8 : start + 16], "little"), _C2, 33, _C1)
        h2 = ((_rotated(h2, 31) + h1) * 5 + 0x38495AB5) & _MASK
    tail = data[whole:]
    h1 ^= _mixed(int.from_bytes(tail[:8], "little"), _C1, 31, _C2) ^ len(data)
    h2 ^= _mixed(int.from_bytes(tail[8:], "little"), _C2, 33, _C1) ^ len(data)
    h1 = (h1 + h2) & _MASK
    h2 = (h2 + h1) & _MASK
    return (_finished(h1) + _finished(h2)) & _MASK


def _mixed(value: int, first: int, rotation: int, second: int) -> int:
    return _rotated(value * first & _MASK, rotation) * second & _MASK


def _rotated(value: int, count: int) -> int:
    return (value << count | value >> (64 - count)) & _MASK


def _finished(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33
