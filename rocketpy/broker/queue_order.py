"""The order in which Java's maps hand out the queues of a topic; answers to administrators come in it."""

from __future__ import annotations

from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.java_hash import hash_order, string_hash


def queues_of(topic: str, broker_name: str, count: int) -> list[MessageQueue]:
    """The first `count` queues of a topic, as a java.util.HashMap of MessageQueue iterates over them."""
    before, behind = (31 + string_hash(broker_name)) * 31, string_hash(topic)  # MessageQueue.hashCode:62
    ids = hash_order(range(count), lambda queue_id: (before + queue_id) * 31 + behind)
    return [MessageQueue(topic=topic, broker_name=broker_name, queue_id=queue_id) for queue_id in ids]
