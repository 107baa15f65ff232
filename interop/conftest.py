"""Servers and clients, started once a run. Where an official program is missing a test is skipped with the reason;
with CI=true that is a failure."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NoReturn

import pytest

from interop.artifacts import MissingToolError
from interop.cluster import DIRECTIONS, PURE, QUICK, Cluster, started_cluster
from interop.container_clients import ContainerDriver
from interop.container_servers import started_containers
from interop.containers import Containers, Network
from interop.engine import engine
from interop.troupe import Troupe


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is the broker's doing alone is not played once more at somebody else's name server."""
    items[:] = [item for item in items if not _says_nothing_new(item)]


def _says_nothing_new(item: pytest.Item) -> bool:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    direction = parameters.get("cluster", parameters.get("container_cluster"))
    return "scenario" in parameters and parameters["scenario"].of_broker and direction not in PURE


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


def pytest_sessionfinish() -> None:
    """The engine's client keeps connections."""
    if engine.cache_info().currsize:
        engine().close()


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


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    """Where the engine's networks, volumes and containers of this run come from."""
    with Containers() as containers:
        yield containers


@pytest.fixture(scope="session")
def network(containers: Containers) -> Network:
    """The one that most containers are on; the machine that the tests run on reaches it too."""
    return containers.network()


@pytest.fixture(scope="session")
def contained(containers: Containers, network: Network) -> Iterator[Callable[[str], ContainerDriver]]:
    """Official clients in containers on `network`, by what they are, with a number after it: "java 2" is another host.

    Each is started when it is first asked for.
    """
    with ExitStack() as ends:

        @functools.cache
        def client(name: str) -> ContainerDriver:
            return ends.enter_context(ContainerDriver(name.split()[0], containers, network))

        yield client


@pytest.fixture(scope="session", params=DIRECTIONS)
def container_cluster(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    containers: Containers,
    network: Network,
) -> Iterator[Cluster]:
    """As `cluster`, in containers on `network`."""
    directory = tmp_path_factory.mktemp(f"contained-{request.param}")
    with started_containers(request.param, directory, containers, network, **QUICK) as cluster:
        yield cluster
