"""Headers of sends that come again and again are read as if each were the first."""

from __future__ import annotations

import random

import pytest

from rocketpy.errors import FieldError, ProtocolError
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.send import SendBatchMessage, SendMessage
from rocketpy.protocol.binary_fields import decode_fields, encode_fields
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header
from rocketpy.protocol.seen_headers import SeenHeaders

V2 = RequestCode.SEND_MESSAGE_V2
FIELDS = {
    "a": "group", "b": "Topic", "c": "TBW102", "d": "4", "e": "3", "f": "0", "g": "1700000000000", "h": "0",
    "i": "UNIQ_KEY\x01AC11\x02WAIT\x01true", "j": "0", "k": "false", "m": "false",
}  # fmt: skip

from_texts, from_binary = SendMessage.readers(V2)


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
        assert from_binary(encode_fields(fields)) == from_texts(fields) == slowly(fields)


def test_a_header_in_another_order_is_another_header() -> None:
    rng = random.Random(12)
    names = list(FIELDS)
    for _ in range(100):
        rng.shuffle(names)
        fields = {name: FIELDS[name] for name in names}
        for _ in range(2):
            assert from_binary(encode_fields(fields)) == from_texts(fields) == slowly(fields)


@pytest.mark.parametrize(
    "change",
    [
        {"g": "170000000000"},
        {"g": "-170000000000"},
        {"g": " 17000000000 "},
        {"g": "17_0000000000"},
        {"g": "x700000000000"},
        {"g": "1" * 18},
        {"g": "1" * 19},
        {"g": "1" * 20},
        {"g": ""},
        {"g": "٣" * 5},
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
                from_binary(data)
            with pytest.raises(FieldError):
                from_texts(decode_fields(data))
        else:
            header = from_binary(data)
            assert repr_of(header) == repr_of(from_texts(decode_fields(data))) == repr_of(expected)


def test_a_header_cut_anywhere_is_refused_or_read_as_before() -> None:
    data = encode_fields(FIELDS)
    from_binary(data)
    for end in range(len(data)):
        try:
            expected = decode_fields(data[:end])
        except ProtocolError:
            with pytest.raises(ProtocolError):
                from_binary(data[:end])
            continue
        try:
            header = slowly(expected)
        except FieldError:
            with pytest.raises(FieldError):
                from_binary(data[:end])
        else:
            assert repr_of(from_binary(data[:end])) == repr_of(header)


def repr_of(header: Header) -> str:
    try:
        return repr(header)
    except FieldError as error:
        return str(error)


def test_without_properties_or_with_empty_ones_there_are_none() -> None:
    for fields in (FIELDS | {"i": ""}, {name: value for name, value in FIELDS.items() if name != "i"}):
        for _ in range(2):
            assert from_binary(encode_fields(fields)).properties is None
            assert not from_texts(fields).properties


def test_a_request_that_was_read_is_nobody_elses() -> None:
    data = encode_fields(FIELDS)
    first = from_binary(data)
    first.topic = "changed"
    second = from_binary(data)
    second.topic = "changed again"
    assert from_binary(data).topic == "Topic"


def test_classes_do_not_mix() -> None:
    data = encode_fields(FIELDS)
    assert type(from_binary(data)) is SendMessage
    assert type(SendBatchMessage.readers(RequestCode.SEND_BATCH_MESSAGE).from_binary(data)) is SendBatchMessage


def test_long_names_are_read_as_such() -> None:
    long = slowly(FIELDS).encode(RequestCode.SEND_MESSAGE)
    assert SendMessage.readers(RequestCode.SEND_MESSAGE).from_binary(encode_fields(long)) == slowly(FIELDS)


def test_a_value_of_one_field_is_not_taken_for_that_of_another() -> None:
    for fields in (FIELDS | {"a": "x", "b": "y"}, FIELDS | {"a": "y", "b": "x"}, FIELDS | {"n": "e"}, FIELDS):
        for _ in range(2):
            assert from_texts(fields) == slowly(fields)
    renamed = {("z" if name == "n" else name): value for name, value in (FIELDS | {"n": "e"}).items()}
    assert from_texts(renamed) == slowly(FIELDS)
    assert from_texts(None) != slowly(FIELDS)


def test_the_memory_is_bounded() -> None:
    seen = SeenHeaders(lambda fields: slowly(fields or {}), "g", "i")
    for number in range(10_500):
        fields = FIELDS | {"a": f"group{number}", f"x{number}": ""}
        seen.from_binary(encode_fields(fields))
        for _ in range(2):
            seen.from_texts(fields)
    for number in range(100):
        fields = FIELDS | {"a": f"{number:02}" * 1000}
        assert seen.from_binary(encode_fields(fields)) == seen.from_texts(fields) == slowly(fields)
    assert len(seen._binary) <= 10_000
    assert len(str(seen._binary)) < 10_000_000
    known = {names: shape.seen for names, shape in seen._shapes.items()}
    assert len(known) + sum(map(len, known.values())) <= 10_000
    assert len(str(known)) < 10_000_000


PULL = {
    "consumerGroup": "g", "topic": "T", "queueId": "1", "queueOffset": "5", "maxMsgNums": "32", "sysFlag": "3",
    "commitOffset": "4", "suspendTimeoutMillis": "15000", "subscription": "*", "subVersion": "1700000000000",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"queueOffset": "9"},
        {"queueOffset": "-1"},
        {"queueOffset": ""},
        {"queueOffset": "x"},
        {"queueOffset": "9" * 19},
        {"commitOffset": "-5"},
        {"commitOffset": "123456789012345678"},
        {"subscription": "a||b"},
        {"expressionType": "TAG"},
        {"topic": "\x00\x0bqueueOffset\x00\x00\x00\x011"},
        {"subscription": "\x00\x0ccommitOffset\x00\x00\x00\x01"},
    ],
)
def test_pulls_that_differ_by_offsets_are_read_as_if_each_were_the_first(change: dict[str, str]) -> None:
    from_texts, from_binary = PullMessage.readers(RequestCode.PULL_MESSAGE)
    for fields in (PULL, PULL | change, PULL | {"queueOffset": "37", "commitOffset": "36"}, PULL | change):
        data = encode_fields(fields)
        read = decode_fields(data)
        try:
            expected = PullMessage.decode(read)
        except FieldError:
            for reader, given in ((from_texts, read), (from_binary, data)):
                with pytest.raises(FieldError):
                    reader(given)
        else:
            header = from_binary(data)
            assert type(header) is type(expected)
            assert repr_of(header) == repr_of(from_texts(read)) == repr_of(expected)
