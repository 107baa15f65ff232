"""Name servers and brokers in containers: Java's and ours take the same commands, files and volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from interop import images
from interop.cluster import Cluster, running_cluster
from interop.container_program import ContainerProgram
from interop.containers import Containers, Network
from interop.process import Program
from interop.server import BrokerProcess, NameServerProcess

Image = Callable[[], str]
"""Makes sure that an image is there and gives its name."""

IMAGES: dict[str, tuple[Image, Image]] = {
    "java": (images.official, images.official),
    "ours": (images.ours, images.ours),
    "our-broker-at-java-namesrv": (images.official, images.ours),
    "java-broker-at-our-namesrv": (images.ours, images.official),
}
"""Whose name server and whose broker, as interop.cluster.DIRECTIONS."""

HOME = "/home/rocketmq"
STORE = f"{HOME}/store"
ENVIRONMENT = {"JAVA_OPT_EXT": "-Xms128m -Xmx512m -Xmn64m"}
"""The official scripts take gigabytes otherwise; ours has no use for it."""


class ContainerNameServer(NameServerProcess):
    """`sh mqnamesrv -c FILE`."""

    def __init__(
        self, directory: Path, image: Image, containers: Containers, *networks: Network, **settings: str
    ) -> None:
        self._image = image
        self._containers = containers
        self.addresses = {network: network.new_address() for network in networks}
        self.container: ContainerProgram | None = None
        host = self.addresses[networks[0]]
        super().__init__(directory, host=host, **{"kvConfigPath": f"{HOME}/kvConfig.json", **settings})

    def choose_port(self) -> int:
        return 9876

    def command(self) -> list[str]:
        return ["sh", "mqnamesrv", "-c", f"{HOME}/{self.config_file.name}"]

    def address_on(self, network: Network) -> str:
        """Where those on `network` reach it."""
        return f"{self.addresses[network]}:{self.port}"

    def run(self) -> Program:
        if self.container is None:
            self.container = self._containers.container(
                self._image(),
                self.command(),
                self.addresses,
                environment=ENVIRONMENT,
                files={f"{HOME}/{self.config_file.name}": self.config_file},
            )
        self.container.start()
        return self.container


class ContainerBroker(BrokerProcess):
    """`sh mqbroker -n NAMESRV -c FILE`, on a volume; it advertises its address on the first of the networks."""

    def __init__(
        self,
        directory: Path,
        image: Image,
        containers: Containers,
        namesrv: str,
        *networks: Network,
        name: str = "broker-a",
        volume: str | None = None,
        **settings: str,
    ) -> None:
        self._image = image
        self._containers = containers
        self.volume = volume or containers.volume()
        self.addresses = {network: network.new_address() for network in networks}
        self.container: ContainerProgram | None = None
        places = {"storePathRootDir": STORE, "storePathCommitLog": f"{STORE}/commitlog"}
        host = self.addresses[networks[0]]
        super().__init__(directory, namesrv, name=name, host=host, **{**places, **settings})

    def choose_port(self) -> int:
        return 10911

    def command(self) -> list[str]:
        return ["sh", "mqbroker", "-n", self.settings["namesrvAddr"], "-c", f"{HOME}/{self.config_file.name}"]

    def run(self) -> Program:
        if self.container is None:
            self.container = self._containers.container(
                self._image(),
                self.command(),
                self.addresses,
                volumes={self.volume: STORE},
                environment=ENVIRONMENT,
                files={f"{HOME}/{self.config_file.name}": self.config_file},
            )
        self.container.start()
        return self.container


@contextmanager
def started_containers(
    direction: str, directory: Path, containers: Containers, *networks: Network, **settings: str
) -> Iterator[Cluster]:
    """The two servers of `direction` in containers on `networks`, as interop.cluster.started_cluster."""
    name_server_image, broker_image = IMAGES[direction]
    with (
        ContainerNameServer(directory / "namesrv", name_server_image, containers, *networks) as name_server,
        ContainerBroker(
            directory / "broker", broker_image, containers, name_server.address, *networks, **settings
        ) as broker,
    ):
        yield running_cluster(name_server.address, broker)
