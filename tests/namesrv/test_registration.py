"""How brokers register and unregister: every body there is, and what is refused."""

import json
import zlib
from struct import pack

import pytest

from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.command import JSON, ROCKETMQ
from tests.namesrv.peer import topics

V3_0_10 = 35


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


def test_missing_broker_id_is_refused_and_the_connection_lives(peer):
    answer = peer.ask(RequestCode.REGISTER_BROKER, {"brokerName": "a"})
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert "NullPointerException" in answer.remark
    assert peer.register().code == 0
