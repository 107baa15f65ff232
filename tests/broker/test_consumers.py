from __future__ import annotations

import pytest

from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.producers import EXPIRY_MS, ClientConnection
from rocketpy.protocol.api.client import ConsumerData, NotifyConsumerIdsChanged, SubscriptionData
from tests.fakes import FakeClock, FakePeer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table(clock: FakeClock) -> ConsumerTable:
    return ConsumerTable(clock=clock)


def beat(
    table: ConsumerTable, clock: FakeClock, peer: FakePeer, client_id: str, *topics: str, version: int = 1,
    group: str = "G", notify: bool = True,
) -> bool:  # fmt: skip
    data = ConsumerData(
        group_name=group,
        consume_type="CONSUME_PASSIVELY",
        message_model="CLUSTERING",
        consume_from_where="CONSUME_FROM_LAST_OFFSET",
        subscription_data_set=[
            SubscriptionData(topic=topic, sub_string=f"v{version}", sub_version=version) for topic in topics
        ],
    )
    return table.register(data, ClientConnection(peer.connection, client_id, 0, 409, clock.now), notify)


def told(peer: FakePeer) -> list[str]:
    headers = [header for header, _ in peer.pushes]
    peer.pushes.clear()
    assert all(isinstance(header, NotifyConsumerIdsChanged) for header in headers)
    return [header.consumer_group for header in headers if isinstance(header, NotifyConsumerIdsChanged)]


def test_new_member_is_told_to_all_the_new_one_too(table: ConsumerTable, clock: FakeClock) -> None:
    first, second = FakePeer(), FakePeer()
    assert beat(table, clock, first, "a", "T")
    assert told(first) == ["G"]
    assert beat(table, clock, second, "b", "T")
    assert (told(first), told(second)) == (["G"], ["G"])
    assert not beat(table, clock, second, "b", "T")
    assert (told(first), told(second)) == ([], [])
    group = table.get("G")
    assert group is not None
    assert group.client_ids() == ["a", "b"]
    assert (group.consume_type, group.message_model) == ("CONSUME_PASSIVELY", "CLUSTERING")


def test_nobody_is_told_where_that_is_off(clock: FakeClock) -> None:
    table = ConsumerTable(lambda: False, clock)
    peer = FakePeer()
    beat(table, clock, peer, "a", "T")
    assert told(peer) == []
    table = ConsumerTable(clock=clock)
    beat(table, clock, peer, "a", "T", notify=False)
    assert told(peer) == []


def test_changed_set_of_topics_is_told(table: ConsumerTable, clock: FakeClock) -> None:
    peer = FakePeer()
    beat(table, clock, peer, "a", "T", "bücher")
    told(peer)
    assert beat(table, clock, peer, "a", "T")
    assert told(peer) == ["G"]
    assert table.subscription("G", "bücher") is None
    assert table.subscribes_elsewhere("G", "bücher")
    assert not table.subscribes_elsewhere("G", "T")
    assert not table.subscribes_elsewhere("nobody", "T")


def test_only_a_later_subscription_replaces_the_known_one(table: ConsumerTable, clock: FakeClock) -> None:
    peer = FakePeer()
    beat(table, clock, peer, "a", "T", version=5)
    for version, expected in ((4, "v5"), (5, "v5"), (6, "v6")):
        assert not beat(table, clock, peer, "a", "T", version=version)
        subscription = table.subscription("G", "T")
        assert subscription is not None
        assert subscription.sub_string == expected


def test_member_that_unregisters_is_gone_and_others_hear_of_it(table: ConsumerTable, clock: FakeClock) -> None:
    first, second = FakePeer(), FakePeer()
    beat(table, clock, first, "a", "T")
    beat(table, clock, second, "b", "T")
    told(second)
    table.unregister("G", first.connection, notify=True)
    assert told(second) == ["G"]
    table.unregister("G", second.connection, notify=True)
    assert table.get("G") is None
    table.unregister("G", second.connection, notify=True)


def test_unregistering_on_another_connection_removes_nobody(table: ConsumerTable, clock: FakeClock) -> None:
    peer = FakePeer()
    beat(table, clock, peer, "a", "T")
    table.unregister("G", FakePeer().connection, notify=True)
    group = table.get("G")
    assert group is not None
    assert group.client_ids() == ["a"]


def test_closed_connection_takes_its_members_along(table: ConsumerTable, clock: FakeClock) -> None:
    gone, stays = FakePeer(), FakePeer()
    beat(table, clock, gone, "a", "T")
    beat(table, clock, gone, "a", "T", group="H")
    beat(table, clock, stays, "b", "T")
    told(stays)
    gone.close()
    assert told(stays) == ["G"]
    assert table.get("H") is None
    assert table.groups_of("T") == {"G"}
    assert table.find_member("G", "a") is None
    assert table.find_member("G", "b") is not None
    assert table.find_member("H", "b") is None


def test_connection_that_changes_its_client_id_stays_one_member(table: ConsumerTable, clock: FakeClock) -> None:
    peer = FakePeer()
    beat(table, clock, peer, "a", "T")
    beat(table, clock, peer, "b", "T")
    group = table.get("G")
    assert group is not None
    assert group.client_ids() == ["b"]


def test_silent_member_is_closed(table: ConsumerTable, clock: FakeClock) -> None:
    silent, lively = FakePeer(), FakePeer()
    beat(table, clock, silent, "a", "T")
    beat(table, clock, lively, "b", "T")
    clock.now += EXPIRY_MS
    beat(table, clock, lively, "b", "T")
    clock.now += 1
    table.expire()
    group = table.get("G")
    assert group is not None
    assert group.client_ids() == ["b"]
    assert (silent.closed, lively.closed) == (True, False)


def test_all_members_are_listed_by_group(table: ConsumerTable, clock: FakeClock) -> None:
    assert table.all_members() == {}
    peers = [FakePeer(), FakePeer()]
    for peer, client_id, group in ((peers[0], "a", "G"), (peers[1], "b", "G"), (peers[1], "b", "H")):
        beat(table, clock, peer, client_id, "T", group=group)
    members = {group: [one.client_id for one in found] for group, found in table.all_members().items()}
    assert members == {"G": ["a", "b"], "H": ["b"]}
