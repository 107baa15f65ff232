from __future__ import annotations

import pytest

from rocketpy.broker.queue_locks import LOCK_LIFETIME_MS, QueueLocks
from rocketpy.protocol.api.route import MessageQueue
from tests.fakes import FakeClock

Q0, Q1 = (MessageQueue(topic="T", broker_name="b", queue_id=queue_id) for queue_id in (0, 1))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def locks(clock: FakeClock) -> QueueLocks:
    return QueueLocks(clock)


def test_free_queues_are_locked(locks: QueueLocks) -> None:
    assert locks.lock("G", [Q0, Q1], "a") == [Q0, Q1]


def test_queue_of_another_client_is_not_given(locks: QueueLocks) -> None:
    locks.lock("G", [Q0], "a")
    assert locks.lock("G", [Q0, Q1], "b") == [Q1]
    assert locks.lock("other group", [Q0], "b") == [Q0]


def test_lock_that_is_not_renewed_goes_to_who_asks(locks: QueueLocks, clock: FakeClock) -> None:
    locks.lock("G", [Q0, Q1], "a")
    clock.now += LOCK_LIFETIME_MS
    locks.lock("G", [Q1], "a")
    assert locks.lock("G", [Q0], "b") == []
    clock.now += 1
    assert locks.lock("G", [Q0, Q1], "b") == [Q0]


def test_only_the_holder_unlocks(locks: QueueLocks) -> None:
    locks.lock("G", [Q0], "a")
    locks.unlock("G", [Q0], "b")
    assert locks.lock("G", [Q0], "b") == []
    locks.unlock("G", [Q0, Q1], "a")
    locks.unlock("nobody", [Q0], "a")
    assert locks.lock("G", [Q0], "b") == [Q0]


def test_forgotten_locks_do_not_stay(locks: QueueLocks, clock: FakeClock) -> None:
    locks.lock("G", [Q0], "a")
    clock.now += LOCK_LIFETIME_MS
    locks.expire()
    assert locks.lock("G", [Q0], "b") == []
    clock.now += LOCK_LIFETIME_MS + 1
    locks.expire()
    assert locks.lock("G", [Q0], "b") == [Q0]
