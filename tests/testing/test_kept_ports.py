"""Ports are kept from others, and not from servers."""

from __future__ import annotations

import socket

import pytest

from rocketpy.errors import RemotingError
from rocketpy.testing.kept_ports import KeptPorts


def listening(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def test_a_kept_port_is_a_server_s_and_nobody_else_s() -> None:
    ports = KeptPorts()
    port = ports.take("127.0.0.1", -2, 1)
    for _ in range(2):
        for one in (port - 2, port, port + 1):
            with listening(one), socket.create_connection(("127.0.0.1", one)):
                pass
    with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind(("127.0.0.1", port))
    ports.release()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + 1))


def test_a_port_that_cannot_be_had_is_an_error() -> None:
    with pytest.raises(RemotingError, match=r"no free port found on 192\.0\.2\.1"):
        KeptPorts().take("192.0.2.1")
    with pytest.raises(RemotingError, match="no free port found"):
        KeptPorts().take("127.0.0.1", 1, 1 << 16)
