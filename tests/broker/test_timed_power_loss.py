"""The machine dies while messages wait for times of their own: what was on disk is delivered, at least once.

`ROCKETPY_POWER_LOSSES=500 pytest tests/broker/test_timed_power_loss.py` tries more lives than the usual few.
"""

from __future__ import annotations

import gc
import os
import random
from pathlib import Path

import pytest

from rocketpy.faulty_disk import FaultyDisk
from tests.broker.test_timed import TimedSide

SEEDS = range(int(os.environ.get("ROCKETPY_POWER_LOSSES", "2")))
LIVES = 5


def live(side: TimedSide, rng: random.Random, life: int) -> set[bytes]:
    """Messages are sent, taken in, delivered and flushed at random; those that are on disk in the end."""
    sent: dict[bytes, int] = {}
    for number in range(rng.randrange(5, 40)):
        body = b"%d %d" % (life, number)
        assert side.send(body, properties=f"TIMER_DELAY_MS\x01{rng.randrange(1, 9_000)}") == 0
        sent[body] = side.data.store.log.max_offset
        if rng.random() < 0.6:
            side.step(rng.randrange(600))
        if rng.random() < 0.3:
            side.flush()
    return {body for body, end in sent.items() if end <= side.data.store.flushed_offset}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_on_disk_is_delivered_whatever_was_not(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    promised: set[bytes] = set()
    with FaultyDisk(str(tmp_path)) as disk:
        side = TimedSide(tmp_path)
        for life in range(LIVES):
            promised |= live(side, rng, life)
            now = side.data.clock.now
            side.data.store._lock.release()
            del side
            gc.collect()
            disk.lose_power(rng if rng.random() < 0.8 else None)
            side = TimedSide(tmp_path)
            side.data.clock.now = now
        side.step(0)
        for _ in range(40):
            side.step(500)
        missing = promised - set(side.bodies())
        assert not missing
        assert promised
        side.files.close()
        side.data.store.close(side.data.clock())
