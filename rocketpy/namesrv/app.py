"""The name server as a whole."""

from __future__ import annotations

from rocketpy.clock import Clock, now_ms
from rocketpy.config.startup import NamesrvSettings
from rocketpy.namesrv.broker_processor import BrokerProcessor
from rocketpy.namesrv.config_processor import ConfigProcessor
from rocketpy.namesrv.insiders import Insiders
from rocketpy.namesrv.kv import KVConfigTable
from rocketpy.namesrv.product_env import ProductEnv, ProductRouteProcessor
from rocketpy.namesrv.route_processor import RouteProcessor
from rocketpy.namesrv.route_table import RouteTable
from rocketpy.remoting.app import App
from rocketpy.remoting.client import Client
from rocketpy.remoting.loops import Loops
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server
from rocketpy.remoting.tls_door import TlsDoor

_FIRST_SCAN_MS = 5_000
_SCAN_MS = 10_000


class NameServer(App):
    """A name server on listenPort, 9876 unless told otherwise; 0 takes any.

    `host` is a numeric address to listen on, "" is every one. `clock` tells the time, `peer_clock`, if it is another
    one, for how long brokers have been silent.
    """

    def __init__(
        self,
        settings: NamesrvSettings | None = None,
        *,
        host: str = "",
        clock: Clock = now_ms,
        peer_clock: Clock | None = None,
    ) -> None:
        self.settings = NamesrvSettings() if settings is None else settings
        self._host = host
        self._clock = clock
        self._peer_clock = clock if peer_clock is None else peer_clock
        self._kv = KVConfigTable(self.settings.namesrv.kv_config_path)
        self._routes = RouteTable()
        self._server: Server | None = None
        self._client: Client | None = None
        self._loops = Loops(clock)

    @property
    def address(self) -> str:
        """Where it is reached from this machine, "host:port", with the port that it really listens on."""
        host = self._host if self._host not in ("", "0.0.0.0", "::") else "127.0.0.1"
        port = self.settings.server.listen_port if self._server is None else self._server.address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Reads kvConfig.json and listens. Raises ConfigError or RemotingError."""
        self._kv.path = self.settings.namesrv.kv_config_path     # it may have been changed since
        self._kv.load()
        config = self.settings.server
        door = TlsDoor(self.settings.tls)
        door.prepare()
        self._server = Server(self._router(), self._host, config.listen_port, config, door=door)
        self._server.start()
        self._loops.every(_SCAN_MS, lambda: self.drop_expired(self._peer_clock()), first=_FIRST_SCAN_MS)

    def stop(self) -> None:
        """Closes every connection; nothing is left to be saved."""
        self._loops.stop()
        if self._server is not None:
            self._server.stop()
        if self._client is not None:
            self._client.close()

    def _router(self) -> Router:
        config = self.settings.namesrv
        insiders = Insiders(self.settings.inside)
        if config.cluster_test:
            self._client = Client()
            env = ProductEnv(config.product_env_name, self._client)
            routes: RouteProcessor = ProductRouteProcessor(config, self._routes, self._kv, insiders, env)
        else:
            routes = RouteProcessor(config, self._routes, self._kv, insiders)
        return Router(
            routes,
            BrokerProcessor(self._routes, self._kv, self._peer_clock),
            ConfigProcessor(self._kv, self.settings.live(self._clock()), self._clock),
            unknown="silent",
        )

    def drop_expired(self, now: int) -> None:
        """Drops the brokers that have been silent for 120 s at the time `now`, in ms, and closes their connections."""
        for peer in self._routes.expire(now):
            peer.close("its broker is silent")

    def loops(self) -> list[Loops]:
        """The one that looks for silent brokers (NamesrvController:91)."""
        return [self._loops]
