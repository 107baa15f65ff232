"""The queues that a push consumer holds: taking over and giving up (RebalanceImpl.java, RebalancePushImpl.java)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent
from gevent.lock import RLock

from rocketpy.client.instance import REBALANCE_INTERVAL, Instance
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.push_settings import PushSettings
from rocketpy.client.queries import Queries
from rocketpy.client.queue_locks import QueueLocks
from rocketpy.clock import now_ms
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import ConsumeFromWhere, MessageModel
from rocketpy.protocol.topic_names import RETRY_PREFIX

if TYPE_CHECKING:
    from rocketpy.client.consumer import Consumer

log = logging.getLogger(__name__)

UNLOCK_DELAY_SECONDS = 20.0
"""Before a queue is given back of which messages are still held (RebalancePushImpl.UNLOCK_DELAY_TIME_MILLS:36)."""
_FIRST_RETRY = 0.1
"""Seconds until what could not be taken over is tried again, then twice as long each time, up to Java's interval."""


class Balance:
    """The process queues of one consumer; `begin` is called with each new one and where to pull from.

    `expires`: a queue that nobody has pulled from for long is given up, and taken over anew.
    """

    def __init__(
        self,
        consumer: Consumer,
        instance: Instance,
        settings: PushSettings,
        begin: Callable[[ProcessQueue, int], None],
        *,
        expires: bool = True,
    ) -> None:
        self.table: dict[MessageQueue, ProcessQueue] = {}
        self.locks = QueueLocks(instance, consumer.group)
        self._consumer = consumer
        self._instance = instance
        self._settings = settings
        self._begin = begin
        self._expires = expires
        self._busy = RLock()
        self._retry_after = _FIRST_RETRY
        self._missed = False
        self._in_order = settings.orderly and consumer.model == MessageModel.CLUSTERING

    def rebalance(self) -> None:
        """Take this member's share of each topic, and let go of others."""
        with self._busy:
            self._missed = False
            for topic in list(self._consumer.subscriptions):
                share = self._consumer.share(self._instance, topic)
                if self._consumer.is_leaving:
                    return
                if share is None:
                    self._missed = True
                    if not topic.startswith(RETRY_PREFIX):
                        log.info("%s: the share of %s cannot be told yet", self._consumer.group, topic)
                elif self._take(topic, set(share)):
                    self._changed(topic)
            for queue in [queue for queue in self.table if queue.topic not in self._consumer.subscriptions]:
                self.release(self.table[queue])
        if not self._missed:
            self._retry_after = _FIRST_RETRY
        else:
            gevent.spawn_later(self._retry_after, self._instance.rebalance_soon)
            self._retry_after = min(self._retry_after * 2, REBALANCE_INTERVAL)

    def release(self, held: ProcessQueue) -> None:
        """Let go of one queue whatever it does, as when its offset was changed (removeProcessQueue:460)."""
        if self.table.get(held.queue) is held:
            del self.table[held.queue]
        held.dropped = True
        self._give_up(held)

    def where_to_start(self, queue: MessageQueue) -> int:
        """The offset to pull from first (computePullFromWhereWithException:151). Raises RocketpyError."""
        stored = self._consumer.offsets.read(queue)
        if stored >= 0:
            return stored
        retried = queue.topic.startswith(RETRY_PREFIX)
        queries = Queries(self._instance)
        where = self._settings.consume_from
        if where == ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET:
            return 0
        if where == ConsumeFromWhere.CONSUME_FROM_TIMESTAMP:
            if retried:
                return queries.max_offset(queue)
            return queries.offset_for_timestamp(queue, self._settings.start_timestamp)
        return 0 if retried else queries.max_offset(queue)

    def lock_all(self) -> None:
        """Renew the locks of all queues held (lockAll:155)."""
        for queue, locked in self.locks.lock(list(self.table)).items():
            held = self.table.get(queue)
            if held is None:
                continue
            if locked:
                held.lock()
            else:
                held.locked = False

    def lock(self, queue: MessageQueue) -> bool:
        """Lock one queue; whether that went well."""
        locked = self.locks.lock([queue]).get(queue, False)
        held = self.table.get(queue)
        if locked and held is not None:
            held.lock()
        return locked

    def drop_all(self) -> None:
        """Let go of everything, at the end."""
        for held in self.table.values():
            held.dropped = True
        self.table.clear()

    def _take(self, topic: str, share: set[MessageQueue]) -> bool:
        """Whether anything changed (updateProcessQueueTableInRebalance:333)."""
        changed = False
        for queue, held in [(queue, held) for queue, held in self.table.items() if queue.topic == topic]:
            if queue not in share or (self._expires and held.is_pull_expired()):
                held.dropped = True
                if self._give_up(held):
                    del self.table[queue]
                    changed = True
        for queue in sorted(share - set(self.table), key=lambda one: (one.broker_name, one.queue_id)):
            if self._in_order and not self.lock(queue):
                log.info("%s: %s is not taken over, its lock is somebody else's", self._consumer.group, queue)
                self._missed = True
                continue
            self._consumer.offsets.remove(queue)
            try:
                queue_offset = self.where_to_start(queue)
            except RocketpyError as error:
                log.warning("%s: %s is not taken over: %s", self._consumer.group, queue, error)
                self._missed = True
                continue
            held = self.table[queue] = ProcessQueue(queue)
            held.locked = True
            changed = True
            self._begin(held, queue_offset)
        return changed

    def _give_up(self, held: ProcessQueue) -> bool:
        """Store its offset and unlock it; False while the application consumes of it (:90)."""
        self._consumer.offsets.persist([held.queue])
        self._consumer.offsets.remove(held.queue)
        if not self._in_order:
            return True
        if not held.consume_lock.acquire(timeout=1.0):
            held.try_unlock_times += 1
            log.warning("%s is being consumed, it is unlocked later", held.queue)
            return False
        try:
            if held.first is not None:
                gevent.spawn_later(UNLOCK_DELAY_SECONDS, self.locks.unlock, [held.queue], oneway=True)
            else:
                self.locks.unlock([held.queue], oneway=True)
        finally:
            held.consume_lock.release()
        return True

    def _changed(self, topic: str) -> None:
        """Tell the brokers, with a new version of the subscription (messageQueueChanged:52)."""
        wanted = self._consumer.subscriptions.get(topic)
        if wanted is not None:
            wanted.sub_version = now_ms()
        self._settings.share_thresholds(len(self.table))
        self._instance.heartbeat()
