"""python -m tools.bench.in_process_features [NAME]...: `in_process` for transactions, delays and filters.

us a message, the best of many short rounds; of pulls through a filter each message that was looked at counts, and a
delayed message is one that was sent, waited and was delivered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from time import perf_counter, time_ns

import gevent

from rocketpy.broker.app import Broker
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import ROCKETMQ, Command
from rocketpy.protocol.flags import MessageSysFlag
from tools.bench import feature_loads as loads
from tools.bench.features import NO_SQL, SQL
from tools.bench.in_process import FRAMES, PEER, check, running_broker

ROUNDS = 200
_FILTERED = 25 * FRAMES
"""Messages of the filtered queue: more than the 800 that one pull looks at."""

Round = Callable[[], tuple[float, int]]
"""Seconds that a round took, and how many messages it dealt with."""


def main(names: list[str]) -> int:
    """Print the figures of the subjects whose names contain one of `names`, or of all."""
    with running_broker() as broker:
        for name, one_round in subjects(broker):
            if not names or any(wanted in name for wanted in names):
                print(f"{name:<44}{min(_rounds(one_round)) * 1e6:8.2f} us", flush=True)
    return 0


def _rounds(one_round: Round) -> Iterator[float]:
    for _ in range(ROUNDS):
        seconds, messages = one_round()
        yield seconds / messages
        gevent.sleep(0)  # the broker's own loops


def subjects(broker: Broker) -> Iterator[tuple[str, Round]]:
    """Each with what does a round of it; they leave nothing behind that another could see."""
    broker.settings.broker.enable_property_filter = True
    _answers(broker, loads.send_frames(FRAMES, loads.FILTER_TOPIC, loads.FILTERED_PROPERTIES) * (_FILTERED // FRAMES))
    yield "half message", _halves(broker)
    yield "half message and commit", _transactions(broker)
    yield "level 1: sent", _sent(broker)
    yield "level 1: sent and delivered", _delays(broker)
    yield "pull by a tag that all have", _pulls(broker, "TAG", "TagA", 32)
    yield "pull by a tag that none has", _pulls(broker, "TAG", "TagZ", 800)
    yield "pull by SQL that all match", _pulls(broker, "SQL92", SQL, 32)
    yield "pull by SQL that none matches", _pulls(broker, "SQL92", NO_SQL, 800)


def _answers(broker: Broker, frames: list[bytes]) -> list[list[bytes | memoryview]]:
    answer = broker._router.answer
    return [answer(PEER, Command.decode(frame[4:])) for frame in frames]


def _halves(broker: Broker) -> Round:
    frames = loads.send_frames(
        FRAMES, loads.HALF_TOPIC, loads.HALF_PROPERTIES, MessageSysFlag.TRANSACTION_PREPARED
    )

    def run() -> tuple[float, int]:
        begun = perf_counter()
        _answers(broker, frames)
        return perf_counter() - begun, FRAMES

    return run


def _transactions(broker: Broker) -> Round:
    halves = loads.send_frames(
        FRAMES, loads.HALF_TOPIC, loads.HALF_PROPERTIES, MessageSysFlag.TRANSACTION_PREPARED
    )
    ends = [loads.EndFrame(number) for number in range(FRAMES)]

    def run() -> tuple[float, int]:
        begun = perf_counter()
        stored = _answers(broker, halves)
        took = perf_counter() - begun
        fields = [check(buffers[0]).ext_fields or {} for buffers in stored]
        commits = [
            end.at(int(one["queueOffset"]), int(one["msgId"][16:], 16)) for end, one in zip(ends, fields, strict=True)
        ]
        begun = perf_counter()
        ended = _answers(broker, commits)
        took += perf_counter() - begun
        check(ended[-1][0])
        return took, FRAMES

    return run


def _sent(broker: Broker) -> Round:
    frames = loads.send_frames(FRAMES, loads.DELAY_TOPIC, loads.DELAY_PROPERTIES)

    def run() -> tuple[float, int]:
        begun = perf_counter()
        stored = _answers(broker, frames)
        took = perf_counter() - begun
        check(stored[-1][0])
        _deliver(broker)
        return took, FRAMES

    return run


def _delays(broker: Broker) -> Round:
    frames = loads.send_frames(FRAMES, loads.DELAY_TOPIC, loads.DELAY_PROPERTIES)

    def run() -> tuple[float, int]:
        begun = perf_counter()
        _answers(broker, frames)
        _deliver(broker)
        return perf_counter() - begun, FRAMES

    return run


def _deliver(broker: Broker) -> None:
    """As if their second was over."""
    delayed = broker._delayed
    now = time_ns() // 1_000_000 + 1_000
    delayed.step(now)
    while not delayed.pause:
        delayed.step(now)


def _pulls(broker: Broker, expression_type: str, expression: str, looked_at: int) -> Round:
    fields = loads.pull_fields(loads.FILTER_TOPIC, 0, expression_type, expression)
    frame = Command(RequestCode.PULL_MESSAGE, ext_fields=fields, serialization=ROCKETMQ).encode()
    times = max(1, _FILTERED // looked_at)

    def run() -> tuple[float, int]:
        begun = perf_counter()
        found = _answers(broker, [frame] * times)
        took = perf_counter() - begun
        reply = Command.decode(bytes(found[-1][0][4:]))
        following = int((reply.ext_fields or {})["nextBeginOffset"])
        if following != looked_at:
            raise RuntimeError(f"a pull by {expression!r} looked at {following} messages, not at {looked_at}")
        return took, times * looked_at

    return run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
