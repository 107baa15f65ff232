"""Giving messages to the application: what concurrent and orderly consumption have in common."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from gevent.pool import Group

from rocketpy.client.listening import ConsumeContext, ConsumeStatus, Listener
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import queue_without_namespace
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.user_code import Dropped, UserCode
from rocketpy.clock import now_ms
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.connection import ConsumeMessageDirectlyResult
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.remoting.router import exception_text

if TYPE_CHECKING:
    from rocketpy.client.push_consumer import PushConsumer

log = logging.getLogger(__name__)

_RESULTS: Final = {
    ConsumeStatus.SUCCESS: "CR_SUCCESS",
    ConsumeStatus.RECONSUME_LATER: "CR_LATER",
    ConsumeStatus.COMMIT: "CR_COMMIT",
    ConsumeStatus.ROLLBACK: "CR_ROLLBACK",
}
"""ConsumeMessageDirectlyResult's words (CMResult.java)."""


class Consumption(ABC):
    """Runs the listener, as often at a time as the consumer has threads."""

    notes_start = False
    """Whether messages get a property that says since when the application has them."""

    def __init__(self, consumer: PushConsumer, listener: Listener, user_code: UserCode) -> None:
        self.consumer = consumer
        self.listener = listener
        self.user_code = user_code
        self._loops = Group()
        self._jobs = Group()
        """Greenlets of this consumption that have something to finish."""
        self.stopped = False

    @abstractmethod
    def start(self) -> None:
        """Begin to work."""

    def resize(self, threads: int) -> None:
        """Run the listener so often at a time."""
        self.user_code.resize(threads)

    def stop(self) -> None:
        """Take on nothing more, and wait for what the application has at the moment, up to `stop_timeout`."""
        self.stopped = True
        self._loops.kill()
        if not self.user_code.stop(self.consumer.push.stop_timeout):
            log.warning("%s: some listeners do not end", self.consumer.group)
            self._jobs.kill(block=False)
        self._jobs.join(timeout=self.consumer.push.stop_timeout)

    @abstractmethod
    def submit(self, held: ProcessQueue, messages: list[ReceivedMessage], begin: bool) -> None:
        """Have `messages` consumed, which are in `held` already; `begin` is what `ProcessQueue.put` gave."""

    def consume_directly(self, message: ReceivedMessage, broker_name: str | None) -> ConsumeMessageDirectlyResult:
        """Give the application one message at an administrator's wish (consumeMessageDirectly:113)."""
        message.broker_name = broker_name or ""
        queue = MessageQueue(topic=message.topic, broker_name=message.broker_name, queue_id=message.queue_id)
        context = ConsumeContext(queue)
        self.consumer.unretry([message])
        result = ConsumeMessageDirectlyResult(order=self.consumer.push.orderly)
        started = time.monotonic()
        try:
            status = self.user_code.run(self.listener, [message], context)
            result.consume_result = _RESULTS[status or ConsumeStatus.SUCCESS]
        except Exception as error:
            log.warning("%s: the listener failed with %s", self.consumer.group, message, exc_info=True)
            result.consume_result = "CR_THROW_EXCEPTION"
            result.remark = exception_text(error)
        result.auto_commit = context.auto_commit
        result.spent_time_mills = int((time.monotonic() - started) * 1000)
        return result


class Turn:
    """One batch on its way through the application (ConsumeRequest.run:380)."""

    __slots__ = ("_consumption", "_notes", "batch", "context", "held", "took_ms")

    def __init__(self, consumption: Consumption, held: ProcessQueue, batch: list[ReceivedMessage]) -> None:
        consumer = consumption.consumer
        self.held = held
        self.batch = batch
        self.context = ConsumeContext(queue_without_namespace(consumer.settings.namespace, held.queue))
        self.took_ms = 0
        self._consumption = consumption
        self._notes: list[object] = []
        consumer.unretry(batch)
        held.running += 1

    def listen(self) -> ConsumeStatus | None:
        """Call the listener; in a thread of the application's."""
        consumption = self._consumption
        if self.held.dropped:
            raise Dropped
        if consumption.notes_start:
            started = str(now_ms())
            for message in self.batch:
                message.properties[names.CONSUME_START_TIMESTAMP] = started
        if consumption.consumer.consume_hooks:
            consumption.user_code.post(self._tell_begin)
        begun = time.monotonic()
        try:
            return consumption.listener(self.batch, self.context)
        finally:
            self.took_ms = int((time.monotonic() - begun) * 1000)

    def end(self, answer: ConsumeStatus | None, error: BaseException | None) -> ConsumeStatus | None:
        """What became of the batch, None if it was not consumed at all; in the hub."""
        self.held.running -= 1
        if isinstance(error, Dropped):
            return None
        consumer = self._consumption.consumer
        status = ConsumeStatus.SUCCESS
        if error is None and answer is not None:
            try:
                status = ConsumeStatus(answer)
            except ValueError as nonsense:
                error = nonsense
        if error is not None:
            log.warning("%s: the listener failed with %s", consumer.group, self.batch, exc_info=error)
            status = ConsumeStatus.RECONSUME_LATER
        late = self.took_ms >= consumer.push.consume_timeout * 1000
        for hook, note in zip(consumer.consume_hooks, self._notes, strict=False):
            hook.after(note, status, self.took_ms, error is not None, late)
        return status

    def _tell_begin(self) -> None:
        consumer = self._consumption.consumer
        self._notes = [hook.before(consumer.group, self.batch) for hook in consumer.consume_hooks]
