"""Pulling for a push consumer, a greenlet a queue (DefaultMQPushConsumerImpl.pullMessage:215)."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import gevent

from rocketpy.client.errors import BrokerError
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.pulling import SUSPEND_MS
from rocketpy.client.results import PullResult, PullStatus
from rocketpy.clock import now_ms
from rocketpy.errors import RocketpyError
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import MessageModel
from rocketpy.protocol.topic_names import RETRY_PREFIX

if TYPE_CHECKING:
    from rocketpy.client.push_consumer import PushConsumer

log = logging.getLogger(__name__)

PULL_TIMEOUT_MS = 30_000
WHILE_FULL = 0.05
WHILE_BROKER_IS_BUSY = 0.02
WHILE_SUSPENDED = 1.0
"""Seconds before the next try (DefaultMQPushConsumerImpl.java:87-102)."""
SETTLE_SECONDS = 10.0
"""How long batches under way may take before the offset of their queue is changed."""
_MIB = 1 << 20


class QueueReader:
    """Pulls from one queue until it is dropped."""

    def __init__(self, consumer: PushConsumer, held: ProcessQueue, queue_offset: int) -> None:
        self._consumer = consumer
        self._held = held
        self.next_offset = queue_offset

    def run(self) -> None:
        """The greenlet."""
        while not self._held.dropped:
            try:
                pause = self.step()
            except Exception:
                log.exception("pulling from %s failed", self._held.queue)
                pause = self._consumer.settings.pull_retry_delay
            if pause > 0:
                gevent.sleep(pause)

    def step(self) -> float:
        """Pull once, unless something is against it; how many seconds to wait before the next time."""
        held = self._held
        held.last_pull = now_ms()
        if self._consumer.suspended:
            return WHILE_SUSPENDED
        if self._is_full():
            return WHILE_FULL
        if self._consumer.push.orderly:
            if not held.locked:
                return self._consumer.settings.pull_retry_delay
            if not held.previously_locked:
                try:
                    self.next_offset = self._consumer.balance.where_to_start(held.queue)
                except RocketpyError as error:
                    log.warning("where to start in %s cannot be told: %s", held.queue, error)
                    return self._consumer.settings.pull_retry_delay
                held.previously_locked = True
        return self._pull()

    def _is_full(self) -> bool:
        """Whether the application has enough to do (:240-270)."""
        push, held = self._consumer.push, self._held
        if held.count > push.queue_threshold or held.size // _MIB > push.queue_threshold_mib:
            return True
        return not push.orderly and held.span > push.max_span

    def _pull(self) -> float:
        consumer, held = self._consumer, self._held
        wanted = consumer.subscriptions.get(held.queue.topic)
        if wanted is None:
            return self._consumer.settings.pull_retry_delay
        commit = consumer.offsets.known(held.queue) if consumer.model == MessageModel.CLUSTERING else -1
        started = time.monotonic()
        try:
            result = consumer.puller.pull(
                held.queue,
                wanted,
                self.next_offset,
                consumer.push.pull_batch_size,
                timeout_ms=PULL_TIMEOUT_MS,
                suspend_ms=SUSPEND_MS,
                sub_version=wanted.sub_version,
                commit_offset=commit if commit > 0 else None,
                send_expression=consumer.push.post_subscription,
            )
        except RocketpyError as error:
            if not held.queue.topic.startswith(RETRY_PREFIX):
                log.warning("pull from %s: %s", held.queue, error)
            busy = isinstance(error, BrokerError) and error.code == ResponseCode.FLOW_CONTROL
            return WHILE_BROKER_IS_BUSY if busy else consumer.settings.pull_retry_delay
        return self._use(result, int((time.monotonic() - started) * 1000))

    def _use(self, result: PullResult, took_ms: int) -> float:
        consumer, held = self._consumer, self._held
        self.next_offset = result.next_begin_offset
        if held.dropped:
            return 0
        if result.status == PullStatus.OFFSET_ILLEGAL:
            log.warning("%s: %s, the offset is corrected to %d", held.queue, result, result.next_begin_offset)
            held.dropped = True
            consumer.spawn(self._correct)
            return 0
        if not result.messages:
            if held.count == 0:
                consumer.offsets.update(held.queue, self.next_offset, increase_only=True)
            return 0
        consumer.stats.pulled(held.queue.topic, took_ms, len(result.messages))
        consumer.consumption.submit(held, result.messages, held.put(result.messages))
        return consumer.push.pull_interval

    def _correct(self) -> None:
        """Store the offset that the broker suggested, and begin anew there."""
        wait_idle(self._held)
        self._consumer.offsets.update(self._held.queue, self.next_offset)
        self._consumer.offsets.persist([self._held.queue])
        self._consumer.balance.release(self._held)
        self._consumer.rebalance_soon()


def wait_idle(*queues: ProcessQueue) -> None:
    """Until the application has nothing of those queues under way, but SETTLE_SECONDS at most."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while any(held.running for held in queues) and time.monotonic() < deadline:
        gevent.sleep(0.01)
