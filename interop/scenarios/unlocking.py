"""Locks of consumers that have gone without a word expire; they were lost in `ordering`, some scenarios ago."""

from __future__ import annotations

import time

from interop.expect import equal, holds
from interop.messages import Message
from interop.scenario import scenario
from interop.scenarios.ordering import lost_lock
from interop.stage import Stage

LIFETIME_S = 60.0


@scenario("java", of_broker=True)
def lost_lock_expires_after_a_minute(stage: Stage) -> None:
    """Who has waited for the queue consumes it then, and not before."""
    lost = lost_lock(stage)
    consumer = stage.consumer(lost.queue.topic, group=lost.group, orderly=True)
    stage.producer().send(Message(lost.queue.topic, b"m"))
    (stored,) = consumer.received(1, timeout=45) or consumer.received(1, timeout=50)
    waited = time.monotonic() - lost.given
    equal("body", stored.body, b"m")
    holds(f"it takes a minute, not {waited:.1f} s", waited >= LIFETIME_S)
