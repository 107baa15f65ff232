"""The three ports of a broker: the one it is known by, its VIP port two below, its HA port one above.

Any free port, 0, gets its usual neighbours if these are free: clients that use the VIP port compute its number. What is
served on the HA port is `replication`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gevent import socket

from rocketpy.config.remoting import ServerConfig
from rocketpy.errors import RemotingError
from rocketpy.remoting.connection import Door
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server

VIP_BELOW = 2
"""The VIP port is the listen port less this (MixAll.brokerVIPChannel:121)."""
HA_ABOVE = 1

_SLAVES = 16
"""Slaves that wait to be taken."""
T = TypeVar("T")


class Ports:
    """Takes the ports with `listen`, serves with `serve`, gives them back with `stop`."""

    def __init__(self, router: Router, host: str, config: ServerConfig, door: Door | None = None) -> None:
        self._router = router
        self._host = host
        self._config = config
        self._door = door
        self._server = Server(router, host, config.listen_port, config, door=door)
        self._vip_server: Server | None = None
        self._ha_socket: socket.socket | None = None
        self.port = 0
        """The port that is really listened on, 0 before `listen`; it is remembered, since the last requests to name
        servers are written while the ports are being closed."""
        self.vip_port = 0
        """The same of the VIP port."""
        self.ha_port = 0
        """The same of the HA port."""
        self._configured = (0, 0)

    @property
    def known_port(self) -> int:
        """What clients are told: the listen port, or another one that was configured since."""
        return self.port if self._config.listen_port == self._configured[0] else self._config.listen_port

    def known_ha_port(self, configured: int) -> int:
        """The same of the HA port, whose key has the value `configured` now."""
        return self.ha_port if configured == self._configured[1] else configured

    def listen(self, ha_port: int) -> None:
        """Take all three; an HA port of 0 is the usual one. Raises RemotingError that names the port."""
        self._configured = (self._config.listen_port, ha_port)
        self._server.listen()
        self.port = self._server.address[1]
        self._vip_server = self._beside(self.port - VIP_BELOW, self._listen_vip)
        self.vip_port = self._vip_server.address[1]
        self._ha_socket = self._beside(ha_port or self.port + HA_ABOVE, self._reserve)
        self.ha_port = int(self._ha_socket.getsockname()[1])

    def serve(self) -> None:
        """Answer requests."""
        assert self._vip_server is not None
        self._server.start()
        self._vip_server.start()

    def slaves(self) -> socket.socket:
        """The socket on which slaves connect from now on; who asks for it closes it."""
        assert self._ha_socket is not None
        self._ha_socket.listen(_SLAVES)
        listener, self._ha_socket = self._ha_socket, None
        return listener

    def stop(self) -> None:
        """Close every connection and give the ports back."""
        self._server.stop()
        if self._vip_server is not None:
            self._vip_server.stop()
        if self._ha_socket is not None:
            self._ha_socket.close()

    def _beside(self, port: int, take: Callable[[int], T]) -> T:
        """Take `port`; any other will do if the listen port may be any."""
        try:
            return take(port)
        except RemotingError:
            if self._config.listen_port:
                raise
            return take(0)

    def _listen_vip(self, port: int) -> Server:
        server = Server(self._router, self._host, port, self._config, vip=True, door=self._door)
        server.listen()
        return server

    def _reserve(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        reserved = socket.socket(family, socket.SOCK_STREAM)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            reserved.bind((self._host, port))
        except (OSError, OverflowError) as error:
            reserved.close()
            reason = error.strerror if isinstance(error, OSError) else error
            raise RemotingError(f"cannot listen on {self._host or '*'}:{port}: {reason}") from error
        return reserved
