"""The key-value table over the wire, and what the name server itself reads in it."""

import json

from rocketpy.config.remoting import ServerConfig
from rocketpy.config.startup import NamesrvSettings
from rocketpy.namesrv.app import NameServer
from rocketpy.protocol.codes import RequestCode
from tests.namesrv.peer import Peer, topics


def test_key_value_table(peer, config):
    key = {"namespace": "空间", "key": "k"}
    assert peer.ask(RequestCode.PUT_KV_CONFIG, key | {"value": "值"}).code == 0
    with open(config.kv_config_path, encoding="utf-8") as file:
        assert file.read() == '{"configTable":{"空间":{"k":"值"}}}'
    assert peer.ask(RequestCode.GET_KV_CONFIG, key).ext_fields == {"value": "值"}
    assert peer.ask(RequestCode.GET_KVLIST_BY_NAMESPACE, key).body == '{"table":{"k":"值"}}'.encode()
    assert peer.ask(RequestCode.DELETE_KV_CONFIG, key).code == 0
    answer = peer.ask(RequestCode.GET_KV_CONFIG, key)
    assert (answer.code, answer.remark) == (22, "No config item, Namespace: 空间 Key: k")
    assert answer.ext_fields == {}
    assert peer.ask(RequestCode.GET_KVLIST_BY_NAMESPACE, key).body == b'{"table":{}}'
    answer = peer.ask(RequestCode.GET_KVLIST_BY_NAMESPACE, {"namespace": "x"})
    assert (answer.code, answer.remark, answer.ext_fields) == (22, "No config item, Namespace: x", None)


def test_missing_key_value_fields(peer):
    answer = peer.ask(RequestCode.PUT_KV_CONFIG)
    assert (answer.code, answer.remark) == (1, "namespace or key is null")
    assert peer.ask(RequestCode.GET_KV_CONFIG).remark == "No config item, Namespace: null Key: null"
    assert peer.ask(RequestCode.GET_KVLIST_BY_NAMESPACE).remark == "No config item, Namespace: null"
    assert peer.ask(RequestCode.DELETE_KV_CONFIG).code == 0
    assert peer.ask(RequestCode.PUT_KV_CONFIG, {"namespace": "n", "key": "k"}).code == 0
    assert peer.ask(RequestCode.GET_KV_CONFIG, {"namespace": "n", "key": "k"}).code == 22


def test_key_value_table_outlives_the_server(config):
    key = {"namespace": "n", "key": "k"}
    for generation in range(2):
        with NameServer(NamesrvSettings(config, ServerConfig(listen_port=0))) as namesrv:
            peer = Peer(namesrv.address)
            if generation == 0:
                peer.ask(RequestCode.PUT_KV_CONFIG, key | {"value": "v"})
            assert peer.ask(RequestCode.GET_KV_CONFIG, key).ext_fields == {"value": "v"}
            peer.close()


def put_order(peer, topic):
    order = {"namespace": "ORDER_TOPIC_CONFIG", "key": topic, "value": "a:4"}
    assert peer.ask(RequestCode.PUT_KV_CONFIG, order).code == 0


def test_order_is_told_to_brokers_and_hidden_from_clients(peer):
    put_order(peer, "T")
    assert peer.register(body=topics("T")).body == b'{"table":{"T":"a:4"}}'
    assert b"orderTopicConf" not in peer.route("T").body


def test_order_is_in_the_route_if_enabled(peer):
    peer.register(body=topics("T", "U"))
    peer.route("T")
    peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="orderMessageEnable=true")
    put_order(peer, "T")
    assert json.loads(peer.route("T").body)["orderTopicConf"] == "a:4"
    assert b"orderTopicConf" not in peer.route("U").body
    peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="orderMessageEnable=false")
    assert b"orderTopicConf" not in peer.route("T").body
