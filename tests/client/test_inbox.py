"""Calls from other threads that are made in a hub."""

from __future__ import annotations

import threading

import gevent
import pytest

from rocketpy.client.inbox import Inbox
from rocketpy.remoting.app import NotRunning


def _until(count: int, made: list[int]) -> None:
    with gevent.Timeout(20):
        while len(made) < count:
            gevent.sleep(0.001)


def test_calls_are_made_in_order_by_the_hub(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox()
    made: list[int] = []
    threads: set[int] = set()

    def call(number: int) -> None:
        made.append(number)
        threads.add(threading.get_ident())
        assert number != 7

    def post() -> None:
        for number in range(2000):
            inbox.post(lambda number=number: call(number))  # type: ignore[misc]

    thread = threading.Thread(target=post)
    thread.start()
    _until(2000, made)
    thread.join()
    assert (made, threads) == (list(range(2000)), {threading.get_ident()})
    assert "AssertionError" in caplog.text, "one that fails is no harm to the others"
    inbox.close()


def test_calls_that_are_posted_by_calls_are_made_later() -> None:
    inbox = Inbox()
    made: list[int] = []

    def call() -> None:
        made.append(1)
        if len(made) < 5:
            inbox.post(call)

    inbox.post(call)
    inbox.drain()
    assert made == [1]
    _until(5, made)
    inbox.close()


def test_closed_inbox_has_made_everything_and_takes_nothing_more() -> None:
    inbox = Inbox()
    made: list[int] = []
    inbox.post(lambda: made.append(1))
    inbox.close()
    assert made == [1]
    with pytest.raises(NotRunning):
        inbox.post(lambda: made.append(2))
    inbox.close()
