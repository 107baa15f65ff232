"""A container with a name server and a broker: ours, or those of the official image."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Self

from docker.errors import APIError, DockerException, ImageNotFound
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from rocketpy.config.properties import load_properties
from rocketpy.protocol.topic_names import topic_fault
from rocketpy.testcontainers.probe import NotReady, Probe

NAMESRV_PORT = 9876
BROKER_PORT = 10911

IMAGE_VARIABLE = "ROCKETPY_IMAGE"
DEFAULT_IMAGE = "rocketpy"
"""As README.md and the compose files call it."""

_CONF_VARIABLE = "ROCKETPY_BROKER_CONF"
_SCRIPT = f"""
conf=/tmp/broker.conf
printf %s "${_CONF_VARIABLE}" > $conf || exit 1
command -v rocketpy > /dev/null && exec rocketpy -c $conf
cd "$ROCKETMQ_HOME/bin" || exit 1
end() {{
    trap '' TERM
    kill -TERM 0
    while grep -qs '^java$' /proc/[0-9]*/comm; do sleep 0.1; done
    exit 0
}}
trap end TERM
JAVA_OPT_EXT="-Xms64m -Xmx128m -Xmn32m $JAVA_OPT_EXT" sh mqnamesrv & namesrv=$!
JAVA_OPT_EXT="-Xms256m -Xmx512m -Xmn128m $JAVA_OPT_EXT" sh mqbroker -n 127.0.0.1:{NAMESRV_PORT} -c $conf & broker=$!
while kill -0 $namesrv && kill -0 $broker; do sleep 0.5 & wait $!; done 2> /dev/null
exit 1
"""
"""What runs in the container. The file is written at each start: a broker whose configuration is changed saves it there
with the port by which it is known outside, and would listen on that one the next time. An official broker alone asks
for 8 GiB; JAVA_OPT_EXT, which may be set with `with_env`, has the last word."""

_OWN_SETTINGS = ("brokerIP1", "listenPort", "namesrvAddr")
_POLL_INTERVAL = 0.02
_LOG_LINES = 20
_STOP_TIMEOUT = 30
"""Seconds that the servers have to shut down before they are killed; Java's take five on an idle machine."""


