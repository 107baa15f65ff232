"""The name server itself: its port, its configuration, and peers that misbehave."""

import pytest

from rocketpy.config.remoting import ServerConfig
from rocketpy.config.startup import NamesrvSettings
from rocketpy.errors import ConfigError, RemotingError
from rocketpy.namesrv.app import NameServer
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.command import JSON


def test_real_port_is_known(namesrv):
    host, port = namesrv.address.rsplit(":", 1)
    assert host == "127.0.0.1"
    assert int(port) > 0


def test_configuration_is_read_and_updated(peer, config):
    assert b"productEnvName=center\n" in peer.ask(RequestCode.GET_NAMESRV_CONFIG).body
    answer = peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="productEnvName=blue\nbogus\n=\n")
    assert (answer.code, answer.remark, answer.ext_fields) == (0, None, None)
    text = peer.ask(RequestCode.GET_NAMESRV_CONFIG).body
    assert b"productEnvName=blue\n" in text
    assert b"bogus" not in text
    with open(config.config_store_path, "rb") as file:
        assert file.read() == text


@pytest.mark.parametrize("key", ["configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"])
def test_black_listed_configuration_is_refused(peer, config, key):
    answer = peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body=f"productEnvName=blue\n{key}=/tmp/x")
    assert (answer.code, answer.remark) == (ResponseCode.NO_PERMISSION, "Can not update config in black list.")
    assert config.product_env_name == "center"


def test_strange_configuration_updates(peer):
    assert peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG).code == 0
    assert peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="listenPort=many").code == 0
    answer = peer.ask(RequestCode.UPDATE_NAMESRV_CONFIG, body="a=\\u12")
    assert (answer.code, answer.remark) == (1, "string2Properties error")


@pytest.mark.parametrize("code", [0, 10, 105_000, -1])
def test_unknown_codes_are_met_with_silence(peer, code):
    peer.send(code, serialization=JSON)
    assert peer.ask(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER).code == 0


def test_garbage_closes_its_connection_alone(peer, connect):
    garbage = connect()
    garbage.socket.sendall(b"GET / HTTP/1.1\r\n\r\n" * 2)
    assert garbage.is_closed()
    assert peer.ask(RequestCode.GET_BROKER_CLUSTER_INFO).code == 0


def test_port_in_use_is_named(namesrv, config):
    port = int(namesrv.address.rsplit(":", 1)[1])
    with (
        pytest.raises(RemotingError, match=str(port)),
        NameServer(NamesrvSettings(config, ServerConfig(listen_port=port))),
    ):
        pass


def test_corrupt_key_value_file_stops_the_start(config):
    with open(config.kv_config_path, "w") as file:
        file.write("{")
    with (
        pytest.raises(ConfigError, match=r"kvConfig\.json"),
        NameServer(NamesrvSettings(config, ServerConfig(listen_port=0))),
    ):
        pass
    with open(config.kv_config_path) as file:
        assert file.read() == "{"
