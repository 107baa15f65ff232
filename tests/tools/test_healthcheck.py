"""The health check of the image, run as the engine runs it, on servers of this machine."""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

from rocketpy.config.tls import TlsConfig
from rocketpy.remoting.app import App
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server
from rocketpy.remoting.tls_door import TlsDoor
from rocketpy.standalone import Standalone

TREE = Path(__file__).parent.parent.parent
PATH = TREE / "tools" / "image" / "healthcheck.py"

PATIENCE = 60.0
"""Seconds that a loaded machine may take for an answer."""


class ServerApp(App):
    """A server in a thread of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture
def healthcheck() -> ModuleType:
    spec = importlib.util.spec_from_file_location("healthcheck", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TIMEOUT_S = module.BROKER_TIMEOUT_S = PATIENCE
    return module


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def own_sockets(listener: socket.socket) -> list[str]:
    return [str(os.fstat(listener.fileno()).st_ino)]


def test_all_ports_of_servers_answer_and_log_nothing_of_it(
    healthcheck: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Standalone.on_free_ports(str(tmp_path)) as rocketmq:
        caplog.set_level(logging.INFO)
        caplog.clear()
        for address, timeout in (
            (rocketmq.broker.address, PATIENCE),
            (rocketmq.broker.vip_address, PATIENCE),
            (rocketmq.namesrv.address, 0.05),
        ):
            monkeypatch.setattr(healthcheck, "BROKER_TIMEOUT_S", timeout)
            host, _, port = address.rpartition(":")
            healthcheck.ask(host, int(port))
        rocketmq.call(lambda: None)
        assert caplog.messages == []
    assert list((tmp_path / "consumequeue").iterdir()) == []


def test_ha_port_is_for_slaves_only(healthcheck: ModuleType) -> None:
    addresses = {("127.0.0.1", port) for port in (9876, 10909, 10911, 10912)}
    assert [port for _, port in healthcheck.without_ha_ports(addresses)] == [9876, 10909, 10911]


def test_servers_are_found_by_their_processes(
    healthcheck: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(healthcheck, "server_sockets", lambda: iter(()))
    assert healthcheck.main() == 1
    assert capsys.readouterr().out == "no server is listening\n"


def test_port_that_is_silent_is_named(
    healthcheck: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    silent: socket.socket,
) -> None:
    monkeypatch.setattr(healthcheck, "server_sockets", lambda: iter(own_sockets(silent)))
    monkeypatch.setattr(healthcheck, "TIMEOUT_S", 0.05)
    assert healthcheck.main() == 1
    assert capsys.readouterr().out == f"port {silent.getsockname()[1]} does not answer: timed out\n"


def test_connection_that_is_closed_is_no_answer(healthcheck: ModuleType, silent: socket.socket) -> None:
    def hang_up_on_both() -> None:
        for _ in ("plain", "TLS"):
            connection, _ = silent.accept()
            connection.recv(4096)
            connection.close()

    thread = Thread(target=hang_up_on_both)
    thread.start()
    with pytest.raises((EOFError, ConnectionError)):
        healthcheck.ask(*silent.getsockname())
    thread.join()


@pytest.mark.parametrize("wants_certificates", [False, True])
def test_server_that_insists_on_tls_is_asked_with_it(healthcheck: ModuleType, wants_certificates: bool) -> None:
    certificate = str(TREE / "tests" / "remoting" / "certificate.pem")
    config = TlsConfig(
        config_file="/nowhere", server_mode="enforcing", test_mode=False,
        server_cert_path=certificate, server_key_path=certificate, server_trust_path=certificate,
        auth_client=wants_certificates, need_client_auth="require" if wants_certificates else "none",
    )  # fmt: skip
    with ServerApp(Server(Router(), "127.0.0.1", 0, door=TlsDoor(config))) as app:
        healthcheck.ask(*app.server.address)


@pytest.mark.parametrize("address", ["127.0.0.5", "::1", "0.0.0.0", "::"])
def test_address_of_the_kernel_is_read(healthcheck: ModuleType, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    text = "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))
    assert healthcheck.connectable(family, text) == (address if any(packed) else "127.0.0.1")
