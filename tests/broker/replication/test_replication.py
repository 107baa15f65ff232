"""A master and its slave, really running at one name server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from rocketpy.broker.app import Broker
from rocketpy.broker.replication.slaves import HEADER, REPORT
from rocketpy.client import Message, Producer, PullConsumer, SendStatus
from rocketpy.config.startup import BrokerSettings
from rocketpy.config.store import BrokerRole
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.codes import ResponseCode
from tests.broker.live import SMALL_FILES, Live, standalone, wait_until


@contextmanager
def master_and_client(root: Path, **keys: str) -> Iterator[Live]:
    with standalone(root / "master", **keys) as servers:
        live = Live(servers)
        yield live
        live.client.close()


@contextmanager
def slave_of(live: Live, root: Path, **keys: str) -> Iterator[Broker]:
    """A broker of the same name that follows the master."""
    settings = BrokerSettings()
    usual = {
        "brokerName": "b-0", "brokerId": "1", "brokerRole": "SLAVE", "brokerIP1": "127.0.0.1", "brokerIP2": "127.0.0.1",
        "listenPort": "0", "namesrvAddr": live.servers.namesrv.address,
    }  # fmt: skip
    settings.take_over(SMALL_FILES | usual | keys, "test")
    settings.keep_below(str(root / "slave"))
    settings.settle()
    with Broker(settings) as slave:
        yield slave


def behind(live: Live, slave: Broker) -> int:
    return live.servers.broker.store.log.max_offset - slave.store.log.max_offset


def send(live: Live, count: int, topic: str = "T", size: int = 10) -> None:
    for number in range(count):
        assert live.send(topic, bytes([number % 256]) * size, queue_id=number % 2).code == 0


def pulled(live: Live, address: str, topic: str, queue_id: int) -> bytes:
    header = PullMessage(
        consumer_group="G", topic=topic, queue_id=queue_id, queue_offset=0, max_msg_nums=32, sys_flag=4,
        commit_offset=0, suspend_timeout_millis=0, sub_version=0, subscription="*",
    )  # fmt: skip
    answer = live.client.invoke(address, header)
    assert answer.code == ResponseCode.SUCCESS, answer.remark
    return bytes(answer.body)


def test_slave_has_the_same_bytes_and_serves_them(tmp_path: Path) -> None:
    with master_and_client(tmp_path) as live, slave_of(live, tmp_path) as slave:
        send(live, 40)
        send(live, 300, size=10_000)  # into the fourth file
        wait_until(lambda: behind(live, slave) == 0)
        slave.call(slave.replication.copy_tables)
        for queue_id in (0, 1):
            assert pulled(live, slave.address, "T", queue_id) == pulled(live, live.broker, "T", queue_id)
        refused = live.client.invoke(slave.address, _send_header("T"), b"x")
        assert refused.code == ResponseCode.SERVICE_NOT_AVAILABLE
    logs = [sorted((tmp_path / name / "commitlog").iterdir()) for name in ("master", "slave")]
    assert [path.name for path in logs[0]] == [path.name for path in logs[1]]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*logs, strict=True))


def _send_header(topic: str) -> SendMessage:
    return SendMessage(
        producer_group="P", topic=topic, default_topic="TBW102", default_topic_queue_nums=4, queue_id=0, sys_flag=0,
        born_timestamp=1, flag=0,
    )  # fmt: skip


def test_slave_that_was_away_goes_on_where_it_was(tmp_path: Path) -> None:
    with master_and_client(tmp_path) as live:
        with slave_of(live, tmp_path) as slave:
            send(live, 10)
            wait_until(lambda: behind(live, slave) == 0)
        send(live, 200, size=10_000)
        with slave_of(live, tmp_path) as slave:
            assert slave.store.log.max_offset > 0
            wait_until(lambda: behind(live, slave) == 0)
            assert slave.store.max_offset("T", 0) == live.servers.broker.store.max_offset("T", 0) == 105


def test_new_slave_begins_with_the_last_file(tmp_path: Path) -> None:
    with master_and_client(tmp_path) as live:
        send(live, 250, size=10_000)
        with slave_of(live, tmp_path) as slave:
            wait_until(lambda: behind(live, slave) == 0)
            assert slave.store.log.min_offset == 2 << 20
            newest = slave.store.max_offset("T", 0) - 1
            assert slave.store.get("T", 0, newest, 1).message_count == 1


def test_tables_are_the_masters(tmp_path: Path) -> None:
    with master_and_client(tmp_path) as live, slave_of(live, tmp_path) as slave:
        send(live, 4, topic="Copied")
        live.servers.call(live.servers.broker.offsets.commit, "here", "G", "Copied", 1, 2)
        live.servers.call(live.servers.broker.groups.find, "G")
        slave.call(slave.replication.copy_tables)
        master = live.servers.broker
        assert slave.topics.snapshot().to_json() == master.topics.snapshot().to_json()
        assert slave.groups.snapshot().to_json() == master.groups.snapshot().to_json()
        assert slave.offsets.query("G", "Copied", 1) == 2
    assert '"Copied@G":{1:2}' in (tmp_path / "slave/config/consumerOffset.json").read_text().replace("\n", "").replace(
        "\t", ""
    )


def test_master_gone_slave_is_read(tmp_path: Path) -> None:
    with ExitStack() as ends:
        live = ends.enter_context(master_and_client(tmp_path))
        slave = ends.enter_context(slave_of(live, tmp_path))
        send(live, 3, topic="Kept")
        wait_until(lambda: behind(live, slave) == 0)
        slave.call(slave.replication.copy_tables)
        live.servers.call(live.servers.broker.stop)
        slave.call(slave._namesrv_link.register_all)
        with PullConsumer("G", namesrv=live.servers.namesrv.address) as consumer:
            queues = wait_until(lambda: consumer.subscribe_queues("Kept"))
            found = [message.body for queue in queues for message in consumer.pull(queue, 0).messages]
        assert len(found) == 3


class Mute:
    """A slave that takes everything and acknowledges what it is told to."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 20)
        self._unread = b""

    def report(self, physical_offset: int) -> None:
        self.socket.sendall(REPORT.pack(physical_offset))

    def piece(self) -> tuple[int, bytes]:
        """The next piece of the log."""
        physical_offset, size = HEADER.unpack(self._read(HEADER.size))
        return physical_offset, self._read(size)

    def is_closed(self) -> bool:
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def _read(self, size: int) -> bytes:
        while len(self._unread) < size:
            data = self.socket.recv(1 << 16)
            assert data, "closed"
            self._unread += data
        data, self._unread = self._unread[:size], self._unread[size:]
        return data


