"""Servers for the tests of compat_client, and clients that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rocketpy.compat_client import Message, Producer
from tests.client.cluster import Cluster, standalone

Made = Callable[[str | bytes], Message]


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A name server and a broker that run."""
    with standalone(tmp_path_factory.mktemp("cluster")) as servers:
        yield Cluster(servers)


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """Ends with the test what is entered or called back there."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def topic(cluster: Cluster) -> str:
    return cluster.topic(queues=1)


@pytest.fixture
def made(topic: str) -> Made:
    """Makes a message to `topic` with a body."""

    def make(body: str | bytes) -> Message:
        message = Message(topic)
        message.set_body(body)
        return message

    return make


@pytest.fixture
def producer(cluster: Cluster, ends: ExitStack) -> Producer:
    """A started producer of a group of its own."""
    producer = Producer(cluster.unique("producer"))
    producer.set_name_server_address(cluster.namesrv)
    producer.start()
    ends.callback(producer.shutdown)
    return producer
