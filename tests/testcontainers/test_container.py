"""RocketMQContainer at an engine that runs its servers in this process; interop/ has the same with containers."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from testcontainers.core.exceptions import ContainerStartException

from rocketpy.admin.client import AdminClient
from rocketpy.client import Message, Producer, PullConsumer, SendStatus
from rocketpy.config.properties import parse_properties
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.route import QueryDataVersion
from rocketpy.protocol.api.topic import DataVersion
from rocketpy.testcontainers import RocketMQContainer
from tests.testcontainers.fake_engine import INNER_IP, FakeEngine, plugged

IMAGE = "rocketpy"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine(tmp_path, (IMAGE, "apache/rocketmq:4.9.8", "other:1"))
    monkeypatch.setattr("testcontainers.core.container.DockerClient", plugged(engine))
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    monkeypatch.delenv("ROCKETPY_IMAGE", raising=False)
    return engine


def brokers(namesrv: str) -> dict[str, str]:
    """The masters that a name server knows, by name."""
    admin = AdminClient(namesrv)
    table = admin.cluster_info().broker_addr_table
    admin.close()
    return {name: broker.broker_addrs[0] for name, broker in table.items()}


def topics_known_of(namesrv: str, broker: str) -> bytes:
    """Which version of a broker's topics the name server has; empty if it knows no broker at that address."""
    header = QueryDataVersion(broker_name="broker-a", broker_addr=broker, cluster_name="DefaultCluster", broker_id=0)
    admin = AdminClient(namesrv)
    body = admin.ask(namesrv, header, DataVersion().to_json()).body
    admin.close()
    return body


def conf(engine: FakeEngine) -> dict[str, str]:
    return parse_properties(engine.asked["environment"]["ROCKETPY_BROKER_CONF"].encode())


def send(namesrv: str, topic: str, body: bytes) -> SendStatus:
    with Producer("p", namesrv=namesrv) as producer:
        return producer.send(Message(topic, body)).status


@pytest.mark.usefixtures("engine")
def test_clients_outside_send_and_receive() -> None:
    with RocketMQContainer().with_topics("orders", queues=3) as rocketmq:
        namesrv = rocketmq.get_namesrv_address()
        assert brokers(namesrv) == {"broker-a": rocketmq.get_broker_address()}
        assert rocketmq.get_broker_address().startswith("127.0.0.1:")
        with Producer("p", namesrv=namesrv) as producer, PullConsumer("c", namesrv=namesrv) as consumer:
            assert len(producer.publish_queues("orders")) == 3
            sent = producer.send(Message("orders", b"one"))
            assert sent.status is SendStatus.SEND_OK
            assert [message.body for message in consumer.pull(sent.queue, 0).messages] == [b"one"]


@pytest.mark.usefixtures("engine")
def test_what_was_sent_outlives_a_restart_on_other_ports() -> None:
    with RocketMQContainer().with_topics("orders") as rocketmq:
        before = rocketmq.get_namesrv_address()
        assert send(before, "orders", b"one") is SendStatus.SEND_OK
        assert rocketmq.restart() is rocketmq
        after = rocketmq.get_namesrv_address()
        assert after != before
        assert brokers(after) == {"broker-a": rocketmq.get_broker_address()}
        with Producer("p", namesrv=after) as producer:
            assert sum(map(producer.max_offset, producer.publish_queues("orders"))) == 1


@pytest.mark.usefixtures("engine")
def test_an_address_for_others_is_advertised_as_it_is() -> None:
    with RocketMQContainer().with_advertised_address("mq:10911") as rocketmq:
        assert brokers(rocketmq.get_namesrv_address()) == {"broker-a": "mq:10911"}


@pytest.mark.usefixtures("engine")
def test_name_server_forgets_the_address_inside_at_once() -> None:
    """It would keep it for two minutes, and then break the connection by which both addresses were registered."""
    with RocketMQContainer() as rocketmq:
        outside = rocketmq.get_broker_address()
        inside = f"{INNER_IP}:{outside.rpartition(':')[2]}"
        assert topics_known_of(rocketmq.get_namesrv_address(), outside)
        assert not topics_known_of(rocketmq.get_namesrv_address(), inside)


