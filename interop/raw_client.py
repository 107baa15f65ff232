"""The smallest client there can be: one socket, one request at a time, any code and any fields."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rocketpy.protocol import fastjson
from rocketpy.protocol.codes import LanguageCode, RequestCode
from rocketpy.protocol.command import JSON, Command
from rocketpy.protocol.frame import FrameDecoder


class RawClient:
    """A connection to `address` ("host:port"); knows how frames look and nothing else."""

    def __init__(self, address: str, *, serialization: int = JSON, timeout: float = 60.0) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout)
        self._frames = FrameDecoder()
        self._opaque = itertools.count(1)
        self._serialization = serialization
        self.pushes: list[Command] = []
        """What the server asked by itself so far, in its order."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, code: int, fields: Mapping[str, str] | None = None, body: bytes = b"") -> Command:
        """Send one request and wait for its answer; what the server pushes meanwhile is kept in `pushes`."""
        request = Command(
            code,
            opaque=next(self._opaque),
            language=LanguageCode.JAVA,
            ext_fields=dict(fields or {}),
            body=body,
            serialization=self._serialization,
        )
        self._socket.sendall(request.encode())
        while True:
            answer = Command.decode(self._next_frame())
            if not answer.is_response:
                self.pushes.append(answer)
            elif answer.opaque == request.opaque:
                return answer

    def ask_json(self, code: int, fields: Mapping[str, str] | None = None, body: bytes = b"") -> Any:
        """As `ask`, for an answer that must succeed and has a JSON body. Raises LookupError with the remark if not."""
        answer = self.ask(code, fields, body)
        if answer.code:
            raise LookupError(f"{RequestCode(code).name}: code {answer.code}, {answer.remark}")
        return fastjson.loads(answer.body)

    def _next_frame(self) -> bytes:
        while (frame := self._frames.next_frame()) is None:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._frames.feed(data)
        return frame
