"""Pulling for a lite pull consumer, a greenlet a queue (DefaultLitePullConsumerImpl.PullTaskImpl:780)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import gevent

from rocketpy.client.errors import BrokerError
from rocketpy.client.listening import ConsumeStatus
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.reading import WHILE_BROKER_IS_BUSY, WHILE_FULL, WHILE_SUSPENDED
from rocketpy.client.results import PullStatus
from rocketpy.client.subscriptions import is_tags
from rocketpy.errors import RocketpyError
from rocketpy.protocol.codes import ResponseCode

if TYPE_CHECKING:
    from rocketpy.client.lite_pull_consumer import LitePullConsumer

log = logging.getLogger(__name__)

SUSPEND_MS = 20_000
PULL_TIMEOUT_MS = 30_000
_MIB = 1 << 20


class LiteReader:
    """Pulls from one queue until it is dropped; `consumed` is where the application is, -1 before it was anywhere."""

    def __init__(self, consumer: LitePullConsumer, held: ProcessQueue, queue_offset: int) -> None:
        """A negative `queue_offset` is found out before the first pull."""
        self.held = held
        self.consumed = -1
        self.paused = False
        self._consumer = consumer
        self._next = queue_offset
        self._greenlet = gevent.spawn(self.run)

    def run(self) -> None:
        """The greenlet."""
        while not self.held.dropped:
            try:
                pause = self.step()
            except Exception:
                log.exception("pulling from %s failed", self.held.queue)
                pause = self._consumer.settings.pull_retry_delay
            if pause > 0:
                gevent.sleep(pause)

    def seek(self, queue_offset: int) -> None:
        """Forget what was pulled, and go on from there."""
        self._greenlet.kill()
        self.held.clear()
        self.consumed = self._next = queue_offset
        self._greenlet = gevent.spawn(self.run)

    def stop(self) -> None:
        """Pull no more."""
        self.held.dropped = True
        self._greenlet.kill(block=False)

    def step(self) -> float:
        """Pull once, unless something is against it; how many seconds to wait before the next time."""
        consumer, held = self._consumer, self.held
        if self.paused:
            return WHILE_SUSPENDED
        if self._is_full():
            return WHILE_FULL
        wanted = consumer.wanted(held.queue.topic)
        try:
            if self._next < 0:
                self._next = consumer.where_to_start(held.queue)
            result = consumer.puller.pull(
                held.queue,
                wanted,
                self._next,
                consumer.push.pull_batch_size,
                timeout_ms=PULL_TIMEOUT_MS,
                suspend_ms=SUSPEND_MS,
                sub_version=0 if is_tags(wanted) else wanted.sub_version,
                lite=True,
            )
        except RocketpyError as error:
            log.warning("pull from %s: %s", held.queue, error)
            busy = isinstance(error, BrokerError) and error.code == ResponseCode.FLOW_CONTROL
            return WHILE_BROKER_IS_BUSY if busy else consumer.settings.pull_retry_delay
        if result.status == PullStatus.OFFSET_ILLEGAL:
            log.warning("%s: the offset %d is illegal, it becomes %d", held.queue, self._next, result.next_begin_offset)
        self._next = result.next_begin_offset
        if result.messages and consumer.pull_hook is not None:
            note = consumer.pull_hook.before(consumer.group, result.messages)
            consumer.pull_hook.after(note, ConsumeStatus.SUCCESS, 0, failed=False, late=False)
        if result.messages and not held.dropped:
            held.put(result.messages)
            consumer.arrived(self, result.messages)
        return 0

    def _is_full(self) -> bool:
        push, held = self._consumer.push, self.held
        return (
            self._consumer.is_full
            or held.count > push.queue_threshold
            or held.size // _MIB > push.queue_threshold_mib
            or held.span > push.max_span
        )
