"""The child process of a test: how it is started, given orders and ended (`rocketpy.testing.__main__` is the child)."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from typing import Any

from rocketpy.errors import ConfigError, RemotingError, StoreError
from rocketpy.testing.errors import ChildFailed, NotOurs

_KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (ConfigError, NotOurs, RemotingError, StoreError, TypeError, ValueError)
}
"""What a child may raise as it would be raised here; everything else is ChildFailed."""

READY_SECONDS = 60.0
"""How long a child may take to start, on a machine that is busy beyond measure."""
_END_SECONDS = 20.0


class Child:
    """`python -m rocketpy.testing` with some arguments, and the pipes to it.

    It ends when its stdin is closed, which happens by itself when this process is gone. It is in a session of its own,
    so that Ctrl-C at a terminal does not take it away before the test's own clean-up.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._addresses: dict[str, Any] = {}
        self._talking = Lock()

    @property
    def addresses(self) -> dict[str, Any]:
        """What it said when it was ready: "namesrv", "broker", "pid". Raises ChildFailed when it does not run."""
        if self._process is None:
            raise ChildFailed("the child process is not running")
        return self._addresses

    def start(self) -> None:
        """Start it, and wait until it is ready. Raises ChildFailed, or what keeps the servers from starting."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rocketpy.testing", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,
        )
        try:
            self._addresses = self._answer(READY_SECONDS)
        except BaseException:
            self.stop()
            raise

    def order(self, command: str, **arguments: object) -> Any:
        """Have it do something; what came of it. Raises what that raises, or ChildFailed, also when it is gone."""
        line = json.dumps({"command": command, **arguments}).encode() + b"\n"
        with self._talking:
            if self._process is None or self._process.stdin is None:
                raise ChildFailed("the child process is not running")
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except OSError:
                raise self._gone(self._process) from None
            return self._answer()["result"]

    def stop(self) -> None:
        """End it, and wait until it is gone; harmless when it is."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError), process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def _answer(self, timeout: float | None = None) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], timeout)[0]:
            raise ChildFailed(f"the child process is not ready after {timeout:g} s")
        line = process.stdout.readline()
        if not line:
            raise self._gone(process)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _KINDS.get(answer.get("kind", ""), ChildFailed)(answer["error"])
        return answer

    def _gone(self, process: subprocess.Popen[bytes]) -> ChildFailed:
        return ChildFailed(f"the child process has ended, with status {process.wait()}; see its stderr")


class ChildClock:
    """The clock of a child's servers; see `rocketpy.testing.clock.ServerClock`."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def now(self) -> int:
        """The servers' time, in ms since the epoch. Raises ChildFailed."""
        return int(self._child.order("clock.now"))

    def freeze(self) -> None:
        """Have the time stand still but for `advance`. Raises ChildFailed."""
        self._child.order("clock.freeze")

    def unfreeze(self) -> None:
        """Have it go on from there. Raises ChildFailed."""
        self._child.order("clock.unfreeze")

    def advance(self, seconds: float | timedelta, *, heartbeats: bool = True) -> None:
        """Have so much time pass for the servers. Raises ValueError for a time that goes back, or ChildFailed."""
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        self._child.order("clock.advance", seconds=seconds, heartbeats=heartbeats)
