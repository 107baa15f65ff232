"""Fixtures of the client's tests: one cluster for all, since each test has topics and groups of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rocketpy.client.producer import Producer
from tests.client.cluster import Cluster, standalone


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A name server and a broker that run."""
    with standalone(tmp_path_factory.mktemp("cluster")) as servers:
        yield Cluster(servers)


@pytest.fixture
def producer(cluster: Cluster) -> Iterator[Producer]:
    """A started producer of a group of its own."""
    with cluster.producer() as producer:
        yield producer


@pytest.fixture(autouse=True)
def _no_thread_is_left(cluster: Cluster) -> Iterator[None]:
    """What a test starts ends with it."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and thread.name == "Instance"]
    assert not left, left
