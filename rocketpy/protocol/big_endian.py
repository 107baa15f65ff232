"""Numbers picked out of bytes one by one, which compiled is four times as quick as `struct` for a single one."""

from __future__ import annotations

from mypy_extensions import i64


def unsigned_int(data: bytes, at: i64) -> i64:
    """The four bytes there as a number. Raises IndexError."""
    first: i64 = data[at]
    second: i64 = data[at + 1]
    third: i64 = data[at + 2]
    fourth: i64 = data[at + 3]
    return first << 24 | second << 16 | third << 8 | fourth
