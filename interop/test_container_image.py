"""The image, used as the official one is: commands, variables, volumes, addresses, signals, and what goes wrong."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from docker.types import Mount

from interop import images
from interop.cluster import Cluster, running_cluster
from interop.container_clients import ContainerDriver
from interop.container_program import ContainerProgram
from interop.containers import Containers, Network
from interop.engine import engine
from interop.expect import becomes, equal
from interop.messages import Message
from interop.ports import free_port
from interop.stage import Stage
from interop.troupe import Troupe

IMAGES = {"ours": images.ours, "official": images.official}
HOME = "/home/rocketmq"
STORE = f"{HOME}/store"
LOGS = f"{HOME}/logs"
Contained = Callable[[str], ContainerDriver]
NAMESRV, BROKER = 9876, 10911
START_TIMEOUT = 180.0
"""Seconds; a broker that missed its name server comes back after 10, and again after 30."""
FOR_A_JVM = {"JAVA_OPT": "-Xmx99g", "JAVA_OPT_EXT": "-Xms64m -Xmx256m -Xmn32m", "HEAP_OPTS": "-Xmx99g"}


@pytest.fixture
def brief() -> Iterator[Containers]:
    """Containers that end with their test."""
    with Containers() as made:
        yield made


def published(*ports: int) -> dict[str, tuple[str, None]]:
    """Each on any free port of this machine."""
    return {f"{port}/tcp": ("127.0.0.1", None) for port in ports}


def published_at(program: ContainerProgram, port: int) -> str:
    return f"127.0.0.1:{engine().api.port(program.name, port)[0]['HostPort']}"


def wait_healthy(program: ContainerProgram) -> None:
    def health() -> object:
        state = program.state()
        assert state["Running"], program.tail()
        found = state["Health"]
        assert isinstance(found, dict)
        return found["Status"]

    becomes(f"health of {program.name}", health, "healthy", timeout=START_TIMEOUT)


def wait_registered(namesrv: str) -> Cluster:
    """What a client on this machine is told, once a broker is there."""

    def registered() -> bool:
        try:
            return bool(running_cluster(namesrv))
        except (LookupError, OSError):
            return False

    becomes(f"a broker at {namesrv}", registered, True, timeout=START_TIMEOUT)
    return running_cluster(namesrv)


def update(program: ContainerProgram, **keys: str) -> None:
    """Change the broker's configuration by the mqadmin of its own container."""
    for key, value in keys.items():
        target = ["-b", f"localhost:{BROKER}", "-n", f"localhost:{NAMESRV}"]
        status, said = program.execute("./mqadmin", "updateBrokerConfig", *target, "-k", key, "-v", value)
        assert (status, "update broker config success" in said) == (0, True), said


