"""Playing frames to a server that does as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from rocketpy.protocol.command import Command
from tools.record_golden.exchange import CLOSED, Player, Step
from tools.record_golden.script import Script, batch_body, properties

Answer = Callable[[Command], list[Command] | None]


def response(command: Command, **more: object) -> Command:
    return Command(0, flag=1, opaque=command.opaque, **more)  # type: ignore[arg-type]


def behave(command: Command) -> list[Command] | None:
    """Code 1 is answered behind a push, 2 not at all, 3 closes, all others are answered."""
    if command.code == 1:
        return [Command(40, flag=2, opaque=99), response(command)]
    return {2: [], 3: None}.get(command.code, [response(command, ext_fields={"code": str(command.code)})])


@pytest.fixture
def address() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer:
            while head := peer.recv(4):
                answers = behave(Command.decode(peer.recv(int.from_bytes(head), socket.MSG_WAITALL)))
                if answers is None:
                    return
                peer.sendall(b"".join(answer.encode() for answer in answers))

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_outcomes_are_what_the_server_did(address: str) -> None:
    script = Script("broker")
    script.ask("plain", 10, {"a": 1, "left out": None})
    script.ask("pushed", 1)
    script.ask("silent", 2, answer="none")
    script.ask("closing", 3, answer="closed")
    script.ask("after", 10, lambda answers: {"seen": (answers["plain"].ext_fields or {})["code"]}, binary=True)
    with Player({"broker": address}) as player:
        plain, pushed, silent, closing, after = player.play(script.steps)
    assert all(outcome.is_expected for outcome in (plain, pushed, silent, closing, after))
    assert Command.decode(plain.request[4:]).ext_fields == {"a": "1"}
    assert [Command.decode(push[4:]).code for push in pushed.pushes] == [40]
    assert (silent.response, closing.response) == (None, CLOSED)
    assert Command.decode(after.request[4:]).ext_fields == {"seen": "10"}


def test_unexpected_outcomes_are_told(address: str) -> None:
    steps = [
        Step("answered", Command(10, opaque=1).encode(), answer="none"),
        Step("closed", Command(3, opaque=2).encode()),
    ]
    with Player({"broker": address}) as player:
        answered, closed = player.play(steps)
    assert isinstance(answered.response, bytes)
    assert not answered.is_expected
    assert not closed.is_expected


def test_batch_and_properties_have_javas_form() -> None:
    assert properties(A="1", B="é") == "A\x011\x02B\x01é"
    assert batch_body((b"x", "é")).hex() == "00000019" + "00" * 12 + "00000001" + "78" + "0002" + "c3a9"
