"""A client through its life: where it runs, what it calls itself, what it survives."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import gevent
import pytest

from rocketpy.client import (
    ClientError,
    ClientSettings,
    ConsumeContext,
    ConsumeFromWhere,
    Credentials,
    Message,
    Producer,
    PushConsumer,
    ReceivedMessage,
    SendStatus,
)
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.connection import (
    ConsumerConnection,
    GetConsumerConnectionList,
    GetProducerConnectionList,
    ProducerConnection,
)
from tests.client.cluster import Cluster, standalone, wait_until

FIRST = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET


def _sends(producer: Producer, message: Message) -> bool:
    try:
        return producer.send(message, timeout=1).status == SendStatus.SEND_OK
    except RocketpyError:
        return False


def test_broker_that_comes_back_elsewhere_is_found(tmp_path: Path) -> None:
    with standalone(tmp_path) as servers:
        cluster = Cluster(servers)
        topic = cluster.topic()
        got: list[bytes] = []

        def listener(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
            got.extend(message.body for message in messages)

        options = {"namesrv": cluster.namesrv, "poll_namesrv_interval": 0.05, "heartbeat_interval": 0.1}
        options |= {"pull_retry_delay": 0.05}
        with (
            Producer("survivor", retries=0, **options) as producer,  # type: ignore[arg-type]
            PushConsumer("g", listener, {topic: "*"}, consume_from=FIRST, **options) as consumer,  # type: ignore[arg-type]
        ):
            producer.send(Message(topic, b"0"))
            wait_until(lambda: got == [b"0"])
            before = cluster.broker
            servers.call(servers.broker.stop)
            assert not _sends(producer, Message(topic, b"lost"))
            servers.call(servers.broker.start)
            assert cluster.broker != before, "a port of 0 is another one each time"
            wait_until(lambda: _sends(producer, Message(topic, b"1")))
            wait_until(lambda: b"1" in got)
            wait_until(lambda: len(consumer.assigned()) == 2)


def test_name_server_that_is_lost_is_replaced_by_the_next(cluster: Cluster, tmp_path: Path) -> None:
    with standalone(tmp_path) as other:
        namesrv = [other.namesrv.address, cluster.namesrv]
        with Producer("two", namesrv=namesrv) as producer:
            producer.send(Message(cluster.unique("Any"), b"x"))
            other.call(other.broker.stop)
            other.call(other.namesrv.stop)
            assert producer.publish_queues(cluster.topic())


def test_name_server_that_talks_rubbish_is_replaced_by_the_next(cluster: Cluster) -> None:
    class Rubbish(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)
            self.request.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Rubbish) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            namesrv = [f"127.0.0.1:{server.server_address[1]}", cluster.namesrv]
            for number in range(6):  # each begins with any of them
                with Producer(f"rubbish-{number}", namesrv=namesrv) as producer:
                    assert producer.send(Message(cluster.topic(), b"x")).status == SendStatus.SEND_OK
        finally:
            server.shutdown()
            thread.join()


def test_addresses_are_fetched_from_the_address_server(cluster: Cluster) -> None:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{cluster.namesrv}\n".encode())

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"127.0.0.1:{server.server_port}"
            with Producer("fetching", address_server=address, unit_name="u1") as producer:
                assert producer.send(Message(cluster.topic(), b"x")).status == SendStatus.SEND_OK
        finally:
            server.shutdown()
            thread.join()
    assert set(asked) == {"/rocketmq/nsaddr-u1?nofix=1"}


def test_client_may_live_among_the_callers_greenlets(cluster: Cluster) -> None:
    topic = cluster.topic()
    before = set(threading.enumerate())
    here: set[int] = set()

    def listener(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        here.add(threading.get_ident())

    with (
        gevent.Timeout(20),
        Producer("green", namesrv=cluster.namesrv, gevent=True) as producer,
        PushConsumer("g", listener, {topic: "*"}, namesrv=cluster.namesrv, gevent=True, consume_from=FIRST),
    ):
        sending = [gevent.spawn(producer.send, Message(topic, b"x")) for _ in range(5)]
        gevent.joinall(sending, raise_error=True)
        future = producer.send_async(Message(topic, b"y"))
        while not here or not future.done():
            gevent.sleep(0.01)
        assert set(threading.enumerate()) <= before
    assert here == {threading.get_ident()}


def test_greenlets_of_another_hub_are_not_blocked(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.001)
            ticks += 1

    ticker = gevent.spawn(tick)
    with gevent.Timeout(20):
        sending = [gevent.spawn(producer.send, Message(topic, b"x")) for _ in range(3)]
        gevent.joinall(sending, raise_error=True)
        with cluster.puller() as puller:
            waiting = gevent.spawn(puller.pull, cluster.queue(topic), 3, block=True)
            while ticks < 20:
                gevent.sleep(0.001)
            producer.send(Message(topic, b"y"))
            assert [message.body for message in waiting.get().messages] == [b"y"]
    ticker.kill()


def test_client_id_and_language_are_told_to_the_broker(cluster: Cluster) -> None:
    topic, group = cluster.topic(), cluster.unique("group")
    options = {"namesrv": cluster.namesrv, "instance_name": "i", "unit_name": "u", "client_ip": "10.1.2.3"}
    with PushConsumer(group, lambda messages, context: None, {topic: "*"}, **options):  # type: ignore[arg-type]
        body = cluster.ask(GetConsumerConnectionList(consumer_group=group)).body
        (connection,) = ConsumerConnection.from_json(body).connection_set
    assert (connection.client_id, connection.language, connection.version) == ("10.1.2.3@i@u", "PYTHON", 409)


def test_ipv6_is_spoken(tmp_path: Path) -> None:
    made = standalone(tmp_path, brokerIP1="[::1]", brokerIP2="[::1]")
    with made as servers:
        namesrv = f"[::1]:{servers.namesrv.address.rpartition(':')[2]}"
        with Producer("six", namesrv=namesrv) as producer:
            result = producer.send(Message("Six", b"x"))
            assert servers.broker.address.startswith("[::1]:")
            assert producer.view_message(result.offset_msg_id).store_host[0] == "::1"


def test_requests_are_signed(cluster: Cluster) -> None:
    with Producer("signed", namesrv=cluster.namesrv, credentials=Credentials("ak", "sk", "token")) as producer:
        assert producer.send(Message(cluster.topic(), b"x")).status == SendStatus.SEND_OK


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"serialization": "XML"}, "serialization is JSON or ROCKETMQ"),
        ({"heartbeat_interval": 0}, "heartbeat_interval is a number of seconds above 0"),
    ],
)
def test_settings_are_checked(options: dict[str, object], text: str) -> None:
    with pytest.raises(ClientError, match=text):
        ClientSettings(**options)  # type: ignore[arg-type]


def test_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAMESRV_ADDR", "http://a:9876; b:9876;")
    assert ClientSettings().addresses == ["a:9876", "b:9876"]
    assert ClientSettings(namesrv="c:1").addresses == ["c:1"]
    monkeypatch.delenv("NAMESRV_ADDR")
    assert ClientSettings().addresses is None
    assert ClientSettings(namesrv="http://MQ_INST_1_2.cn:80").namespace == "MQ_INST_1_2"


def test_broker_whose_connection_was_lost_is_told_anew(cluster: Cluster, producer: Producer) -> None:
    """Within a second, not at the next heartbeat: until then it would ask nobody about transactions."""

    def address() -> str | None:
        answer = cluster.ask(GetProducerConnectionList(producer_group=producer.group))
        found = ProducerConnection.from_json(answer.body).connection_set if answer.code == 0 else []
        return found[0].client_addr if found else None

    producer.send(Message(cluster.topic(), b"x"))
    before = wait_until(address)
    instance = producer._running()
    instance.run(instance.client.disconnect, cluster.broker)
    wait_until(lambda: address() not in (None, before))
