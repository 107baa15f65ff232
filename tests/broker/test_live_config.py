"""GET and UPDATE_BROKER_CONFIG of a real broker on ports of its own."""

import pytest

from rocketpy.broker.app import Broker
from rocketpy.config.startup import BrokerSettings
from rocketpy.protocol.api.broker import GetBrokerConfig, GetBrokerConfigReply, UpdateBrokerConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.remoting.client import Client


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "broker.conf"
    path.write_text(f"# mine\nbogus = 1\nlistenPort = 0\nbrokerIP1 = 127.0.0.1\nstorePathRootDir = {tmp_path}/store\n")
    return path


@pytest.fixture
def ask(path):
    settings = BrokerSettings()
    settings.load(str(path))
    settings.broker.namesrv_addr = None
    client = Client()
    with Broker(settings) as broker:
        yield lambda header, body=b"": client.invoke(broker.address, header, body)
    client.close()


def test_update_is_in_force_and_in_the_file(ask, path):
    before = ask(GetBrokerConfig())
    assert b"fileReservedTime=72\n" in before.body
    answer = ask(UpdateBrokerConfig(), b"fileReservedTime=48\nbogus=2\nunheard=3")
    assert (answer.code, answer.ext_fields) == (0, None)
    after = ask(GetBrokerConfig())
    lines = after.body.decode().splitlines()
    assert {"fileReservedTime=48", "bogus=2"} <= set(lines)
    assert "unheard=3" not in lines
    assert path.read_bytes() == after.body
    assert path.with_suffix(".conf.bak").read_text().startswith("# mine\n")
    versions = [GetBrokerConfigReply.decode(answer.ext_fields).version for answer in (before, after)]
    assert versions[0].startswith('{"counter":0,')
    assert versions[1].startswith('{"counter":1,')


@pytest.mark.parametrize("key", ["brokerConfigPath", "rocketmqHome", "configBlackList"])
def test_black_listed_key_is_refused(ask, path, key):
    before = path.read_bytes()
    answer = ask(UpdateBrokerConfig(), f"fileReservedTime=48\n{key}=/x".encode())
    assert (answer.code, answer.remark) == (ResponseCode.NO_PERMISSION, "Can not update config in black list.")
    assert b"fileReservedTime=72\n" in ask(GetBrokerConfig()).body
    assert path.read_bytes() == before
