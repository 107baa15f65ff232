"""clusterTest: what is unknown here is asked for elsewhere."""

import json

import pytest

from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.remoting import ServerConfig
from rocketpy.config.startup import NamesrvSettings
from rocketpy.errors import ConnectError, RemotingError
from rocketpy.namesrv.app import NameServer
from rocketpy.namesrv.product_env import ProductEnv
from rocketpy.protocol.api.route import (
    BrokerData,
    GetRouteInfo,
    QueueData,
    RegisterBroker,
    RegisterBrokerBody,
    TopicRouteData,
)
from rocketpy.protocol.api.topic import TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.command import Command
from rocketpy.remoting.client import Client

ROUTE = TopicRouteData(
    queue_datas=[QueueData(broker_name="b")], broker_datas=[BrokerData(broker_name="b", broker_addrs={0: "b:1"})]
)


class Answering:
    """A client whose servers answer as told; None is one that is down."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def invoke(self, address, header, body=b"", timeout_ms=3000):
        self.asked.append(address)
        answer = self.answers[address]
        if answer is None:
            raise ConnectError(f"<{address}>: down")
        return answer


KNOWN = Command(0, body=ROUTE.to_json(standard=True))
UNKNOWN = Command(17, remark="No topic route info")


@pytest.fixture
def env(monkeypatch):
    def new(addresses, answers, from_environment=True):
        client = Answering(answers)
        if from_environment:
            monkeypatch.setenv("NAMESRV_ADDR", addresses)
            return ProductEnv("center", client, fetch=lambda name: pytest.fail("asked the address server")), client
        monkeypatch.delenv("NAMESRV_ADDR", raising=False)
        return ProductEnv("center", client, fetch=lambda name: addresses.format(name)), client

    return new


def test_route_of_the_other_environment(env):
    product, _ = env("x:1", {"x:1": KNOWN})
    assert product.route("T") == ROUTE


def test_address_server_is_asked_without_an_environment_variable(env):
    product, client = env("{}:1", {"center:1": KNOWN}, from_environment=False)
    assert product.route("T") == ROUTE
    assert client.asked == ["center:1"]


def test_next_name_server_is_asked_when_one_is_down(env):
    product, client = env("x:1;y:1;z:1", {"x:1": None, "y:1": KNOWN, "z:1": KNOWN})
    assert product.route("T") == ROUTE
    assert client.asked == ["x:1", "y:1"]


@pytest.mark.parametrize("answer", [UNKNOWN, None, Command(0, body=b"["), Command(0)])
def test_no_route_there_is_none(env, answer):
    product, _ = env("x:1", {"x:1": answer})
    assert product.route("T") is None


def test_no_address_server_is_no_route(monkeypatch):
    def fail(name):
        raise RemotingError(f"no name server addresses for {name}")

    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    assert ProductEnv("center", Answering({}), fetch=fail).route("T") is None


def test_name_server_answers_from_the_other_one(tmp_path, monkeypatch):
    def start(kind, **config):
        config = NamesrvConfig(kv_config_path=str(tmp_path / f"{kind}.json"), **config)
        return NameServer(NamesrvSettings(config, ServerConfig(listen_port=0)))

    def register(client, address, topic):
        wrapper = TopicConfigSerializeWrapper(topic_config_table={topic: TopicConfig(topic_name=topic)})
        header = RegisterBroker(
            broker_name=topic, broker_addr="b:1", cluster_name="c", ha_server_addr="b:2", broker_id=0
        )
        client.invoke(address, header, RegisterBrokerBody(topic_config_serialize_wrapper=wrapper).to_json())

    with start("product") as product, start("test", cluster_test=True) as tested:
        monkeypatch.setenv("NAMESRV_ADDR", product.address)
        client = Client()
        register(client, product.address, "There")
        register(client, tested.address, "Here")
        answers = [client.invoke(tested.address, GetRouteInfo(topic=topic)) for topic in ("Here", "There", "Nowhere")]
        client.close()
    assert [answer.code for answer in answers] == [0, 0, 17]
    assert b'"brokerAddrs":{0:"b:1"}' in answers[0].body
    there = json.loads(answers[1].body.replace(b"{0:", b'{"0":'))
    assert there["queueDatas"][0]["brokerName"] == "There"
