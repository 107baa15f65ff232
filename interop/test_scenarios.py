"""Every scenario in every direction; "java" is the reference, without which the others say nothing."""

from __future__ import annotations

import pytest

from interop.cluster import Cluster
from interop.scenario import Scenario, scenarios
from interop.stage import NotApplicableError
from interop.troupe import Troupe


@pytest.mark.parametrize("scenario", [pytest.param(one, id=one.name) for one in scenarios()])
def test_scenario_holds(cluster: Cluster, scenario: Scenario, troupe: Troupe) -> None:
    try:
        scenario.play(cluster, troupe.client(scenario.client))
    except NotApplicableError as reason:
        pytest.skip(str(reason))