def shake_hands(address: str) -> None:
    """As a client that uses TLS does; like the official image it makes up a certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host, port = address.split(":")
    with context.wrap_socket(socket.create_connection((host, int(port)), 60)) as connection:
        assert connection.version()


def exchange(*stages: Stage) -> None:
    """Each sends to one topic and gets what all of them sent, all at the same time."""
    with ExitStack() as ends:
        for stage in stages:
            ends.enter_context(stage)
        topic = stages[0].topic(queues=2)
        consumers = [stage.consumer(topic) for stage in stages]
        bodies = [f"from {number}, {stage.client.name}".encode() for number, stage in enumerate(stages)]
        for stage, body in zip(stages, bodies, strict=True):
            equal("status", stage.producer().send(Message(topic, body))[0].status, "SEND_OK")
        for consumer in consumers:
            equal("received", sorted(stored.body for stored in consumer.received(len(bodies))), sorted(bodies))


def test_without_arguments_both_servers_serve_clients_inside_and_outside(
    brief: Containers, network: Network, contained: Contained, troupe: Troupe
) -> None:
    address = network.new_address()
    program = brief.container(
        images.ours(), [], {network: address}, environment=FOR_A_JVM, ports=published(NAMESRV, BROKER)
    )
    program.start()
    wait_healthy(program)
    namesrv, broker = published_at(program, NAMESRV), published_at(program, BROKER)
    update(program, advertisedAddr=broker)
    outside = running_cluster(namesrv)
    assert list(outside.brokers.values()) == [broker]
    assert f" {address}:{BROKER} " in program.execute("sh", "mqadmin", "clusterList", "-n", f"{address}:{NAMESRV}")[1]
    told = Cluster(f"{address}:{NAMESRV}", {outside.broker_name: f"{address}:{BROKER}"})
    shake_hands(broker)
    exchange(Stage(outside, troupe.client("java")), Stage(outside, troupe.client("go")), Stage(told, contained("java")))
    equal("status after docker stop", program.stop(10), 0)


def test_separate_servers_tell_both_kinds_of_clients_apart(
    brief: Containers, network: Network, contained: Contained, troupe: Troupe
) -> None:
    """As in a compose file: the commands of the official image, ROCKETPY_ADVERTISED_ADDR, NAMESRV_ADDR."""
    port = free_port()
    host, place = network.new_address(), network.new_address()
    namesrv = brief.container(images.ours(), ["sh", "mqnamesrv"], {network: host}, ports=published(NAMESRV))
    namesrv.start()
    broker = brief.container(
        images.ours(),
        ["sh", "mqbroker", "-c", "../conf/broker.conf"],
        {network: place},
        environment={"NAMESRV_ADDR": f"{host}:{NAMESRV}", "ROCKETPY_ADVERTISED_ADDR": f"127.0.0.1:{port}"},
        ports={f"{BROKER}/tcp": ("127.0.0.1", port)},
    )
    broker.start()
    outside = wait_registered(published_at(namesrv, NAMESRV))
    assert outside.brokers == {"broker-a": f"127.0.0.1:{port}"}
    told = Cluster(f"{host}:{NAMESRV}", {"broker-a": f"{place}:{BROKER}"})
    exchange(Stage(outside, troupe.client("java")), Stage(told, contained("java")))
    assert "The Name Server boot success" in namesrv.tail(50)
    for program, file in ((namesrv, "namesrv"), (broker, "broker"), (broker, "store")):
        assert program.execute("ls", f"{LOGS}/rocketmqlogs/{file}.log")[0] == 0
    assert "registered" in namesrv.execute("cat", f"{LOGS}/rocketmqlogs/namesrv.log")[1]
    status, said = broker.execute("sh", "mqshutdown", "broker")
    assert (status, said.splitlines()[-1]) == (0, "Send shutdown request to mqbroker(1) OK")
    becomes("broker is running", lambda: broker.alive, False)
    equal("status after mqshutdown", broker.kill(), 0)
    equal("status after docker stop", namesrv.stop(10), 0)


@pytest.mark.parametrize("image", IMAGES)
def test_updated_address_is_registered_without_a_new_listener(
    brief: Containers, network: Network, image: str, troupe: Troupe
) -> None:
    """What is done with the official image to get behind a port mapping."""
    # a broker that finds no name server comes back after 10 s, and then after 30
    reached = "(: > /dev/tcp/127.0.0.1/9876) 2> /dev/null"
    command = f"sh mqnamesrv & until {reached}; do sleep 0.1; done; exec sh mqbroker -n localhost:9876"
    program = brief.container(
        IMAGES[image](),
        ["bash", "-c", command],
        {network: network.new_address()},
        environment={"JAVA_OPT_EXT": FOR_A_JVM["JAVA_OPT_EXT"]},
        ports=published(NAMESRV, BROKER),
    )
    program.start()
    namesrv, broker = published_at(program, NAMESRV), published_at(program, BROKER)
    wait_registered(namesrv)
    host, port = broker.split(":")
    update(program, brokerIP1=host, listenPort=port, brokerPermission="6")
    cluster = running_cluster(namesrv)
    assert list(cluster.brokers.values()) == [broker]
    exchange(Stage(cluster, troupe.client("java")))


def test_any_user_can_run_it_on_new_volumes(brief: Containers, network: Network) -> None:
    program = brief.container(
        images.ours(),
        [],
        {network: network.new_address()},
        volumes={brief.volume(): STORE, brief.volume(): LOGS},
        user="12345:678",
    )
    program.start()
    wait_healthy(program)
    assert program.execute("ls", f"{STORE}/commitlog", f"{LOGS}/rocketmqlogs/broker.log")[0] == 0


def test_address_that_leads_nowhere_is_told_where_the_clients_are(brief: Containers, network: Network) -> None:
    environment = {"ROCKETPY_ADVERTISED_ADDR": "127.0.0.1:1"}
    program = brief.container(
        images.ours(), [], {network: network.new_address()}, environment=environment, ports=published(NAMESRV)
    )
    program.start()
    wait_healthy(program)
    namesrv = published_at(program, NAMESRV)
    command = [sys.executable, "-m", "rocketpy", "mqadmin", "clusterList", "--strict", "-n", namesrv]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "mqadmin clusterList: connect to 127.0.0.1:1 failed\n")


def test_layout_is_that_of_the_official_image(brief: Containers, network: Network) -> None:
    program = brief.container(images.ours(), ["sleep", "600"], {network: network.new_address()})
    program.start()
    home = f"{HOME}/rocketmq-4.9.8"
    told = program.execute("sh", "-c", 'echo "$(id -u):$(id -g) $(pwd) $ROCKETMQ_HOME $ROCKETMQ_VERSION"')
    assert told == (0, f"3000:3000 {home}/bin {home} 4.9.8\n")
    assert program.execute("stat", "-c", "%u", STORE, LOGS, f"{home}/conf/broker.conf")[1].split() == ["3000"] * 3
    assert program.execute("ls", "./mqnamesrv", "./mqbroker", "./mqadmin", "./mqshutdown")[0] == 0
    config = engine().images.get(images.ours()).attrs["Config"]
    assert set(config["ExposedPorts"]) == {"9876/tcp", "10909/tcp", "10911/tcp", "10912/tcp"}


WITH_FILE = "printf '%s\\n' \"$0\" > /tmp/broker.conf; exec sh mqbroker -n localhost:9876 -c /tmp/broker.conf"


def failed(program: ContainerProgram) -> tuple[int, str]:
    """The status and the one line with which a container ended."""
    program.start()
    becomes("container is running", lambda: program.alive, False, timeout=START_TIMEOUT)
    lines = [line for line in program.tail(50).splitlines() if " WARNING rocketpy." not in line]
    assert len(lines) == 1, lines
    return program.kill(), lines[0]


@pytest.mark.parametrize(
    ("command", "environment", "status", "line"),
    [
        (["mqproxy"], {}, 127, "mqproxy: no such command; try: sh mqnamesrv, sh mqbroker -n HOST:9876"),
        (["sh", "mqproxy"], {}, 2, "cannot open mqproxy: No such file"),
        (["sh", "mqbroker", "-c", "/no/such.conf"], {}, 1, "cannot read the configuration file /no/such.conf: No such"),
        (["sh", "mqbroker", "-c", "/tmp"], {}, 1, "cannot read the configuration file /tmp: Is a directory"),
        (["sh", "mqbroker", "-n", "nowhere"], {}, 1, "The Name Server Address[nowhere] illegal"),
        (["sh", "mqbroker", "--what"], {}, 2, "No such option '--what'"),
        ([], {"ROCKETPY_ADVERTISED_ADDR": "host:port"}, 1, "advertisedAddr=host:port: it must be host or host:port"),
        (["sh", "mqnamesrv"], {"ROCKETPY_INSIDE_NETWORKS": "lan"}, 1, "insideNetworks=lan: 'lan' does not appear"),
        (["sh", "-c", WITH_FILE, "brokerIP1=192..7"], {}, 1, "brokerIP1=192..7 does not resolve to an address"),
        (
            ["sh", "-c", WITH_FILE, "brokerIP1=192.0.2.1"], {"ROCKETPY_STRICT": "1"}, 1,
            "192.0.2.1:10911 is advertised but cannot be reached from here",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(
    brief: Containers, network: Network, command: list[str], environment: dict[str, str], status: int, line: str
) -> None:
    program = brief.container(images.ours(), command, {network: network.new_address()}, environment=environment)
    found, said = failed(program)
    assert (found, line in said) == (status, True), said


def test_volume_of_another_user_is_one_line(brief: Containers, network: Network, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    owner = tmp_path.stat().st_uid
    program = brief.container(
        images.ours(), [], {network: network.new_address()}, volumes={str(tmp_path): STORE}, user=str(owner + 4711)
    )
    assert failed(program) == (
        1,
        f"rocketpy: cannot make {STORE}/commitlog: Permission denied: {STORE} belongs to uid {owner}, "
        f"this is uid {owner + 4711}",
    )


def test_volume_that_is_only_read_is_one_line(brief: Containers, network: Network) -> None:
    mount = Mount(STORE, brief.volume(), read_only=True)
    program = brief.container(images.ours(), ["sh", "mqbroker"], {network: network.new_address()}, mounts=[mount])
    assert failed(program) == (1, f"mqbroker: cannot make {STORE}/commitlog: Read-only file system")


def test_log_volume_that_is_only_read_costs_one_line(brief: Containers, network: Network) -> None:
    mount = Mount(LOGS, brief.volume(), read_only=True)
    program = brief.container(images.ours(), [], {network: network.new_address()}, mounts=[mount])
    program.start()
    wait_healthy(program)
    complaint = f"no log is written to {LOGS}/rocketmqlogs: Read-only file system; the console has it"
    assert program.tail(50).count(complaint) == 1
