from __future__ import annotations

import json

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.command import JSON, ROCKETMQ, Command, Reply, encode_reply, request_command
from rocketpy.protocol.header import Header, Int, reply


@reply
class Answer(Header):
    queue_id: Int
    msg_id: str | None = None


COMMANDS = [
    Command(105, opaque=-7, ext_fields={"topic": "T", "empty": "x"}, body=b"body"),
    Command(34, opaque=2**31 - 1, flag=3, language=9, version=317, remark="grüße 中文\n", body=bytes(300)),
    Command(310, ext_fields={"a": "group", "i": "KEYS\x01k\x02" * 20, "accessKey": "ключ"}),
    Command(-3, opaque=-(2**31)),
]
ROWS = [
    (
        JSON,
        COMMANDS[0],
        b'\x00\x00\x00\x90\x00\x00\x00\x88{"code":105,"extFields":{"topic":"T","empty":"x"},"flag":0,"language":"JAVA",'
        b'"opaque":-7,"serializeTypeCurrentRPC":"JSON","version":409}body',
    ),
    (
        ROCKETMQ,
        COMMANDS[0],
        b"\x00\x00\x00\x35\x01\x00\x00\x2d\x00\x69\x00\x01\x99\xff\xff\xff\xf9\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x18\x00\x05topic\x00\x00\x00\x01T\x00\x05empty\x00\x00\x00\x01xbody",
    ),
]


def same(one: Command, other: Command) -> bool:
    names = ("body", "code", "ext_fields", "flag", "language", "opaque", "remark", "version")
    return all(getattr(one, name) == getattr(other, name) for name in names)


@pytest.mark.parametrize(("serialization", "command", "data"), ROWS)
def test_bytes_of_a_command(serialization: int, command: Command, data: bytes) -> None:
    command = Command.decode(command.encode()[4:])
    command.serialization = serialization
    assert command.encode() == data
    decoded = Command.decode(data[4:])
    assert same(decoded, command)
    assert decoded.serialization == serialization


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_there_and_back(command: Command, serialization: int) -> None:
    command = Command.decode(command.encode()[4:])
    command.serialization = serialization
    assert same(Command.decode(command.encode()[4:]), command)


def json_frame(header: str) -> bytes:
    data = header.encode()
    return len(data).to_bytes(4) + data


@pytest.mark.parametrize(
    ("header", "code", "language", "ext_fields"),
    [
        ("{}", 0, 7, None),
        ('{"code":"35","flag":"","language":7,"extFields":null,"more":[1]}', 35, 7, None),
        ('{code:35,language:\'GO\', extFields:{n:5,b:true,o:{"x":[1,2]},s:"t",z:null}}', 35, 9,
         {"n": "5", "b": "true", "o": '{"x":[1,2]}', "s": "t"}),
        ('{"code":35,"language":"KLINGON","serializeTypeCurrentRPC":"ROCKETMQ"}', 35, 7, None),
    ],
)
def test_json_headers_are_read_as_fastjson_reads_them(
    header: str, code: int, language: int, ext_fields: dict[str, str] | None
) -> None:
    command = Command.decode(json_frame(header))
    assert (command.code, command.language, command.ext_fields) == (code, language, ext_fields)
    assert command.serialization == JSON


@pytest.mark.parametrize(
    "frame",
    [
        json_frame("null"),
        json_frame("[]"),
        json_frame("nonsense"),
        json_frame('{"opaque":"x"}'),
        json_frame('{"code":99999999999}'),
        json_frame('{"extFields":[]}'),
        b"\x00\x00\x00\x05{}",
        b"\x02\x00\x00\x02{}",
        b"\x01\x00\x00\x00",
    ],
)
def test_headers_that_close_the_connection(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        Command.decode(frame)


def test_a_binary_header_cut_anywhere_is_refused() -> None:
    command = Command(310, remark="remark", ext_fields={"a": "group", "topic": "T"}, serialization=ROCKETMQ)
    frame = command.encode()[4:]
    header = frame[4:]
    for length in range(len(header)):
        with pytest.raises(ProtocolError):
            Command.decode((1 << 24 | length).to_bytes(4) + header[:length])
        with pytest.raises(ProtocolError):
            Command.decode((1 << 24 | length).to_bytes(4) + header)


def test_binary_lengths_that_lie_are_refused() -> None:
    frame = bytearray(Command(310, ext_fields={"a": "group", "topic": "T"}, serialization=ROCKETMQ).encode()[4:])
    fields_at = 4 + 21
    lies = [(fields_at + 3, 200), (fields_at + 3, 0xFFFFFFFF), (fields_at, 0xFFFF), (fields_at - 8, 0xFFFFFFFF)]
    for at, value in lies:
        damaged = bytearray(frame)
        size = 2 if value == 0xFFFF else 4
        damaged[at : at + size] = value.to_bytes(size)
        with pytest.raises(ProtocolError):
            _ = Command.decode(bytes(damaged)).ext_fields


def test_an_empty_value_of_a_binary_header_is_not_there() -> None:
    frame = Command(1, ext_fields={"a": "", "b": "x", "long": ""}, serialization=ROCKETMQ).encode()
    assert Command.decode(frame[4:]).ext_fields == {"b": "x"}


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_a_reply_follows_the_serialization_of_its_request(serialization: int) -> None:
    request = Command(11, opaque=77, serialization=serialization)
    pieces = encode_reply(request, Reply(0, Answer(queue_id=3), [b"ab", memoryview(b"cd")], "FOUND"))
    frame = b"".join(pieces)
    assert int.from_bytes(frame[:4]) == len(frame) - 4
    response = Command.decode(frame[4:])
    assert response.serialization == serialization
    assert (response.code, response.opaque, response.flag, response.remark) == (0, 77, 1, "FOUND")
    assert response.ext_fields == {"queueId": "3"}
    assert response.body == b"abcd"


def test_a_reply_can_be_json_whatever_was_asked() -> None:
    request = Command(12, serialization=ROCKETMQ)
    response = Command.decode(b"".join(encode_reply(request, Reply(serialization=JSON)))[4:])
    assert response.serialization == JSON


def test_a_reply_without_its_header_has_empty_ext_fields() -> None:
    frame = b"".join(encode_reply(Command(15), Reply(1, remark="no"), empty_header=True))
    assert json.loads(frame[8:]) == {
        "code": 1, "extFields": {}, "flag": 1, "language": "JAVA", "opaque": 0, "remark": "no",
        "serializeTypeCurrentRPC": "JSON", "version": 409,
    }  # fmt: skip


def test_a_request_with_a_short_form_is_sent_in_it() -> None:
    from rocketpy.protocol.api.send import SendMessage

    header = SendMessage(
        producer_group="g", topic="T", default_topic="TBW102", default_topic_queue_nums=4, queue_id=1, sys_flag=0,
        born_timestamp=5, flag=0,
    )  # fmt: skip
    command = request_command(header, b"x", opaque=3)
    assert command.code == 310
    assert command.ext_fields is not None
    assert command.ext_fields["b"] == "T"
