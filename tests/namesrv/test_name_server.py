"""A real name server on a port of its own, asked over plain sockets."""

import json
import socket
import zlib
from struct import pack

import pytest

from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.remoting import ServerConfig
from rocketpy.config.startup import NamesrvSettings
from rocketpy.errors import ConfigError, RemotingError
from rocketpy.namesrv.app import NameServer, now_ms
from rocketpy.namesrv.route_table import EXPIRY_MS
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.command import JSON, ROCKETMQ, Command

V3_0_10, V4_9_3, V4_9_4 = 35, 399, 401


class Peer:
    """One connection to the server, one request at a time."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        self._opaque = 0

    def send(self, code, ext=None, body=b"", **fields):
        self._opaque += 1
        if isinstance(body, str):
            body = body.encode()
        command = Command(code, opaque=self._opaque, ext_fields=ext, body=body, **fields)
        self.socket.sendall(command.encode())

    def ask(self, code, ext=None, body=b"", **fields):
        self.send(code, ext, body, **fields)
        answer = self.receive()
        assert answer.opaque == self._opaque
        assert answer.is_response
        return answer

    def receive(self):
        length = int.from_bytes(self._read(4))
        return Command.decode(self._read(length))

    def close(self):
        self.socket.close()

    def is_closed(self):
        return self.socket.recv(1) == b""

    def register(self, name="a", broker_id=0, body="", *, cluster="c", address=None, ext=None, **fields):
        header = {
            "brokerName": name,
            "brokerAddr": address or f"{name}:{broker_id}",
            "clusterName": cluster,
            "haServerAddr": f"ha-{name}:{broker_id}",
            "brokerId": str(broker_id),
        }
        return self.ask(RequestCode.REGISTER_BROKER, header | (ext or {}), body, **fields)

    def route(self, topic, **fields):
        return self.ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, {"topic": topic}, **fields)

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, "closed by the server"
            data += part
        return data


def topics(*names, version=1, **settings):
    """The JSON text of a registration as a Java broker writes it."""
    table = {
        name: {
            "order": False,
            "perm": 6,
            "readQueueNums": 4,
            "topicFilterType": "SINGLE_TAG",
            "topicName": name,
            "topicSysFlag": 0,
            "writeQueueNums": 4,
        }
        | settings
        for name in names
    }
    wrapper = {"dataVersion": {"counter": version, "timestamp": version}, "topicConfigTable": table}
    return json.dumps({"filterServerList": [], "topicConfigSerializeWrapper": wrapper}, ensure_ascii=False)


@pytest.fixture
def config(tmp_path):
    return NamesrvConfig(
        kv_config_path=str(tmp_path / "kvConfig.json"), config_store_path=str(tmp_path / "namesrv.properties")
    )


@pytest.fixture
def namesrv(config):
    with NameServer(NamesrvSettings(config, ServerConfig(listen_port=0))) as running:
        yield running


@pytest.fixture
def connect(namesrv):
    peers = []

    def new():
        peers.append(Peer(namesrv.address))
        return peers[-1]

    yield new
    for peer in peers:
        peer.close()


@pytest.fixture
def peer(connect):
    return connect()


def test_real_port_is_known(namesrv):
    host, port = namesrv.address.rsplit(":", 1)
    assert host == "127.0.0.1"
    assert int(port) > 0


def test_registration_is_answered_with_an_empty_header(peer):
    answer = peer.register(body=topics("T"))
    assert (answer.code, answer.remark, answer.ext_fields, answer.body) == (0, None, {}, b"")


def test_slave_is_told_its_master(peer):
    peer.register(body=topics())
    answer = peer.register(broker_id=1, body=topics())
    assert answer.ext_fields == {"haServerAddr": "ha-a:0", "masterAddr": "a:0"}


def test_registration_in_the_binary_header(peer):
    answer = peer.register(broker_id=1, body=topics("T"), serialization=ROCKETMQ)
    assert (answer.code, answer.serialization) == (0, ROCKETMQ)


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


def test_unregistered_broker_is_gone(peer):
    peer.register(body=topics("T"))
    header = {"brokerName": "a", "brokerAddr": "a:0", "clusterName": "c", "brokerId": "0"}
    answer = peer.ask(RequestCode.UNREGISTER_BROKER, header)
    assert (answer.code, answer.ext_fields) == (0, None)
    assert peer.route("T").code == ResponseCode.TOPIC_NOT_EXIST
    assert peer.ask(RequestCode.UNREGISTER_BROKER, header).code == 0


def test_matching_crc_is_accepted(peer):
    body = topics("主题").encode()
    answer = peer.register(body=body, ext={"bodyCrc32": str(zlib.crc32(body) & 0x7FFFFFFF)})
    assert answer.code == 0


@pytest.mark.parametrize("body", [topics("T"), ""])
def test_wrong_crc_is_refused(peer, body):
    answer = peer.register(body=body, ext={"bodyCrc32": "1"})
    assert (answer.code, answer.remark, answer.ext_fields) == (1, "crc32 not match", {})
    assert peer.route("T").code == ResponseCode.TOPIC_NOT_EXIST


def compressed(*lines):
    items = ['{"counter":1,"timestamp":1}', *lines, '["filter:1"]']
    encoded = [pack(">i", len(item.encode())) + item.encode() for item in items]
    encoded.insert(1, pack(">i", len(lines)))
    return zlib.compress(b"".join(encoded))


def test_compressed_registration(peer):
    peer.register(body=compressed("T 4 8 6 SINGLE_TAG", "主题 1 2 4 MULTI_TAG"), ext={"compressed": "true"})
    route = json.loads(peer.route("T").body)
    (queue,) = route["queueDatas"]
    assert (queue["readQueueNums"], queue["writeQueueNums"], queue["perm"]) == (4, 8, 6)
    assert route["filterServerTable"] == {"a:0": ["filter:1"]}
    assert peer.route("主题").code == 0


@pytest.mark.parametrize(
    ("body", "is_compressed"),
    [("{", "false"), ("[]", "false"), ("not zlib", "true"), (compressed("T 4 8")[:-6], "true"), (b"\xff\xfe", "false")],
)
def test_undecodable_registration_is_refused(peer, body, is_compressed):
    answer = peer.register(body=body, ext={"compressed": is_compressed}, serialization=ROCKETMQ)
    assert (answer.code, answer.ext_fields, answer.serialization) == (ResponseCode.SYSTEM_ERROR, None, JSON)
    assert "Failed to decode RegisterBrokerBody" in answer.remark


def test_registration_without_a_body_registers_the_broker(peer):
    assert peer.register().code == 0
    assert json.loads(peer.ask(RequestCode.GET_BROKER_CLUSTER_INFO).body.replace(b"0:", b'"0":', 1))[
        "clusterAddrTable"
    ] == {"c": ["a"]}


def test_broker_before_3_0_11_sends_its_topics_bare(peer):
    wrapper = json.dumps(json.loads(topics("T"))["topicConfigSerializeWrapper"])
    assert peer.register(body=wrapper, version=V3_0_10).code == 0
    assert peer.route("T").code == 0


def test_registration_in_fastjson_dialect(peer):
    body = "{topicConfigSerializeWrapper:{'topicConfigTable':{T:{topicName:'T',perm:6}},dataVersion:{counter:'7'}}}"
    assert peer.register(body=body).code == 0
    assert peer.route("T").code == 0


def test_data_version_is_compared(peer):
    header = {"brokerName": "a", "brokerAddr": "a:0", "clusterName": "c", "brokerId": "0"}

    def query(text):
        return peer.ask(RequestCode.QUERY_DATA_VERSION, header, text)

    answer = query('{"counter":1,"timestamp":1}')
    assert (answer.ext_fields, answer.body) == ({"changed": "true"}, b"")
    peer.register(body=topics("T"))
    answer = query('{"counter":1,"timestamp":1}')
    assert (answer.ext_fields, answer.body) == ({"changed": "false"}, b'{"counter":1,"timestamp":1}')
    assert query('{"counter":2,"timestamp":1}').ext_fields == {"changed": "true"}
    assert query("").code == ResponseCode.SYSTEM_ERROR


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


def test_configuration_is_read_and_updated(peer, config):
    assert b"productEnvName=center\n" in peer.ask(RequestCode.GET_NAMESRV_CONFIG).body
    answer = peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="productEnvName=blue\nbogus\n=\n")
    assert (answer.code, answer.remark, answer.ext_fields) == (0, None, None)
    text = peer.ask(RequestCode.GET_NAMESRV_CONFIG).body
    assert b"productEnvName=blue\n" in text
    assert b"bogus" not in text
    with open(config.config_store_path, "rb") as file:
        assert file.read() == text


@pytest.mark.parametrize("key", ["configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"])
def test_black_listed_configuration_is_refused(peer, config, key):
    answer = peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body=f"productEnvName=blue\n{key}=/tmp/x")
    assert (answer.code, answer.remark) == (ResponseCode.NO_PERMISSION, "Can not update config in black list.")
    assert config.product_env_name == "center"


def test_strange_configuration_updates(peer):
    assert peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG).code == 0
    assert peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="listenPort=many").code == 0
    answer = peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="a=\\u12")
    assert (answer.code, answer.remark) == (1, "string2Properties error")


@pytest.mark.parametrize("code", [0, 10, 105_000, -1])
def test_unknown_codes_are_met_with_silence(peer, code):
    peer.send(code, serialization=JSON)
    assert peer.ask(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER).code == 0


def test_garbage_closes_its_connection_alone(peer, connect):
    garbage = connect()
    garbage.socket.sendall(b"GET / HTTP/1.1\r\n\r\n" * 2)
    assert garbage.is_closed()
    assert peer.ask(RequestCode.GET_BROKER_CLUSTER_INFO).code == 0


def test_missing_broker_id_is_refused_and_the_connection_lives(peer):
    answer = peer.ask(RequestCode.REGISTER_BROKER, {"brokerName": "a"})
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert "NullPointerException" in answer.remark
    assert peer.register().code == 0


def test_port_in_use_is_named(namesrv, config):
    port = int(namesrv.address.rsplit(":", 1)[1])
    with (
        pytest.raises(RemotingError, match=str(port)),
        NameServer(NamesrvSettings(config, ServerConfig(listen_port=port))),
    ):
        pass


def test_corrupt_key_value_file_stops_the_start(config):
    with open(config.kv_config_path, "w") as file:
        file.write("{")
    with (
        pytest.raises(ConfigError, match=r"kvConfig\.json"),
        NameServer(NamesrvSettings(config, ServerConfig(listen_port=0))),
    ):
        pass
    with open(config.kv_config_path) as file:
        assert file.read() == "{"
