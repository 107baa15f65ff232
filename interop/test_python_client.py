"""Our Python client in Java's place: the scenarios that the Java client plays, against Java's servers and ours."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.mark.parametrize("cluster", ["java", "ours"], indirect=True)
@pytest.mark.parametrize("scenario", [pytest.param(one, id=one.name.removesuffix("[java]")) for one in PLAYED])
def test_scenario_holds_for_our_client(cluster: Cluster, scenario: Scenario, client: PythonDriver) -> None:
    try:
        scenario.play(cluster, client)
    except NotApplicableError as reason:
        pytest.skip(str(reason))
