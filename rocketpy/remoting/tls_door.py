"""The door of a server: who comes in plainly, who with TLS, and by which certificate (NettyRemotingServer.java:366).

The certificate is read when the first client shakes hands, and again when a file has changed: Java watches the files
(BrokerController.java:438). One that cannot be used is logged, and the one before it stays in use.
"""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING

from rocketpy.config.tls import DISABLED, ENFORCING, TlsConfig
from rocketpy.errors import ConfigError

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

HANDSHAKE = 0x16
"""The first byte that a peer sends who wants TLS; that of a frame is never more than 1."""


class RefusedAtTheDoor(OSError):
    """A connection is plain where it must not be, or wants TLS where there is none."""


class TlsDoor:
    """Lets the connections of one server or several in, as `config` says."""

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._context: ssl.SSLContext | None = None
        self._seen: list[tuple[int, int] | None] = []

    def prepare(self) -> None:
        """Read the configured certificate now, so that the log names what is wrong with it at the start."""
        if self._config.mode != DISABLED and (os.path.exists(self._config.config_file) or not self._config.test_mode):
            self._newest_context()

    def __call__(self, sock: socket.socket, first: int) -> socket.socket:
        """The socket to go on with, by the first byte that came; waits for the handshake. Raises OSError."""
        if first != HANDSHAKE:
            if self._config.mode == ENFORCING:
                raise RefusedAtTheDoor("a plain connection, and tls.server.mode is enforcing")
            return sock
        if self._config.mode == DISABLED:
            raise RefusedAtTheDoor("it wants TLS, and tls.server.mode is disabled")
        context = self._newest_context()
        if context is None:
            raise RefusedAtTheDoor("it wants TLS, and there is no certificate that can be used")
        from rocketpy.remoting.tls import accept_tls  # here, since few need it and ssl is slow to import

        return accept_tls(sock, context)

    def _newest_context(self) -> ssl.SSLContext | None:
        from rocketpy.remoting.certificates import server_context

        config = self._config
        paths = (config.config_file, config.server_cert_path, config.server_key_path, config.server_trust_path)
        seen = [_version(path) for path in paths]
        if self._context is None or seen != self._seen:
            self._seen = seen
            try:
                config.read_file()
                self._context = server_context(config)
            except ConfigError as error:
                log.error("TLS: %s", error)
        return self._context


def client_tls(config: TlsConfig) -> ssl.SSLContext:
    """For connections to other servers. Raises ConfigError that names the file that cannot be used."""
    from rocketpy.remoting.certificates import client_context

    config.read_file()
    return client_context(config)


def _version(path: str | None) -> tuple[int, int] | None:
    try:
        found = os.stat(path or "")
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
