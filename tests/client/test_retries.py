"""Sends when brokers fail: others are tried, and the route is to blame for nothing that is not its fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rocketpy.client import BrokerError, ClientError, Message, MessageQueue, Producer, SendStatus, TopicNotFound
from rocketpy.config.startup import NamesrvSettings
from rocketpy.errors import FieldError, RemotingTimeout
from rocketpy.namesrv.app import NameServer
from rocketpy.protocol.api.client import Heartbeat, UnregisterClient
from rocketpy.protocol.api.route import RegisterBroker, RegisterBrokerBody
from rocketpy.protocol.api.send import SendMessage, SendMessageReply
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import HOLD, Command, Hold, Reply
from rocketpy.protocol.header import Header
from rocketpy.remoting.app import App
from rocketpy.remoting.client import Client
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router, handles
from rocketpy.remoting.server import Server
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


class FakeBroker(App):
    """A broker that answers each send with `replies` in turn, the last one for ever, and counts them."""

    def __init__(self, *replies: Reply | Hold) -> None:
        self.replies = replies
        self.sends = 0

    def start(self) -> None:
        self.server = Server(Router(self), "127.0.0.1", 0)
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.address[1]}"

    @handles(SendMessage)
    def send(self, peer: Connection, request: SendMessage, command: Command) -> Reply | Hold:
        self.sends += 1
        return self.replies[min(self.sends, len(self.replies)) - 1]

    @handles(Heartbeat, UnregisterClient)
    def others(self, peer: Connection, request: Header, command: Command) -> Reply:
        return Reply()


def test_answer_that_makes_no_sense_is_a_failure_like_others(cluster: Cluster, namesrv: NameServer) -> None:
    topic = cluster.topic()
    _register(namesrv, "b-0", cluster.broker, topic)
    with FakeBroker(Reply()) as broker, Producer("p", namesrv=namesrv.address) as producer:
        _register(namesrv, "careless", broker.address, topic)
        sent = [producer.send(Message(topic, b"x")) for _ in range(4)]
        assert {result.queue.broker_name for result in sent} == {"b-0"}
        queue = MessageQueue(topic=topic, broker_name="careless", queue_id=0)
        with pytest.raises(FieldError, match="msgId"):
            producer.send(Message(topic, b"x"), queue=queue)


STORED = SendMessageReply(msg_id="id", queue_id=0, queue_offset=7)


@pytest.mark.parametrize(
    ("code", "tries"),
    [
        *((code, 2) for code in (1, 14, 16, 17, 204, 205)),
        *((code, 1) for code in (2, 3, 13, 215)),
    ],
)
def test_some_refusals_are_tried_again(namesrv: NameServer, code: int, tries: int) -> None:
    broker = FakeBroker(Reply(code, remark="no"), Reply(header=STORED))
    with broker, Producer("p", namesrv=namesrv.address) as one:
        _register(namesrv, "fake", broker.address, "T")
        if tries == 2:
            assert one.send(Message("T", b"x")).queue_offset == 7
        else:
            with pytest.raises(BrokerError, match=f"CODE: {code}  DESC: no"):
                one.send(Message("T", b"x"))
        assert broker.sends == tries
        broker.sends = 0
        with pytest.raises(BrokerError, match=f"CODE: {code}  DESC: no"):
            one.send_async(Message("T", b"x")).result(10)  # a broker that answered is not asked again
        assert broker.sends == 1


def test_broker_that_does_not_answer_costs_the_time_that_there_is(namesrv: NameServer) -> None:
    with FakeBroker(HOLD) as broker, Producer("p", namesrv=namesrv.address, send_timeout=0.1) as one:
        _register(namesrv, "fake", broker.address, "T")
        for number, send in enumerate((one.send, lambda message: one.send_async(message).result(10)), 1):
            with pytest.raises(RemotingTimeout, match="sendDefaultImpl call timeout") as caught:
                send(Message("T", b"x"))
            assert isinstance(caught.value.__cause__, RemotingTimeout)
            assert broker.sends == number
        queue = MessageQueue(topic="T", broker_name="fake", queue_id=0)
        for _ in range(2):  # over the connection that there is, and over none
            with pytest.raises(RemotingTimeout, match="no answer within"):
                one.send(Message("T", b"x"), queue=queue)


@pytest.mark.parametrize(("options", "tries"), [({}, 1), ({"retry_another_broker": True, "retries": 1}, 2)])
def test_message_that_is_not_safe_may_be_sent_again(namesrv: NameServer, options: dict[str, Any], tries: int) -> None:
    late = Reply(ResponseCode.FLUSH_DISK_TIMEOUT, header=STORED)
    with FakeBroker(late) as broker, Producer("p", namesrv=namesrv.address, **options) as one:
        _register(namesrv, "fake", broker.address, "T")
        assert one.send(Message("T", b"x")).status == SendStatus.FLUSH_DISK_TIMEOUT
        assert broker.sends == tries


def test_name_server_without_brokers_is_named(namesrv: NameServer) -> None:
    with Producer("p", namesrv=namesrv.address) as producer, pytest.raises(TopicNotFound) as caught:
        producer.send(Message("T", b"x"))
    assert caught.value.reason == (
        f"No broker is registered at the name server {namesrv.address}: is it that of your cluster?"
    )
