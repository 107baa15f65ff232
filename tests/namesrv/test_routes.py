"""What clients are told of topics and brokers, and when it ends."""

import json

import pytest

from rocketpy.clock import now_ms
from rocketpy.namesrv.route_table import EXPIRY_MS
from rocketpy.protocol.codes import RequestCode, ResponseCode
from tests.namesrv.peer import topics

V4_9_3, V4_9_4 = 399, 401


ROUTE_BARE = (
    b'{"brokerDatas":[{"brokerAddrs":{0:"a:0",1:"a:1"},"brokerName":"a","cluster":"c"}],"filterServerTable":{},'
    b'"queueDatas":[{"brokerName":"a","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}'
)


ROUTE_QUOTED = ROUTE_BARE.replace(b"0:", b'"0":', 1).replace(b"1:", b'"1":', 1)


@pytest.mark.parametrize(
    ("version", "standard", "body"),
    [
        (V4_9_3, None, ROUTE_BARE),
        (V4_9_3, "false", ROUTE_BARE),
        (V4_9_3, "TRUE", ROUTE_QUOTED),
        (V4_9_4, None, ROUTE_QUOTED),
        (V4_9_4, "false", ROUTE_QUOTED),
        (0, None, ROUTE_BARE),
    ],
)
def test_route_is_in_the_json_that_the_client_reads(peer, version, standard, body):
    peer.register(body=topics("T"))
    peer.register(broker_id=1, body=topics())
    ext = {"topic": "T"} | ({} if standard is None else {"acceptStandardJsonOnly": standard})
    for _ in range(2):
        answer = peer.ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, ext, version=version)
        assert (answer.code, answer.ext_fields, answer.body) == (0, None, body)


def test_unknown_topic_has_no_route(peer):
    answer = peer.route("主题")
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST
    assert answer.remark == (
        "No topic route info in name server for the topic: 主题\n"
        "See http://rocketmq.apache.org/docs/faq/ for further details."
    )


def test_missing_topic_is_named_null(peer):
    assert "for the topic: null\n" in peer.ask(RequestCode.GET_ROUTEINFO_BY_TOPIC).remark


def test_a_changed_route_is_answered_at_once(peer, connect):
    peer.register(body=topics("T"))
    assert b'"perm":6' in peer.route("T").body
    peer.register(body=topics("T", version=2, perm=4))
    assert b'"perm":4' in peer.route("T").body
    connect().register(name="b", body=topics("T"))
    assert b'"brokerName":"b"' in peer.route("T").body


def test_cluster_info_is_always_bare(peer):
    peer.register(body=topics("T"))
    assert peer.ask(RequestCode.GET_BROKER_CLUSTER_INFO).body == (
        b'{"brokerAddrTable":{"a":{"brokerAddrs":{0:"a:0"},"brokerName":"a","cluster":"c"}},'
        b'"clusterAddrTable":{"c":["a"]}}'
    )


def test_closing_the_connection_drops_the_broker(peer, connect):
    broker = connect()
    broker.register(body=topics("T"))
    assert peer.route("T").code == 0
    broker.close()
    while peer.route("T").code == 0:
        pass
    assert peer.ask(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER).body == b'{"topicList":[]}'


def test_silent_broker_is_dropped_and_closed(namesrv, peer, connect):
    broker = connect()
    broker.register(body=topics("T"))

    namesrv.call(namesrv.drop_expired, now_ms() + EXPIRY_MS + 1000)
    assert broker.is_closed()
    assert peer.route("T").code == ResponseCode.TOPIC_NOT_EXIST


def test_write_permission(peer):
    peer.register(body=topics("T", "U", perm=4))
    answer = peer.ask(RequestCode.WIPE_WRITE_PERM_OF_BROKER, {"brokerName": "a"})
    assert (answer.code, answer.ext_fields) == (0, {"wipeTopicCount": "2"})
    answer = peer.ask(RequestCode.ADD_WRITE_PERM_OF_BROKER, {"brokerName": "a"})
    assert answer.ext_fields == {"addTopicCount": "2"}
    assert b'"perm":6' in peer.route("T").body
    assert peer.ask(RequestCode.WIPE_WRITE_PERM_OF_BROKER).ext_fields == {"wipeTopicCount": "0"}
    assert peer.ask(RequestCode.ADD_WRITE_PERM_OF_BROKER, {"brokerName": "z"}).ext_fields == {"addTopicCount": "0"}


def test_topic_lists(peer):
    peer.register(body=topics("T", topicSysFlag=1))
    peer.register(name="b", cluster="d", body=topics("U", topicSysFlag=2))

    def ask(code, **ext):
        return json.loads(peer.ask(code, ext).body)

    assert sorted(ask(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)["topicList"]) == ["T", "U"]
    assert ask(RequestCode.GET_TOPICS_BY_CLUSTER, cluster="d") == {"topicList": ["U"]}
    assert ask(RequestCode.GET_TOPICS_BY_CLUSTER, cluster="unknown") == {"topicList": []}
    assert ask(RequestCode.GET_UNIT_TOPIC_LIST) == {"topicList": ["T"]}
    assert ask(RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST) == {"topicList": ["U"]}
    assert ask(RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST) == {"topicList": ["U"]}
    system = ask(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS)
    assert sorted(system["topicList"]) == ["a", "b", "c", "d"]
    assert system["brokerAddr"] in ("a:0", "b:0")


def test_topic_is_deleted(peer):
    peer.register(body=topics("T", "U"))
    for ext in ({"topic": "T"}, {"topic": "U", "clusterName": "c"}, {"topic": "unknown"}, {}):
        assert peer.ask(RequestCode.DELETE_TOPIC_IN_NAMESRV, ext).code == 0
    assert peer.route("T").code == peer.route("U").code == ResponseCode.TOPIC_NOT_EXIST
