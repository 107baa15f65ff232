"""A name server and a broker in one process: the whole of RocketMQ for a developer, a test or a small machine.

    with Standalone.on_free_ports() as rocketmq:
        print(rocketmq.namesrv.address)
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Self

from rocketpy.broker.app import Broker, temporary_directory
from rocketpy.clock import Clock, now_ms
from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.namesrv.app import NameServer
from rocketpy.remoting.app import App
from rocketpy.remoting.loops import Loops


class Standalone(App):
    """Starts the name server, then the broker, which registers there and nowhere else."""

    def __init__(
        self,
        namesrv: NamesrvSettings | None = None,
        broker: BrokerSettings | None = None,
        *,
        store: str | None = None,
        ephemeral: bool = False,
        host: str = "",
        clock: Clock = now_ms,
        peer_clock: Clock | None = None,
    ) -> None:
        """Everything is written below the directory `store`, whatever the settings say.

        With `ephemeral` that is a temporary one, made at each start and removed at the stop. Both listen on the numeric
        address `host`, "" is every one, and take the time from `clock` and `peer_clock` (see `Broker`). Raises
        ConfigError for settings that cannot be started.
        """
        self.namesrv = NameServer(namesrv, host=host, clock=clock, peer_clock=peer_clock)
        self.broker = Broker(broker, host=host, clock=clock, peer_clock=peer_clock)
        self._ephemeral = ephemeral
        self._temporary: TemporaryDirectory[str] | None = None
        if store is not None:
            self._keep_below(store)

    @classmethod
    def on_free_ports(
        cls,
        store: str | None = None,
        *,
        host: str = "127.0.0.1",
        clock: Clock = now_ms,
        peer_clock: Clock | None = None,
    ) -> Self:
        """On any free ports, known to clients as `host`, in the directory `store`, or else in a temporary one."""
        namesrv, broker = NamesrvSettings(), BrokerSettings()
        namesrv.server.listen_port = broker.server.listen_port = 0
        broker.broker.broker_ip1 = broker.broker.broker_ip2 = host
        return cls(namesrv, broker, store=store, ephemeral=store is None, clock=clock, peer_clock=peer_clock)

    def _keep_below(self, directory: str) -> None:
        self.namesrv.settings.keep_below(f"{directory}/namesrv")
        self.broker.settings.keep_below(directory)

    def loops(self) -> list[Loops]:
        """Those of both."""
        return [*self.namesrv.loops(), *self.broker.loops()]

    def settle(self) -> None:
        """Wait until what both do in the background is done."""
        self.namesrv.settle()
        self.broker.settle()

    def start(self) -> None:
        """Start both. Raises ConfigError, StoreError or RemotingError."""
        if self._ephemeral:
            self._temporary = temporary_directory()
            self._keep_below(self._temporary.name)
        self.namesrv.start()
        self.broker.settings.broker.namesrv_addr = self.namesrv.address
        self.broker.start()

    def stop(self) -> None:
        """Stop both, the broker first."""
        try:
            self.broker.stop()
        finally:
            self.namesrv.stop()
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None
