"""The queues of a topic that may be sent to, and whose turn it is (TopicPublishInfo.java)."""

from __future__ import annotations

import random

from rocketpy.protocol.api.route import MessageQueue, TopicRouteData
from rocketpy.protocol.flags import Perm

MASTER_ID = 0


class Publish:
    """What a producer knows of a topic; `topic` and those of `queues` have their namespace."""

    def __init__(self, topic: str, route: TopicRouteData) -> None:
        self.route = route
        self.queues = publish_queues(topic, route)
        self._turn = random.randrange(1 << 16)

    def next_queue(self, last_broker: str | None = None) -> MessageQueue:
        """The next queue in turn, at another broker than `last_broker` if there is one (selectOneMessageQueue:75)."""
        if last_broker is not None:
            for _ in self.queues:
                queue = self._in_turn()
                if queue.broker_name != last_broker:
                    return queue
        return self._in_turn()

    def next_turn(self) -> int:
        """A number that grows with each call."""
        self._turn += 1
        return self._turn

    def write_queues_at(self, broker_name: str) -> int:
        """How many queues that broker has; -1 if none that may be written to (getQueueIdByBroker:105)."""
        for data in self.route.queue_datas:
            if data.broker_name == broker_name and data.perm & Perm.WRITE:
                return data.write_queue_nums
        return -1

    def _in_turn(self) -> MessageQueue:
        return self.queues[self.next_turn() % len(self.queues)]


def publish_queues(topic: str, route: TopicRouteData) -> list[MessageQueue]:
    """Those that may be sent to, broker by broker; only masters count (topicRouteData2TopicPublishInfo:160).

    The name server may say the order itself, as `broker:queues;broker:queues`.
    """
    if route.order_topic_conf:
        counts = [part.split(":") for part in route.order_topic_conf.split(";") if part]
        return [queue for name, count in counts for queue in _queues(topic, name, int(count))]
    with_master = {data.broker_name for data in route.broker_datas if MASTER_ID in data.broker_addrs}
    return [
        queue
        for data in sorted(route.queue_datas, key=lambda one: one.broker_name)
        if data.perm & Perm.WRITE and data.broker_name in with_master
        for queue in _queues(topic, data.broker_name, data.write_queue_nums)
    ]


def subscribe_queues(topic: str, route: TopicRouteData) -> list[MessageQueue]:
    """Those that may be read, in their order (topicRouteData2TopicSubscribeInfo:205)."""
    return [
        queue
        for data in sorted(route.queue_datas, key=lambda one: one.broker_name)
        if data.perm & Perm.READ
        for queue in _queues(topic, data.broker_name, data.read_queue_nums)
    ]


def queue_rank(queue: MessageQueue) -> tuple[str, str, int]:
    """What queues are sorted by (MessageQueue.compareTo:97)."""
    return queue.topic, queue.broker_name, queue.queue_id


def _queues(topic: str, broker_name: str, count: int) -> list[MessageQueue]:
    return [MessageQueue(topic=topic, broker_name=broker_name, queue_id=number) for number in range(count)]
