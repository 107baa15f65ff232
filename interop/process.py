"""A program that runs for a test: a child process with a log of its own, or what a container holds."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


class Program(ABC):
    """Runs until `stop` or `kill`."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """What the system calls it."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it runs."""

    @property
    @abstractmethod
    def stdin(self) -> IO[bytes]:
        """What it reads, if that was asked for."""

    @property
    @abstractmethod
    def stdout(self) -> IO[bytes]:
        """What it writes, if that was asked for."""

    @abstractmethod
    def stop(self, timeout: float = 60.0) -> int:
        """Ask it to end, wait, and give back its exit status; after `timeout` seconds it is killed."""

    @abstractmethod
    def kill(self) -> int:
        """End it at once, as a crash would."""

    @abstractmethod
    def tail(self, lines: int = 20) -> str:
        """The end of its log, for messages."""


class Process(Program):
    """Runs `command`; stdout and stderr go to `log`, stdout instead to you with `pipe`."""

    def __init__(
        self, command: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None, pipe: bool = False
    ) -> None:
        self.log = log
        with open(log, "ab") as output:
            self._popen = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else output,
                stderr=output,
                env=environment,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def stdin(self) -> IO[bytes]:
        assert self._popen.stdin is not None
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self._popen.stdout is not None
        return self._popen.stdout

    def stop(self, timeout: float = 60.0) -> int:
        self._popen.terminate()
        try:
            status = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()
        self._close()
        return status

    def kill(self) -> int:
        self._popen.kill()
        status = self._popen.wait()
        self._close()
        return status

    def tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _close(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()
