"""Our servers inside this very process, each in a thread of its own, on ports that nobody chose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.cluster import Cluster, running_cluster
from interop.scenario import Scenario, scenarios
from interop.troupe import Troupe
from rocketpy.broker.app import Broker
from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.namesrv.app import NameServer

PLAYED = ("consuming.waiting_consumer_gets_a_message_at_once", "sending.messages_sent_synchronously_come_back")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A name server and a broker among pytest's own threads."""
    directory = tmp_path_factory.mktemp("embedded")
    with (
        NameServer(_namesrv_settings(directory), host="127.0.0.1") as name_server,
        Broker(_broker_settings(directory, name_server.address), host="127.0.0.1"),
    ):
        yield running_cluster(name_server.address)


def _namesrv_settings(directory: Path) -> NamesrvSettings:
    settings = NamesrvSettings()
    settings.server.listen_port = 0
    settings.namesrv.kv_config_path = str(directory / "kvConfig.json")
    return settings


def _broker_settings(directory: Path, namesrv: str) -> BrokerSettings:
    settings = BrokerSettings()
    settings.server.listen_port = 0
    settings.broker.broker_ip1 = settings.broker.broker_ip2 = "127.0.0.1"
    settings.broker.broker_name = "embedded"
    settings.broker.namesrv_addr = namesrv
    settings.store.store_path_root_dir = str(directory / "store")
    settings.store.store_path_commit_log = str(directory / "store" / "commitlog")
    return settings


@pytest.mark.parametrize(
    "scenario", [pytest.param(one, id=one.name) for one in scenarios() if one.name.partition("[")[0] in PLAYED]
)
def test_scenario_holds_in_process(embedded: Cluster, scenario: Scenario, troupe: Troupe) -> None:
    scenario.play(embedded, troupe.client(scenario.client))
