"""Clients from outside get another address of a broker that has one; everybody else sees nothing of it."""

import json

import pytest

from rocketpy.namesrv.insiders import Insiders
from rocketpy.protocol.codes import RequestCode
from tests.namesrv.peer import topics


@pytest.fixture
def outside(monkeypatch):
    """Set True or False: where the peer is."""
    place = {"outside": True}
    monkeypatch.setattr(Insiders, "__contains__", lambda self, peer: not place["outside"])
    return place


def answers(peer):
    return [
        peer.route("T").body,
        peer.ask(RequestCode.GET_BROKER_CLUSTER_INFO).body,
        peer.ask(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS).body,
    ]


def test_each_kind_of_client_gets_its_address(peer, outside):
    peer.register(body=topics("T"), ext={"advertisedAddr": "outside:20911"})
    peer.register(broker_id=1, body=topics())
    for _ in range(2):
        for outside["outside"], master in ((True, "outside:20911"), (False, "a:0")):
            route, cluster, system = answers(peer)
            assert f'"brokerAddrs":{{"0":"{master}","1":"a:1"}}'.encode() in route
            assert f'{{0:"{master}",1:"a:1"}}'.encode() in cluster
            assert json.loads(system)["brokerAddr"] == master


def test_filter_servers_go_with_the_address(peer, outside):
    body = json.loads(topics("T")) | {"filterServerList": ["f:1"]}
    peer.register(body=json.dumps(body), ext={"advertisedAddr": "outside:20911"})
    assert b'"filterServerTable":{"outside:20911":["f:1"]}' in peer.route("T").body


def test_order_and_address_go_together(config, namesrv, peer, outside):
    config.order_message_enable = True
    peer.register(body=topics("T"), ext={"advertisedAddr": "outside:20911"})
    assert b"outside:20911" in peer.route("T").body


def test_broker_is_told_that_it_was_understood(peer):
    answer = peer.register(body=topics("T"), ext={"advertisedAddr": "outside:20911"})
    assert answer.ext_fields == {"advertisedAddr": "outside:20911"}
    assert peer.register(body=topics("T")).ext_fields == {}


def test_address_is_gone_when_the_broker_registers_without_it(peer, outside):
    peer.register(body=topics("T"), ext={"advertisedAddr": "outside:20911"})
    assert b"outside:20911" in peer.route("T").body
    peer.register(body=topics("T"))
    assert b"outside" not in b"".join(answers(peer))


def test_brokers_without_another_address_are_told_as_ever(peer, connect, outside):
    peer.register(body=topics("T"))
    before = answers(peer)
    connect().register(name="b", body=topics("U"), ext={"advertisedAddr": "outside:20911"})
    assert peer.route("T").body == before[0]
