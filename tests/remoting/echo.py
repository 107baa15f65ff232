"""A processor with every kind of handler, and a peer that writes raw bytes."""

from __future__ import annotations

import gevent
from gevent import socket

from rocketpy.errors import ProtocolError, ReplyError
from rocketpy.protocol.command import HOLD, JSON, Command, Hold, Reply, request_command
from rocketpy.protocol.header import API, Header, Int, reply, request, wire
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles


@reply
class EchoReply(Header):
    text: str
    number: Int


@request(9001, reply=EchoReply)
class Echo(Header):
    """Answered with its own fields and body."""

    text: str
    number: Int


@request(9002)
class Refuse(Header):
    """Answered with an error; `defect` raises something unforeseen instead, `garbage` says the body was none."""

    defect: bool | None = wire(default=None)
    garbage: bool | None = wire(default=None)


@request(9003)
class Later(Header):
    """Answered when `Now` comes."""


@request(9004)
class Now(Header):
    """Answers every `Later`, last first."""


@request(9005)
class Ask(Header):
    """The server asks its peer `Echo` and answers with what it got."""


@request(9006)
class Big(Header):
    """Answered with a body of `size` bytes."""

    size: Int


for code in range(9001, 9007):  # the registry is the protocol's; what tests declare is none of it
    del API[code]


class EchoProcessor:
    """Handles all of the above and remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[Command] = []
        self.held: list[tuple[Connection, Command]] = []
        self.peers: set[Connection] = set()

    @handles(Echo)
    def echo(self, peer: Connection, request: Echo, command: Command) -> Reply:
        self.peers.add(peer)
        self.seen.append(command)
        return Reply(header=EchoReply(text=request.text, number=request.number), body=command.body)

    @handles(Refuse)
    def refuse(self, peer: Connection, request: Refuse, command: Command) -> Reply:
        self.seen.append(command)
        if request.defect:
            raise LookupError("naïve")
        if request.garbage:
            raise ProtocolError("not JSON")
        raise ReplyError(17, "topic[Ж] not exist")

    @handles(Later)
    def later(self, peer: Connection, request: Later, command: Command) -> Hold:
        self.held.append((peer, command))
        return HOLD

    @handles(Now, vip=False)
    def now(self, peer: Connection, request: Now, command: Command) -> Reply:
        while self.held:
            other, held = self.held.pop()
            other.reply(held, Reply(remark="held"))
        return Reply()

    @handles(Ask, spawn=True)
    def ask(self, peer: Connection, request: Ask, command: Command) -> Reply:
        answer = peer.invoke(Echo(text="who?", number=1), timeout_ms=2000)
        return Reply(answer.code, remark=answer.remark, body=answer.body)

    @handles(Big)
    def big(self, peer: Connection, request: Big, command: Command) -> Reply:
        body = memoryview(bytes(request.size))
        return Reply(body=[body[: request.size // 2], body[request.size // 2 :]])


class RawPeer:
    """A client that is nothing but a socket."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self._unread = b""

    def send(
        self, header: Header, body: bytes = b"", *, opaque: int = 1, serialization: int = JSON, flag: int = 0
    ) -> None:
        command = request_command(header, body, opaque=opaque, serialization=serialization)
        command.flag = flag
        self.socket.sendall(command.encode())

    def receive(self) -> Command | None:
        """The next command, or None when the connection was closed."""
        while len(self._unread) < 4 or len(self._unread) < 4 + int.from_bytes(self._unread[:4]):
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._unread += data
        end = 4 + int.from_bytes(self._unread[:4])
        frame, self._unread = self._unread[4:end], self._unread[end:]
        return Command.decode(frame)

    def answer(self) -> Command:
        """The next command, which must come."""
        command = self.receive()
        assert command is not None, "the connection was closed"
        return command

    def close(self) -> None:
        self.socket.close()


def wait_until(condition: object, seconds: float = 5.0) -> None:
    """Let the event loop go round until `condition()` holds."""
    assert callable(condition)
    with gevent.Timeout(seconds, AssertionError(f"{condition} does not come true")):
        while not condition():
            gevent.sleep(0.001)
