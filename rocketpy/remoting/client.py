"""Requests to other processes: one connection an address, made when needed and shared by all who ask."""

from __future__ import annotations

import logging
import socket
from time import monotonic
from typing import TYPE_CHECKING

import gevent
from gevent import socket as gsocket
from gevent.event import AsyncResult
from gevent.pool import Pool

from rocketpy.config.remoting import RemotingClientConfig
from rocketpy.errors import ConnectError, RemotingError, RemotingTimeout
from rocketpy.protocol.codes import LanguageCode
from rocketpy.protocol.command import JSON, Command
from rocketpy.protocol.header import Header
from rocketpy.remoting.asked import Asked, Callback, late
from rocketpy.remoting.connection import Connection, Sign
from rocketpy.remoting.router import Router
from rocketpy.remoting.workers import Workers

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

_EXPIRY_SECONDS = 0.05


class Client:
    """Asks servers by address, "host:port"; to be used by the greenlets of the hub in which it is made.

    Requests that a server pushes are answered by `router`; without one they are refused, as Java's client does.
    `serialization` is that of the headers sent, `language` what requests say they are written in unless told otherwise,
    and `sign` may add fields to each, as ACL does. With `tls` all connections are encrypted, and servers verified as it
    says. Connections that were silent for clientChannelMaxIdleTimeSeconds
    (120 s) are closed (NettyRemotingClient.java:175).
    """

    def __init__(
        self,
        config: RemotingClientConfig | None = None,
        router: Router | None = None,
        *,
        serialization: int = JSON,
        language: int = LanguageCode.JAVA,
        sign: Sign | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._config = RemotingClientConfig() if config is None else config
        self._router = Router() if router is None else router
        self._serialization = serialization
        self._language = language
        self._sign = sign
        self._tls = tls
        self._connections: dict[str, Connection] = {}
        self._connecting: dict[str, AsyncResult[Connection]] = {}
        self._workers = Workers()
        self._pool = Pool()
        self._sweeper: gevent.Greenlet[..., None] | None = None
        self._asked: set[Asked] = set()
        self._expirer: gevent.Greenlet[..., None] | None = None
        self._closed = False

    def invoke(
        self,
        address: str,
        header: Header,
        body: bytes = b"",
        timeout_ms: float = 3000,
        *,
        language: int | None = None,
    ) -> Command:
        """Ask and wait for the answer, whatever its code; `timeout_ms` covers connecting, too.

        `language` is what the request says it is written in, for the few that are answered by it.

        Raises ConnectError, RemotingTimeout, or SendFailed when the connection breaks first. After a timeout the
        connection is closed, unless clientCloseSocketIfTimeout is false (NettyRemotingClient.java:399).
        """
        deadline = monotonic() + timeout_ms / 1000
        connection = self.connect(address, timeout_ms)
        left_ms = (deadline - monotonic()) * 1000
        try:
            return connection.invoke(
                header,
                body,
                max(left_ms, 0),
                serialization=self._serialization,
                language=self._language if language is None else language,
                sign=self._sign,
            )
        except RemotingTimeout as error:
            if self._config.client_close_socket_if_timeout:
                connection.close(str(error))
            raise

    def invoke_async(
        self, address: str, header: Header, body: bytes = b"", timeout_ms: float = 3000, *, callback: Callback
    ) -> None:
        """Ask; `callback` gets the answer or the RemotingError, in a greenlet of its own."""
        self._pool.spawn(self._invoke_and_tell, address, header, body, timeout_ms, callback)

    def ask(self, connection: Connection, header: Header, body: bytes, timeout_ms: float, callback: Callback) -> None:
        """Ask on a connection; `callback` gets the answer or the RemotingError, in the hub, where it must not wait.

        That is cheaper than a greenlet which waits. A timeout is noticed up to 50 ms late. Raises SendFailed.
        """
        asked = Asked(self._asked, connection, callback, type(header).__name__, timeout_ms)
        asked.opaque = connection.ask(
            header, body, asked, serialization=self._serialization, language=self._language, sign=self._sign
        )
        self._asked.add(asked)
        if self._expirer is None:
            self._expirer = gevent.spawn(self._expire)

    def invoke_oneway(
        self, address: str, header: Header, body: bytes = b"", timeout_ms: float = 3000, *, remark: str | None = None
    ) -> None:
        """Ask something that is not answered. Raises ConnectError or RemotingTimeout when there is no connection."""
        self.connect(address, timeout_ms).push(
            header,
            body,
            serialization=self._serialization,
            language=self._language,
            remark=remark,
            sign=self._sign,
        )

    def connect(self, address: str, timeout_ms: float = 3000) -> Connection:
        """The connection to `address`, made now if there is none.

        Raises ConnectError, also when connecting takes longer than connectTimeoutMillis, or RemotingTimeout.
        """
        connection = self._connections.get(address)
        if connection is not None:
            return connection
        if self._closed:
            raise ConnectError(f"<{address}>: this client is closed")
        pending = self._connecting.get(address)
        if pending is None:
            pending = self._connecting[address] = AsyncResult()
            self._pool.spawn(self._connect, address, pending)
        pending.wait(timeout=timeout_ms / 1000)
        if not pending.ready():
            raise RemotingTimeout(f"<{address}>: no connection within {timeout_ms:.0f} ms")
        connection = pending.get()
        assert connection is not None
        return connection

    def is_connected(self, address: str) -> bool:
        """Whether there is a connection to `address`."""
        return address in self._connections

    def connection(self, address: str) -> Connection | None:
        """The connection to `address`, if there is one."""
        return self._connections.get(address)

    def disconnect(self, address: str) -> None:
        """Close the connection to `address`, if there is one."""
        connection = self._connections.get(address)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close all connections; who still waits for an answer gets SendFailed."""
        self._closed = True
        for loop in (self._sweeper, self._expirer):
            if loop is not None:
                loop.kill()
        for connection in list(self._connections.values()):
            connection.close()
        for address, pending in self._connecting.items():
            pending.set_exception(ConnectError(f"<{address}>: this client is closed"))
        self._pool.kill()
        self._workers.stop()

    def close_idle(self, now: float) -> None:
        """Close what was silent for too long; `now` is in seconds of time.monotonic()."""
        limit = self._config.client_channel_max_idle_time_seconds
        for connection in [one for one in self._connections.values() if now - one.last_active >= limit]:
            connection.close(f"idle for {limit} s")

    def _invoke_and_tell(
        self, address: str, header: Header, body: bytes, timeout_ms: float, callback: Callback
    ) -> None:
        answer: Command | RemotingError
        try:
            answer = self.invoke(address, header, body, timeout_ms)
        except RemotingError as error:
            answer = error
        try:
            callback(answer)
        except Exception:
            log.exception("%r failed", callback)

    def _connect(self, address: str, pending: AsyncResult[Connection]) -> None:
        """Connect once for everybody who waits for `address`."""
        try:
            connection = Connection(self._open(address), self._router, self._workers, self._pool)
        except (OSError, ValueError) as error:
            pending.set_exception(ConnectError(f"connect to <{address}> failed: {error}"))
            return
        finally:
            del self._connecting[address]
        self._connections[address] = connection
        connection.on_close.append(lambda _: self._forget(address))
        connection.start()
        if self._sweeper is None:
            self._sweeper = gevent.spawn(self._sweep)
        pending.set(connection)

    def _forget(self, address: str) -> None:
        self._connections.pop(address, None)

    def _open(self, address: str) -> socket.socket:
        """A connected socket. Raises OSError, or ValueError for an address that is none."""
        host, _, port = address.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        timeout = self._config.connect_timeout_millis / 1000
        if not host or not port.isdecimal() or int(port) > 0xFFFF:
            raise ValueError("an address is host:port")
        if _is_numeric(host):  # gevent would ask its resolver, which starts threads
            sock = gsocket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
            try:
                sock.settimeout(timeout)
                sock.connect((host, int(port)))
            except BaseException:
                sock.close()
                raise
        else:
            sock = gsocket.create_connection((host, int(port)), timeout)
        opened = socket.socket(fileno=sock.detach())
        for option, size in (
            (socket.SO_SNDBUF, self._config.client_socket_snd_buf_size),
            (socket.SO_RCVBUF, self._config.client_socket_rcv_buf_size),
        ):
            if size > 0:
                opened.setsockopt(socket.SOL_SOCKET, option, size)
        if self._tls is None:
            return opened
        from rocketpy.remoting.tls import connect_tls  # here, since few need it and ssl is slow to import

        return connect_tls(opened, self._tls, host, timeout)

    def _expire(self) -> None:
        """Give up what was asked long enough ago, as long as anything is."""
        while self._asked:
            gevent.sleep(_EXPIRY_SECONDS)
            now = monotonic()
            for asked in [one for one in self._asked if one.deadline < now]:
                error = late(asked.connection, asked.name, asked.timeout_ms)
                asked.connection.forget(asked.opaque)
                asked.set_exception(error)
                if self._config.client_close_socket_if_timeout:
                    asked.connection.close(str(error))
        self._expirer = None

    def _sweep(self) -> None:
        limit = self._config.client_channel_max_idle_time_seconds
        while limit > 0:
            gevent.sleep(max(limit / 24, 0.1))
            self.close_idle(monotonic())


def _is_numeric(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return False
    return True
