"""A server that lets connections in with TLS and without, as its configuration says."""

from __future__ import annotations

import logging
import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocketpy.config.remoting import ServerConfig
from rocketpy.config.tls import TlsConfig
from rocketpy.errors import RemotingError
from rocketpy.remoting import tls
from rocketpy.remoting.certificates import client_context
from rocketpy.remoting.client import Client
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server
from rocketpy.remoting.tls_door import TlsDoor
from tests.remoting.echo import Big, Echo, EchoProcessor, RawPeer

CERTIFICATE = str(Path(__file__).with_name("certificate.pem"))
"""Self-signed, for localhost and its addresses, with its key."""
Serve = Callable[..., str]
Connect = Callable[..., Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server with these TLS keys and gives its address."""
    servers: list[Server] = []

    def start(**keys: object) -> str:
        config = TlsConfig(config_file="/nowhere", **keys)
        servers.append(
            Server(Router(EchoProcessor()), "127.0.0.1", 0, ServerConfig(listen_port=0), door=TlsDoor(config))
        )
        servers[-1].start()
        return f"127.0.0.1:{servers[-1].address[1]}"

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A client with TLS, or a plain one for None."""
    clients: list[Client] = []

    def make(context: ssl.SSLContext | None = None) -> Client:
        clients.append(Client(tls=context))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def echo(client: Client, address: str) -> bytes:
    return client.invoke(address, Echo(text="é", number=1), b"body").body


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATE)


def believing_all() -> ssl.SSLContext:
    return client_context(TlsConfig())


def certified(**keys: object) -> dict[str, object]:
    return {"test_mode": False, "server_cert_path": CERTIFICATE, "server_key_path": CERTIFICATE} | keys


def test_both_kinds_come_in_unless_told_otherwise(serve: Serve, connect: Connect) -> None:
    address = serve()
    plain, secure = connect(), connect(believing_all())
    assert echo(plain, address) == echo(secure, address)
    for size in (1, 70_000, 3_000_000):
        assert len(secure.invoke(address, Big(size=size)).body) == size


def test_made_up_certificate_is_believed_by_who_believes_all(serve: Serve, connect: Connect) -> None:
    address = serve()
    with pytest.raises(RemotingError, match="CERTIFICATE_VERIFY_FAILED"):
        echo(connect(ssl.create_default_context()), address)
    assert echo(connect(believing_all()), address) == b"body"


def test_configured_certificate_is_shown(serve: Serve, connect: Connect) -> None:
    address = serve(**certified())
    assert echo(connect(trusting()), address) == b"body"
    with pytest.raises(RemotingError, match="CERTIFICATE_VERIFY_FAILED"):
        echo(connect(ssl.create_default_context()), address)


@pytest.mark.parametrize(
    ("keys", "context", "reason"),
    [
        ({"server_mode": "enforcing"}, None, "a plain connection, and tls.server.mode is enforcing"),
        ({"server_mode": "disabled"}, believing_all(), "it wants TLS, and tls.server.mode is disabled"),
        ({"test_mode": False}, believing_all(), "there is no certificate that can be used"),
        (certified(server_key_path="/nowhere.key"), believing_all(), "cannot read /nowhere.key: No such file"),
    ],
)
def test_who_may_not_come_in_is_told_apart_in_the_log(
    serve: Serve,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    keys: dict[str, object],
    context: ssl.SSLContext | None,
    reason: str,
) -> None:
    caplog.set_level(logging.INFO)
    address = serve(**keys)
    with pytest.raises(RemotingError):
        echo(connect(context), address)
    assert reason in caplog.text


def test_unknown_mode_is_the_permissive_one(serve: Serve, connect: Connect) -> None:
    address = serve(server_mode="odd")
    assert echo(connect(), address) == echo(connect(believing_all()), address)


def test_client_that_must_show_a_certificate(serve: Serve, connect: Connect) -> None:
    address = serve(**certified(need_client_auth="require", auth_client=True, server_trust_path=CERTIFICATE))
    with pytest.raises(RemotingError):
        echo(connect(trusting()), address)
    with_certificate = client_context(
        TlsConfig(
            test_mode=False, auth_server=True, client_trust_path=CERTIFICATE,
            client_cert_path=CERTIFICATE, client_key_path=CERTIFICATE,
        )
    )  # fmt: skip
    assert echo(connect(with_certificate), address) == b"body"


def test_certificate_that_changes_is_read_again_and_a_bad_one_is_not_used(
    serve: Serve, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = str(tmp_path / "own.pem")
    address = serve(test_mode=False, server_cert_path=own, server_key_path=own)
    with pytest.raises(RemotingError):
        echo(connect(trusting()), address)
    shutil.copy(CERTIFICATE, own)
    assert echo(connect(trusting()), address) == b"body"
    Path(own).write_text("nonsense")
    assert echo(connect(trusting()), address) == b"body"
    assert f"certificate {own} with key {own}" in caplog.text


def test_file_of_the_configuration_overrides(tmp_path: Path) -> None:
    file = tmp_path / "tls.properties"
    file.write_text("tls.test.mode.enable=false\ntls.server.certPath=/a.pem\ntls.server.mode=disabled\n")
    config = TlsConfig(config_file=str(file), server_cert_path="/b.pem")
    config.read_file()
    assert (config.test_mode, config.server_cert_path, config.mode) == (False, "/a.pem", "permissive")
    if os.geteuid():
        file.chmod(0)
    else:
        file.unlink()
    config.read_file()


def test_handshake_of_nonsense_or_of_nothing_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", 0.1)
    host, _, port = serve().rpartition(":")
    for text in (b"\x16\x03nonsense" + bytes(50), b"\x16", b"\x16\x03\x01\x02\x00"):
        peer = RawPeer((host, int(port)))
        peer.socket.sendall(text)
        assert peer.receive() is None
        peer.close()
