"""Name server and broker inside somebody else's program."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import weakref
from pathlib import Path

import pytest

from rocketpy.broker.app import Broker
from rocketpy.config.startup import BrokerSettings
from rocketpy.errors import StoreError
from rocketpy.protocol.api.kv import GetKVListByNamespace, KVTable, PutKVConfig
from rocketpy.protocol.api.send import SendMessage
from rocketpy.remoting.client import Client
from rocketpy.standalone import Standalone


def send(broker: str) -> int:
    client = Client()
    request = SendMessage(
        producer_group="p", topic="Embedded", default_topic="TBW102", default_topic_queue_nums=4, queue_id=0,
        sys_flag=0, flag=0, born_timestamp=1,
    )  # fmt: skip
    answer = client.invoke(broker, request, "Grüße".encode())
    client.close()
    assert answer.ext_fields is not None
    return int(answer.ext_fields["queueOffset"])


def put(namesrv: str) -> dict[str, str]:
    """Put a pair into the name server's table; what is there now."""
    client = Client()
    client.invoke(namesrv, PutKVConfig(namespace="n", key="a", value="b"))
    answer = client.invoke(namesrv, GetKVListByNamespace(namespace="n"))
    client.close()
    return KVTable.from_json(answer.body).table


def test_it_starts_again_and_again_and_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = []
    files = 0
    before = set(threading.enumerate())
    for number in range(4):
        with Standalone.on_free_ports(str(tmp_path)) as rocketmq:
            assert rocketmq.call(send, rocketmq.broker.address) == number
        kept.append(weakref.ref(rocketmq.broker))
        del rocketmq
        gc.collect()
        files = files or len(os.listdir("/proc/self/fd"))
    assert [broker() for broker in kept] == [None] * 4
    assert len(os.listdir("/proc/self/fd")) <= files
    assert {thread for thread in set(threading.enumerate()) - before if thread.name == "Standalone"} == set()


def test_several_run_at_once(tmp_path: Path) -> None:
    with Standalone.on_free_ports(str(tmp_path / "a")) as one, Standalone.on_free_ports(str(tmp_path / "b")) as other:
        assert one.broker.address != other.broker.address
        assert other.call(send, one.broker.address) == 0
        assert one.call(send, other.broker.address) == 0
        assert one.call(send, one.broker.address) == 1


def test_a_second_one_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    with Standalone.on_free_ports(str(tmp_path)) as rocketmq:
        with pytest.raises(StoreError, match="in use by another broker"), Standalone.on_free_ports(str(tmp_path)):
            pass
        assert rocketmq.call(send, rocketmq.broker.address) == 0


def test_an_ephemeral_one_leaves_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rocketmq = Standalone.on_free_ports()
    for _ in range(2):      # each start begins with nothing
        with rocketmq:
            (directory,) = tmp_path.iterdir()
            assert rocketmq.call(send, rocketmq.broker.address) == 0
            assert rocketmq.call(put, rocketmq.namesrv.address) == {"a": "b"}
            assert (directory / "commitlog").is_dir()
            assert (directory / "namesrv" / "kvConfig.json").exists()
        assert list(tmp_path.iterdir()) == []


def test_an_ephemeral_broker_writes_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its settings name the places of another broker."""
    temporary, others = tmp_path / "temporary", tmp_path / "others"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    settings = BrokerSettings()
    settings.server.listen_port = 0
    settings.broker.broker_ip1 = settings.broker.broker_ip2 = "127.0.0.1"
    settings.store.store_path_root_dir = str(others)
    settings.store.store_path_commit_log = f"{others}/a,{others}/b"
    settings.store.read_only_commit_log_store_paths = f"{others}/b"
    with Broker(settings, host="127.0.0.1", ephemeral=True) as broker:
        assert broker.call(send, broker.address) == 0
    assert not others.exists()
    assert list(temporary.iterdir()) == []
