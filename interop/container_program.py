"""A container as a program: it runs, is stopped and killed as a child process would be, and can be started again."""

from __future__ import annotations

import io
import socket
import struct
from contextlib import suppress
from typing import IO

from docker.errors import APIError
from docker.models.containers import Container

from interop.engine import engine
from interop.process import Program

STDOUT = 1


class ContainerProgram(Program):
    """What runs in `container`, once it is started."""

    def __init__(self, container: Container, *, pipe: bool = False) -> None:
        self._container = container
        self._pipe = pipe
        self._stdin: IO[bytes] | None = None
        self._stdout: IO[bytes] | None = None
        self._channel: socket.socket | None = None

    @property
    def name(self) -> str:
        return str(self._container.name)

    def start(self) -> None:
        """Start it, again if need be, with the files as they were left."""
        if self._pipe:
            streams = {"stdin": 1, "stdout": 1, "stream": 1}
            attached = engine().api.attach_socket(self.name, params=streams)
            self._channel = attached._sock  # the SDK hands out a reader that cannot be half closed
            assert self._channel is not None
            self._channel.settimeout(None)
            self._stdin = _Stdin(self._channel)
            self._stdout = io.BufferedReader(_Demultiplexed(attached))
        self._container.start()

    def state(self) -> dict[str, object]:
        """What the engine knows of it."""
        self._container.reload()
        return dict(self._container.attrs["State"])

    @property
    def pid(self) -> int:
        return int(str(self.state()["Pid"]))

    @property
    def alive(self) -> bool:
        return bool(self.state()["Running"])

    @property
    def stdin(self) -> IO[bytes]:
        assert self._stdin is not None
        return self._stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self._stdout is not None
        return self._stdout

    def stop(self, timeout: float = 60.0) -> int:
        self._container.stop(timeout=int(timeout))
        return self._ended()

    def kill(self) -> int:
        if self.alive:
            try:
                self._container.kill()
            except APIError as error:
                if error.status_code != 409:  # it ended by itself meanwhile
                    raise
        return self._ended()

    def tail(self, lines: int = 20) -> str:
        return str(self._container.logs(tail=lines).decode(errors="replace"))

    def execute(self, *command: str) -> tuple[int, str]:
        """Run a command beside it: exit status, and all that was printed."""
        done = self._container.exec_run(list(command))
        assert done.exit_code is not None
        assert isinstance(done.output, bytes)
        return done.exit_code, done.output.decode(errors="replace")

    def _ended(self) -> int:
        status = int(self._container.wait()["StatusCode"])
        for stream in (self._stdin, self._stdout, self._channel):
            if stream is not None:
                stream.close()
        self._stdin = self._stdout = self._channel = None
        return status


class _Stdin(io.BufferedWriter):
    """The end of a socket that goes to a container's stdin; closing it is the end of that."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(socket.SocketIO(channel, "w"))
        self._channel = channel

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):  # nobody reads any more
                self.flush()
                self._channel.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            super().close()


class _Demultiplexed(io.RawIOBase):
    """The stdout in what the engine sends: chunks, each after eight bytes that say whose it is and how long."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._left = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            header = self._read(8)
            if not header:
                return 0
            stream, length = struct.unpack(">BxxxI", header)
            if stream == STDOUT:
                self._left = length
            else:
                self._read(length)
        data = self._source.read(min(self._left, len(buffer))) or b""
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length and (more := self._source.read(length - len(data))):
            data += more
        return data
