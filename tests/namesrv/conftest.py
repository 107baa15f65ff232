"""A real name server on a port of its own, asked over plain sockets."""

import pytest

from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.remoting import ServerConfig
from rocketpy.config.startup import NamesrvSettings
from rocketpy.namesrv.app import NameServer
from tests.namesrv.peer import Peer


@pytest.fixture
def config(tmp_path):
    return NamesrvConfig(
        kv_config_path=str(tmp_path / "kvConfig.json"), config_store_path=str(tmp_path / "namesrv.properties")
    )


@pytest.fixture
def namesrv(config):
    with NameServer(NamesrvSettings(config, ServerConfig(listen_port=0))) as running:
        yield running


@pytest.fixture
def connect(namesrv):
    peers = []

    def new():
        peers.append(Peer(namesrv.address))
        return peers[-1]

    yield new
    for peer in peers:
        peer.close()


@pytest.fixture
def peer(connect):
    return connect()
