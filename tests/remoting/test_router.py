from __future__ import annotations

import logging

import pytest

from rocketpy.errors import FieldError
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import JSON, ROCKETMQ, Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router, exception_text, handles
from tests.remoting.echo import Echo, EchoProcessor, RawPeer, Refuse


class Other:
    @handles(Echo)
    def echo(self, peer: Connection, request: Echo, command: Command) -> Reply:
        return Reply()


def test_a_code_handled_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"9001 is handled by .*EchoProcessor.echo.* and .*Other.echo"):
        Router(EchoProcessor(), Other())


def test_router_knows_its_codes() -> None:
    assert Router(EchoProcessor()).codes == frozenset(range(9001, 9007))
    assert Router(EchoProcessor()).for_vip().codes == frozenset(range(9001, 9007)) - {9004}


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_reply_comes_in_the_serialization_of_the_request(peer: RawPeer, serialization: int) -> None:
    peer.send(Echo(text="Grüße", number=-7), b"\0body", opaque=-2, serialization=serialization)
    answer = peer.answer()
    assert (answer.code, answer.opaque, answer.flag, answer.serialization) == (0, -2, 1, serialization)
    assert answer.ext_fields == {"text": "Grüße", "number": "-7"}
    assert answer.body == b"\0body"


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_refusal_carries_code_and_remark(peer: RawPeer, serialization: int) -> None:
    peer.send(Refuse(), serialization=serialization)
    answer = peer.answer()
    assert (answer.code, answer.remark, answer.ext_fields) == (17, "topic[Ж] not exist", None)
    assert answer.serialization == serialization


def test_exception_is_system_error_in_json_and_logged_once(peer: RawPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.send(Refuse(defect=True), serialization=ROCKETMQ)
    answer = peer.answer()
    assert (answer.code, answer.serialization) == (ResponseCode.SYSTEM_ERROR, JSON)
    assert answer.remark is not None
    assert answer.remark.startswith("LookupError: naïve, EchoProcessor.refuse(echo.py:")
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "Refuse failed" in record.message
    peer.send(Echo(text="still there", number=1))
    assert peer.answer().code == 0


def test_a_body_that_is_garbage_is_system_error_in_a_line(peer: RawPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.send(Refuse(garbage=True))
    answer = peer.answer()
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark is not None
    assert answer.remark.startswith("ProtocolError: not JSON")
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.exc_info is None
    peer.send(Echo(text="still there", number=1))
    assert peer.answer().code == 0


def test_missing_number_is_system_error(peer: RawPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.socket.sendall(Command(9001, ext_fields={"text": "a"}).encode())
    answer = peer.answer()
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == exception_text(FieldError("number", None))
    assert len(caplog.records) == 1


def test_unknown_code_is_not_supported(peer: RawPeer) -> None:
    peer.socket.sendall(Command(-12, opaque=3, serialization=ROCKETMQ).encode())
    answer = peer.answer()
    assert (answer.code, answer.remark) == (3, " request type -12 not supported")
    assert (answer.ext_fields, answer.serialization) == (None, ROCKETMQ)


def test_silent_router_drops_unknown_codes() -> None:
    assert Router(unknown="silent").answer(None, Command(77)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("request_", [Echo(text="a", number=1), Refuse(), Refuse(defect=True)])
def test_oneway_is_never_answered(peer: RawPeer, processor: EchoProcessor, request_: Echo | Refuse) -> None:
    peer.send(request_, flag=2, opaque=1)
    peer.socket.sendall(Command(77, flag=2).encode())
    peer.send(Echo(text="b", number=2), opaque=2)
    assert peer.answer().opaque == 2
    assert len(processor.seen) == 2


def test_exception_text_names_type_text_and_place() -> None:
    assert exception_text(ValueError()) == "ValueError"
    assert exception_text(ValueError("x")) == "ValueError: x"
    assert exception_text(FieldError("topic", "abc")) == str(FieldError("topic", "abc"))


def test_request_is_redirected_until_it_goes_its_own_way_again() -> None:
    router = Router(EchoProcessor())
    vip = router.for_vip()
    own = router.route(Echo.code)
    assert own is not None
    assert router.route(77) is None
    router.redirect(Echo.code, own._replace(handler=lambda peer, request, command: Reply(9)))
    request = Command(Echo.code, ext_fields={"text": "a", "number": "1"})
    for one in (router, vip):
        assert Command.decode(b"".join(one.answer(None, request))[4:]).code == 9  # type: ignore[arg-type]
    router.redirect(Echo.code, own)
    for one in (router, vip):
        assert Command.decode(b"".join(one.answer(None, request))[4:]).code == 0  # type: ignore[arg-type]
