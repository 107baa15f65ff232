"""Giving messages to the application: what concurrent and orderly consumption have in common."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import gevent
from gevent.queue import Queue

from rocketpy.client.hub import UserCode
from rocketpy.client.listening import ConsumeContext, ConsumeStatus, Listener
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import queue_without_namespace
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.protocol.api.connection import ConsumeMessageDirectlyResult
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.remoting.router import exception_text

if TYPE_CHECKING:
    from rocketpy.client.push_consumer import PushConsumer

log = logging.getLogger(__name__)

Task = Callable[[], None]

_RESULTS: Final = {
    ConsumeStatus.SUCCESS: "CR_SUCCESS",
    ConsumeStatus.RECONSUME_LATER: "CR_LATER",
    ConsumeStatus.COMMIT: "CR_COMMIT",
    ConsumeStatus.ROLLBACK: "CR_ROLLBACK",
}
"""ConsumeMessageDirectlyResult's words (CMResult.java)."""


class Consumption(ABC):
    """Runs the listener, in as many greenlets, each with a thread, as the consumer has threads."""

    def __init__(self, consumer: PushConsumer, listener: Listener, user_code: UserCode) -> None:
        self._consumer = consumer
        self._listener = listener
        self._user_code = user_code
        self._tasks: Queue[Task | None] = Queue()
        self._size = 0
        self._workers: list[gevent.Greenlet[..., None]] = []
        self._loops: list[gevent.Greenlet[..., None]] = []
        self.stopped = False

    def start(self) -> None:
        """Begin to work."""
        self._size = self._consumer.push.threads
        self._workers = [gevent.spawn(self._work) for _ in range(self._size)]

    def resize(self, threads: int) -> None:
        """Work in that many threads; of too many some end when they are idle."""
        self._user_code.resize(threads)
        working = [worker for worker in self._workers if not worker.ready()]
        self._workers = working + [gevent.spawn(self._work) for _ in range(threads - self._size)]
        for _ in range(self._size - threads):
            self._tasks.put(None)
        self._size = threads

    def stop(self) -> None:
        """Take on nothing more, and wait for what the application has at the moment, up to `stop_timeout`."""
        self.stopped = True
        gevent.killall(self._loops)
        while not self._tasks.empty():
            self._tasks.get_nowait()
        for _ in self._workers:
            self._tasks.put(None)
        gevent.joinall(self._workers, timeout=self._consumer.push.stop_timeout)
        unfinished = [worker for worker in self._workers if not worker.ready()]
        if unfinished:
            log.warning("%s: %d listeners do not end", self._consumer.group, len(unfinished))
            gevent.killall(unfinished, block=False)
        self._user_code.stop(wait=not unfinished)

    @abstractmethod
    def submit(self, held: ProcessQueue, messages: list[ReceivedMessage], begin: bool) -> None:
        """Have `messages` consumed, which are in `held` already; `begin` is what `ProcessQueue.put` gave."""

    def consume_directly(self, message: ReceivedMessage, broker_name: str | None) -> ConsumeMessageDirectlyResult:
        """Give the application one message at an administrator's wish (consumeMessageDirectly:113)."""
        message.broker_name = broker_name or ""
        queue = MessageQueue(topic=message.topic, broker_name=message.broker_name, queue_id=message.queue_id)
        context = ConsumeContext(queue)
        self._consumer.unretry([message])
        result = ConsumeMessageDirectlyResult(order=self._consumer.push.orderly)
        started = time.monotonic()
        try:
            status = self._user_code.run(self._listener, [message], context)
            result.consume_result = _RESULTS[status or ConsumeStatus.SUCCESS]
        except Exception as error:
            log.warning("%s: the listener failed with %s", self._consumer.group, message, exc_info=True)
            result.consume_result = "CR_THROW_EXCEPTION"
            result.remark = exception_text(error)
        result.auto_commit = context.auto_commit
        result.spent_time_mills = int((time.monotonic() - started) * 1000)
        return result

    def _call(
        self, held: ProcessQueue, batch: list[ReceivedMessage], context: ConsumeContext
    ) -> tuple[ConsumeStatus, int]:
        """What the listener says of a batch, and how many ms it took."""
        hooks = self._consumer.consume_hooks
        told = [hook.before(self._consumer.group, batch) for hook in hooks]
        started = time.monotonic()
        failed = False
        held.running += 1
        try:
            answered = self._user_code.run(self._listener, batch, context)
            status = ConsumeStatus.SUCCESS if answered is None else ConsumeStatus(answered)
        except Exception:
            log.warning("%s: the listener failed with %s", self._consumer.group, batch, exc_info=True)
            status, failed = ConsumeStatus.RECONSUME_LATER, True
        finally:
            held.running -= 1
        took_ms = int((time.monotonic() - started) * 1000)
        for hook, note in zip(hooks, told, strict=True):
            hook.after(note, status, took_ms, failed, took_ms >= self._consumer.push.consume_timeout * 1000)
        return status, took_ms

    def _context(self, held: ProcessQueue) -> ConsumeContext:
        return ConsumeContext(queue_without_namespace(self._consumer.settings.namespace, held.queue))

    def _later(self, seconds: float, task: Task) -> None:
        gevent.spawn_later(seconds, self._tasks.put, task)

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            if task is None:
                return
            try:
                task()
            except Exception:
                log.exception("%s: consuming failed", self._consumer.group)
