from __future__ import annotations

import pytest

from rocketpy.broker.producers import EXPIRY_MS, ClientConnection, ProducerTable
from tests.fakes import FakeClock, FakePeer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table(clock: FakeClock) -> ProducerTable:
    return ProducerTable(clock)


def client(peer: FakePeer, client_id: str, now: int) -> ClientConnection:
    return ClientConnection(peer.connection, client_id, 0, 409, now)


def members(table: ProducerTable, group: str) -> list[str] | None:
    found = table.members(group)
    return None if found is None else [one.client_id for one in found]


def test_member_is_listed_until_it_unregisters(table: ProducerTable, clock: FakeClock) -> None:
    first, second = FakePeer(), FakePeer()
    table.register("G", client(first, "a", clock.now))
    table.register("G", client(second, "b", clock.now))
    assert members(table, "G") == ["a", "b"]
    table.unregister("G", first.connection)
    table.unregister("G", first.connection)
    assert members(table, "G") == ["b"]
    table.unregister("G", second.connection)
    assert members(table, "G") is None
    assert table.all_members() == {}


def test_closed_connection_takes_its_members_along(table: ProducerTable, clock: FakeClock) -> None:
    gone, stays = FakePeer(), FakePeer()
    for group in ("G", "H"):
        table.register(group, client(gone, "a", clock.now))
    table.register("G", client(stays, "b", clock.now))
    gone.close()
    assert {group: [one.client_id for one in found] for group, found in table.all_members().items()} == {"G": ["b"]}


def test_unregistered_connection_may_close_and_register_again(table: ProducerTable, clock: FakeClock) -> None:
    peer = FakePeer()
    table.register("G", client(peer, "a", clock.now))
    table.unregister("G", peer.connection)
    table.register("G", client(peer, "a", clock.now))
    assert len(peer.on_close) == 1
    peer.close()
    assert members(table, "G") is None


def test_silent_member_is_closed(table: ProducerTable, clock: FakeClock) -> None:
    silent, lively = FakePeer(), FakePeer()
    table.register("G", client(silent, "a", clock.now))
    table.register("G", client(lively, "b", clock.now))
    clock.now += EXPIRY_MS
    table.register("G", client(lively, "b", clock.now))
    table.expire()
    assert members(table, "G") == ["a", "b"]
    clock.now += 1
    table.expire()
    assert members(table, "G") == ["b"]
    assert (silent.closed, lively.closed) == (True, False)


def test_members_are_picked_in_turn(table: ProducerTable, clock: FakeClock) -> None:
    assert table.pick("G") is None
    for client_id in "abc":
        table.register("G", client(FakePeer(), client_id, clock.now))
    picked = [one.client_id for one in (table.pick("G") for _ in range(6)) if one is not None]
    assert sorted(picked[:3]) == ["a", "b", "c"]
    assert picked[3:] == picked[:3]
