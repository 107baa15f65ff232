"""rocketpy.testcontainers with our image and the official one, seen from this host and from a network of containers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException
from testcontainers.core.network import Network

from interop import images
from interop.cluster import QUICK, running_cluster
from interop.engine import engine
from interop.scenario import scenarios
from interop.troupe import Troupe
from rocketpy.client import (
    ConsumeFromWhere,
    LitePullConsumer,
    Message,
    Producer,
    SendStatus,
)
from rocketpy.testcontainers import RocketMQContainer
from tests.readme import program

IMAGES = {"ours": images.ours, "official": images.official}
PLAYED = {
    one.name: one
    for one in scenarios()
    if one.client == "java"
    and one.function.__name__ in (
        "waiting_consumer_gets_a_message_at_once",
        "delayed_message_comes_when_it_is_due",
        "failed_message_comes_again",
        "committed_messages_are_delivered_and_others_are_not",
        "request_is_answered",
    )
}  # fmt: skip
"""What clients and broker send each other, in both directions."""
TIMEOUT = 60.0
START_TIMEOUT = 300.0
"""Several JVMs at once take their time on a slow machine."""
INSIDE = """
import sys
from rocketpy.client import Message, Producer
with Producer("inside", namesrv="mq:9876") as producer:
    print(producer.send(Message("orders", b"from the network")).status.name)
"""


@pytest.fixture(scope="module", autouse=True)
def no_reaper() -> None:
    """Its image cannot be pulled everywhere; each test removes what it starts."""
    engine()
    testcontainers_config.ryuk_disabled = True


@pytest.fixture(scope="module", params=IMAGES)
def image(request: pytest.FixtureRequest) -> str:
    return IMAGES[request.param]()


@pytest.fixture(scope="module")
def rocketmq(image: str) -> Iterator[RocketMQContainer]:
    container = patient(image).with_topics("orders", queues=2)
    for key, value in QUICK.items():
        container.with_setting(key, value)
    with started(container) as running:
        yield running


def patient(image: str) -> RocketMQContainer:
    """One that does not refuse sends which waited for a busy machine; Java gives them 200 ms."""
    return RocketMQContainer(image).with_setting("waitTimeMillsInSendQueue", 10_000)


@contextmanager
def started(container: RocketMQContainer) -> Iterator[RocketMQContainer]:
    container.start(START_TIMEOUT)
    try:
        yield container
    finally:
        container.stop()


def send(namesrv: str, body: bytes) -> SendStatus:
    with Producer("shop", namesrv=namesrv) as producer:
        return producer.send(Message("orders", body)).status


def received(namesrv: str, group: str, count: int) -> list[bytes]:
    """The first `count` messages of the topic, in any order."""
    start, deadline = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, time.monotonic() + TIMEOUT
    bodies: list[bytes] = []
    with LitePullConsumer(group, namesrv=namesrv, consume_from=start) as consumer:
        consumer.subscribe("orders")
        while len(bodies) < count and time.monotonic() < deadline:
            bodies += [message.body for message in consumer.poll(1.0)]
    return sorted(bodies)


def test_topics_are_there_as_asked(rocketmq: RocketMQContainer) -> None:
    with Producer("shop", namesrv=rocketmq.get_namesrv_address()) as producer:
        assert [queue.queue_id for queue in producer.publish_queues("orders")] == [0, 1]


def test_broker_is_known_by_its_address_outside(rocketmq: RocketMQContainer) -> None:
    cluster = running_cluster(rocketmq.get_namesrv_address())
    assert cluster.brokers == {"broker-a": rocketmq.get_broker_address()}


@pytest.mark.parametrize("played", PLAYED)
def test_java_client_on_the_host_plays(rocketmq: RocketMQContainer, played: str, troupe: Troupe) -> None:
    PLAYED[played].play(running_cluster(rocketmq.get_namesrv_address()), troupe.client("java"))


def test_what_was_sent_outlives_a_restart(rocketmq: RocketMQContainer) -> None:
    assert send(rocketmq.get_namesrv_address(), b"before") is SendStatus.SEND_OK
    rocketmq.restart(START_TIMEOUT)
    assert send(rocketmq.get_namesrv_address(), b"after") is SendStatus.SEND_OK
    assert received(rocketmq.get_namesrv_address(), "restarted", 2) == [b"after", b"before"]


def test_containers_started_at_once_are_apart(image: str) -> None:
    def exchanged(body: bytes) -> list[bytes]:
        with started(patient(image).with_topics("orders")) as rocketmq:
            assert send(rocketmq.get_namesrv_address(), body) is SendStatus.SEND_OK
            return received(rocketmq.get_namesrv_address(), "own", 1)

    bodies = [b"first", b"second"]
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(exchanged, bodies)) == [[body] for body in bodies]


def sent_from(network: Network) -> str:
    """What a client in a container of its own says of a message that it sent to "mq"."""
    client = DockerContainer(images.ours()).with_network(network).with_command(["sleep", "infinity"])
    with client as inside:
        done = inside.exec(["/opt/rocketpy/bin/python", "-c", INSIDE])
    return done.output.decode().strip()


def test_host_and_network_both_reach_ours() -> None:
    with Network() as network:
        container = RocketMQContainer(images.ours()).with_topics("orders")
        with started(container.with_network(network).with_network_aliases("mq")) as rocketmq:
            assert sent_from(network) == "SEND_OK"
            assert received(rocketmq.get_namesrv_address(), "outside", 1) == [b"from the network"]


def test_network_reaches_javas_broker_by_the_address_that_is_advertised_there() -> None:
    with Network() as network:
        container = patient(images.official()).with_network(network).with_network_aliases("mq")
        with started(container.with_topics("orders").with_advertised_address("mq:10911")):
            assert sent_from(network) == "SEND_OK"


def test_readme_tells_how_to_use_it_with_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_orders.py").write_text(program("python", "With testcontainers"))
    settings = {"ROCKETPY_IMAGE": images.ours(), "TESTCONTAINERS_RYUK_DISABLED": "true"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_a_container_that_ends_says_why() -> None:
    container = RocketMQContainer(images.ours()).with_setting("enableDLegerCommitLog", True)
    with pytest.raises(ContainerStartException, match=r"ended with status 1(.|\n)*replication by DLedger"), container:
        pass


def test_an_image_that_is_not_there_is_named() -> None:
    with pytest.raises(ContainerStartException, match="there is no image rocketpy-nobody-has-this:1, and it cannot"):
        RocketMQContainer("rocketpy-nobody-has-this:1").start()
