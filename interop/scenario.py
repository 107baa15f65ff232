"""The table of scenarios: each one is a function that is written once and played by every client it names."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from interop.cluster import Cluster
from interop.driver import Driver
from interop.stage import NotApplicableError, Stage

JAVA = ("java", "java-binary")
ALL = ("java", "java-binary", "go")


@dataclass(frozen=True)
class Scenario:
    """One row of the table."""

    subject: str
    function: Callable[[Stage], None]
    client: str
    of_broker: bool
    """Whether it is the broker's doing alone, so that it does not matter whose name server it is at."""

    @property
    def name(self) -> str:
        return f"{self.subject}.{self.function.__name__}[{self.client}]"

    def play(self, cluster: Cluster, client: Driver) -> None:
        """Raises AssertionError where something does not hold, NotApplicableError where it cannot be told."""
        with Stage(cluster, client) as stage:
            self.function(stage)


@dataclass(frozen=True)
class Outcome:
    """How a scenario ended: "pass", "fail" or "skip", with the reason, and how long it took in seconds."""

    name: str
    result: str
    detail: str
    seconds: float


_table: list[Scenario] = []


def scenario(
    *clients: str, of_broker: bool = False
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Puts a function into the table, once for each client that plays it."""

    def register(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
        subject = function.__module__.rpartition(".")[2]
        _table.extend(Scenario(subject, function, client, of_broker) for client in clients)
        return function

    return register


def scenarios() -> list[Scenario]:
    """The whole table; those that stop a broker come last."""
    package = importlib.import_module("interop.scenarios")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"interop.scenarios.{module.name}")
    return sorted(_table, key=lambda one: one.subject == "restarting")


def outcome(one: Scenario, cluster: Cluster, client: Driver) -> Outcome:
    """Play a scenario and say how it went, whatever happens."""
    started = time.perf_counter()
    try:
        one.play(cluster, client)
    except NotApplicableError as reason:
        result, detail = "skip", str(reason)
    except Exception as error:
        result, detail = "fail", f"{type(error).__name__}: {error}"
    else:
        result, detail = "pass", (one.function.__doc__ or "").strip()
    return Outcome(one.name, result, detail, time.perf_counter() - started)
