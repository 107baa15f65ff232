"""Pulls that wait: what ends the waiting, and what they are answered then."""

from __future__ import annotations

import pytest

from rocketpy.protocol.command import HOLD, JSON
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.message import decode_messages
from tests.broker.data_side import DataSide, ext_of
from tests.broker.test_pull import body_of
from tests.fakes import FakePeer

WAIT = PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION


@pytest.fixture
def held(data: DataSide) -> DataSide:
    """Topic T with one message, and a pull that waits 15 s for the second."""
    data.send(body=b"old")
    assert data.pull(queue_offset=1, sys_flag=WAIT) is HOLD
    return data


def test_a_message_wakes_the_pull_when_the_turn_is_over(held: DataSide) -> None:
    held.send(body=b"new")
    assert held.peer.replies == []
    held.run_due()
    ((command, reply),) = held.peer.replies
    assert (command.opaque, reply.code, reply.remark, reply.serialization) == (7, 0, "FOUND", JSON)
    assert [message.body for message in decode_messages(body_of(reply))] == [b"new"]
    assert held.waiters.stats() == {"held_pulls": 0, "held_queues": 0}


def test_all_messages_of_a_turn_come_in_one_answer(held: DataSide) -> None:
    for body in (b"1", b"2", b"3"):
        held.send(body=body)
    assert len(held.due) == 1
    held.run_due()
    ((_, reply),) = held.peer.replies
    assert [message.body for message in decode_messages(body_of(reply))] == [b"1", b"2", b"3"]


def test_messages_of_other_queues_and_tags_do_not_wake_it(data: DataSide) -> None:
    data.send(body=b"old")
    data.pull(queue_offset=1, sys_flag=WAIT, subscription="A || B")
    data.send(queue_id=1, properties="TAGS\x01A")
    data.send("U", properties="TAGS\x01A")
    data.send(properties="TAGS\x01C")
    assert data.due == []
    data.send(properties="TAGS\x01B")
    data.run_due()
    ((_, reply),) = data.peer.replies
    assert ext_of(reply)["nextBeginOffset"] == "3"


def test_a_pull_beyond_the_message_goes_on_waiting(data: DataSide) -> None:
    data.send()
    data.pull(queue_id=1, sys_flag=WAIT)
    first, second = FakePeer("127.0.0.1:1"), FakePeer("127.0.0.1:2")
    data.pull(queue_offset=1, sys_flag=WAIT, peer=first)
    data.send()
    data.pull(queue_offset=2, sys_flag=WAIT, peer=second)
    data.run_due()
    assert (len(first.replies), len(second.replies)) == (1, 0)
    assert data.waiters.stats() == {"held_pulls": 2, "held_queues": 2}


def test_a_pull_whose_time_is_over_is_answered_by_the_sweep(held: DataSide) -> None:
    held.clock.now += 14_999
    held.waiters.sweep(held.clock())
    held.run_due()
    assert held.peer.replies == []
    held.clock.now += 1
    held.waiters.sweep(held.clock())
    held.run_due()
    ((_, reply),) = held.peer.replies
    assert (reply.code, reply.remark, reply.serialization) == (19, "OFFSET_OVERFLOW_ONE", JSON)
    assert ext_of(reply)["nextBeginOffset"] == "1"
    assert held.waiters.stats()["held_pulls"] == 0


def test_the_sweep_leads_past_messages_of_other_tags(data: DataSide) -> None:
    data.send()
    data.pull(queue_offset=1, sys_flag=WAIT, subscription="A")
    data.send(properties="TAGS\x01B")
    data.waiters.sweep(data.clock())
    data.run_due()
    ((_, reply),) = data.peer.replies
    assert (reply.code, ext_of(reply)["nextBeginOffset"]) == (20, "2")


def test_an_answered_pull_is_not_held_again(held: DataSide) -> None:
    held.clock.now += 60_000
    for _ in range(2):
        held.waiters.sweep(held.clock())
        held.run_due()
    assert len(held.peer.replies) == 1


def test_short_polling_waits_as_long_as_the_broker_says(data: DataSide) -> None:
    data.config.long_polling_enable = False
    data.send()
    data.pull(queue_offset=1, sys_flag=WAIT)
    data.clock.now += 1000
    data.waiters.sweep(data.clock())
    data.run_due()
    assert len(data.peer.replies) == 1


def test_only_pulls_that_allow_it_and_find_nothing_yet_are_held(data: DataSide) -> None:
    data.send()
    assert data.pull(queue_offset=1) is not HOLD
    assert data.pull(queue_offset=5, sys_flag=WAIT) is not HOLD
    assert data.pull(queue_id=1, sys_flag=WAIT) is HOLD


def test_pulls_of_closed_peers_are_forgotten(held: DataSide) -> None:
    held.peer.close()
    held.waiters.sweep(held.clock())
    assert held.waiters.stats() == {"held_pulls": 0, "held_queues": 0}


def test_a_peer_that_closes_while_it_is_woken_gets_no_answer(held: DataSide) -> None:
    held.send()
    held.peer.close()
    held.run_due()
    assert held.peer.replies == []


def test_a_pull_that_is_no_longer_allowed_is_refused_when_it_wakes(held: DataSide) -> None:
    held.config.broker_permission = 2
    held.send()
    held.run_due()
    ((_, reply),) = held.peer.replies
    assert (reply.code, reply.serialization) == (16, JSON)
    assert ext_of(reply) == {}


def test_a_woken_pull_does_not_store_its_offset_again(data: DataSide) -> None:
    data.send()
    data.pull(queue_offset=1, sys_flag=WAIT | PullSysFlag.COMMIT_OFFSET, commit_offset=1)
    data.offsets.commit("c", "G", "T", 0, 9)
    data.send()
    data.run_due()
    assert data.offsets.query("G", "T", 0) == 9


@pytest.mark.parametrize(("tags", "woken"), [("ACC", 1), ("CBC", 1), ("CCA", 1), ("ABA", 1), ("CCC", 0), ("", 0)])
def test_any_message_of_a_batch_wakes_it_once(held: DataSide, tags: str, woken: int) -> None:
    held.pull(queue_id=2, sys_flag=WAIT, subscription="A || B")
    codes = [ord(tag) for tag in tags]
    held.waiters.messages_arrived("T", 2, len(tags), codes, 0)
    assert len(held.due) == woken
    assert held.waiters.stats()["held_pulls"] == 2 - woken
