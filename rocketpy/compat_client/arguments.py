"""What may be given where the binding hands its arguments to C: texts as str or bytes, and ints."""

from __future__ import annotations

from ctypes import ArgumentError

from rocketpy.compat_client.exceptions import NullPointerException


def as_text(value: str | bytes | None) -> str:
    """A text; bytes are taken for UTF-8, as brokers do. Raises NullPointerException or ctypes.ArgumentError."""
    return as_bytes(value).decode("utf-8", "replace")


def as_bytes(value: str | bytes | None) -> bytes:
    """The bytes of a text. Raises NullPointerException for None, ctypes.ArgumentError for anything else."""
    if value is None:
        raise NullPointerException("None is no text")
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise ArgumentError(f"wrong type: str or bytes, not {type(value).__name__}")


def as_int(value: int) -> int:
    """A number. Raises ctypes.ArgumentError."""
    if not isinstance(value, int):
        raise ArgumentError(f"wrong type: int, not {type(value).__name__}")
    return int(value)


def as_count(value: int) -> int:
    """A number that is not 0. Raises NullPointerException or ctypes.ArgumentError."""
    if as_int(value) == 0:
        raise NullPointerException("0 is no count")
    return int(value)
