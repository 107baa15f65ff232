"""The two brokers under test, as processes of their own, and what the system says of them."""

from __future__ import annotations

import os
import socket
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

from interop.artifacts import OPEN_MODULES, classpath, java
from interop.java_servers import environment, make_home
from interop.ports import broker_port
from interop.process import Process
from rocketpy.protocol.command import Command
from tools.bench.frames import send_frame

_TICKS = os.sysconf("SC_CLK_TCK")
_MOST_START_SECONDS = 60.0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mib(pid: int) -> tuple[float, float]:
    """MiB resident in all, and without pages of files."""
    sizes = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(sizes["VmRSS"].split()[0]) / 1024, int(sizes["RssAnon"].split()[0]) / 1024


class Broker(ABC):
    """A broker without a name server, flushing asynchronously, in `directory`."""

    name: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory / self.name
        self.port = broker_port()
        self.ready_seconds = 0.0
        self._process: Process | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What runs it."""

    def environment(self) -> dict[str, str]:
        """What it runs in."""
        return environment()

    @property
    def config_file(self) -> Path:
        return self.directory / "broker.conf"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start it; `ready_seconds` is how long it took until a send succeeded.

        Raises RuntimeError with the end of its log when it does not get so far.
        """
        store = self.directory / "store"
        store.mkdir(parents=True, exist_ok=True)  # a store may be there already
        settings = {
            "brokerName": "bench",
            "brokerIP1": "127.0.0.1",
            "brokerIP2": "127.0.0.1",
            "listenPort": self.port,
            "haListenPort": self.port + 1,
            "storePathRootDir": store,
            "storePathCommitLog": store / "commitlog",
            "flushDiskType": "ASYNC_FLUSH",
            "waitTimeMillsInSendQueue": 10000,
            "osPageCacheBusyTimeOutMills": 10000,
        }
        self.config_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        command = self.command()
        begun = time.perf_counter()
        self._process = Process(command, self.directory / "log", environment=self.environment())
        while not self._takes_a_message():
            if not self._process.alive or time.perf_counter() > begun + _MOST_START_SECONDS:
                raise RuntimeError(f"{self.name} did not start:\n{self._process.tail()}")
            time.sleep(0.01)
        self.ready_seconds = time.perf_counter() - begun

    def stop(self) -> None:
        """End it; harmless when not started."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def cpu_seconds(self) -> float:
        """User and system time so far, of all its threads."""
        return cpu_seconds(self.pid)

    def memory(self) -> tuple[float, float]:
        """MiB resident in all, and without pages of files (the store's, mapped)."""
        return resident_mib(self.pid)

    def _takes_a_message(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as link:
                link.sendall(send_frame(1, 128))
                length = int.from_bytes(_exactly(link, 4))
                return Command.decode(_exactly(link, length)).code == 0
        except OSError:
            return False


def _exactly(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = link.recv(size - len(data))
        if not more:
            raise ConnectionError("closed early")
        data += more
    return data


class JavaBroker(Broker):
    """The official broker 4.9.7, with G1 and a heap of 2 GiB (its own script asks for 8)."""

    name = "java"

    def command(self) -> list[str]:
        home = make_home(self.directory, level="ERROR")
        places = (f"-Drocketmq.home.dir={home}", f"-Duser.home={self.directory}")
        heap = ("-Xms2g", "-Xmx2g", "-XX:+UseG1GC")
        main = "org.apache.rocketmq.broker.BrokerStartup"
        return [java(), *heap, *OPEN_MODULES, *places, "-cp", classpath("broker"), main, "-c", str(self.config_file)]


class OurBroker(Broker):
    """Ours, by its console script."""

    name = "ours"

    def command(self) -> list[str]:
        return [str(Path(sys.executable).with_name("mqbroker")), "-c", str(self.config_file)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "ROCKETMQ_HOME": str(self.directory), "HOME": str(self.directory)}


KINDS: dict[str, type[Broker]] = {one.name: one for one in (JavaBroker, OurBroker)}
