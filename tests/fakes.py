"""What stands in for the other end of a connection. Everything else that tests need is the real thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from rocketpy.disk import Disk
from rocketpy.errors import SendFailed
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.header import Header
from rocketpy.remoting.connection import Connection


class FakePeer:
    """A Connection to nobody that remembers what was sent to it."""

    def __init__(self, remote_address: str = "127.0.0.1:50001") -> None:
        self.remote_address = remote_address
        self.local_address = "127.0.0.1:10911"
        self.closed = False
        self.on_close: list[Callable[[Any], None]] = []
        self.replies: list[tuple[Command, Reply]] = []
        self.pushes: list[tuple[Header, bytes]] = []
        self.asked: list[tuple[Header, bytes]] = []
        self.answer = Command(0)

    def reply(self, command: Command, reply: Reply) -> None:
        """Remember an answer that came later."""
        if not self.closed:
            self.replies.append((command, reply))

    def push(self, header: Header, body: bytes = b"", **_: object) -> None:
        """Remember a one-way request."""
        if not self.closed:
            self.pushes.append((header, body))

    def invoke(self, header: Header, body: bytes = b"", timeout_ms: float = 3000, **_: object) -> Command:
        """Remember a request and answer it with `answer`, or fail as a closed connection does."""
        if self.closed:
            raise SendFailed(f"{self.remote_address} is closed")
        self.asked.append((header, body))
        return self.answer

    def close(self, reason: str | None = None) -> None:
        """Be gone."""
        if not self.closed:
            self.closed = True
            for told in self.on_close:
                told(self)

    @property
    def connection(self) -> Connection:
        """This, for those who ask for the real one."""
        return cast(Connection, self)


class FakeClock:
    """A clock that only tests move."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class QuickDisk(Disk):
    """A disk to which nothing is brought: for tests of what is not about that, which open stores by the hundred."""

    def sync_data(self, path: str) -> None:
        """Do nothing."""

    def sync_directory(self, path: str) -> None:
        """Do nothing."""
