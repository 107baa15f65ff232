"""A broker's container is killed under load and comes back on its volume: nothing that was answered is lost.

A container that is killed is a process that is killed: the page cache outlives it, so that holds with either flush.
`ROCKETPY_KILLS=50 pytest interop/test_container_kills.py` is a longer try; without it there are a few.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from interop.cluster import PURE
from interop.container_clients import ContainerDriver
from interop.container_servers import IMAGES, ContainerBroker, started_containers
from interop.containers import Containers, Network
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.kill_history import KILLS, SMALL_FILES, History
from interop.messages import Message
from interop.raw_client import RawClient
from interop.stage import Consumer, Producer, Stage


@pytest.mark.parametrize("flush", ["SYNC_FLUSH", "ASYNC_FLUSH"])
@pytest.mark.parametrize("make", PURE)
def test_killed_containers_lose_nothing_that_was_answered(
    make: str, flush: str, containers: Containers, network: Network, tmp_path: Path
) -> None:
    history = History(seed=0)
    with started_containers(make, tmp_path, containers, network, flushDiskType=flush, **SMALL_FILES) as cluster:
        broker = cluster.broker_process
        assert broker is not None
        for _ in range(KILLS):
            stop = Event()
            some = partial(_are_more, history, len(history.answered) + 50)
            senders = history.send_until(broker.address, stop)
            becomes("messages answered between two kills", some, True)
            broker.kill()
            stop.set()
            for sender in senders:
                sender.join()
            broker.start()
            with RawClient(broker.address) as client:
                history.check_new(client)
    print(f"{make}, {flush}: {KILLS} kills, {len(history.answered)} messages answered and none lost")


def _are_more(history: History, count: int) -> bool:
    return len(history.answered) > count


def test_broker_that_moves_to_another_host_is_found_again(
    containers: Containers, network: Network, contained: Callable[[str], ContainerDriver], tmp_path: Path
) -> None:
    """Its container is lost, another one with another address gets the volume; clients that stay follow by the route,
    which they read every 30 s. Java's broker and ours move at the same time, since that is a long wait."""
    with ExitStack() as ends:
        moved = []
        for make in PURE:
            cluster = ends.enter_context(started_containers(make, tmp_path / make, containers, network))
            stage = ends.enter_context(Stage(cluster, contained("java")))
            topic = stage.topic()
            producer, consumer = stage.producer(), stage.consumer(topic)
            producer.send(Message(topic, b"before"))
            equal("first message", [stored.body for stored in consumer.received(1)], [b"before"])
            broker = cluster.broker_process
            assert isinstance(broker, ContainerBroker)
            broker.kill()
            successor = ContainerBroker(
                tmp_path / f"{make} successor",
                IMAGES[make][1],
                containers,
                cluster.namesrv,
                network,
                volume=broker.volume,
            )
            holds("its address is another one", successor.address != broker.address)
            ends.enter_context(successor)
            moved.append((producer, consumer, topic))
        for producer, consumer, topic in moved:
            becomes("sending works again", partial(_sends, producer, Message(topic, b"after")), True, timeout=120)
            becomes("messages that came", partial(_bodies, consumer), {b"before", b"after"}, timeout=120)


def _bodies(consumer: Consumer) -> set[bytes]:
    return {stored.body for stored in consumer.received(0)}


def _sends(producer: Producer, message: Message) -> bool:
    try:
        return producer.send(message)[0].status == "SEND_OK"
    except DriverError:
        time.sleep(0.2)
        return False
