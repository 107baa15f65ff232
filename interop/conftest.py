"""Servers and clients, started once a run. Where an official program is missing a test is skipped with the reason;
with CI=true that is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from interop.artifacts import MissingToolError
from interop.cluster import DIRECTIONS, PURE, QUICK, Cluster, started_cluster
from interop.troupe import Troupe


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is the broker's doing alone is not played once more at somebody else's name server."""
    items[:] = [item for item in items if not _says_nothing_new(item)]


def _says_nothing_new(item: pytest.Item) -> bool:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return "scenario" in parameters and parameters["scenario"].of_broker and parameters["cluster"] not in PURE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """A missing program, met by a fixture."""
    try:
        yield
    except MissingToolError as error:
        _missing(error)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A missing program, met by the test itself."""
    try:
        yield
    except MissingToolError as error:
        _missing(error)


def _missing(error: MissingToolError) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing in CI: {error}", pytrace=False)
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def troupe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troupe]:
    """The official clients."""
    with Troupe(tmp_path_factory.mktemp("clients")) as troupe:
        yield troupe


@pytest.fixture(scope="session", params=DIRECTIONS)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of each direction, one after the other."""
    with started_cluster(request.param, tmp_path_factory.mktemp(request.param), **QUICK) as cluster:
        yield cluster
