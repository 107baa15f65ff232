"""What only separate hosts show: each client and broker has its own address, and not everybody reaches everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from interop.cluster import PURE, QUICK, Cluster, running_cluster
from interop.container_clients import ContainerDriver
from interop.container_servers import IMAGES, ContainerBroker, ContainerNameServer
from interop.containers import Containers, Network
from interop.expect import becomes, equal
from interop.messages import Message, Queue
from interop.raw_client import RawClient
from interop.scenarios.ordering import expect_ordered
from interop.stage import Consumer, Stage
from rocketpy.protocol.codes import RequestCode

BOTH_MAKES = pytest.mark.parametrize("container_cluster", PURE, indirect=True)
CLIENTS = pytest.mark.parametrize("client", ["java", "go"])
Contained = Callable[[str], ContainerDriver]


def _host(address: str) -> str:
    return address.rpartition(":")[0]


@BOTH_MAKES
@CLIENTS
def test_message_names_the_hosts_that_it_comes_from(
    container_cluster: Cluster, contained: Contained, network: Network, client: str
) -> None:
    """Born where the producer is, stored where the broker is; the broker knows the consumer by its address."""
    driver = contained(client)
    with Stage(container_cluster, driver) as stage:
        topic, group = stage.topic(), stage.group()
        (sent,) = stage.producer().send(Message(topic, "wo bin ich? 世界".encode()))
        (stored,) = stage.consumer(topic, group=group, name="itself").received(1)
        equal("host it was born at", _host(stored.born_host), driver.addresses[network])
        equal("host it is stored at", stored.store_host, container_cluster.broker)
        equal("id that was answered", sent.offset_msg_id, stored.offset_msg_id)
        with RawClient(container_cluster.broker) as broker:
            answer = broker.ask_json(RequestCode.GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": group})
        (connection,) = answer["connectionSet"]
        equal("host of its connection", _host(connection["clientAddr"]), driver.addresses[network])
        equal("its id", connection["clientId"], f"{driver.addresses[network]}@itself")


@pytest.fixture
def stages(container_cluster: Cluster, contained: Contained, client: str) -> Iterator[tuple[Stage, Stage]]:
    """Two clients that differ in nothing but the address of their container."""
    here, there = contained(client), contained(f"{client} 2")
    with Stage(container_cluster, here) as one, Stage(container_cluster, there) as other:
        yield one, other


class Numbers:
    """Messages that go round the four queues of a topic, numbered from zero."""

    def __init__(self, stage: Stage, topic: str) -> None:
        self._producer = stage.producer()
        self._queues = [Queue(topic, stage.cluster.broker_name, number) for number in range(4)]
        self.sent = 0

    def send(self, count: int) -> None:
        """Some more."""
        for number in range(self.sent, self.sent + count):
            queue = self._queues[number % 4]
            self._producer.send(Message(queue.topic, f"{number}".encode()), queue=queue)
        self.sent += count

    def reach(self, *consumers: Consumer) -> bool:
        """Whether each of these got some, of those that were sent so far and four more."""
        self.send(4)
        return all(consumer.received(1, timeout=1) for consumer in consumers)


def _bodies(*consumers: Consumer) -> list[int]:
    return sorted(int(stored.body) for consumer in consumers for stored in consumer.received(0))


def _known(*consumers: Consumer) -> set[int]:
    return set(_bodies(*consumers))


def _shares(topic: str, *consumers: Consumer) -> list[int]:
    return [len(consumer.assigned(topic)) for consumer in consumers]


@BOTH_MAKES
@CLIENTS
def test_consumers_on_two_hosts_share_a_group(stages: tuple[Stage, Stage]) -> None:
    here = stages[0]
    topic, group = here.topic(queues=4), here.group()
    first, second = (stage.consumer(topic, group=group, name="one name") for stage in stages)
    numbers = Numbers(here, topic)
    becomes("both get messages", partial(numbers.reach, first, second), True, timeout=90)
    becomes("messages", partial(_known, first, second), set(range(numbers.sent)))
    with RawClient(here.cluster.broker) as broker:
        members = broker.ask_json(RequestCode.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})["consumerIdList"]
    equal("their ids", set(members), {f"{host}@one name" for stage in stages for host in _addresses(stage)})


def _addresses(stage: Stage) -> Iterable[str]:
    assert isinstance(stage.client, ContainerDriver)
    return stage.client.addresses.values()


@BOTH_MAKES
@pytest.mark.parametrize("client", ["java"])
def test_consumers_on_two_hosts_keep_the_order(stages: tuple[Stage, Stage]) -> None:
    here, there = stages
    topic, group = here.topic(queues=4), here.group()
    first, second = (stage.consumer(topic, group=group, name="one name", orderly=True) for stage in stages)
    becomes("queues of each", partial(_shares, topic, first, second), [2, 2], timeout=90)
    equal("queues in common", set(first.assigned(topic)) & set(second.assigned(topic)), set())
    Numbers(there, topic).send(40)
    becomes("messages, once each", partial(_bodies, first, second), list(range(40)))
    for consumer in (first, second):
        expect_ordered(consumer.received(0))
    second.stop()
    becomes("queues of who is left", partial(_shares, topic, first), [4], timeout=90)


@BOTH_MAKES
@CLIENTS
def test_broadcast_reaches_every_host(stages: tuple[Stage, Stage]) -> None:
    here, there = stages
    topic, group = here.topic(queues=4), here.group()
    numbers = Numbers(there, topic)
    numbers.send(4)  # a route with messages; broadcast offsets are the client's own
    consumers = [stage.consumer(topic, group=group, name="one name", broadcast=True) for stage in stages]
    numbers.send(20)
    for consumer in consumers:
        becomes("messages of each", partial(_has, consumer, set(range(4, 24))), True)


def _has(consumer: Consumer, wanted: set[int]) -> bool:
    return wanted <= _known(consumer)


@pytest.fixture(params=PURE)
def halves(
    request: pytest.FixtureRequest, containers: Containers, tmp_path: Path
) -> Iterator[tuple[Cluster, Network, Network]]:
    """A name server on two networks, and on each of these a broker; the networks."""
    left, right = containers.network(), containers.network()
    name_server_image, broker_image = IMAGES[request.param]
    with ExitStack() as ends:
        name_server = ContainerNameServer(tmp_path / "namesrv", name_server_image, containers, left, right)
        ends.enter_context(name_server)
        for name, network in (("broker-left", left), ("broker-right", right)):
            address = name_server.address_on(network)
            broker = ContainerBroker(tmp_path / name, broker_image, containers, address, network, name=name, **QUICK)
            ends.enter_context(broker)
        yield running_cluster(name_server.address), left, right


def _make_topic(cluster: Cluster, topic: str) -> None:
    for broker in cluster.brokers.values():
        fields = {
            "topic": topic, "defaultTopic": "TBW102", "readQueueNums": "2", "writeQueueNums": "2", "perm": "6",
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
        }  # fmt: skip
        with RawClient(broker) as client:
            equal("creating a topic", client.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, fields).code, 0)


def test_client_works_with_the_brokers_that_it_reaches(
    halves: tuple[Cluster, Network, Network], containers: Containers
) -> None:
    """On one network its sends go round the broker that it does not reach; on both it reads what either has."""
    cluster, left, right = halves
    equal("brokers", sorted(cluster.brokers), ["broker-left", "broker-right"])
    with (
        ContainerDriver("java", containers, left) as one_sided,
        ContainerDriver("java", containers, left, right) as both_sided,
        Stage(cluster, one_sided) as here,
        Stage(cluster, both_sided) as everywhere,
    ):
        topic = here.unique("Halves")
        _make_topic(cluster, topic)
        here.wait_routed(topic)
        sent = here.producer().send(*(Message(topic, f"{number}".encode()) for number in range(4)))
        equal("brokers that took them", {result.queue.broker for result in sent}, {"broker-left"})
        other = everywhere.producer().send(
            *(Message(topic, f"{number}".encode()) for number in range(4, 6)), queue=Queue(topic, "broker-right", 1)
        )
        equal("broker on the other side", {result.queue.broker for result in other}, {"broker-right"})
        consumer = everywhere.consumer(topic)
        becomes("messages of both", partial(_bodies, consumer), list(range(6)))
        consumer = here.consumer(topic)
        becomes("messages of the one side", partial(_bodies, consumer), list(range(4)))
