"""python -m tools.bench.in_process: what a message costs within the broker, sockets and scheduling left out.

`in_process_features` is the same for transactions, delays and filters.

The best of many short rounds in one process: on a busy machine these figures stand still where those of `tools.bench`
wander, so they tell whether a change was worth it. They are less than what a broker's CPU time says, which includes
cold caches, system calls and flushing.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import SimpleNamespace
from typing import cast

import gevent

from rocketpy.broker.app import Broker
from rocketpy.config.startup import BrokerSettings
from rocketpy.protocol.command import JSON, Command
from rocketpy.protocol.frame import FrameDecoder
from rocketpy.remoting.connection import Connection
from tools.bench.frames import QUEUES, PullFrame, Ring, send_ring

ROUNDS = 300
FRAMES = 64
"""Requests in a round, as many as a busy connection brings in one read."""

PEER = cast("Connection", SimpleNamespace(remote_address="127.0.0.1:5555"))
"""Whom the broker takes the requests for."""
_PULLED = 32
STEPS = ("frames", "commands", "answers")


def main() -> int:
    """Print us a message for each kind of send, and for pulls of what was sent."""
    with running_broker() as broker:
        print(f"{'us a message':<30}" + "".join(f"{step:>10}" for step in (*STEPS, "all")))
        for name, ring in _rings():
            best = [min(times) / ring.messages / FRAMES * 1e6 for times in zip(*_rounds(broker, ring), strict=True)]
            print(f"{name:<30}" + "".join(f"{value:>10.2f}" for value in (*best, sum(best))), flush=True)
    return 0


@contextmanager
def running_broker() -> Iterator[Broker]:
    """One without a name server, in a directory of its own, that logs nothing."""
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="rocketpy-bench-") as directory:
        broker = Broker(_settings(directory))
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()
            logging.disable(logging.NOTSET)


def _rings() -> Iterable[tuple[str, Ring]]:
    yield "send 128 B, binary header", send_ring(128)
    yield "send 128 B, JSON header", send_ring(128, serialization=JSON)
    yield "send 1 KiB, binary header", send_ring(1024)
    yield "send batches of 16 x 128 B", send_ring(128, batch=16)
    yield "pull 32 of 128 B", _pull_ring()


def _pull_ring() -> Ring:
    """Pulls of the first messages of every queue, which the first sends have filled."""
    frames = [PullFrame(number % QUEUES, number).at(number // QUEUES * _PULLED) for number in range(512)]
    return Ring(frames, _PULLED)


def _settings(directory: str) -> BrokerSettings:
    settings = BrokerSettings()
    settings.broker.broker_ip1 = settings.broker.broker_ip2 = "127.0.0.1"
    settings.server.listen_port = 0
    settings.store.store_path_root_dir = f"{directory}/store"
    settings.store.store_path_commit_log = f"{directory}/store/commitlog"
    return settings


def _rounds(broker: Broker, ring: Ring) -> Iterable[tuple[float, float, float]]:
    """Seconds that each of STEPS took, round by round."""
    answer = broker._router.answer
    decoder = FrameDecoder()
    for number in range(ROUNDS):
        at = number * FRAMES % (len(ring.frames) - FRAMES)
        data = b"".join(ring.frames[at : at + FRAMES])
        begun = perf_counter()
        decoder.feed(data)
        frames = list(iter(decoder.next_frame, None))
        framed = perf_counter()
        commands = [Command.decode(frame) for frame in frames]
        decoded = perf_counter()
        answers = [answer(PEER, command) for command in commands]
        yield framed - begun, decoded - framed, perf_counter() - decoded
        check(answers[-1][0])
        gevent.sleep(0)  # the broker's own loops


def check(frame: bytes | memoryview) -> Command:
    """The answer in the first buffer of its frame, body left out. Raises RuntimeError for one that refuses."""
    reply = Command.decode(bytes(frame[4:]))
    if reply.code:
        raise RuntimeError(f"the broker refused: {reply.code}, {reply.remark}")
    return reply


if __name__ == "__main__":
    sys.exit(main())
