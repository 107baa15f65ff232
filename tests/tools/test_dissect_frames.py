"""The dissector's notation of frames against rocketpy's own codec, and what it makes of bodies."""

from __future__ import annotations

import random
from typing import Any

import pytest
from click.testing import CliRunner

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import Command
from tools.dissect.__main__ import dissect
from tools.dissect.frames import frame, frames
from tools.dissect.layouts import LayoutError


def text(rng: random.Random, least: int = 0) -> str:
    return "".join(rng.choice("aZ9 é漢😀\x01") for _ in range(rng.randint(least, 12)))


def random_command(rng: random.Random) -> Command:
    serialization = rng.randint(0, 1)
    return Command(
        rng.randint(-0x8000, 0x7FFF),
        opaque=rng.randint(-0x80000000, 0x7FFFFFFF),
        flag=rng.randint(0, 3),
        language=rng.randint(0, 12),
        version=rng.randint(0, 600),
        remark=rng.choice((None, text(rng, 1))),
        ext_fields={text(rng, 1): text(rng, 1) for _ in range(rng.randint(1, 6))},
        body=rng.randbytes(rng.randint(0, 30)),
        serialization=serialization,
    )


@pytest.mark.parametrize("seed", range(50))
def test_frames_read_as_what_was_encoded(seed: int) -> None:
    command = random_command(random.Random(seed))
    fields = frame(command.encode() + b"more")
    assert fields["code"] == command.code
    assert fields["opaque"] == command.opaque
    assert fields["flag"] == command.flag
    assert fields["version"].split()[0] == str(command.version)
    assert fields["remark"] == command.remark
    assert fields["ext_fields"] == command.ext_fields
    assert fields.get("body_length", 0) == len(command.body)
    assert fields["serialization"] == command.serialization


def test_response_in_a_dump_takes_the_name_of_its_request() -> None:
    request = Command(RequestCode.GET_ROUTEINFO_BY_TOPIC, opaque=7, ext_fields={"topic": "T"})
    response = Command(0, flag=1, opaque=7, body=b'{"brokerDatas":[{"brokerAddrs":{0:"a:1"}}],"queueDatas":[]}')
    asked, answered = frames(request.encode() + response.encode())
    assert asked["name"] == answered["answers"] == "GET_ROUTEINFO_BY_TOPIC"
    assert answered["body_class"] == "TopicRouteData"
    assert answered["body"]["brokerDatas"][0]["brokerAddrs"] == {0: "a:1"}


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b"\0\0\0\x04\0\0\0\x01", id="header longer than the frame"),
        pytest.param(b"\0\0\0\x05\x02\0\0\0x", id="unknown serialization"),
        pytest.param(b"\0\0\0\x40\0\0\0\x02{}", id="cut off"),
        pytest.param(b"\0\0\0\x06\0\0\0\x02[]", id="header is no object"),
        pytest.param(b"\0\0\0\x08\x01\0\0\x04\0\0\0\0", id="binary header too short"),
        pytest.param(b"\x7f\0\0\0\0\0\0\x02{}", id="too long"),
    ],
)
def test_what_is_no_frame_is_refused(damaged: bytes) -> None:
    with pytest.raises(LayoutError):
        frame(damaged)


def run(*arguments: str, stdin: bytes = b"") -> Any:
    return CliRunner().invoke(dissect, arguments, input=stdin)


def test_hexadecimal_argument_is_explained() -> None:
    done = run(Command(34, opaque=-1, body=b'{"clientID":"c@1"}').encode().hex())
    assert done.exit_code == 0
    assert "name: HEART_BEAT" in done.output
    assert "body_class: HeartbeatData" in done.output
    assert "clientID: c@1" in done.output


def test_standard_input_is_explained() -> None:
    done = run("-", stdin=Command(3, flag=1, remark="é", serialization=1).encode())
    assert "remark: é" in done.output
    assert "name: REQUEST_CODE_NOT_SUPPORTED" in done.output


def test_bad_source_is_one_line() -> None:
    done = run("no-such-file")
    assert done.exit_code == 1
    assert done.output.strip() == "Error: no-such-file is neither a file nor hexadecimal text"
