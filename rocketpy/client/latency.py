"""Which brokers to leave alone for a while, since they were slow or failed (MQFaultStrategy.java)."""

from __future__ import annotations

from rocketpy.client.publish import Publish
from rocketpy.protocol.api.route import MessageQueue

LATENCY_MAX = (50, 100, 550, 1000, 2000, 3000, 15000)
NOT_AVAILABLE = (0, 0, 30_000, 60_000, 120_000, 180_000, 600_000)
"""How many ms a broker is left alone that took at least so many ms."""
_FAILED_MS = 30_000
"""What a failure counts as."""


class Latency:
    """How long each broker took last; times are in ms of one clock."""

    def __init__(self) -> None:
        self._items: dict[str, tuple[float, float]] = {}
        self._turn = 0

    def note(self, broker_name: str, took_ms: float, now: float, *, failed: bool = False) -> None:
        """A request to a broker took that long (updateFaultItem:89)."""
        counted = _FAILED_MS if failed else took_ms
        alone = next((NOT_AVAILABLE[i] for i in reversed(range(7)) if counted >= LATENCY_MAX[i]), 0)
        self._items[broker_name] = (took_ms, now + alone)

    def is_available(self, broker_name: str, now: float) -> bool:
        """Whether it is not to be left alone."""
        return self._items.get(broker_name, (0, 0))[1] <= now

    def next_queue(self, publish: Publish, now: float) -> MessageQueue:
        """The next queue at a broker that is available, or at one of the better half (selectOneMessageQueue:56)."""
        for _ in publish.queues:
            queue = publish.next_queue()
            if self.is_available(queue.broker_name, now):
                return queue
        broker_name = self._less_bad(now)
        count = publish.write_queues_at(broker_name) if broker_name is not None else -1
        queue = publish.next_queue()
        if broker_name is None:
            return queue
        if count > 0:
            return MessageQueue(topic=queue.topic, broker_name=broker_name, queue_id=publish.next_turn() % count)
        self._items.pop(broker_name, None)
        return queue

    def _less_bad(self, now: float) -> str | None:
        """One of the better half, in turn (LatencyFaultToleranceImpl.pickOneAtLeast:66)."""
        ranked = sorted(self._items, key=lambda name: (self._items[name][1] > now, *self._items[name]))
        half = len(ranked) // 2
        if half == 0:
            return ranked[0] if ranked else None
        self._turn += 1
        return ranked[self._turn % half]
