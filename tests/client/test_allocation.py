"""Java's strategies, held against a table of what they give."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from rocketpy.client import allocation
from rocketpy.client.allocation import Strategy
from rocketpy.client.publish import queue_rank
from rocketpy.protocol.api.route import MessageQueue


def _queues(count: int, broker: str = "b") -> list[MessageQueue]:
    return [MessageQueue(topic="T", broker_name=broker, queue_id=number) for number in range(count)]


def _shares(strategy: Strategy, queues: list[MessageQueue], clients: list[str]) -> list[list[int]]:
    return [[queue.queue_id for queue in strategy("g", client, queues, clients)] for client in clients]


@pytest.mark.parametrize(
    ("count", "clients", "expected"),
    [
        (8, 3, [[0, 1, 2], [3, 4, 5], [6, 7]]),
        (4, 2, [[0, 1], [2, 3]]),
        (2, 3, [[0], [1], []]),
        (1, 1, [[0]]),
    ],
)
def test_averagely(count: int, clients: int, expected: list[list[int]]) -> None:
    assert _shares(allocation.averagely, _queues(count), [f"c{n}" for n in range(clients)]) == expected


def test_averagely_by_circle() -> None:
    assert _shares(allocation.averagely_by_circle, _queues(5), ["a", "b"]) == [[0, 2, 4], [1, 3]]


@pytest.mark.parametrize(
    "strategy",
    [
        allocation.averagely,
        allocation.averagely_by_circle,
        allocation.consistent_hash(),
        allocation.by_machine_room({"r"}),
        allocation.machine_room_nearby(allocation.averagely, lambda queue: "r", lambda client: "r"),
    ],
)
def test_all_queues_are_given_once_and_strangers_get_none(strategy: Strategy) -> None:
    for count, clients in itertools.product(range(1, 9), range(1, 6)):
        names = [f"10.0.0.{n}@{n}" for n in range(clients)]
        shares = _shares(strategy, _queues(count, "r@b"), names)
        assert sorted(number for share in shares for number in share) == list(range(count))
        assert strategy("g", "stranger", _queues(count, "r@b"), names) == []


def test_by_config_and_machine_rooms() -> None:
    assert _shares(allocation.by_config(_queues(2)), _queues(9), ["a", "b"]) == [[0, 1], [0, 1]]
    queues = _queues(3, "r1@b") + _queues(2, "r2@b") + _queues(1, "b")
    assert _shares(allocation.by_machine_room({"r1"}), queues, ["a", "b"]) == [[0, 2], [1]]
    nearby = allocation.machine_room_nearby(
        allocation.averagely, lambda queue: queue.broker_name, lambda client: client[:2]
    )
    queues = _queues(2, "r1") + _queues(2, "r2") + _queues(2, "r3")
    shares = {client: nearby("g", client, queues, ["r1a", "r1b", "r2a"]) for client in ("r1a", "r1b", "r2a")}
    assert [(queue.broker_name, queue.queue_id) for queue in shares["r1a"]] == [("r1", 0), ("r3", 0)]
    assert [(queue.broker_name, queue.queue_id) for queue in shares["r1b"]] == [("r1", 1), ("r3", 1)]
    assert [(queue.broker_name, queue.queue_id) for queue in shares["r2a"]] == [("r2", 0), ("r2", 1)]
    with pytest.raises(ValueError, match="Machine room is null"):
        allocation.machine_room_nearby(allocation.averagely, lambda queue: "", str)("g", "a", _queues(1), ["a"])


def test_consistent_hash_moves_little_when_a_member_leaves() -> None:
    strategy = allocation.consistent_hash()
    queues, clients = _queues(64), [f"c{n}" for n in range(4)]
    before = {queue.queue_id: client for client in clients for queue in strategy("g", client, queues, clients)}
    after = {queue.queue_id: client for client in clients[:3] for queue in strategy("g", client, queues, clients[:3])}
    assert all(after[number] == client for number, client in before.items() if client != "c3")
    with pytest.raises(ValueError, match="illegal virtualNodeCnt"):
        allocation.consistent_hash(-1)


def test_shares_are_those_that_java_gives() -> None:
    """Every share of 1 to 19 queues among 1 to 6 clients, against what the official client 4.9.8 answered."""
    strategies = {
        "avg": allocation.averagely,
        "circle": allocation.averagely_by_circle,
        "hash": allocation.consistent_hash(),
        "room": allocation.by_machine_room({"r"}),
    }
    rows = []
    for (name, strategy), count, members in itertools.product(strategies.items(), range(1, 20), range(1, 7)):
        queues = [MessageQueue(topic="Tö", broker_name="r@b", queue_id=number) for number in range(count)]
        clients = [f"10.0.0.{number}@x{number}" for number in range(members)]
        for client in clients:
            share = "".join(f"{queue.queue_id}," for queue in strategy("g", client, queues, clients))
            rows.append(f"{name} {count} {members} {client} {share}\n")
    assert len(rows) == 1596
    assert hashlib.sha256("".join(rows).encode()).hexdigest() == RECORDED


RECORDED = "3f73ba01ec8dbceff3cb25f90a358f653a43ec725921f8444bb358d27da25309"
"""Of the same rows, printed by AllocateMessageQueueAveragely, -AveragelyByCircle, -ConsistentHash, -ByMachineRoom."""


def test_shares_of_machine_rooms_are_those_that_java_gives() -> None:
    """Every share of 1 to 11 queues in three rooms among 1 to 6 clients in one to three, as above."""

    def room(queue: MessageQueue) -> str:
        return queue.broker_name.split("@")[0]

    rows = []
    strategies = {"near-avg": allocation.averagely, "near-circle": allocation.averagely_by_circle}
    for (name, inner), count, members, rooms in itertools.product(
        strategies.items(), range(1, 12), range(1, 7), range(1, 4)
    ):
        strategy = allocation.machine_room_nearby(inner, room, lambda client: client.split("@")[0])
        queues = [MessageQueue(topic="Tö", broker_name=f"r{n % 3}@b", queue_id=n) for n in range(count)]
        queues.sort(key=queue_rank)
        clients = sorted(f"r{number % rooms}@x{number}" for number in range(members))
        for client in clients:
            share = "".join(f"{queue.queue_id}," for queue in strategy("g", client, queues, clients))
            rows.append(f"{name} {count} {members} {rooms} {client} {share}\n")
    assert len(rows) == 1386
    assert hashlib.sha256("".join(rows).encode()).hexdigest() == RECORDED_OF_ROOMS


RECORDED_OF_ROOMS = "693b0fa742f1e446943bd97417de9d05babb768d796b07f431909a0042900a9b"
"""Of the same rows, printed by AllocateMachineRoomNearby."""
