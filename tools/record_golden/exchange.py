"""Playing frames to servers, byte by byte as they stand, and writing down what comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import Command

Answers = Mapping[str, Command]

CLOSED = "closed"
PROBE_OPAQUE = 0x7FFF0000


@dataclass(frozen=True)
class Step:
    """One frame that is sent, and what is expected of the server.

    `request` may be made of earlier answers, by their steps' names. `answer` is "now", "later" (after the next step),
    "none" or "closed". `mask` names what differs from run to run: see tests/test_golden_frames.py.
    """

    name: str
    request: bytes | Callable[[Answers], bytes]
    to: str = "broker"
    connection: str = "a"
    answer: str = "now"
    mask: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What came of a step: whole frames, their length included; `response` is None for none, CLOSED for the end."""

    step: Step
    request: bytes
    response: bytes | str | None = None
    pushes: list[bytes] = field(default_factory=list)

    @property
    def is_expected(self) -> bool:
        """Whether the server answered as the step says it would, and not another request."""
        if not isinstance(self.response, bytes):
            return {"closed": CLOSED, "none": None}.get(self.step.answer, self) == self.response
        opaques = {Command.decode(frame[4:]).opaque for frame in (self.request, self.response)}
        return self.step.answer in ("now", "later") and len(opaques) == 1


class Line:
    """One connection that reads whole frames and sorts pushes from responses."""

    def __init__(self, address: str, timeout: float) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout)
        self._data = b""
        self.pushes: list[bytes] = []

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def response(self) -> bytes | str | None:
        """The next response, CLOSED when the server has closed the connection, None when it lets us wait."""
        try:
            while (frame := self._frame()) is not None:
                if Command.decode(frame[4:]).is_response:
                    return frame
                self.pushes.append(frame)
        except TimeoutError:
            return None
        except ConnectionResetError:
            return CLOSED
        return CLOSED

    def close(self) -> None:
        self._socket.close()

    def _frame(self) -> bytes | None:
        while len(self._data) < 4 or len(self._data) < 4 + int.from_bytes(self._data[:4]):
            data = self._socket.recv(1 << 16)
            if not data:
                return None
            self._data += data
        end = 4 + int.from_bytes(self._data[:4])
        frame, self._data = self._data[:end], self._data[end:]
        return frame


class Player:
    """Plays steps over as many connections as they name.

    `pace` is a pause, in seconds, after each step: Java answers a send before its message can be read, and holds a
    pull in another thread.
    """

    def __init__(self, addresses: Mapping[str, str], *, pace: float = 0.0, timeout: float = 10.0) -> None:
        self._addresses = addresses
        self._pace = pace
        self._timeout = timeout
        self._lines: dict[tuple[str, str], Line] = {}
        self._probes = PROBE_OPAQUE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines.values():
            line.close()

    def play(self, steps: Iterable[Step]) -> list[Outcome]:
        """Play the steps in turn, whatever comes of them."""
        outcomes: list[Outcome] = []
        answers: dict[str, Command] = {}
        held: Outcome | None = None
        for step in steps:
            outcome = Outcome(step, step.request if isinstance(step.request, bytes) else step.request(answers))
            outcomes.append(outcome)
            self._play(outcome)
            time.sleep(self._pace)
            if isinstance(outcome.response, bytes):
                answers[step.name] = Command.decode(outcome.response[4:])
            if held is not None:
                held.response = self._answer(self._line(held.step))
            held = outcome if step.answer == "later" and outcome.response is None else None
        return outcomes

    def _play(self, outcome: Outcome) -> None:
        step = outcome.step
        line = self._line(step)
        line.send(outcome.request)
        if step.answer in ("now", CLOSED):
            outcome.response = self._answer(line)
        else:
            outcome.response = self._answer_before_probe(line, step)
        outcome.pushes += line.pushes
        line.pushes.clear()

    def _answer(self, line: Line) -> bytes | str | None:
        response = line.response()
        if response == CLOSED:
            line.close()
            self._lines = {key: one for key, one in self._lines.items() if one is not line}
        return response

    def _answer_before_probe(self, line: Line, step: Step) -> bytes | str | None:
        """What is answered before a question that always is; None for nothing."""
        self._probes += 1
        fields: dict[str, Any] = {"topic": "none", "queueId": "0"}
        code = RequestCode.GET_ROUTEINFO_BY_TOPIC if step.to == "namesrv" else RequestCode.GET_MAX_OFFSET
        line.send(Command(code, opaque=self._probes, ext_fields=fields).encode())
        first = line.response()
        if not isinstance(first, bytes) or Command.decode(first[4:]).opaque == self._probes:
            return None
        line.response()
        return first

    def _line(self, step: Step) -> Line:
        key = (step.to, step.connection)
        if key not in self._lines:
            self._lines[key] = Line(self._addresses[step.to], self._timeout)
        return self._lines[key]
