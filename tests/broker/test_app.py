from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from rocketpy.broker.app import Broker
from rocketpy.config.startup import BrokerSettings
from rocketpy.errors import ConfigError, RemotingError, StoreError
from rocketpy.protocol.api.offset import QueryConsumerOffset, UpdateConsumerOffset
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.codes import ResponseCode
from tests.broker.live import Live, standalone, wait_until


def pull(topic: str) -> PullMessage:
    return PullMessage(
        consumer_group="G", topic=topic, queue_id=0, queue_offset=0, max_msg_nums=32, sys_flag=4, commit_offset=0,
        suspend_timeout_millis=0, subscription="*", sub_version=0,
    )  # fmt: skip


def port(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_started_broker_is_routed_to_at_its_real_port(live: Live) -> None:
    route = live.route("b-0")
    assert route is not None
    assert route.broker_datas[0].broker_addrs == {0: live.broker}
    assert port(live.broker) > 0


def test_addresses_have_the_real_ports(live: Live) -> None:
    broker = live.servers.broker
    assert len({port(address) for address in (broker.address, broker.vip_address, broker.ha_address)} - {0}) == 3


def test_vip_port_serves_everything_but_pulls(live: Live) -> None:
    vip = live.servers.broker.vip_address
    live.send("T")
    asked = QueryConsumerOffset(consumer_group="G", topic="T", queue_id=0)
    assert live.client.invoke(vip, asked).code == 0
    assert live.client.invoke(vip, pull("T")).code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
    assert live.ask(pull("T")).code == 0


def test_topic_created_by_a_send_is_routed_at_once(live: Live) -> None:
    assert live.route("neu") is None
    assert live.send("neu").code == 0
    route = wait_until(lambda: live.route("neu"))
    assert route is not None
    assert route.queue_datas[0].write_queue_nums == 4


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    servers = standalone(tmp_path)
    for number in range(3):
        with servers:
            live = Live(servers)
            assert live.send("T", b"gr\xc3\xbc\xc3\x9fe").code == 0
            live.ask(UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=0, commit_offset=number + 1))
            live.client.close()
        assert not (tmp_path / "abort").exists()
    with servers:
        live = Live(servers)
        answer = live.ask(QueryConsumerOffset(consumer_group="G", topic="T", queue_id=0))
        assert answer.ext_fields == {"offset": "3"}
        found = live.ask(pull("T"))
        assert found.ext_fields is not None
        assert found.ext_fields["nextBeginOffset"] == "3"
        live.client.close()
    saved = json.loads((tmp_path / "config" / "topics.json").read_text())
    assert saved["topicConfigTable"]["T"]["writeQueueNums"] == 4


def test_stopped_broker_is_no_longer_routed_to(tmp_path: Path) -> None:
    servers = standalone(tmp_path)
    with servers.namesrv:
        servers.broker.settings.broker.namesrv_addr = servers.namesrv.address
        live = Live(servers)
        with servers.broker:
            assert live.route("b-0") is not None
        assert live.route("b-0") is None
        live.client.close()


def test_dead_name_server_does_not_keep_a_broker_from_starting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = f"127.0.0.1:{server.getsockname()[1]}"
    servers = standalone(tmp_path)
    with servers.namesrv:
        servers.broker.settings.broker.namesrv_addr = f"{dead};{servers.namesrv.address}"
        with servers.broker:
            live = Live(servers)
            assert live.route("b-0") is not None
            live.client.close()


def test_name_server_that_hangs_holds_up_nothing_but_the_start(tmp_path: Path) -> None:
    servers = standalone(tmp_path, messageDelayLevel="0s", registerBrokerTimeoutMills="60000")
    with ThreadPoolExecutor(1) as pool:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(20)
            servers.broker.settings.broker.namesrv_addr = f"127.0.0.1:{silent.getsockname()[1]}"
            starting = pool.submit(servers.broker.__enter__)
            registering, _ = silent.accept()
        with registering:
            registering.settimeout(20)
            assert registering.recv(1)
            live = Live(servers)
            assert live.send("T", properties="DELAY\x011").code == 0
            assert wait_until(lambda: live.ask(pull("T")).code == ResponseCode.SUCCESS)
            assert not starting.done()
        live.client.close()
        with ExitStack() as running:
            running.push(starting.result(20))


def test_second_broker_on_one_store_is_refused(live: Live, tmp_path: Path) -> None:
    second = standalone(tmp_path).broker
    with pytest.raises(StoreError, match="in use"), second:
        pass
    assert live.send("T").code == 0


def test_port_that_is_taken_is_named(tmp_path: Path) -> None:
    settings = BrokerSettings()
    settings.store.store_path_root_dir = str(tmp_path)
    with socket.create_server(("", 0)) as taken:
        settings.server.listen_port = taken.getsockname()[1]
        with pytest.raises(RemotingError, match=f"cannot listen on .*:{settings.server.listen_port}"), Broker(settings):
            pass
    assert not (tmp_path / "abort").exists()


@pytest.mark.parametrize("name", ["topics.json", "subscriptionGroup.json", "consumerOffset.json"])
def test_corrupt_table_stops_the_broker_and_stays_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "config").mkdir()
    file = tmp_path / "config" / name
    file.write_text('{"cut off')
    with pytest.raises(ConfigError, match=name), standalone(tmp_path):
        pass
    assert file.read_text() == '{"cut off'
    file.with_suffix(".json.bak").write_text("{}")
    with standalone(tmp_path):
        pass


def test_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(StoreError, match=str(tmp_path / "file")), standalone(tmp_path / "file" / "store").broker:
        pass


def test_settings_that_cannot_be_started_are_refused() -> None:
    settings = BrokerSettings()
    settings.broker.namesrv_addr = "nonsense"
    with pytest.raises(ConfigError, match="nonsense"):
        Broker(settings)


def test_every_code_has_one_handler(live: Live) -> None:
    codes = live.servers.broker._router.codes
    assert {10, 11, 12, 14, 15, 17, 21, 25, 26, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 41, 42, 43, 46} <= codes
    assert {200, 201, 202, 203, 204, 207, 208, 215, 300, 305, 310, 314, 315, 316, 320, 328, 329} <= codes
