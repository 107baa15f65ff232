"""TLS for connections: the same calls as a plain socket's, which say when they would have to wait as a plain one does.

A record of TLS is decrypted as a whole, so that nothing may be left inside when the event loop is asked for more.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from gevent import Timeout
from gevent.socket import wait_read, wait_write

_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TlsSocket(ssl.SSLSocket):
    """A non-blocking socket that speaks TLS; made by a context whose `sslsocket_class` it is."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """All that can be read at once, which may be more than `buflen`. Raises BlockingIOError, or OSError."""
        try:
            data = super().recv(buflen, flags)
            while self.pending():
                data += super().recv(buflen, flags)
        except _WANTS as error:
            raise BlockingIOError from error
        except ssl.SSLEOFError:
            return b""
        return data

    def send(self, data: object, flags: int = 0) -> int:
        """How much of `data` was sent. Raises BlockingIOError, after which the same data must be sent; or OSError."""
        try:
            return super().send(data, flags)  # type: ignore[arg-type]
        except _WANTS as error:
            raise BlockingIOError from error


HANDSHAKE_SECONDS = 10.0
"""How long a client may take to shake hands (SslHandler of Netty)."""


def connect_tls(sock: socket.socket, context: ssl.SSLContext, host: str, timeout: float) -> socket.socket:
    """`sock`, which is connected to `host`, with TLS on it; waits as greenlets do, up to `timeout` seconds.

    Raises OSError: ssl.SSLCertVerificationError if the server is not who it should be, TimeoutError.
    """
    sock.setblocking(False)
    return _secured(sock, context, timeout, server_hostname=host)


def accept_tls(sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
    """`sock`, on which a client has begun to shake hands, with TLS on it; waits as greenlets do. Raises OSError."""
    return _secured(sock, context, HANDSHAKE_SECONDS, server_side=True)


def _secured(sock: socket.socket, context: ssl.SSLContext, timeout: float, **how: Any) -> socket.socket:
    usual, context.sslsocket_class = context.sslsocket_class, TlsSocket
    try:
        tls = context.wrap_socket(sock, do_handshake_on_connect=False, **how)
    except BaseException:
        sock.close()
        raise
    finally:
        context.sslsocket_class = usual
    try:
        with Timeout(timeout, TimeoutError("the TLS handshake took too long")):
            _shake_hands(tls)
    except BaseException:
        tls.close()
        raise
    return tls


def _shake_hands(tls: ssl.SSLSocket) -> None:
    while True:
        try:
            tls.do_handshake()
            return
        except ssl.SSLWantReadError:
            wait_read(tls.fileno())
        except ssl.SSLWantWriteError:
            wait_write(tls.fileno())
