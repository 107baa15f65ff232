from __future__ import annotations

import random
import struct

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.binary_fields import decode_fields, encode_fields

ROWS = {
    "nothing": ({}, b""),
    "short": ({"a": "x"}, b"\0\x01a\0\0\0\x01x"),
    "a length that is no ASCII": ({"i": "p" * 200}, b"\0\x01i\0\0\0\xc8" + b"p" * 200),
    "a length of two bytes": ({"i": "p" * 256}, b"\0\x01i\0\0\x01\x00" + b"p" * 256),
    "a value beyond ASCII": ({"key": "é中"}, b"\0\x03key\0\0\0\x05\xc3\xa9\xe4\xb8\xad"),
    "a name beyond ASCII": ({"ключ": "v"}, b"\0\x08\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87\0\0\0\x01v"),
    "a long name": ({"n" * 300: "v", "b": "w"}, b"\x01\x2c" + b"n" * 300 + b"\0\0\0\x01v\0\x01b\0\0\0\x01w"),
}


@pytest.mark.parametrize(("fields", "data"), ROWS.values(), ids=ROWS.keys())
def test_fields_and_their_bytes(fields: dict[str, str], data: bytes) -> None:
    assert encode_fields(fields) == data
    assert decode_fields(data) == fields


def test_empty_values_are_not_there() -> None:
    assert decode_fields(encode_fields({"a": "", "b": "x", "c": ""})) == {"b": "x"}


def test_invalid_utf8_is_replaced() -> None:
    assert decode_fields(b"\0\x01a\0\0\0\x02\xff\xfe") == {"a": "\ufffd\ufffd"}


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"\0\x01a\0\0\0",
        b"\0\x01a\0\0\0\x02x",
        b"\xff\xffa\0\0\0\x01x",
        b"\0\x01a\xff\xff\xff\xffx",
        b"\0\x01a\x7f\xff\xff\xffx",
        b"\x7f\xffa\0\0\0\x01x",
    ],
)
def test_lengths_that_lie_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_fields(data)


def test_random_fields_there_and_back() -> None:
    rng = random.Random(77)
    alphabet = "aZ0\x00\x01\x02éЖ中\U0001f680"
    for _ in range(500):
        fields = {
            "".join(rng.choices(alphabet, k=rng.choice([1, 1, 5, 140]))): "".join(
                rng.choices(alphabet[: rng.choice([3, 6, 10])], k=rng.choice([1, 7, 100, 127, 128, 255, 256, 70_000]))
            )
            for _ in range(rng.randrange(6))
        }
        texts = [(name.encode(), value.encode()) for name, value in fields.items()]
        plain = b"".join(
            struct.pack(">h", len(name)) + name + struct.pack(">i", len(value)) + value for name, value in texts
        )
        assert encode_fields(fields) == plain
        assert decode_fields(plain) == fields
