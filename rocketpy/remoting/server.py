"""A listening socket and the connections that came in by it."""

from __future__ import annotations

import errno
import logging
import socket
from time import monotonic
from typing import Any

import gevent
from gevent.hub import get_hub
from gevent.pool import Pool

from rocketpy.config.remoting import ServerConfig
from rocketpy.errors import RemotingError
from rocketpy.remoting.connection import Connection, Door
from rocketpy.remoting.router import Router
from rocketpy.remoting.workers import Workers

log = logging.getLogger(__name__)

ACCEPT_AT_ONCE = 64
"""Connections taken before those which are already there have their turn."""
MOST_SPAWNED = 256
"""Handlers marked `spawn` that run at one time; further requests of that kind wait, and with them their connections."""
FULL_PAUSE = 0.5
"""Seconds without accepting after the process ran out of file descriptors."""

_READ = 1
_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Server:
    """Serves `router` on `host`:`port`; port 0 takes any, see `address`. To be used in one hub.

    `host` is a numeric address; "" is every one, of IPv6 too where there is IPv6, as Java listens.
    Whoever must know the port before anything is served calls `listen` first and `start` when all is set up.
    `vip=True`: the second port of a broker, which does not serve handlers marked `vip=False`. `door` lets connections
    in, with or without TLS; without one all are plain.
    Connections without a byte in either direction for serverChannelMaxIdleTimeSeconds are closed (120 s;
    NettyRemotingServer.java:260).
    """

    def __init__(
        self,
        router: Router,
        host: str = "",
        port: int = 0,
        config: ServerConfig | None = None,
        *,
        vip: bool = False,
        door: Door | None = None,
    ) -> None:
        self._config = ServerConfig() if config is None else config
        self._router = router
        self._vip = vip
        self._door = door
        self._host = host
        self._port = port
        self._listener: socket.socket | None = None
        self._watcher: Any = None
        self._sweeper: gevent.Greenlet[..., None] | None = None
        self.connections: set[Connection] = set()
        self.address: tuple[str, int] = (host, port)

    def listen(self) -> None:
        """Take the port; connections wait until `start`. Raises RemotingError that names host and port."""
        self._listener = self._listen()
        self.address = self._listener.getsockname()[:2]

    def start(self) -> None:
        """Serve; raises RemotingError that names host and port when these cannot be had."""
        if self._listener is None:
            self.listen()
        assert self._listener is not None
        self._serving = self._router.for_vip() if self._vip else self._router
        self._workers = Workers()
        self._pool = Pool(MOST_SPAWNED)
        self._watch(self._listener)
        self._sweeper = gevent.spawn(self._sweep)

    def stop(self) -> None:
        """Take no more connections, close all; harmless when not started."""
        if self._listener is None:
            return
        self._unwatch()
        self._listener.close()
        self._listener = None
        if self._sweeper is None:
            return
        self._sweeper.kill()
        self._sweeper = None
        for connection in list(self.connections):
            connection.close()
        self._pool.kill()
        self._workers.stop()

    def pause(self) -> None:
        """Refuse connections, and close those that there are, until `resume`; nobody else gets the port meanwhile."""
        if self._listener is None or self._watcher is None:
            return
        self._unwatch()
        self._listener.close()
        self._listener = self._bind(self.address[1])
        for connection in list(self.connections):
            connection.close()

    def resume(self) -> None:
        """Undo `pause`."""
        if self._listener is not None and self._watcher is None:
            self._listener.listen(self._config.server_socket_backlog)
            self._watch(self._listener)

    def _watch(self, listener: socket.socket) -> None:
        self._watcher = get_hub().loop.io(listener.fileno(), _READ)
        self._watcher.start(self._workers.run, self._accept)

    def _unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None

    def close_idle(self, now: float) -> None:
        """Close what was silent for too long; `now` is in seconds of time.monotonic()."""
        limit = self._config.server_channel_max_idle_time_seconds
        for connection in [one for one in self.connections if now - one.last_active >= limit]:
            connection.close(f"idle for {limit} s")

    def _listen(self) -> socket.socket:
        listener = self._bind(self._port)
        try:
            listener.listen(self._config.server_socket_backlog)
        except OSError as error:
            listener.close()
            raise RemotingError(f"cannot listen on {self._host or '*'}:{self._port}: {error.strerror}") from error
        return listener

    def _bind(self, port: int) -> socket.socket:
        wants_v6 = ":" in self._host if self._host else socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if wants_v6 else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            for option, size in (
                (socket.SO_SNDBUF, self._config.server_socket_snd_buf_size),
                (socket.SO_RCVBUF, self._config.server_socket_rcv_buf_size),
            ):
                if size > 0:
                    listener.setsockopt(socket.SOL_SOCKET, option, size)  # connections inherit it
            listener.bind((self._host, port))
            listener.setblocking(False)
        except (OSError, OverflowError) as error:
            listener.close()
            reason = error.strerror if isinstance(error, OSError) else error
            raise RemotingError(f"cannot listen on {self._host or '*'}:{port}: {reason}") from error
        return listener

    def _accept(self) -> None:
        for _ in range(ACCEPT_AT_ONCE):
            if self._listener is None:
                return
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_FILES:
                    self._pause_accepting(error)
                    return
                log.info("a connection was gone before it was taken: %s", error)
                continue
            self._take(sock)

    def _take(self, sock: socket.socket) -> None:
        try:
            connection = Connection(sock, self._serving, self._workers, self._pool)
        except OSError as error:  # reset before it was looked at
            sock.close()
            log.info("a connection was gone before it was taken: %s", error)
            return
        self.connections.add(connection)
        connection.on_close.append(self.connections.discard)
        connection.start(self._door)

    def _pause_accepting(self, error: OSError) -> None:
        log.error("no connection can be taken on port %d: %s", self.address[1], error.strerror)
        self._watcher.stop()
        gevent.sleep(FULL_PAUSE)
        if self._watcher is not None:
            self._watcher.start(self._workers.run, self._accept)

    def _sweep(self) -> None:
        limit = self._config.server_channel_max_idle_time_seconds
        while limit > 0:
            gevent.sleep(max(limit / 24, 0.1))
            self.close_idle(monotonic())
