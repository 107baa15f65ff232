"""Java's and our Python client in one group: they share queues, keep order together, and hand offsets over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.cluster import Cluster
from interop.driver import Driver, java_driver
from interop.expect import becomes, equal
from interop.messages import Message, Queue
from interop.python_driver import PythonDriver
from interop.stage import Consumer, Stage

CLUSTERS = pytest.mark.parametrize("cluster", ["java", "ours"], indirect=True)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both keep the offsets of broadcasting groups."""
    return tmp_path_factory.mktemp("mixed")


@pytest.fixture(scope="module")
def java(directory: Path) -> Iterator[Driver]:
    with java_driver(directory) as driver:
        yield driver


@pytest.fixture
def stages(cluster: Cluster, java: Driver, directory: Path) -> Iterator[tuple[Stage, Stage]]:
    """One with Java's client, one with ours."""
    python = PythonDriver("python", directory, "JSON")
    with Stage(cluster, java) as javas, Stage(cluster, python) as ours:
        yield javas, ours


def _send(stage: Stage, topic: str, count: int, start: int = 0) -> None:
    producer = stage.producer()
    for number in range(start, start + count):
        producer.send(Message(topic, f"{number}".encode()), sharding_key=f"{number % 4}")


def _numbers(*consumers: Consumer) -> list[int]:
    return sorted(int(stored.body) for consumer in consumers for stored in consumer.received(0))


@CLUSTERS
@pytest.mark.parametrize("orderly", [False, True])
def test_members_of_both_kinds_share_a_group(stages: tuple[Stage, Stage], orderly: bool) -> None:
    javas, ours = stages
    topic, group = javas.topic(queues=4), javas.group()
    first = javas.consumer(topic, group=group, orderly=orderly)
    becomes("queues of the only one", lambda: len(first.assigned(topic)), 4)
    second = ours.consumer(topic, group=group, orderly=orderly)
    shares = lambda: (len(first.assigned(topic)), len(second.assigned(topic)))  # noqa: E731
    becomes("queues of both", shares, (2, 2), timeout=90)
    equal("queues in common", set(first.assigned(topic)) & set(second.assigned(topic)), set())
    _send(ours, topic, 12)
    becomes("messages of both", lambda: _numbers(first, second), list(range(12)))
    of_first = _numbers(first)
    first.stop()
    becomes("queues of the one that stays", lambda: len(second.assigned(topic)), 4, timeout=90)
    _send(javas, topic, 8, start=12)
    becomes("messages of both", lambda: sorted(of_first + _numbers(second)), list(range(20)))
    if orderly:
        by_queue: dict[int, list[int]] = {}
        for stored in second.received(0):
            by_queue.setdefault(stored.queue_id, []).append(stored.queue_offset)
        equal("order", by_queue, {number: sorted(offsets) for number, offsets in by_queue.items()})


@pytest.mark.parametrize("cluster", ["ours"], indirect=True)
def test_offset_file_is_handed_over_and_back(stages: tuple[Stage, Stage]) -> None:
    javas, ours = stages
    topic, group, name = javas.topic(), javas.unique("group"), javas.unique("consumer")
    queue = Queue(topic, javas.cluster.broker_name, 0)
    for turn, stage in enumerate((javas, ours, javas)):
        consumer = stage.consumer(topic, group=group, name=name, broadcast=True)
        becomes("its queues", lambda one=consumer: one.assigned(topic), [queue])  # type: ignore[misc]
        _send(stage, topic, 3, start=turn * 3)
        becomes(
            f"messages of turn {turn}",
            lambda one=consumer: _numbers(one),  # type: ignore[misc]
            [turn * 3, turn * 3 + 1, turn * 3 + 2],
        )
        stage.wait_noted(group, queue, turn * 3 + 3)
        consumer.stop()
