"""SYNC_FLUSH: an answer means that the message is on disk. SYNC_MASTER: that a slave has it."""

from __future__ import annotations

import gevent
import pytest

from rocketpy.config.store import BrokerRole, FlushDiskType
from rocketpy.faulty_disk import FaultyDisk
from rocketpy.protocol.command import HOLD
from tests.broker.data_side import DataSide, ext_of


@pytest.fixture
def careful(data: DataSide) -> DataSide:
    """A broker that answers sends when they are flushed."""
    data.store_config.flush_disk_type = FlushDiskType.SYNC_FLUSH
    return data


def wait_answered(data: DataSide, count: int) -> None:
    with gevent.Timeout(10):
        while len(data.peer.replies) < count:
            gevent.sleep(0.001)


def test_the_answer_comes_when_the_message_is_on_disk(careful: DataSide) -> None:
    assert careful.send(queue_id=1) is HOLD  # type: ignore[comparison-overlap]
    assert careful.peer.replies == []
    assert careful.store.flushed_offset == 0
    wait_answered(careful, 1)
    ((_, reply),) = careful.peer.replies
    assert (reply.code, ext_of(reply)["queueId"]) == (0, "1")
    assert careful.store.flushed_offset == careful.store.log.max_offset


def test_one_flush_answers_all_who_came_before_it(careful: DataSide, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = []
    flush_job = careful.store.flush_job
    monkeypatch.setattr(careful.store, "flush_job", lambda: jobs.append(1) or flush_job())
    for _ in range(20):
        careful.send()
    assert careful.durability.stats() == {"flush_waiters": 20}
    wait_answered(careful, 20)
    assert len(jobs) == 1
    assert [ext_of(reply)["queueOffset"] for _, reply in careful.peer.replies] == [str(n) for n in range(20)]


def test_who_does_not_want_to_wait_need_not(careful: DataSide) -> None:
    assert careful.send(properties="WAIT\x01false").code == 0


def test_a_refused_message_does_not_wait(careful: DataSide) -> None:
    assert careful.send(body=b"x" * 65_537).code == 13


def test_a_flush_that_takes_too_long_is_said_to_have_failed(careful: DataSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(careful.store, "flush_job", lambda: None)
    careful.send()
    careful.clock.now += 5000
    wait_answered(careful, 1)
    ((_, reply),) = careful.peer.replies
    assert (reply.code, ext_of(reply)["queueOffset"]) == (10, "0")


def test_a_flush_that_fails_is_no_success(careful: DataSide) -> None:
    with FaultyDisk(careful.store_config.store_path_root_dir) as disk:
        disk.fail("sync")
        for _ in range(3):
            careful.send()
        wait_answered(careful, 3)
    assert [reply.code for _, reply in careful.peer.replies] == [10, 10, 10]
    assert careful.store.has_failed
    assert careful.send().code == 14


@pytest.mark.parametrize("flush", FlushDiskType)
def test_a_synchronous_master_without_a_slave_says_so(data: DataSide, flush: FlushDiskType) -> None:
    data.store_config.flush_disk_type = flush
    data.store_config.broker_role = BrokerRole.SYNC_MASTER
    data.send()
    wait_answered(data, 1)
    ((_, reply),) = data.peer.replies
    assert (reply.code, ext_of(reply)["queueOffset"]) == (11, "0")
    assert data.send(properties="WAIT\x01false").code == 0
