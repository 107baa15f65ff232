"""How the members of a group share the queues of a topic (client/consumer/rebalance/*.java).

A strategy is called with the group, the own client id, all queues and all client ids, both sorted; it gives the queues
of its own. All members must use the same one, Java clients among them.
"""

from __future__ import annotations

import hashlib
import itertools
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence

from rocketpy.protocol.api.route import MessageQueue

Strategy = Callable[[str, str, Sequence[MessageQueue], Sequence[str]], list[MessageQueue]]


def averagely(
    group: str, client_id: str, queues: Sequence[MessageQueue], clients: Sequence[str]
) -> list[MessageQueue]:
    """Neighbouring queues to each; those who come first get one more (AllocateMessageQueueAveragely.java)."""
    if client_id not in clients:
        return []
    index = clients.index(client_id)
    size, rest = divmod(len(queues), len(clients))
    start = index * size + min(index, rest)
    return list(queues[start : start + size + (index < rest)])


def averagely_by_circle(
    group: str, client_id: str, queues: Sequence[MessageQueue], clients: Sequence[str]
) -> list[MessageQueue]:
    """Dealt out like cards (AllocateMessageQueueAveragelyByCircle.java)."""
    if client_id not in clients:
        return []
    return list(queues[clients.index(client_id) :: len(clients)])


def by_config(assigned: Iterable[MessageQueue]) -> Strategy:
    """Always those (AllocateMessageQueueByConfig.java)."""
    fixed = list(assigned)
    return lambda group, client_id, queues, clients: list(fixed)


def by_machine_room(rooms: Collection[str]) -> Strategy:
    """Those at brokers whose names are `room@name`, of one of `rooms` (AllocateMessageQueueByMachineRoom.java)."""

    def allocate(
        group: str, client_id: str, queues: Sequence[MessageQueue], clients: Sequence[str]
    ) -> list[MessageQueue]:
        if client_id not in clients:
            return []
        parts = ((queue, queue.broker_name.split("@")) for queue in queues)
        near = [queue for queue, names in parts if len(names) == 2 and names[1] and names[0] in rooms]
        index = clients.index(client_id)
        size, rest = divmod(len(near), len(clients))
        own = near[size * index : size * (index + 1)]
        return own + ([near[index + size * len(clients)]] if rest > index else [])

    return allocate


def machine_room_nearby(
    strategy: Strategy, broker_room: Callable[[MessageQueue], str], client_room: Callable[[str], str]
) -> Strategy:
    """By `strategy` among those of one machine room; rooms without clients are shared by all.

    (AllocateMachineRoomNearby.java.)
    """

    def allocate(
        group: str, client_id: str, queues: Sequence[MessageQueue], clients: Sequence[str]
    ) -> list[MessageQueue]:
        if client_id not in clients:
            return []
        queues_of: dict[str, list[MessageQueue]] = {}
        for queue in queues:
            queues_of.setdefault(_room(broker_room(queue), queue), []).append(queue)
        clients_of: dict[str, list[str]] = {}
        for client in clients:
            clients_of.setdefault(_room(client_room(client), client), []).append(client)
        own = client_room(client_id)
        result: list[MessageQueue] = []
        if near := queues_of.pop(own, None):
            result += strategy(group, client_id, near, clients_of[own])
        for room in sorted(queues_of):
            if room not in clients_of:
                result += strategy(group, client_id, queues_of[room], clients)
        return result

    return allocate


def consistent_hash(virtual_nodes: int = 10, hash_of: Callable[[str], int] | None = None) -> Strategy:
    """Few queues move when a member comes or goes (AllocateMessageQueueConsistentHash.java). Raises ValueError."""
    if virtual_nodes < 0:
        raise ValueError(f"illegal virtualNodeCnt :{virtual_nodes}")
    hashed = hash_of or _md5_hash

    def allocate(
        group: str, client_id: str, queues: Sequence[MessageQueue], clients: Sequence[str]
    ) -> list[MessageQueue]:
        if client_id not in clients or virtual_nodes == 0:
            return []
        ring = {hashed(f"{client}-{n}"): client for client, n in itertools.product(clients, range(virtual_nodes))}
        points = sorted(ring)
        return [
            queue for queue in queues
            if ring[points[bisect_left(points, hashed(queue.java_text())) % len(points)]] == client_id
        ]  # fmt: skip

    return allocate


def _md5_hash(key: str) -> int:
    """The first four bytes, the first one the most significant (ConsistentHashRouter.MD5Hash:121)."""
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest()[:4], "big")


def _room(room: str, of: object) -> str:
    if not room:
        raise ValueError(f"Machine room is null for {of}")
    return room
