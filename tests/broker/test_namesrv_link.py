from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import gevent
import pytest

from rocketpy.broker.identity import Identity
from rocketpy.broker.namesrv_link import NamesrvLink
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.startup import NamesrvSettings
from rocketpy.namesrv.app import NameServer
from rocketpy.namesrv.route_table import RouteTable
from rocketpy.protocol.api.kv import PutKVConfig
from rocketpy.protocol.api.route import GetRouteInfo, RegisterBroker, RegisterBrokerReply, TopicRouteData
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.header import Header
from rocketpy.remoting.client import Client

IDENTITY = Identity(cluster="C", name="b", broker_id=0, address="10.0.0.1:10911", ha_address="10.0.0.1:10912")


class CountingClient(Client):
    """A client that remembers what it asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def invoke(self, address: str, header: Header, body: bytes = b"", timeout_ms: float = 3000):  # type: ignore[no-untyped-def]
        self.asked.append(type(header).__name__)
        return super().invoke(address, header, body, timeout_ms)

    def invoke_oneway(self, address: str, header: Header, body: bytes = b"", timeout_ms: float = 3000) -> None:
        self.asked.append(f"{type(header).__name__} oneway")
        super().invoke_oneway(address, header, body, timeout_ms)


@pytest.fixture
def namesrv(tmp_path: Path) -> Iterator[NameServer]:
    settings = NamesrvSettings()
    settings.server.listen_port = 0
    settings.namesrv.kv_config_path = str(tmp_path / "kvConfig.json")
    with NameServer(settings) as server:
        yield server


@pytest.fixture
def client() -> Iterator[CountingClient]:
    client = CountingClient()
    yield client
    client.close()


@pytest.fixture
def config(namesrv: NameServer) -> BrokerConfig:
    return BrokerConfig(
        namesrv_addr=namesrv.address, broker_name="b", broker_cluster_name="C", register_broker_timeout_mills=2000
    )


@pytest.fixture
def topics(config: BrokerConfig) -> TopicTable:
    table = TopicTable(config)
    table.update(TopicConfig(topic_name="T", read_queue_nums=5, write_queue_nums=6, topic_sys_flag=1))
    return table


@pytest.fixture
def link(config: BrokerConfig, topics: TopicTable, client: CountingClient) -> NamesrvLink:
    return NamesrvLink(config, lambda: IDENTITY, topics, client)


def route(client: Client, namesrv: NameServer, topic: str) -> TopicRouteData | None:
    answer = client.invoke(namesrv.address, GetRouteInfo(topic=topic))
    return TopicRouteData.from_json(answer.body) if answer.code == 0 else None


def test_registered_broker_is_routed_to_until_it_unregisters(
    link: NamesrvLink, client: CountingClient, namesrv: NameServer
) -> None:
    link.register_all()
    found = route(client, namesrv, "T")
    assert found is not None
    assert found.broker_datas[0].broker_addrs == {0: "10.0.0.1:10911"}
    queues = found.queue_datas[0]
    assert (queues.read_queue_nums, queues.write_queue_nums, queues.perm, queues.topic_sys_flag) == (5, 6, 6, 1)
    link.unregister()
    assert route(client, namesrv, "T") is None


def test_name_server_without_a_second_address_is_told_of_once(
    config: BrokerConfig, topics: TopicTable, client: CountingClient, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Java's answers a registration without our field."""
    identity = replace(IDENTITY, advertised_address="outside:20911")
    link = NamesrvLink(config, lambda: identity, topics, client)
    link.register_all()
    assert caplog.messages == []
    monkeypatch.setattr(RouteTable, "register", lambda *_: RegisterBrokerReply())
    for _ in range(2):
        link.register_all()
    assert caplog.messages == [
        f"name server {config.namesrv_addr} does not know advertisedAddr: all clients get 10.0.0.1:10911"
    ]


def test_compressed_registration_says_the_same(
    link: NamesrvLink, config: BrokerConfig, client: CountingClient, namesrv: NameServer
) -> None:
    config.compressed_register = True
    link.register_all()
    found = route(client, namesrv, "T")
    assert found is not None
    assert found.queue_datas[0].write_queue_nums == 6


