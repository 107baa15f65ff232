"""Each load of a feature is served by a real broker, and counts what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.broker.live import standalone
from tools.bench import feature_loads
from tools.bench.features import CASES
from tools.bench.in_process import running_broker
from tools.bench.in_process_features import subjects
from tools.bench.load import Measured, Refused
from tools.bench.report import case_figures


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch, standalone(tmp_path_factory.mktemp("bench")) as servers:
        patch.setattr(feature_loads, "FILTER_MESSAGES", 200)
        port = int(servers.broker.address.rpartition(":")[2])
        feature_loads.fill_for_filters(port)
        yield port


def run(name: str, port: int) -> Measured:
    measured = CASES[name][1](port, 0.05)
    assert measured.requests == len(measured.latencies) > 0
    assert case_figures(measured)["msg/s"] > 0
    return measured


@pytest.mark.parametrize("name", [name for name in CASES if name != "delay"])
def test_load_is_served(port: int, name: str) -> None:
    run(name, port)


def test_committed_messages_are_there(port: int) -> None:
    before = feature_loads.max_offset(port, "BenchTransactions")
    measured = run("transaction", port)
    assert feature_loads.max_offset(port, "BenchTransactions") == before + measured.messages


def test_what_a_filter_looked_at_counts(port: int) -> None:
    assert run("filter-none", port).messages >= 32
    assert run("filter-no-sql", port).messages >= 200


def test_a_refused_message_ends_the_load(port: int) -> None:
    with pytest.raises(Refused, match="code 23"):
        feature_loads.filtered_pulls(port, "SQL92", "", 0.05)


def test_rounds_within_the_process_deal_with_every_message() -> None:
    with running_broker() as broker:
        dealt_with = {name: one_round()[1] for name, one_round in subjects(broker)}
    assert dealt_with["pull by SQL that none matches"] == 2 * 800
    assert dealt_with["pull by SQL that all match"] == dealt_with["pull by a tag that all have"] == 50 * 32
    assert dealt_with["level 1: sent and delivered"] == dealt_with["half message and commit"] == 64
