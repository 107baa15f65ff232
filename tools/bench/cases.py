"""What is measured: every case is a load that can be repeated in rounds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rocketpy.protocol.command import JSON, ROCKETMQ
from tools.bench import load
from tools.bench.brokers import Broker
from tools.bench.frames import QUEUES, Ring, send_ring
from tools.bench.load import Measured

Case = Callable[[int, float], Measured]
"""(port, seconds) -> what came of it."""


@cache
def _ring(body_size: int, serialization: int, batch: int) -> Ring:
    return send_ring(body_size, serialization=serialization, batch=batch)


def _sending(
    body_size: int, in_flight: int, *, connections: int = 1, batch: int = 1, serialization: int = ROCKETMQ
) -> Case:
    def run(port: int, seconds: float) -> Measured:
        return load.send(port, _ring(body_size, serialization, batch), in_flight, connections, seconds)

    return run


CASES: dict[str, tuple[str, Case]] = {
    "send-64": ("send 128 B, 64 in flight", _sending(128, 64)),
    "send-1": ("send 128 B, 1 in flight", _sending(128, 1)),
    "send-1k": ("send 1 KiB, 64 in flight", _sending(1024, 64)),
    "send-json": ("send 128 B, JSON header, 64 in flight", _sending(128, 64, serialization=JSON)),
    "send-16c": ("send 128 B, 64 in flight on 16 connections", _sending(128, 64, connections=16)),
    "batch-64": ("send batches of 16 x 128 B, 64 in flight", _sending(128, 64, batch=16)),
    "pull": ("pull a backlog, 32 at a time", lambda port, seconds: load.pull(port, QUEUES, seconds)),
}
"""By name: title and load, in the order in which they run; the pull reads what the sends have stored."""

WARM_UP: Case = CASES["send-64"][1]


def measure(broker: Broker, case: Case, seconds: float) -> Measured:
    """One round, with what it cost the broker."""
    cpu = broker.cpu_seconds()
    measured = case(broker.port, seconds)
    measured.broker_cpu = broker.cpu_seconds() - cpu
    return measured
