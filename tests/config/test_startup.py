import pytest

from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.config.store import BrokerRole
from rocketpy.errors import ConfigError, ReplyError


@pytest.fixture
def conf(tmp_path):
    def write(text):
        path = tmp_path / "broker.conf"
        path.write_text(text)
        return str(path)

    return write


def test_one_file_feeds_all_four(conf, caplog):
    settings = BrokerSettings()
    unknown = settings.load(
        conf(
            "brokerName=b\nlistenPort=1\nconnectTimeoutMillis=2\nfileReservedTime=3\nbogus=4\nrmqAddressServerDomain=d"
        )
    )
    assert unknown == ["bogus"]
    assert "nobody knows the key bogus" in caplog.text
    assert settings.broker.broker_name == "b"
    assert settings.server.listen_port == 1
    assert settings.client.connect_timeout_millis == 2
    assert settings.store.file_reserved_time == 3


def test_a_key_of_two_configs_reaches_both(conf):
    settings = BrokerSettings()
    assert settings.load(conf("writeBufferHighWaterMark=9")) == []
    assert settings.server.write_buffer_high_water_mark == settings.client.write_buffer_high_water_mark == 9


def test_default_ports():
    assert (BrokerSettings().server.listen_port, NamesrvSettings().server.listen_port) == (10911, 9876)


@pytest.mark.parametrize(("port", "ha_port"), [(10911, 10912), (0, 0)])
def test_ha_port_follows_the_listen_port(port, ha_port):
    settings = BrokerSettings()
    settings.store.ha_listen_port = 5
    settings.server.listen_port = port
    settings.settle()
    assert settings.store.ha_listen_port == ha_port


def test_master_has_id_0():
    settings = BrokerSettings()
    settings.broker.broker_id = 3
    settings.settle()
    assert settings.broker.broker_id == 0


@pytest.mark.parametrize("broker_id", [0, -1])
def test_slave_needs_an_id(broker_id):
    settings = BrokerSettings()
    settings.store.broker_role = BrokerRole.SLAVE
    settings.broker.broker_id = broker_id
    with pytest.raises(ConfigError, match="Slave's brokerId must be > 0"):
        settings.settle()


@pytest.mark.parametrize("address", ["host", "host:", "host:x", "host:70000", "a:1;b"])
def test_bad_name_server_address_is_refused(address):
    settings = BrokerSettings()
    settings.broker.namesrv_addr = address
    with pytest.raises(ConfigError, match=r"The Name Server Address\[.*\] illegal"):
        settings.settle()


@pytest.mark.parametrize("address", [None, "", "host:1", "a:1;b:2;", "[::1]:9876"])
def test_good_name_server_address_is_accepted(address):
    settings = BrokerSettings()
    settings.broker.namesrv_addr = address
    settings.settle()


@pytest.mark.parametrize(
    "line", ["mappedFileSizeCommitLog=0", "mappedFileSizeConsumeQueue=0", "maxHashSlotNum=-1", "maxIndexNum=0"]
)
def test_files_of_no_size_are_refused(conf, line):
    settings = BrokerSettings()
    settings.load(conf(line))
    with pytest.raises(ConfigError, match=line):
        settings.settle()


def test_dledger_is_refused_rather_than_ignored():
    settings = BrokerSettings()
    settings.store.enable_dledger_commit_log = True
    with pytest.raises(ConfigError, match="enableDLegerCommitLog"):
        settings.settle()


@pytest.mark.parametrize("name", ["brokerConfigPath", "rocketmqHome", "configBlackList", "aclEnable"])
def test_broker_black_list(conf, name):
    settings = BrokerSettings()
    settings.load(conf("configBlackList=aclEnable;brokerConfigPath"))
    with pytest.raises(ReplyError, match="black list"):
        settings.live(0).update(f"{name}=x".encode(), 0)


@pytest.mark.parametrize("name", ["configStorePath", "kvConfigPath", "rocketmqHome", "configBlackList"])
def test_namesrv_black_list(name):
    settings = NamesrvSettings()
    settings.namesrv.config_black_list = ""
    with pytest.raises(ReplyError, match="black list"):
        settings.live(0).update(f"{name}=x".encode(), 0)


def test_live_config_keeps_the_file_and_what_nobody_knows(conf):
    settings = BrokerSettings()
    path = conf("bogus=1")
    settings.load(path)
    live = settings.live(0)
    live.update(b"brokerPermission=4", 0)
    live.save(live.text())
    with open(path) as file:
        kept = file.read().splitlines()
    assert {"bogus=1", "brokerPermission=4"} <= set(kept)
    assert settings.broker.broker_permission == 4


def test_name_server_file_is_where_updates_go(conf):
    settings = NamesrvSettings()
    path = conf("configStorePath=/elsewhere\nlistenPort=1")
    assert settings.load(path) == []
    assert settings.namesrv.config_store_path == path == settings.live(0).path
    assert settings.server.listen_port == 1
