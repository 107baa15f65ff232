"""A name server or broker as a child process: own directory, own ports, stopped when the `with` ends."""

from __future__ import annotations

import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from interop.ports import broker_port, free_port
from interop.process import Process, Program
from interop.raw_client import RawClient
from rocketpy.protocol.codes import RequestCode

START_TIMEOUT = 120.0
LOOPBACK = "127.0.0.1"


class Server(ABC):
    """Starts with `start` or `with`, can be stopped, killed and started again on the same port and files.

    `directory` gets the configuration file, the log and whatever the server writes; `settings` are keys of the
    configuration file, by Java's names.
    """

    kind: str

    def __init__(self, directory: Path, host: str, port: int, settings: Mapping[str, str]) -> None:
        self.directory = directory
        self.host = host
        self.port = port
        self.settings = {"listenPort": str(port), **settings}
        self.process: Program | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def config_file(self) -> Path:
        return self.directory / f"{self.kind}.conf"

    @abstractmethod
    def choose_port(self) -> int:
        """The port to listen on."""

    @abstractmethod
    def command(self) -> list[str]:
        """What runs the server with its configuration file."""

    def environment(self) -> Mapping[str, str] | None:
        """The environment that it runs in, None for ours."""
        return None

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it does its work; may raise OSError or LookupError for no."""

    def launch(self) -> Program:
        """Start it without waiting."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        self.process = self.run()
        return self.process

    def run(self) -> Program:
        """The command, started: as a child process."""
        return Process(self.command(), self.directory / f"{self.kind}.log", environment=self.environment())

    def start(self) -> None:
        """Start it and wait until it is ready. Raises RuntimeError with the end of its log when it does not get so."""
        process = self.launch()
        deadline = time.monotonic() + START_TIMEOUT
        while not self._seems_ready():
            if not process.alive or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"{self.command()[0]} {self.kind} did not start:\n{process.tail()}")
            time.sleep(0.05)

    def stop(self) -> int:
        """End it as an operator would; its exit status."""
        process, self.process = self.process, None
        return process.stop() if process is not None else 0

    def kill(self) -> None:
        """End it as a crash would; the files stay as they are."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it at once: Java takes seconds to shut down, and nobody looks at the files any more."""
        self.kill()

    def _seems_ready(self) -> bool:
        try:
            return self.is_ready()
        except (OSError, LookupError):
            return False


class NameServerProcess(Server):
    """A name server."""

    kind = "namesrv"

    def __init__(self, directory: Path, *, host: str = LOOPBACK, **settings: str) -> None:
        path = str(directory / "kvConfig.json")  # else it would be in the home of whoever runs this
        super().__init__(directory, host, self.choose_port(), {"kvConfigPath": path, **settings})

    def choose_port(self) -> int:
        return free_port()

    def is_ready(self) -> bool:
        with socket.create_connection((self.host, self.port), 1):
            return True


class BrokerProcess(Server):
    """A master broker registered at `namesrv`; ready when the name server routes to it and it knows its figures.

    Java's broker fails on GET_BROKER_RUNTIME_INFO for about a second after its start.
    """

    kind = "broker"

    def __init__(
        self,
        directory: Path,
        namesrv: str,
        *,
        name: str = "broker-a",
        cluster: str = "DefaultCluster",
        host: str = LOOPBACK,
        **settings: str,
    ) -> None:
        port = self.choose_port()
        self.namesrv = namesrv
        self.name = name
        self.store = directory / "store"
        super().__init__(
            directory,
            host,
            port,
            {
                "brokerClusterName": cluster,
                "brokerName": name,
                "brokerId": "0",
                "brokerIP1": host,
                "brokerIP2": host,
                "namesrvAddr": namesrv,
                "haListenPort": str(port + 1),
                "storePathRootDir": str(self.store),
                "storePathCommitLog": str(self.store / "commitlog"),
                "mappedFileSizeCommitLog": str(64 << 20),
                "waitTimeMillsInSendQueue": "10000",  # a busy machine is not what is being looked at
                "osPageCacheBusyTimeOutMills": "10000",
                **settings,
            },
        )

    def choose_port(self) -> int:
        return broker_port()

    def is_ready(self) -> bool:
        with RawClient(self.namesrv, timeout=2) as client:
            table = client.ask_json(RequestCode.GET_BROKER_CLUSTER_INFO)["brokerAddrTable"]
        advertised = f"{self.settings['brokerIP1']}:{self.port}"
        if advertised not in table.get(self.name, {"brokerAddrs": {}})["brokerAddrs"].values():
            return False
        with RawClient(self.address, timeout=2) as client:
            return client.ask(RequestCode.GET_BROKER_RUNTIME_INFO).code == 0
