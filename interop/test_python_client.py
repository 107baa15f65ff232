"""Our Python client in Java's place: the scenarios that the Java client plays, against Java's servers and ours.

At ours those are left out that are the broker's doing alone: tests/client plays the like of them in less time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interop.cluster import Cluster
from interop.python_driver import PythonDriver
from interop.scenario import Scenario, scenarios
from interop.stage import NotApplicableError

NOT_A_CLIENTS = {"administering", "restarting"}
"""Subjects that are about mqadmin, or would stop the servers that others use."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonDriver]:
    """The client, which needs nothing but this process."""
    with PythonDriver("python", tmp_path_factory.mktemp("python"), "JSON") as driver:
        yield driver


PLAYED = [one for one in scenarios() if one.client == "java" and one.subject not in NOT_A_CLIENTS]


def _rows(played: list[Scenario]) -> list[Any]:
    return [pytest.param(one, id=one.name.removesuffix("[java]")) for one in played]


@pytest.mark.parametrize("cluster", ["java"], indirect=True)
@pytest.mark.parametrize("scenario", _rows(PLAYED))
def test_scenario_holds_at_javas_servers(cluster: Cluster, scenario: Scenario, client: PythonDriver) -> None:
    _play(cluster, scenario, client)


@pytest.mark.parametrize("cluster", ["ours"], indirect=True)
@pytest.mark.parametrize("scenario", _rows([one for one in PLAYED if not one.of_broker]))
def test_scenario_holds_at_our_servers(cluster: Cluster, scenario: Scenario, client: PythonDriver) -> None:
    _play(cluster, scenario, client)


def _play(cluster: Cluster, scenario: Scenario, client: PythonDriver) -> None:
    try:
        scenario.play(cluster, client)
    except NotApplicableError as reason:
        pytest.skip(str(reason))