def test_without_force_it_registers_only_what_is_news(
    link: NamesrvLink, topics: TopicTable, client: CountingClient
) -> None:
    link.register_all(force=False)
    assert client.asked == ["QueryDataVersion", "RegisterBroker"]
    client.asked.clear()
    link.register_all(force=False)
    assert client.asked == ["QueryDataVersion"]
    topics.next_version()
    link.register_all(force=False)
    assert client.asked[1:] == ["QueryDataVersion", "RegisterBroker"]


def test_one_topic_is_registered_alone(
    link: NamesrvLink, topics: TopicTable, client: CountingClient, namesrv: NameServer
) -> None:
    topics.update(TopicConfig(topic_name="U"))
    link.register_topic(TopicConfig(topic_name="U", read_queue_nums=1))
    assert route(client, namesrv, "U") is not None
    assert route(client, namesrv, "T") is None


def test_permission_of_the_broker_is_registered_for_every_topic(
    link: NamesrvLink, config: BrokerConfig, client: CountingClient, namesrv: NameServer
) -> None:
    config.broker_permission = 4
    link.register_all()
    found = route(client, namesrv, "T")
    assert found is not None
    assert (found.queue_datas[0].perm, found.queue_datas[0].topic_sys_flag) == (4, 0)


def test_ordered_topics_are_learnt_from_the_answer(
    link: NamesrvLink, topics: TopicTable, client: CountingClient, namesrv: NameServer
) -> None:
    client.invoke(namesrv.address, PutKVConfig(namespace="ORDER_TOPIC_CONFIG", key="T", value="b:4"))
    link.register_all()
    topic = topics.get("T")
    assert topic is not None
    assert topic.order


def test_topics_created_in_one_turn_are_registered_together(
    link: NamesrvLink, topics: TopicTable, client: CountingClient, namesrv: NameServer
) -> None:
    topics.created.append(link.register_soon)
    for number in range(50):
        topics.create_on_send_back(f"T{number}", 1, 6)
    while route(client, namesrv, "T49") is None:
        gevent.sleep(0)
    assert client.asked.count("RegisterBroker oneway") == 1


def test_name_server_that_is_down_costs_one_line(
    link: NamesrvLink,
    config: BrokerConfig,
    client: CountingClient,
    namesrv: NameServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = f"127.0.0.1:{server.getsockname()[1]}"
    config.namesrv_addr = f"{dead};{namesrv.address};"
    with caplog.at_level(logging.WARNING):
        link.register_all()
    assert route(client, namesrv, "T") is not None
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == [f"name server {dead}"]


def test_name_server_that_does_not_answer_is_not_waited_for(
    link: NamesrvLink, config: BrokerConfig, client: CountingClient, namesrv: NameServer
) -> None:
    config.register_broker_timeout_mills = 100
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config.namesrv_addr = f"127.0.0.1:{silent.getsockname()[1]};{namesrv.address}"
        with gevent.Timeout(2):
            link.register_all()
            link.register_all(force=False)
    assert route(client, namesrv, "T") is not None
    assert client.asked.count(RegisterBroker.__name__) == 4


def test_without_name_servers_nothing_is_asked(link: NamesrvLink, config: BrokerConfig, client: CountingClient) -> None:
    config.namesrv_addr = None
    link.register_all()
    link.register_all(force=False)
    link.unregister()
    assert client.asked == []


def test_name_servers_are_learnt_from_an_address_server(
    link: NamesrvLink, config: BrokerConfig, caplog: pytest.LogCaptureFixture
) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"10.0.0.1:9876;10.0.0.2:9876\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    config.namesrv_addr = None
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        link.fetch_addresses(f"127.0.0.1:{server.server_port}", "nsaddr")
        thread.join()
    assert link.addresses == ["10.0.0.1:9876", "10.0.0.2:9876"]
    with caplog.at_level(logging.WARNING):
        link.refresh_addresses({"rmqAddressServerDomain": "127.0.0.1:1"})
    assert link.addresses == ["10.0.0.1:9876", "10.0.0.2:9876"]
    assert "127.0.0.1:1" in caplog.text
