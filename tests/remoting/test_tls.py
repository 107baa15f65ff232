"""A client that speaks TLS, to a server behind a proxy that does."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent import ssl as gevent_ssl
from gevent.server import StreamServer

from rocketpy.errors import ConnectError
from rocketpy.remoting.client import Client
from tests.remoting.echo import Big, Echo

CERTIFICATE = str(Path(__file__).with_name("certificate.pem"))
"""Self-signed, for localhost and its addresses, with its key."""


@pytest.fixture
def tls_address(address: str) -> Iterator[str]:
    """Where the server is reached by TLS."""
    host, _, port = address.rpartition(":")

    def pipe(source: Any, sink: Any) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            sink.close()

    def handle(peer: Any, _: object) -> None:
        plain = socket.create_connection((host, int(port)))
        gevent.joinall([gevent.spawn(pipe, peer, plain), gevent.spawn(pipe, plain, peer)])

    context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # the usual one would wait in the hub
    context.load_cert_chain(CERTIFICATE)
    proxy = StreamServer(("127.0.0.1", 0), handle, ssl_context=context)
    proxy.start()
    yield f"127.0.0.1:{proxy.server_port}"
    proxy.stop()


@pytest.fixture
def connect(tls_address: str) -> Iterator[Callable[[ssl.SSLContext], Client]]:
    clients: list[Client] = []

    def open_client(context: ssl.SSLContext) -> Client:
        clients.append(Client(tls=context))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATE)


def test_requests_and_answers_of_any_size_pass(
    tls_address: str, connect: Callable[[ssl.SSLContext], Client]
) -> None:
    context = _trusting()
    client = connect(context)
    assert client.invoke(tls_address, Echo(text="né", number=3), b"body").body == b"body"
    body = bytes(range(256)) * 20_000
    assert client.invoke(tls_address, Echo(text="big", number=4), body, 10_000).body == body
    assert len(client.invoke(tls_address, Big(size=9_000_000), timeout_ms=10_000).body) == 9_000_000
    asked = [gevent.spawn(client.invoke, tls_address, Echo(text="x", number=n)) for n in range(100)]
    gevent.joinall(asked)
    assert [one.value.ext_fields["number"] for one in asked] == [str(n) for n in range(100)]
    assert context.sslsocket_class is ssl.SSLSocket, "the context stays the caller's"


def test_server_that_is_not_trusted_is_refused(
    tls_address: str, connect: Callable[[ssl.SSLContext], Client]
) -> None:
    with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(ssl.create_default_context()).invoke(tls_address, Echo(text="a", number=1))
    other_name = tls_address.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(ConnectError):
        connect(_trusting()).invoke(other_name, Echo(text="a", number=1))


def test_server_without_tls_is_refused(address: str, connect: Callable[[ssl.SSLContext], Client]) -> None:
    with pytest.raises(ConnectError):
        connect(_trusting()).invoke(address, Echo(text="a", number=1))
