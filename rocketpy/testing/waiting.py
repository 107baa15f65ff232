"""Waiting for what is to happen, and telling what there is instead when it does not.

Nothing here sleeps for a fixed time: the servers are asked again every few ms, and the answer is there as soon as they
have it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

import gevent

from rocketpy.admin.errors import JavaError
from rocketpy.protocol.message import MessageExt
from rocketpy.testing.errors import NoSuchTopic, Refused, WaitTimeout
from rocketpy.testing.inspector import Inspector, QueueProgress

T = TypeVar("T")

_PAUSE = 0.01
_NOT_YET = (JavaError, NoSuchTopic, Refused)
"""What is not there, or restarts, may come."""


def for_messages(inspector: Inspector, topic: str, count: int, timeout: float) -> list[MessageExt]:
    """The messages of a topic, once there are `count`. Raises WaitTimeout."""

    def enough() -> list[MessageExt] | None:
        places = inspector.bounds(topic).values()
        there = places and sum(one.max_offset - one.min_offset for one in places) >= count
        return inspector.messages(topic) if there else None

    return _wait(enough, timeout, lambda: _too_few(inspector, topic, count))


def for_dead_letters(inspector: Inspector, group: str, count: int, timeout: float) -> list[MessageExt]:
    """The dead letters of a group, once there are `count`. Raises WaitTimeout."""
    return _wait(
        lambda: _if_enough(inspector.dead_letters(group), count),
        timeout,
        lambda: f"group {group} has not got {count} dead letters\n{_of_group(inspector, group)}",
    )


def for_retries(inspector: Inspector, group: str, count: int, timeout: float) -> list[MessageExt]:
    """What a group failed to consume and is to get again, once that is `count`. Raises WaitTimeout."""
    return _wait(
        lambda: _if_enough(inspector.retries(group), count),
        timeout,
        lambda: f"group {group} has not got {count} messages to try again\n{_of_group(inspector, group)}",
    )


def for_consumers(inspector: Inspector, group: str, count: int, timeout: float) -> list[str]:
    """The client ids of a group, once `count` are on line. Raises WaitTimeout."""
    return _wait(
        lambda: _if_enough(inspector.consumers(group), count),
        timeout,
        lambda: f"group {group} has not got {count} consumers\n{_of_group(inspector, group)}",
    )


def until(condition: Callable[[], T], timeout: float) -> T:
    """What `condition` gives, once that is true; it is called in the calling thread. Raises WaitTimeout."""
    deadline = monotonic() + timeout
    while not (answer := condition()):
        if monotonic() >= deadline:
            raise WaitTimeout(f"after {timeout:g} s it is still {answer!r}")
        time.sleep(_PAUSE)
    return answer


def until_consumed(inspector: Inspector, group: str, topic: str, timeout: float) -> None:
    """Until a group has consumed all that is in a topic. Raises WaitTimeout."""
    _wait(
        lambda: None if any(one.lag for one in inspector.progress(group, topic)) else True,
        timeout,
        lambda: _left(inspector, group, topic),
    )


def _if_enough(found: list[T], count: int) -> list[T] | None:
    return found if len(found) >= count else None


def _wait(ask: Callable[[], T | None], timeout: float, complaint: Callable[[], str]) -> T:
    deadline = monotonic() + timeout
    failure = ""
    while True:
        try:
            answer = ask()
        except _NOT_YET as error:
            answer, failure = None, _words(error)
        if answer is not None:
            return answer
        if monotonic() >= deadline:
            break
        gevent.sleep(_PAUSE)
    try:
        text = complaint()
    except _NOT_YET as error:
        text = failure or _words(error)
    raise WaitTimeout(f"after {timeout:g} s: {text}")


def _words(error: Exception) -> str:
    return error.summary if isinstance(error, JavaError) else str(error)


# -- what is said when time is over


def _too_few(inspector: Inspector, topic: str, count: int) -> str:
    bounds = inspector.existing(topic)
    counts = {queue: place.max_offset - place.min_offset for queue, place in bounds.items()}
    lines = [f"topic {topic} has {sum(counts.values())} of {count} messages"]
    lines += [f"  {queue.broker_name} queue {queue.queue_id}: {number}" for queue, number in counts.items() if number]
    delayed = len(inspector.delayed(topic))
    if delayed:
        lines.append(f"  waiting for their delay to be over: {delayed}")
    return "\n".join(lines)


def _left(inspector: Inspector, group: str, topic: str) -> str:
    progress = inspector.progress(group, topic)
    left = sum(one.lag for one in progress)
    lines = [f"group {group} has yet to consume {left} messages of topic {topic}"]
    lines += [_queue_line(one) for one in progress if one.lag]
    return "\n".join([*lines, _of_group(inspector, group)])


def _queue_line(one: QueueProgress) -> str:
    holder = f"at {', '.join(one.clients)}" if one.clients else "no consumer has it"
    return f"  {one.queue.broker_name} queue {one.queue.queue_id}: {one.consumed} of {one.end} consumed, {holder}"


def _of_group(inspector: Inspector, group: str) -> str:
    subscriptions = {
        f"{name} ({data.sub_string})"
        for one in inspector.connections(group).values()
        for name, data in one.subscription_table.items()
    }
    return "\n".join([
        f"  consumers on line: {', '.join(inspector.consumers(group)) or 'none'}",
        f"  they subscribe to: {', '.join(sorted(subscriptions)) or 'nothing'}",
        f"  waiting for another try: {len(inspector.retries(group))}, "
        f"dead letters: {len(inspector.dead_letters(group))}",
    ])  # fmt: skip