def test_settings_reach_the_broker_as_they_are(engine: FakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "broker.conf"
    file.write_text("brokerName=from-file\nlistenPort=1\nbrokerIP1=1.2.3.4\nflushDiskType=SYNC_FLUSH\n")
    odd = "  a=b # \\ Grüße 😀\n"
    container = RocketMQContainer().with_broker_conf(file).with_setting("traceTopicEnable", True)
    with container.with_setting("messageDelayLevel", "1s 2s").with_setting("regionId", odd) as rocketmq:
        assert conf(engine) == {
            "brokerName": "from-file",
            "flushDiskType": "SYNC_FLUSH",
            "traceTopicEnable": "true",
            "messageDelayLevel": "1s 2s",
            "regionId": odd,
        }
        assert brokers(rocketmq.get_namesrv_address()) == {"from-file": rocketmq.get_broker_address()}


def test_the_permission_stays_what_was_set(engine: FakeEngine) -> None:
    with RocketMQContainer().with_setting("brokerPermission", 2):
        servers = engine.containers[0].servers
        assert servers is not None
        assert servers.broker.settings.broker.broker_permission == 2


@pytest.mark.parametrize(("given", "variable", "taken"), [
    (None, None, IMAGE),
    (None, "other:1", "other:1"),
    ("apache/rocketmq:4.9.8", "other:1", "apache/rocketmq:4.9.8"),
])  # fmt: skip
@pytest.mark.usefixtures("engine")
def test_image_is_that_of_the_argument_or_of_the_environment(
    given: str | None, variable: str | None, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is not None:
        monkeypatch.setenv("ROCKETPY_IMAGE", variable)
    assert RocketMQContainer(given).image == taken


@pytest.mark.parametrize("topic", ["", "a b", "x" * 128, "Grüße"])
@pytest.mark.usefixtures("engine")
def test_bad_topics_are_refused_before_anything_starts(topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        RocketMQContainer().with_topics(topic)
    with pytest.raises(ValueError, match="at least one queue, not 0"):
        RocketMQContainer().with_topics("a", queues=0)


@pytest.mark.usefixtures("engine")
def test_keys_that_follow_from_the_container_are_refused() -> None:
    for key in ("brokerIP1", "listenPort", "namesrvAddr"):
        with pytest.raises(ValueError, match=f"{key} follows from the container"):
            RocketMQContainer().with_setting(key, 1)


@pytest.mark.parametrize("address", ["mq", "mq:", ":1", "mq:x", "mq:0", "mq:65536", "mq:-1"])
@pytest.mark.usefixtures("engine")
def test_bad_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        RocketMQContainer().with_advertised_address(address)


@pytest.mark.usefixtures("engine")
def test_a_configuration_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/broker\.conf"):
        RocketMQContainer().with_broker_conf("/nowhere/broker.conf")


@pytest.mark.usefixtures("engine")
def test_a_missing_image_is_named_with_what_to_do() -> None:
    container = RocketMQContainer("nobody/has:this")
    with pytest.raises(ContainerStartException) as caught:
        container.start()
    text = str(caught.value)
    assert text.startswith("there is no image nobody/has:this, and it cannot be pulled: no registry is reached.")
    assert "docker build -t nobody/has:this" in text
    assert "ROCKETPY_IMAGE" in text


def test_what_the_engine_refuses_is_said(engine: FakeEngine) -> None:
    engine.refuses = "port is already allocated"
    with pytest.raises(ContainerStartException, match=r"does not start rocketpy: port is already allocated"):
        RocketMQContainer().start()


def test_a_container_that_ended_says_why_and_is_removed(engine: FakeEngine) -> None:
    engine.ended = (3, "mqbroker: cannot read the configuration file\n")
    with pytest.raises(ContainerStartException) as caught, RocketMQContainer():
        pass
    assert str(caught.value) == (
        f"{IMAGE} ended with status 3; its last lines:\nmqbroker: cannot read the configuration file"
    )
    assert engine.containers[0].removed


def test_servers_that_do_not_answer_in_time_are_given_up(engine: FakeEngine) -> None:
    engine.silent_ports = True
    container = RocketMQContainer()
    with pytest.raises(ContainerStartException) as caught:
        container.start(timeout=0)
    assert str(caught.value) == (
        f"{IMAGE} is not ready after 0 s: GetBrokerClusterInfo: connect to 127.0.0.1:1 failed; its last lines:\n"
        "nothing to say"
    )
    assert engine.containers[0].removed


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # docker-py leaves the socket that did not connect
def test_without_an_engine_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(ContainerStartException, match=f"no container engine answers at unix://{tmp_path}/docker.sock"):
        RocketMQContainer()
    gc.collect()


def test_without_the_extra_the_import_says_what_to_install() -> None:
    program = "import sys; sys.modules['testcontainers'] = None; import rocketpy.testcontainers"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: rocketpy.testcontainers takes a package that is not installed")
    assert last.endswith("pip install 'rocketpy-mq[testcontainers]'")
