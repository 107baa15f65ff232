from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
import pytest

from rocketpy.config.remoting import ServerConfig
from rocketpy.remoting.client import Client
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server
from tests.remoting.echo import EchoProcessor, RawPeer


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    with gevent.Timeout(20, AssertionError("the test hangs")):
        yield


@pytest.fixture
def processor() -> EchoProcessor:
    return EchoProcessor()


@pytest.fixture
def server(processor: EchoProcessor) -> Iterator[Server]:
    server = Server(Router(processor), "127.0.0.1", 0, ServerConfig(listen_port=0))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[[], RawPeer]]:
    peers: list[RawPeer] = []

    def open_peer() -> RawPeer:
        peers.append(RawPeer(server.address))
        return peers[-1]

    yield open_peer
    for peer in peers:
        peer.close()


@pytest.fixture
def peer(connect: Callable[[], RawPeer]) -> RawPeer:
    return connect()


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


@pytest.fixture
def address(server: Server) -> str:
    return f"127.0.0.1:{server.address[1]}"
