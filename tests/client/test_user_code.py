"""Running the application's functions beside the greenlets, in threads or in greenlets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event

from rocketpy.client.user_code import Dropped, InGreenlets, InThreads, UserCode

Gate = tuple[Callable[[], object], Callable[[], object]]


@pytest.fixture(params=["threads", "greenlets"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def code(kind: str) -> Iterator[UserCode]:
    """At most two at a time."""
    made = InThreads(2, "test") if kind == "threads" else InGreenlets(2)
    yield made
    made.stop(5)


@pytest.fixture
def gate(kind: str) -> Gate:
    """Something to wait for in a function, and what opens it."""
    if kind == "threads":
        event = threading.Event()
        return lambda: event.wait(20), event.set
    green = Event()
    return lambda: green.wait(20), green.set


def _until(holds: Callable[[], object]) -> None:
    with gevent.Timeout(20):
        while not holds():
            gevent.sleep(0.001)


def test_results_and_failures_come_back(code: UserCode) -> None:
    assert code.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        code.run(divmod, 7, 0)
    with pytest.raises(SystemExit):
        code.run(exit, 1)
    assert [code.run(abs, -number) for number in range(500)] == list(range(500))


def test_only_so_many_run_at_a_time(code: UserCode, gate: Gate) -> None:
    wait, open_gate = gate
    running: list[int] = []
    ended: list[int] = []

    def task(number: int) -> None:
        running.append(number)
        wait()

    for number in range(6):
        code.begin(lambda number=number: task(number), lambda value, error, number=number: ended.append(number))  # type: ignore[misc]
    _until(lambda: len(running) == 2)
    gevent.sleep(0.02)
    assert (len(running), ended) == (2, [])
    code.resize(4)
    _until(lambda: len(running) == 4)
    gevent.sleep(0.02)
    assert len(running) == 4
    open_gate()
    _until(lambda: len(ended) == 6)
    assert sorted(ended) == list(range(6))


def test_fewer_run_after_a_resize(code: UserCode, gate: Gate) -> None:
    wait, open_gate = gate
    code.resize(5)
    for _ in range(20):
        code.run(int)
    code.resize(1)
    running: list[int] = []
    ended: list[object] = []
    for number in range(4):
        code.begin(lambda number=number: running.append(number) or wait(), lambda value, error: ended.append(error))  # type: ignore[misc]
    _until(lambda: running)
    gevent.sleep(0.02)
    assert running == [0]
    open_gate()
    _until(lambda: len(ended) == 4)
    assert running == [0, 1, 2, 3]


def test_stop_drops_what_has_not_begun_and_waits_for_the_rest(code: UserCode, gate: Gate) -> None:
    wait, open_gate = gate
    outcomes: list[object] = []
    running: list[int] = []

    def task() -> str:
        running.append(1)
        wait()
        return "done"

    for _ in range(5):
        code.begin(task, lambda value, error: outcomes.append(value or type(error)))
    _until(lambda: len(running) == 2)
    gevent.spawn_later(0.02, open_gate)
    assert code.stop(20)
    assert sorted(map(str, outcomes)) == sorted(map(str, ["done", "done", Dropped, Dropped, Dropped]))


def test_stop_gives_up_what_does_not_end(code: UserCode, gate: Gate) -> None:
    wait, open_gate = gate
    running: list[int] = []
    code.begin(lambda: running.append(1) or wait(), lambda value, error: None)
    _until(lambda: running)
    assert not code.stop(0.01)
    open_gate()


def test_what_is_posted_comes_before_the_end(code: UserCode) -> None:
    told: list[str] = []
    for _ in range(50):
        code.begin(lambda: code.post(lambda: told.append("posted")), lambda value, error: told.append("ended"))
        _until(lambda: len(told) == 2)
        assert told == ["posted", "ended"]
        told.clear()


def test_failure_of_the_one_who_is_told_harms_nobody(code: UserCode, caplog: pytest.LogCaptureFixture) -> None:
    code.begin(int, lambda value, error: 1 // 0)
    assert code.run(int, "5") == 5
    assert "ZeroDivisionError" in caplog.text


def test_no_task_is_forgotten_under_load() -> None:
    code = InThreads(4, "test")
    ended: list[int] = []
    for number in range(20_000):
        code.begin(lambda: None, lambda value, error: ended.append(1))
        if number % 97 == 0:
            gevent.sleep(0)
    _until(lambda: len(ended) == 20_000)
    assert code.stop(5)
    _until(lambda: not [one for one in threading.enumerate() if one.name.startswith("test_")])
