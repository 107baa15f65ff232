"""Ways to choose the queue that a message is sent to (SelectMessageQueueByHash.java, -ByRandom.java)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rocketpy.client.sending import Selector
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.message import Message


def by_sharding_key(key: str | int) -> Selector:
    """Always the same queue for equal keys, as long as there are as many: the one that Java takes for that String,
    Integer or Long.
    """
    value = _java_hash(key)

    def select(queues: Sequence[MessageQueue], message: Message) -> MessageQueue:
        return queues[abs(value) % len(queues)]

    return select


def by_random(queues: Sequence[MessageQueue], message: Message) -> MessageQueue:
    """Any queue."""
    return random.choice(queues)


def _java_hash(key: str | int) -> int:
    if isinstance(key, str):
        return string_hash(key)
    bits = (key ^ key >> 32) & 0xFFFFFFFF if not -(1 << 31) <= key < 1 << 31 else key & 0xFFFFFFFF
    return bits - (1 << 32) if bits >> 31 else bits
