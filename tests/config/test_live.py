import pytest

from rocketpy.config.live import LiveConfig
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.remoting import ServerConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol.codes import ResponseCode


@pytest.fixture
def namesrv():
    return NamesrvConfig()


@pytest.fixture
def server():
    return ServerConfig()


@pytest.fixture
def live(tmp_path, namesrv, server):
    return LiveConfig(
        namesrv, server, path=str(tmp_path / "conf" / "namesrv.properties"), black_list=["kvConfigPath"], now=5
    )


def lines(live):
    return dict(line.split("=", 1) for line in live.text().splitlines())


def test_text_has_every_key_that_is_not_null(live, namesrv, server):
    assert lines(live) == namesrv.dump() | server.dump()


def test_unknown_keys_of_the_file_are_kept(live):
    live.remember({"bogus": "1", "listenPort": "stale"})
    assert lines(live)["bogus"] == "1"
    assert lines(live)["listenPort"] == "8888"


def test_update_changes_the_objects(live, namesrv, server):
    live.remember({"bogus": "1"})
    given = live.update(b"orderMessageEnable=true\nlistenPort=1\nbogus=2\nunheard=3", now=7)
    assert given == {"orderMessageEnable": "true", "listenPort": "1", "bogus": "2", "unheard": "3"}
    assert (namesrv.order_message_enable, server.listen_port) == (True, 1)
    assert lines(live)["bogus"] == "2"
    assert "unheard" not in lines(live)


def test_each_update_is_a_new_version(live):
    assert live.version == '{"counter":0,"timestamp":5}'
    live.update(b"", now=6)
    live.update(b"unheard=1", now=7)
    assert live.version == '{"counter":2,"timestamp":7}'


def test_bad_value_is_accepted_and_changes_nothing(live, server):
    live.update(b"listenPort=many", now=7)
    assert server.listen_port == 8888
    assert lines(live)["listenPort"] == "8888"


def test_black_listed_key_refuses_the_whole_update(live, server):
    with pytest.raises(ReplyError, match=r"Can not update config in black list\.") as caught:
        live.update(b"listenPort=1\nkvConfigPath=/x", now=7)
    assert caught.value.code == ResponseCode.NO_PERMISSION
    assert server.listen_port == 8888
    assert live.version == '{"counter":0,"timestamp":5}'


def test_malformed_body_is_refused(live):
    with pytest.raises(ReplyError, match="string2Properties error") as caught:
        live.update(rb"a=\u12", now=7)
    assert caught.value.code == ResponseCode.SYSTEM_ERROR


def test_file_is_rewritten(live):
    live.save("listenPort=1\n经纪人=2\n")
    with open(live.path, encoding="utf-8") as file:
        assert file.read() == "listenPort=1\n经纪人=2\n"


def test_unwritable_file_is_logged_only(live, caplog):
    live.path = "/dev/null/namesrv.properties"
    live.save("listenPort=1")
    assert "cannot write /dev/null/namesrv.properties" in caplog.text


def test_keys_come_in_the_order_of_a_java_name_server(server):
    """As Java 4.9.7 on JDK 17 answered, which has no configBlackList yet."""
    live = LiveConfig(NamesrvConfig(rocketmq_home="/opt/rocketmq"), server, path="")
    live.remember({"bogusKey": "5"})
    assert [name for name in lines(live) if name != "configBlackList"] == [
        "serverSocketBacklog",
        "writeBufferHighWaterMark",
        "serverWorkerThreads",
        "serverSelectorThreads",
        "serverChannelMaxIdleTimeSeconds",
        "writeBufferLowWaterMark",
        "serverSocketRcvBufSize",
        "serverAsyncSemaphoreValue",
        "bogusKey",
        "kvConfigPath",
        "configStorePath",
        "clusterTest",
        "orderMessageEnable",
        "serverSocketSndBufSize",
        "serverOnewaySemaphoreValue",
        "serverCallbackExecutorThreads",
        "listenPort",
        "rocketmqHome",
        "productEnvName",
        "useEpollNativeSelector",
        "serverPooledByteBufAllocatorEnable",
    ]
