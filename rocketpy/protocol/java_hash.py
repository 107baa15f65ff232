"""java.lang.String.hashCode and the order in which Java's hash maps hand out their keys.

Both end up in bytes that others read: tags codes and index entries hold the hash; stored properties and config files
follow the iteration order of HashMap and ConcurrentHashMap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import mul
from typing import Final, TypeVar

from mypy_extensions import i64

T = TypeVar("T")

COMPILED: Final = not __file__.endswith(".py")
"""Whether this module was compiled (setup.py); the quickest way to the hash depends on it."""

_POWERS: list[tuple[int, ...]] = [()]
"""`_POWERS[n]` is (31**(n-1), ..., 31, 1) modulo 2**32, grown on demand up to `_LONGEST` entries."""
_LONGEST = 512

_BYTE_LANES: Final = int.from_bytes(b"\x00\xff" * 16, "big")
_PAIR_LANES: Final = int.from_bytes(b"\x00\x00\xff\xff" * 8, "big")
_QUAD_LANES: Final = int.from_bytes((bytes(4) + b"\xff" * 4) * 4, "big")
_OCTET_LANES: Final = int.from_bytes((bytes(8) + b"\xff" * 8) * 2, "big")
_LAST_LANE: Final = (1 << 128) - 1
_POWER_16: Final = 31**16 & 0xFFFFFFFF
_SHORT_POWERS: Final[list[int]] = [31**length & 0xFFFFFFFF for length in range(33)]


def _powers(length: int) -> tuple[int, ...]:
    while len(_POWERS) <= length:
        longest = _POWERS[-1]
        _POWERS.append(((longest[0] * 31) & 0xFFFFFFFF if longest else 1, *longest))
    return _POWERS[length]


def _units(text: str) -> Sequence[int]:
    """The UTF-16 code units of `text`."""
    if text.isascii():
        return text.encode()
    return memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H").tolist()


def string_hash(text: str, start: int = 0) -> int:
    """The hash of `text` as a signed 32-bit number; `start` is the hash of what stands before it.

    Nearly all texts are keys and tags, that is ASCII of up to 32 characters.
    """
    if text.isascii():
        if COMPILED:
            value = _loop_hash(text.encode(), start)
        elif len(text) <= 32:
            value = _lanes_hash(text.encode(), start)
        else:
            value = _long_hash(text, start)
    else:
        value = _long_hash(text, start)
    return value - 0x1_0000_0000 if value & 0x8000_0000 else value


def _loop_hash(data: bytes, start: int) -> int:
    """The definition; for 32 characters 0.07 us when compiled, 2.5 us when not."""
    value: i64 = start & 0xFFFFFFFF
    for at in range(len(data)):
        value = (value * 31 + data[at]) & 0xFFFFFFFF
    return value


def _lanes_hash(data: bytes, start: int) -> int:
    """Up to 32 bytes, summed up by halves: neighbouring bytes, then neighbouring pairs, and so on, side by side.

    All in one large integer: 0.5 us for 32 characters when interpreted, where a loop over them takes 2.5 us.
    """
    length = len(data)
    lanes = int.from_bytes(data, "big")
    lanes = (lanes >> 8 & _BYTE_LANES) * 31 + (lanes & _BYTE_LANES)
    lanes = (lanes >> 16 & _PAIR_LANES) * 31**2 + (lanes & _PAIR_LANES)
    lanes = (lanes >> 32 & _QUAD_LANES) * 31**4 + (lanes & _QUAD_LANES)
    if length > 8:
        lanes = (lanes >> 64 & _OCTET_LANES) * 31**8 + (lanes & _OCTET_LANES)
    if length > 16:
        lanes = (lanes >> 128) * _POWER_16 + (lanes & _LAST_LANE)
    return lanes + start * _SHORT_POWERS[length] & 0xFFFFFFFF


def _long_hash(text: str, start: int) -> int:
    """Any text: dot products with the powers of 31, modulo 2**32."""
    units = _units(text)
    value = start
    for at in range(0, len(units), _LONGEST):
        part = units[at : at + _LONGEST]
        powers = _powers(len(part))
        value = value * (powers[0] * 31) + int(sum(map(mul, part, powers)))
    return value & 0xFFFFFFFF


def _spread(value: int) -> int:
    value &= 0xFFFFFFFF
    return value ^ (value >> 16)


def hash_map_order(names: Iterable[str], capacity: int = 16) -> list[str]:
    """`names`, put into a java.util.HashMap of that initial capacity in this order, as it iterates over them."""
    return hash_order(names, string_hash, capacity)


def hash_order(items: Iterable[T], hash_of: Callable[[T], int], capacity: int = 16) -> list[T]:
    """The same for items of any kind, whose Java hash `hash_of` tells.

    The table doubles beyond three quarters; entries of one bucket keep the order in which they came.
    """
    distinct = list(dict.fromkeys(items))
    while len(distinct) > capacity * 3 // 4:
        capacity *= 2
    mask = capacity - 1
    return sorted(distinct, key=lambda item: _spread(hash_of(item)) & mask)


def concurrent_hash_map_order(names: Iterable[str], capacity: int = 10) -> list[str]:
    """The same for java.util.concurrent.ConcurrentHashMap(capacity), by itself of 16 buckets."""
    return concurrent_hash_order(names, string_hash, capacity)


def concurrent_hash_order(items: Iterable[T], hash_of: Callable[[T], int], capacity: int = 10) -> list[T]:
    """The same for items of any kind.

    Its table is 1.5 times the capacity, rounded up to a power of two. Growing turns a bucket around, all but its tail
    of entries that stay together (ConcurrentHashMap.transfer), so the buckets are followed one by one.
    """
    size = 1 << (capacity + (capacity >> 1)).bit_length()
    buckets: list[list[tuple[int, T]]] = [[] for _ in range(size)]
    for count, item in enumerate(dict.fromkeys(items), start=1):
        value = _spread(hash_of(item)) & 0x7FFFFFFF
        buckets[value & (size - 1)].append((value, item))
        if count >= size - (size >> 2):
            halves = [_split(bucket, size) for bucket in buckets]
            buckets = [low for low, _ in halves] + [high for _, high in halves]
            size *= 2
    return [item for bucket in buckets for _, item in bucket]


def _split(bucket: list[tuple[int, T]], bit: int) -> tuple[list[tuple[int, T]], list[tuple[int, T]]]:
    """The entries that stay and those that move when a table of `bit` buckets doubles."""
    tail = len(bucket)
    while tail > 0 and (tail == len(bucket) or bucket[tail - 1][0] & bit == bucket[tail][0] & bit):
        tail -= 1
    halves: tuple[list[tuple[int, T]], list[tuple[int, T]]] = ([], [])
    for entry in bucket[:tail]:
        halves[entry[0] & bit != 0].insert(0, entry)
    for entry in bucket[tail:]:
        halves[entry[0] & bit != 0].append(entry)
    return halves
