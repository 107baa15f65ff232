from __future__ import annotations

import gevent
import pytest
from gevent.event import Event
from gevent.hub import get_hub

from rocketpy.remoting import workers as workers_module
from rocketpy.remoting.workers import Workers


def test_a_worker_serves_again_when_its_work_is_done() -> None:
    workers = Workers()
    seen = []
    for _ in range(3):
        get_hub().loop.run_callback(workers.run, lambda: seen.append(gevent.getcurrent()))
        gevent.sleep(0)
    assert len(seen) == 3
    assert len(set(map(id, seen))) == 1
    workers.stop()


def test_work_that_waits_does_not_hold_up_other_work() -> None:
    workers = Workers()
    gate = Event()
    done: list[int] = []
    count = workers_module.MOST_IDLE + 10
    for number in range(count):
        get_hub().loop.run_callback(workers.run, lambda number=number: (gate.wait(), done.append(number)))
    get_hub().loop.run_callback(workers.run, lambda: done.append(-1))
    gevent.sleep(0)
    assert done == [-1]
    gate.set()
    gevent.sleep(0.01)
    assert sorted(done) == [-1, *range(count)]
    assert len(workers._idle) == workers_module.MOST_IDLE
    workers.stop()
    assert not workers._idle


def test_failed_work_is_logged_and_the_worker_lives(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers()
    seen: list[int] = []
    get_hub().loop.run_callback(workers.run, lambda: 1 // 0)
    get_hub().loop.run_callback(workers.run, lambda: seen.append(1))
    gevent.sleep(0)
    assert "ZeroDivisionError" in caplog.text
    assert seen == [1]
    workers.stop()
