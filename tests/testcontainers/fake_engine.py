"""A container engine that starts no container: in place of one it runs the servers in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docker.errors import APIError, ImageNotFound
from testcontainers.core.config import ConnectionMode

from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.standalone import Standalone

INNER_IP = "127.0.0.3"
"""What the broker takes for its address at first, as one in a container does."""


class FakeContainer:
    """Runs a name server and a broker by the configuration in its environment, unless `ended` says how it ended."""

    id = short_id = "c0ffee"

    def __init__(self, directory: Path, environment: Mapping[str, str], ended: tuple[int, str] | None) -> None:
        self._conf = directory / "broker.conf"
        self._store = str(directory / "store")
        self._environment = environment
        self._ended = ended
        self.servers: Standalone | None = None
        self.attrs: dict[str, Any] = {}
        self.status = "created"
        self.removed = False

    def start(self) -> None:
        """New ports each time, as an engine gives them."""
        if self._ended is not None:
            self.status, self.attrs = "exited", {"State": {"ExitCode": self._ended[0]}}
            return
        self.status = "running"
        self._conf.write_text(self._environment["ROCKETPY_BROKER_CONF"])
        namesrv, broker = NamesrvSettings(), BrokerSettings()
        broker.load(str(self._conf))
        broker.broker.broker_ip1 = broker.broker.broker_ip2 = INNER_IP
        namesrv.server.listen_port = broker.server.listen_port = 0
        self.servers = Standalone(namesrv, broker, store=self._store)
        self.servers.start()

    def restart(self, timeout: int) -> None:
        """Stop and start."""
        self._stop()
        self.start()

    def remove(self, force: bool, v: bool) -> None:
        """Be gone."""
        assert not self.removed
        self._stop()
        self.removed = True

    def reload(self) -> None:
        """It has no state but its own."""

    def logs(self, tail: int) -> bytes:
        """What it said."""
        return self._ended[1].encode() if self._ended is not None else b"nothing to say\n"

    def _stop(self) -> None:
        if self.servers is not None:
            self.servers.stop()
            self.servers = None


class FakeEngine:
    """Has the `images` given; `pulls` says what a registry answers, `refuses` what starting does."""

    def __init__(self, directory: Path, images: tuple[str, ...]) -> None:
        self._directory = directory
        self._images = images
        self.refuses: str | None = None
        self.ended: tuple[int, str] | None = None
        self.silent_ports = False
        self.containers: list[FakeContainer] = []
        self.asked: dict[str, Any] = {}
        self.client = SimpleNamespace(images=SimpleNamespace(get=self._image), close=lambda: None)

    def _image(self, name: str) -> str:
        if name not in self._images:
            raise ImageNotFound("404 Client Error", explanation=f"No such image: {name}")
        return name

    def create(self, image: str, **asked: Any) -> FakeContainer:
        """As testcontainers' DockerClient does."""
        try:
            self._image(image)
        except ImageNotFound:
            raise APIError("500 Server Error", explanation="no registry is reached") from None
        if self.refuses is not None:
            raise APIError("500 Server Error", explanation=self.refuses)
        self.asked = asked
        directory = self._directory / str(len(self.containers))
        directory.mkdir()
        container = FakeContainer(directory, asked["environment"], self.ended)
        self.containers.append(container)
        return container

    def start(self, container: FakeContainer) -> None:
        """Start what `create` made."""
        container.start()

    def port(self, container_id: str, port: int) -> str:
        """Where a port is mapped to."""
        if self.silent_ports:
            return "1"
        servers = self.containers[-1].servers
        assert servers is not None
        addresses = {9876: servers.namesrv.address, 10911: servers.broker.address}
        return addresses[port].rpartition(":")[2]

    def host(self) -> str:
        """What the host is called."""
        return "localhost"

    def get_connection_mode(self) -> ConnectionMode:
        """By the mapped ports."""
        return ConnectionMode.docker_host


def plugged(engine: FakeEngine) -> Callable[..., FakeEngine]:
    """What stands in for the class DockerClient."""
    return lambda **_: engine
