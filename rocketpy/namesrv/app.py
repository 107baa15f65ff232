"""The name server as a whole."""

from __future__ import annotations

import gevent

from rocketpy.clock import now_ms
from rocketpy.config.startup import NamesrvSettings
from rocketpy.namesrv.broker_processor import BrokerProcessor
from rocketpy.namesrv.config_processor import ConfigProcessor
from rocketpy.namesrv.kv import KVConfigTable
from rocketpy.namesrv.product_env import ProductEnv, ProductRouteProcessor
from rocketpy.namesrv.route_processor import RouteProcessor
from rocketpy.namesrv.route_table import RouteTable
from rocketpy.remoting.app import App
from rocketpy.remoting.client import Client
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server

_FIRST_SCAN_S = 5
_SCAN_S = 10


class NameServer(App):
    """A name server on listenPort, 9876 unless told otherwise; 0 takes any.

    `host` is a numeric address to listen on, "" is every one.
    """

    def __init__(self, settings: NamesrvSettings | None = None, *, host: str = "") -> None:
        self.settings = NamesrvSettings() if settings is None else settings
        self._host = host
        self._kv = KVConfigTable(self.settings.namesrv.kv_config_path)
        self._routes = RouteTable()
        self._server: Server | None = None
        self._client: Client | None = None
        self._scan: gevent.Greenlet[..., None] | None = None

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
        self._server = Server(self._router(), self._host, config.listen_port, config)
        self._server.start()
        self._scan = gevent.spawn(self._scan_forever)

    def stop(self) -> None:
        """Closes every connection; nothing is left to be saved."""
        if self._scan is not None:
            self._scan.kill()
        if self._server is not None:
            self._server.stop()
        if self._client is not None:
            self._client.close()

    def _router(self) -> Router:
        config = self.settings.namesrv
        if config.cluster_test:
            self._client = Client()
            env = ProductEnv(config.product_env_name, self._client)
            routes: RouteProcessor = ProductRouteProcessor(config, self._routes, self._kv, env)
        else:
            routes = RouteProcessor(config, self._routes, self._kv)
        return Router(
            routes,
            BrokerProcessor(self._routes, self._kv, now_ms),
            ConfigProcessor(self._kv, self.settings.live(now_ms()), now_ms),
            unknown="silent",
        )

    def drop_expired(self, now: int) -> None:
        """Drops the brokers that have been silent for 120 s at the time `now`, in ms, and closes their connections."""
        for peer in self._routes.expire(now):
            peer.close("its broker is silent")

    def _scan_forever(self) -> None:
        """Looks each 10 s, first 5 s after the start (NamesrvController:91)."""
        gevent.sleep(_FIRST_SCAN_S)
        while True:
            self.drop_expired(now_ms())
            gevent.sleep(_SCAN_S)
