"""Headers of sends that come again and again are read as if each were the first."""

from __future__ import annotations

import random

import pytest

from rocketpy.errors import FieldError, ProtocolError
from rocketpy.protocol.api.seen_sends import SeenSends
from rocketpy.protocol.api.send import SendBatchMessage, SendMessage
from rocketpy.protocol.binary_fields import decode_fields, encode_fields
from rocketpy.protocol.codes import RequestCode

V2 = RequestCode.SEND_MESSAGE_V2
FIELDS = {
    "a": "group", "b": "Topic", "c": "TBW102", "d": "4", "e": "3", "f": "0", "g": "1700000000000", "h": "0",
    "i": "UNIQ_KEY\x01AC11\x02WAIT\x01true", "j": "0", "k": "false", "m": "false",
}  # fmt: skip


def slowly(fields: dict[str, str]) -> SendMessage:
    return SendMessage.decode(fields, V2)


def test_time_and_properties_are_those_of_each_message() -> None:
    rng = random.Random(11)
    for _ in range(300):
        fields = FIELDS | {
            "e": str(rng.randrange(4)),
            "g": str(1_700_000_000_000 + rng.randrange(10**9)),
            "i": "".join(rng.choice("aé中\x01\x02\U0001f680") for _ in range(rng.choice([1, 20, 130, 300, 20_000]))),
        }
        assert SendMessage.decode_binary(encode_fields(fields), V2) == slowly(fields)


def test_a_header_in_another_order_is_another_header() -> None:
    rng = random.Random(12)
    names = list(FIELDS)
    for _ in range(100):
        rng.shuffle(names)
        fields = {name: FIELDS[name] for name in names}
        for _ in range(2):
            assert SendMessage.decode_binary(encode_fields(fields), V2) == slowly(fields)


@pytest.mark.parametrize(
    "change",
    [
        {"g": "170000000000"},
        {"g": "-170000000000"},
        {"g": " 17000000000 "},
        {"g": "17_0000000000"},
        {"g": "x700000000000"},
        {"a": "\x00\x01g\x00\x00\x00\x0d1234567890123"},
        {"i": "\x00\x01g\x00\x00\x00\x0d1234567890123\x00\x01i\x00\x00\x00\x01x"},
        {"h": "\x00\x01i\x00\x00\x00\x01x"},
        {"i": "p" * 70_000},
    ],
)
def test_what_looks_like_a_field_but_is_none_is_read_as_before(change: dict[str, str]) -> None:
    for fields in (FIELDS, FIELDS | change, FIELDS, FIELDS | change):
        data = encode_fields(fields)
        try:
            expected = slowly(decode_fields(data))
        except FieldError:
            with pytest.raises(FieldError):
                SendMessage.decode_binary(data, V2)
        else:
            assert SendMessage.decode_binary(data, V2) == expected


def test_a_header_cut_anywhere_is_refused_or_read_as_before() -> None:
    data = encode_fields(FIELDS)
    SendMessage.decode_binary(data, V2)
    for end in range(len(data)):
        try:
            expected = decode_fields(data[:end])
        except ProtocolError:
            with pytest.raises(ProtocolError):
                SendMessage.decode_binary(data[:end], V2)
            continue
        try:
            header = slowly(expected)
        except FieldError:
            with pytest.raises(FieldError):
                SendMessage.decode_binary(data[:end], V2)
        else:
            assert repr_of(SendMessage.decode_binary(data[:end], V2)) == repr_of(header)


def repr_of(header: SendMessage) -> str:
    try:
        return repr(header)
    except FieldError as error:
        return str(error)


def test_without_properties_or_with_empty_ones_there_are_none() -> None:
    for fields in (FIELDS | {"i": ""}, {name: value for name, value in FIELDS.items() if name != "i"}):
        for _ in range(2):
            assert SendMessage.decode_binary(encode_fields(fields), V2).properties is None


def test_a_request_that_was_read_is_nobody_elses() -> None:
    data = encode_fields(FIELDS)
    first = SendMessage.decode_binary(data, V2)
    first.topic = "changed"
    second = SendMessage.decode_binary(data, V2)
    second.topic = "changed again"
    assert SendMessage.decode_binary(data, V2).topic == "Topic"


def test_classes_do_not_mix() -> None:
    data = encode_fields(FIELDS)
    assert type(SendMessage.decode_binary(data, V2)) is SendMessage
    assert type(SendBatchMessage.decode_binary(data, RequestCode.SEND_BATCH_MESSAGE)) is SendBatchMessage


def test_long_names_are_read_as_such() -> None:
    long = slowly(FIELDS).encode(RequestCode.SEND_MESSAGE)
    assert SendMessage.decode_binary(encode_fields(long), RequestCode.SEND_MESSAGE) == slowly(FIELDS)


def test_the_memory_is_bounded() -> None:
    seen = SeenSends(lambda data: slowly(decode_fields(data)))
    for number in range(10_500):
        seen.read(encode_fields(FIELDS | {"a": f"group{number}"}))
    assert len(seen._seen) <= 10_000
