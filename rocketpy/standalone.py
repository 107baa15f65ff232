"""A name server and a broker in one process: the whole of RocketMQ for a developer, a test or a small machine.

    with Standalone.on_free_ports("/tmp/store") as rocketmq:
        print(rocketmq.namesrv.address)
"""

from __future__ import annotations

from typing import Self

from rocketpy.broker.app import Broker
from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.namesrv.app import NameServer
from rocketpy.remoting.app import App


class Standalone(App):
    """Starts the name server, then the broker, which registers there and nowhere else."""

    def __init__(self, namesrv: NamesrvSettings | None = None, broker: BrokerSettings | None = None) -> None:
        """Raises ConfigError for settings that cannot be started."""
        self.namesrv = NameServer(namesrv)
        self.broker = Broker(broker)

    @classmethod
    def on_free_ports(cls, store: str, *, host: str = "127.0.0.1") -> Self:
        """On any free ports, known to clients as `host`, with everything it writes below the directory `store`."""
        namesrv, broker = NamesrvSettings(), BrokerSettings()
        namesrv.server.listen_port = broker.server.listen_port = 0
        keep_below(store, namesrv, broker)
        broker.broker.broker_ip1 = broker.broker.broker_ip2 = host
        return cls(namesrv, broker)

    def start(self) -> None:
        """Start both. Raises ConfigError, StoreError or RemotingError."""
        self.namesrv.start()
        self.broker.settings.broker.namesrv_addr = self.namesrv.address
        self.broker.start()

    def stop(self) -> None:
        """Stop both, the broker first."""
        try:
            self.broker.stop()
        finally:
            self.namesrv.stop()


def keep_below(directory: str, namesrv: NamesrvSettings, broker: BrokerSettings) -> None:
    """Have both write into `directory`, the store's root, and nowhere else."""
    namesrv.namesrv.kv_config_path = f"{directory}/namesrv/kvConfig.json"
    namesrv.namesrv.config_store_path = f"{directory}/namesrv/namesrv.properties"
    broker.store.store_path_root_dir = directory
    broker.path = f"{directory}/config/broker.properties"
