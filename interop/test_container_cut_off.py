"""A broker is cut off from its name servers, and comes back: nobody is told, packets just do not arrive any more.

Both makes play at the same time, each broker at both name servers: it takes minutes until a route expires.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from interop.cluster import PURE, Cluster
from interop.container_clients import ContainerDriver
from interop.container_servers import IMAGES, ContainerBroker, ContainerNameServer
from interop.containers import Containers, Network
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message
from interop.raw_client import RawClient
from interop.stage import Stage
from rocketpy.protocol.codes import RequestCode

EXPIRY_S = 120
"""A name server forgets a broker that has been silent for so long; it looks every ten seconds."""
HEARTBEAT_S = 10
"""The shortest `registerNameServerPeriod`."""
COMING_BACK_S = 240
"""The system's TCP tries lost packets ever more rarely, so a connection that was cut may take minutes."""


@dataclass
class Parts:
    """Name servers and brokers by make, and the network on which these see each other."""

    name_servers: dict[str, ContainerNameServer]
    brokers: dict[str, ContainerBroker]
    registry: Network

    def registered(self) -> dict[str, list[str]]:
        """The brokers that each name server knows."""
        return {make: _known(name_server.address) for make, name_server in self.name_servers.items()}


def _known(namesrv: str) -> list[str]:
    with RawClient(namesrv) as client:
        return sorted(client.ask_json(RequestCode.GET_BROKER_CLUSTER_INFO)["brokerAddrTable"])


@pytest.fixture
def parts(containers: Containers, network: Network, tmp_path: Path) -> Iterator[Parts]:
    """Clients and brokers meet on `network`, clients and name servers as well; brokers register on another one."""
    registry = containers.network()
    with ExitStack() as ends:
        name_servers = {
            make: ends.enter_context(
                ContainerNameServer(tmp_path / f"namesrv-{make}", IMAGES[make][0], containers, network, registry)
            )
            for make in PURE
        }
        addresses = {make: one.address_on(registry) for make, one in name_servers.items()}
        brokers = {
            make: ends.enter_context(
                ContainerBroker(
                    tmp_path / f"broker-{make}", IMAGES[make][1], containers, addresses[make], network, registry,
                    name=f"broker-of-{make}", namesrvAddr=";".join(addresses.values()),
                    registerNameServerPeriod=str(HEARTBEAT_S * 1000),
                )
            )
            for make in PURE
        }  # fmt: skip
        yield Parts(name_servers, brokers, registry)


@pytest.mark.timeout(600)
def test_broker_that_is_cut_off_is_forgotten_and_comes_back(
    parts: Parts, network: Network, contained: Callable[[str], ContainerDriver]
) -> None:
    everybody = {make: sorted(broker.name for broker in parts.brokers.values()) for make in PURE}
    nobody: dict[str, list[str]] = {make: [] for make in PURE}
    becomes("brokers registered", parts.registered, everybody)
    with ExitStack() as ends:
        stages = [
            ends.enter_context(Stage(Cluster(namesrv.address, {broker.name: broker.address}, None), contained("java")))
            for namesrv, broker in zip(parts.name_servers.values(), parts.brokers.values(), strict=True)
        ]
        topics = [stage.topic() for stage in stages]
        producers = [stage.producer() for stage in stages]
        consumers = [stage.consumer(topic) for stage, topic in zip(stages, topics, strict=True)]

        cut = time.monotonic()
        for broker in parts.brokers.values():
            assert broker.container is not None
            parts.registry.disconnect(broker.container)
        forgotten: dict[str, float] = {}
        count = 0
        while len(forgotten) < len(PURE) and time.monotonic() - cut < EXPIRY_S + 60:
            for producer, topic in zip(producers, topics, strict=True):  # clients go on with the route that they have
                producer.send(Message(topic, f"{count}".encode()))
            count += 1
            for make, known in parts.registered().items():
                if known == nobody[make]:
                    forgotten.setdefault(make, time.monotonic() - cut)
            time.sleep(1)
        equal("name servers that forgot both brokers", sorted(forgotten), sorted(PURE))
        for make, seconds in forgotten.items():
            print(f"{make} name server: forgotten after {seconds:.0f} s")
            holds(f"{make} waits two minutes, not {seconds:.0f} s", seconds >= EXPIRY_S - HEARTBEAT_S - 5)
        for stage, topic in zip(stages, topics, strict=True):
            equal("what a new client is told", _refusal(stage, topic), "No route info of this topic")

        back = time.monotonic()
        for broker in parts.brokers.values():
            assert broker.container is not None
            parts.registry.connect(broker.container, broker.addresses[parts.registry])
        while parts.registered() != everybody and time.monotonic() - back < COMING_BACK_S:
            print(time.monotonic() - back, parts.registered())
            time.sleep(1)
        becomes("brokers registered again", parts.registered, everybody, timeout=1)
        for stage, topic, consumer in zip(stages, topics, consumers, strict=True):
            becomes("sending by a new client", partial(_refusal, stage, topic), "")
            bodies = [stored.body for stored in consumer.received(count + 1)]
            equal("messages, once each", sorted(bodies), sorted([*(f"{one}".encode() for one in range(count)), b"new"]))


def _refusal(stage: Stage, topic: str) -> str:
    """What a client that knows no route yet is told when it sends, up to the first comma; nothing if it is sent."""
    try:
        stage.producer().send(Message(topic, b"new"))
    except DriverError as error:
        return error.text.partition(":")[0].partition(",")[0]
    return ""