@pytest.fixture
def sync_master(tmp_path: Path) -> Iterator[Live]:
    with master_and_client(tmp_path, brokerRole="SYNC_MASTER", slaveTimeout="300") as live:
        yield live


@pytest.fixture
def mute(sync_master: Live) -> Iterator[Callable[[], Mute]]:
    """Connects to the master and reports 0."""
    made: list[Mute] = []

    def connect() -> Mute:
        made.append(Mute(sync_master.servers.broker.ha_address))
        made[-1].report(0)
        slaves = sync_master.servers.broker.replication.slaves
        wait_until(lambda: slaves.stats()["slaves"] == len(made))
        return made[-1]

    yield connect
    for one in made:
        one.socket.close()


def _status(live: Live) -> SendStatus:
    with Producer("P", namesrv=live.servers.namesrv.address) as producer:
        return producer.send(Message("Sync", b"x")).status


def test_sync_master_tells_of_its_slave(sync_master: Live, mute: Callable[[], Mute]) -> None:
    assert _status(sync_master) == SendStatus.SLAVE_NOT_AVAILABLE
    slave = mute()
    assert _status(sync_master) == SendStatus.FLUSH_SLAVE_TIMEOUT
    assert slave.piece()[0] == 0
    physical_offset, data = slave.piece()
    assert physical_offset + len(data) == sync_master.servers.broker.store.log.max_offset
    slave.socket.close()
    slaves = sync_master.servers.broker.replication.slaves
    wait_until(lambda: slaves.stats()["slaves"] == 0)
    assert _status(sync_master) == SendStatus.SLAVE_NOT_AVAILABLE


@pytest.mark.parametrize("flush", ["ASYNC_FLUSH", "SYNC_FLUSH"])
def test_sync_master_waits_for_its_slave(tmp_path: Path, flush: str) -> None:
    with (
        master_and_client(tmp_path, brokerRole="SYNC_MASTER", flushDiskType=flush) as live,
        slave_of(live, tmp_path) as slave,
    ):
        wait_until(lambda: live.servers.broker.replication.slaves.stats()["slaves"])
        for _ in range(5):
            assert live.send("Sync").code == ResponseCode.SUCCESS
            assert behind(live, slave) == 0


@pytest.mark.parametrize("report", [b"\xff" * 8, REPORT.pack(0) + REPORT.pack(1 << 40)])
def test_slave_that_reports_nonsense_is_left(sync_master: Live, report: bytes) -> None:
    peer = Mute(sync_master.servers.broker.ha_address)
    peer.socket.sendall(report[:8])
    if report[8:]:
        slaves = sync_master.servers.broker.replication.slaves
        wait_until(lambda: slaves.stats()["slaves"])
        peer.socket.sendall(report[8:])
    assert peer.is_closed()
    peer.socket.close()
    assert sync_master.servers.broker.replication.slaves.acknowledged == 0


def test_slave_of_another_history_takes_nothing(tmp_path: Path) -> None:
    with master_and_client(tmp_path / "other") as other, slave_of(other, tmp_path) as slave:
        send(other, 50)
        wait_until(lambda: behind(other, slave) == 0)
    with master_and_client(tmp_path) as live:
        send(live, 3)
        with slave_of(live, tmp_path) as slave:
            had = slave.store.log.max_offset
            send(live, 3)
            wait_until(lambda: live.servers.broker.replication.slaves.stats()["slaves"])
            assert slave.store.log.max_offset == had


def test_slave_without_an_id_does_not_start() -> None:
    settings = BrokerSettings()
    settings.store.broker_role = BrokerRole.SLAVE
    with pytest.raises(ConfigError, match="Slave's brokerId must be > 0"):
        settings.settle()
