"""Sends when brokers fail: others are tried, and the route is to blame for nothing that is not its fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rocketpy.client import ClientError, Message, Producer, SendStatus, TopicNotFound
from rocketpy.config.startup import NamesrvSettings
from rocketpy.namesrv.app import NameServer
from rocketpy.protocol.api.route import RegisterBroker, RegisterBrokerBody
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.remoting.client import Client
from tests.client.cluster import Cluster

_clients: list[Client] = []


def _close() -> None:
    while _clients:
        _clients.pop().close()


def _register(namesrv: NameServer, name: str, address: str, topic: str) -> None:
    """Let the name server believe that a broker is at `address`."""
    table = {topic: TopicConfig(topic_name=topic, read_queue_nums=2, write_queue_nums=2)}
    topics = TopicConfigSerializeWrapper(topic_config_table=table, data_version=DataVersion(timestamp=1))
    header = RegisterBroker(
        broker_name=name, broker_addr=address, cluster_name="C", ha_server_addr="127.0.0.1:1", broker_id=0
    )

    def ask() -> None:
        client = Client()  # as long as the name server lives, or it would take the broker for lost
        _clients.append(client)
        body = RegisterBrokerBody(topic_config_serialize_wrapper=topics).to_json()
        assert client.invoke(namesrv.address, header, body).code == 0

    namesrv.call(ask)


@pytest.fixture
def namesrv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """A name server that no broker knows."""
    settings = NamesrvSettings()
    settings.server.listen_port = 0
    settings.namesrv.kv_config_path = str(tmp_path_factory.mktemp("namesrv") / "kvConfig.json")
    with NameServer(settings) as running:
        yield running
        running.call(_close)


def test_dead_broker_is_left_for_a_living_one(cluster: Cluster, namesrv: NameServer) -> None:
    topic = cluster.topic(2)
    _register(namesrv, "b-0", cluster.broker, topic)
    _register(namesrv, "dead", "127.0.0.1:1", topic)
    with Producer("p", namesrv=namesrv.address) as producer:
        results = [producer.send(Message(topic, b"x")) for _ in range(8)]
        results += [producer.send_async(Message(topic, b"x")).result(10) for _ in range(4)]
    assert {(result.status, result.queue.broker_name) for result in results} == {(SendStatus.SEND_OK, "b-0")}
    with Producer("p", namesrv=namesrv.address, send_latency_fault=True, retries=1) as producer:
        for _ in range(8):
            producer.send(Message(topic, b"x"))


def test_message_that_no_broker_takes_is_given_up_in_javas_words(cluster: Cluster, namesrv: NameServer) -> None:
    _register(namesrv, "dead", "127.0.0.1:1", "T")
    with Producer("p", namesrv=namesrv.address) as producer, pytest.raises(ClientError) as caught:
        producer.send(Message("T", b"x"))
    text = str(caught.value)
    assert text.startswith("Send [3] times, still failed, cost [")
    assert "Topic: T, BrokersSent: [dead, dead, dead]\nSee http://rocketmq.apache.org/docs/faq/" in text
    assert "connect to <127.0.0.1:1> failed" in text
    assert caught.value.code == 10001


def test_name_server_without_brokers_is_named(namesrv: NameServer) -> None:
    with Producer("p", namesrv=namesrv.address) as producer, pytest.raises(TopicNotFound) as caught:
        producer.send(Message("T", b"x"))
    assert caught.value.reason == (
        f"No broker is registered at the name server {namesrv.address}: is it that of your cluster?"
    )
