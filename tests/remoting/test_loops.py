from __future__ import annotations

import logging
import time

import gevent
import pytest
from gevent.event import Event

from rocketpy.clock import now_ms
from rocketpy.remoting.loops import Loops, in_slices, ms_to_midnight
from tests.fakes import FakeClock


def test_function_is_called_again_and_again_until_stop() -> None:
    loops, thrice = Loops(), Event()
    calls: list[int] = []

    def run() -> None:
        calls.append(1)
        if len(calls) == 3:
            thrice.set()

    loops.every(1, run, first=0)
    assert thrice.wait(5)
    loops.stop()
    count = len(calls)
    gevent.sleep(0.01)
    assert len(calls) == count


def test_first_call_may_wait_longer() -> None:
    loops = Loops()
    calls: list[int] = []
    loops.every(1, lambda: calls.append(1), first=60_000)
    gevent.sleep(0.01)
    loops.stop()
    assert calls == []


def test_failure_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    loops, again = Loops(), Event()
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        if len(calls) == 2:
            again.set()
        raise ValueError("for the test")

    with caplog.at_level(logging.ERROR):
        loops.every(lambda: 1, fail)
        assert again.wait(5)
        loops.stop()
    assert "for the test" in caplog.text


def test_once_is_once() -> None:
    loops, done = Loops(), Event()
    loops.once(done.set)
    assert done.wait(5)
    loops.stop()


def test_many_items_leave_room_for_others() -> None:
    turns: list[str] = []
    gevent.spawn(turns.append, "other")
    in_slices(range(1000), lambda item: turns.append("item"))
    assert turns.count("item") == 1000
    assert "other" in turns[:600]


def test_loop_that_is_woken_runs_at_once_and_until_it_has_nothing_more_to_do() -> None:
    clock = FakeClock()
    loops = Loops(clock)
    left: list[int] = [1, 2, 3]
    loop = loops.every(lambda: 0 if left else 60_000, left.pop, first=60_000)
    gevent.sleep(0)
    assert loop.rests.is_set()
    assert loop.due == clock() + 60_000
    clock.now += 60_000
    loop.wake()
    assert loop.rests.wait(5)
    assert left == []
    assert loop.due == clock() + 60_000
    loops.stop()


def test_who_waits_for_a_loop_that_is_stopped_goes_on() -> None:
    loops, forever = Loops(), Event()
    loop = loops.every(60_000, forever.wait)
    loop.wake()
    gevent.sleep(0)
    assert not loop.rests.is_set()
    loops.stop()
    assert loop.rests.is_set()


def test_midnight_is_less_than_a_day_away() -> None:
    now = now_ms()
    assert 0 < ms_to_midnight(now) <= 86_400_001
    then = time.localtime((now + ms_to_midnight(now)) / 1000)
    assert (then.tm_hour, then.tm_min) == (0, 0)