class RocketMQContainer(DockerContainer):
    """RocketMQ 4.x for tests: name server and broker in one container, on free ports of the host.

        with RocketMQContainer().with_topics("orders").with_setting("messageDelayLevel", "1s 2s 3s") as rocketmq:
            namesrv = rocketmq.get_namesrv_address()    # for clients of any language on this host

    The image is `image`, else that which ROCKETPY_IMAGE names, else `rocketpy`, built from the Dockerfile. An image
    without rocketpy in it is taken for an official one: RocketMQContainer("apache/rocketmq:4.9.8") runs Java's servers,
    and nothing else changes. Other arguments are those of `DockerContainer`.

    Once started, clients can send: the broker is registered under the address at which the host reaches it, and has
    taken one message, into the topic which every broker has under its own name. It goes by the name `broker-a` in
    `DefaultCluster` unless set.

    Clients in other containers of a network find the name server of our image by an alias, "mq:9876" after
    `with_network(network).with_network_aliases("mq")`; both they and those on the host get an address of the broker
    that works for them. An official broker has one address for all: `with_advertised_address("mq:10911")` makes it that
    of the network, and then it is for the network alone. The ids of messages (offsetMsgId) name the address inside, so
    on the host messages are looked up by key or by their other id.
    """

    def __init__(self, image: str | None = None, **kwargs: Any) -> None:
        """Raises ContainerStartException where no container engine answers."""
        try:
            super().__init__(image or os.environ.get(IMAGE_VARIABLE) or DEFAULT_IMAGE, **kwargs)
        except DockerException as error:
            engine = os.environ.get("DOCKER_HOST", "the default socket")
            raise ContainerStartException(f"no container engine answers at {engine}: {error}") from error
        self._settings = {"brokerName": "broker-a"}
        self._topics: dict[str, int] = {}
        self._advertised: str | None = None
        self.with_exposed_ports(NAMESRV_PORT, BROKER_PORT)
        self.with_command(["sh", "-c", _SCRIPT])

    def with_topics(self, *names: str, queues: int = 4) -> Self:
        """Create these topics, each with so many queues to write and to read. Raises ValueError for a bad name."""
        for name in names:
            if (fault := topic_fault(name)) is not None:
                raise ValueError(fault)
        if queues < 1:
            raise ValueError(f"a topic has at least one queue, not {queues}")
        self._topics.update(dict.fromkeys(names, queues))
        return self

    def with_setting(self, key: str, value: object) -> Self:
        """Set a key of the broker's configuration, by Java's name. Raises ValueError for those of the addresses."""
        if key in _OWN_SETTINGS:
            raise ValueError(f"{key} follows from the container; see with_advertised_address")
        self._settings[key] = str(value).lower() if isinstance(value, bool) else str(value)
        return self

    def with_broker_conf(self, path: str | os.PathLike[str]) -> Self:
        """Set all keys of a broker.conf on this host but those of the addresses. Raises ConfigError."""
        for key, value in load_properties(os.fspath(path)).items():
            if key not in _OWN_SETTINGS:
                self.with_setting(key, value)
        return self

    def with_advertised_address(self, address: str) -> Self:
        """Have clients find the broker at this `host:port`, not where this host does. Raises ValueError for others."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"an address is host:port, not {address!r}")
        self._advertised = address
        return self

    def get_namesrv_address(self) -> str:
        """Where clients on this host find the name server, as host:port."""
        return self._outside(NAMESRV_PORT)

    def get_broker_address(self) -> str:
        """Where the broker is reached from this host, as host:port."""
        return self._outside(BROKER_PORT)

    def start(self, timeout: float = 120) -> Self:
        """Start it, and wait up to `timeout` seconds until clients can send.

        Raises ContainerStartException: there is no such image, the engine refuses, the container ended, or the servers
        in it do not get ready; its last lines are in the text. Nothing is left of a container that failed.
        """
        self.with_env(_CONF_VARIABLE, "".join(f"{key}={_escaped(value)}\n" for key, value in self._settings.items()))
        try:
            self._run()
            self._wait_ready(timeout, self._topics)
        except BaseException:
            self.stop()
            self._container = None
            raise
        return self

    def restart(self, timeout: float = 120) -> Self:
        """Stop the servers and start them on what they have stored; wait as `start` does.

        The engine gives new ports, unless `with_bind_ports` chose them.
        """
        self.get_wrapped_container().restart(timeout=_STOP_TIMEOUT)
        self._wait_ready(timeout, {})
        return self

    def _run(self) -> None:
        try:
            super().start()
        except APIError as error:
            raise ContainerStartException(self._refusal(error)) from error

    def _refusal(self, error: APIError) -> str:
        """Why the engine did not start it."""
        reason = error.explanation or str(error)
        try:
            self.get_docker_client().client.images.get(self.image)
        except ImageNotFound:
            return (
                f"there is no image {self.image}, and it cannot be pulled: {reason}. Build it (docker build -t "
                f"{self.image} . in a clone of rocketpy), or name another as argument or in {IMAGE_VARIABLE}"
            )
        return f"the container engine does not start {self.image}: {reason}"

    def _outside(self, port: int) -> str:
        host = self.get_container_host_ip()
        # by the name clients may try ::1, where the engine may have another port than at 127.0.0.1
        return f"{'127.0.0.1' if host == 'localhost' else host}:{self.get_exposed_port(port)}"

    def _wait_ready(self, timeout: float, topics: Mapping[str, int]) -> None:
        deadline = time.monotonic() + timeout
        self._check_runs()
        broker = self.get_broker_address()
        with Probe(self.get_namesrv_address(), broker, self._settings["brokerName"]) as probe:
            while (missing := self._missing(probe, self._advertised or broker, topics)) is not None:
                self._check_runs()
                if time.monotonic() > deadline:
                    text = f"{self.image} is not ready after {timeout:g} s: {missing}; its last lines:\n{self._tail()}"
                    raise ContainerStartException(text)
                time.sleep(_POLL_INTERVAL)

    def _missing(self, probe: Probe, advertised: str, topics: Mapping[str, int]) -> str | None:
        """What keeps clients from sending; None once nothing does."""
        try:
            probe.advertise(advertised, self._settings.get("brokerPermission", "6"))
            for name, queues in topics.items():
                probe.create_topic(name, queues)
            probe.send()
        except NotReady as error:
            return str(error)
        return None

    def _check_runs(self) -> None:
        container = self.get_wrapped_container()
        container.reload()
        if container.status not in ("created", "running"):
            status = container.attrs["State"]["ExitCode"]
            raise ContainerStartException(f"{self.image} ended with status {status}; its last lines:\n{self._tail()}")

    def _tail(self) -> str:
        return self.get_wrapped_container().logs(tail=_LOG_LINES).decode(errors="replace").rstrip()


def _escaped(value: str) -> str:
    """A value as a properties file has it: white space at its begin, and what is not ASCII, would be lost."""
    units = memoryview(value.encode("utf-16-le")).cast("H")
    plain = "".join(chr(unit) if 32 <= unit < 127 and unit != 92 else f"\\u{unit:04x}" for unit in units)
    return f"\\u0020{plain[1:]}" if plain.startswith(" ") else plain
