"""Where the servers of a test run: here, in a thread of their own, or somewhere else, where they are only asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from rocketpy.admin.client import AdminClient
from rocketpy.broker.app import temporary_directory
from rocketpy.broker.ports import HA_ABOVE, VIP_BELOW
from rocketpy.client.hub import Hub
from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.disk import mount, unmount
from rocketpy.errors import ConfigError, StoreError
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.topic_names import TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC
from rocketpy.remoting.loops import Loops
from rocketpy.standalone import Standalone
from rocketpy.testing.clock import MovableClock, ServerClock
from rocketpy.testing.errors import NotOurs
from rocketpy.testing.fault_table import FaultTable
from rocketpy.testing.inspector import Inspector
from rocketpy.testing.kept_ports import KeptPorts
from rocketpy.testing.scratch_disk import ScratchDisk
from rocketpy.testing.words import Setting, text_of

P = ParamSpec("P")
T = TypeVar("T")

LOOPBACK = "127.0.0.1"


class Elsewhere(Hub):
    """Servers that somebody else runs; what asks them runs in this hub."""

    inspector: Inspector | None = None

    def __init__(self, namesrv_address: str = "") -> None:
        self.namesrv_address = namesrv_address

    def start(self) -> None:
        """Connects to nobody yet."""
        self.inspector = Inspector(AdminClient(self.namesrv_address))

    def stop(self) -> None:
        """Close the connections; harmless when not started."""
        if self.inspector is not None:
            self.inspector.admin.close()
            self.inspector = None


@dataclass(frozen=True)
class LocalOptions:
    """What servers of one's own are like.

    `settings` are keys of broker.conf. `host` is what clients are told to connect to: unless that is 127.0.0.1 the
    servers listen on every address. Ports of 0 are any. Without `store` messages are in a temporary directory.
    """

    settings: Mapping[str, Setting] = field(default_factory=dict)
    host: str = LOOPBACK
    store: str | None = None
    namesrv_port: int = 0

    def __post_init__(self) -> None:
        """Raises ConfigError for settings that nobody knows, or that cannot be started."""
        self.broker()

    def broker(self, settings: Mapping[str, Setting] | None = None) -> BrokerSettings:
        """The broker's, with more `settings` if there are any. Raises ConfigError."""
        made = BrokerSettings()
        made.server.listen_port = 0
        made.broker.broker_ip1 = made.broker.broker_ip2 = self.host
        texts = {name: text_of(value) for name, value in {**self.settings, **(settings or {})}.items()}
        keys = {key.setter: key for config in (*made.configs, made.timer) for key in config.KEYS}
        for name, text in texts.items():
            if name not in keys:
                raise ConfigError(f"{name} is no key of broker.conf; mqbroker -p prints those that there are")
            try:
                keys[name].parse(text)
            except ValueError:
                raise ConfigError(f"{name}={text} is not usable") from None
        made.take_over(texts, "settings")
        made.settle()
        return made

    @property
    def listen_host(self) -> str:
        """The address to listen on."""
        return self.host if self.host == LOOPBACK else ""


class Local(Elsewhere):
    """A name server and a broker in this process; they keep their ports over a restart."""

    standalone: Standalone
    clock: ServerClock
    faults: FaultTable

    def __init__(self, options: LocalOptions) -> None:
        super().__init__()
        self._options = options
        self._undo = ExitStack()
        self._directory = ""
        self._namesrv_port = self._listen_port = 0

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `App.call`; among the caller's own greenlets there is nowhere to go."""
        return function(*args, **kwargs) if self._here else super().call(function, *args, **kwargs)

    def loops(self) -> list[Loops]:
        """Those of both servers."""
        return self.standalone.loops()

    def settle(self) -> None:
        """Wait until what both do in the background is done."""
        self.standalone.settle()

    def start(self) -> None:
        """Raises ConfigError, StoreError or RemotingError."""
        self._directory = self._options.store or self._scratch()
        host, ports = self._options.listen_host, KeptPorts()
        self._undo.callback(ports.release)
        self._namesrv_port = self._options.namesrv_port or ports.take(host)
        self._listen_port = self._options.broker().server.listen_port or ports.take(host, -VIP_BELOW, HA_ABOVE)
        self.standalone = self._make(self._options.broker())
        _start(self.standalone)
        self.namesrv_address = f"{self._options.host}:{self._namesrv_port}"
        super().start()

    def stop(self) -> None:
        """Stop everything, and remove what is temporary."""
        try:
            super().stop()
            if hasattr(self, "standalone"):
                self._stop_servers()
        finally:
            self._undo.close()

    def restart(self) -> None:
        """Stop both servers and start them again: messages, offsets and addresses stay."""
        self.standalone.stop()
        _start(self.standalone)
        self.faults.renew()

    def reset(self, settings: Mapping[str, Setting] | None = None) -> None:
        """Start both anew, with nothing in them and at the machine's time, but on the same ports.

        `settings` are more than those of the beginning. Raises NotOurs for a store that is to be kept.
        """
        if self._options.store is not None:
            raise NotOurs(f"the store {self._options.store} is to be kept: it is not reset")
        settled = self._options.broker(settings)
        self._stop_servers()
        self.standalone = self._make(settled)
        for path in Path(self._directory).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        _start(self.standalone)

    def _stop_servers(self) -> None:
        """What a faulty disk has done to messages that are thrown away is nobody's trouble."""
        self.faults.obey("clear", {})
        with suppress(*(() if self._options.store else (StoreError,))):
            self.standalone.stop()

    def _scratch(self) -> str:
        directory = self._undo.enter_context(temporary_directory())
        mount(directory, ScratchDisk())
        self._undo.callback(unmount, directory)
        return directory

    def _make(self, broker: BrokerSettings) -> Standalone:
        """Servers with a clock of their own that nobody has moved yet."""
        namesrv, clock = NamesrvSettings(), MovableClock()
        namesrv.server.listen_port, broker.server.listen_port = self._namesrv_port, self._listen_port
        self.clock = ServerClock(clock, self)
        made = Standalone(
            namesrv, broker, store=self._directory, host=self._options.listen_host,
            clock=clock, peer_clock=clock.of_peers,
        )  # fmt: skip
        self.faults = FaultTable(made)
        return made


def _start(standalone: Standalone) -> None:
    """Start, and have the topics of half messages, which can be looked at only then: a broker makes one later."""
    standalone.start()
    for topic in (TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC):
        standalone.broker.topics.create_on_send_back(topic, 1, Perm.READ | Perm.WRITE)
