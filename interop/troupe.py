"""The clients of one run: each started when it is first needed, all ended together."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from interop.artifacts import MissingToolError
from interop.driver import DRIVERS, Driver


class Troupe:
    """Official clients by name; `directory` gets their logs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._drivers: dict[str, Driver] = {}
        self._missing: dict[str, MissingToolError] = {}
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def client(self, name: str) -> Driver:
        """The client of that name. Raises MissingToolError where it cannot be had, always with the first reason."""
        if name in self._missing:
            raise self._missing[name]
        if name not in self._drivers:
            try:
                driver = DRIVERS[name](self._directory / name)
            except MissingToolError as error:
                self._missing[name] = error
                raise
            self._drivers[name] = self._ends.enter_context(driver)
        return self._drivers[name]
