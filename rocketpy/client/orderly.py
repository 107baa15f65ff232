"""Consuming the messages of a queue one after the other (ConsumeMessageOrderlyService.java)."""

from __future__ import annotations

import logging
import time

import gevent

from rocketpy.client.consumption import Consumption, Turn
from rocketpy.client.listening import ConsumeStatus
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.queue_locks import RENEW_SECONDS
from rocketpy.errors import RocketpyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.flags import MessageModel

log = logging.getLogger(__name__)

CONTINUOUS_SECONDS = 60.0
"""How long one queue is consumed before another one has its turn."""
_SHORTEST, _LONGEST = 0.01, 30.0
"""Seconds for which a queue may be suspended."""
_AFTER_LOCK_FAILED = 3.0


class Orderly(Consumption):
    """A message that fails stops its queue for a moment, and is consumed again."""

    def start(self) -> None:
        """Begin to renew the locks."""
        if self._is_clustering:
            self._loops.spawn(self._keep_locks)

    def stop(self) -> None:
        """The same; then give all queues back."""
        super().stop()
        if self._is_clustering:
            self.consumer.balance.locks.unlock(list(self.consumer.balance.table), oneway=False)

    def submit(self, held: ProcessQueue, messages: list[ReceivedMessage], begin: bool) -> None:
        """Somebody consumes the queue already unless `begin`."""
        if begin:
            self._jobs.spawn(self._consume, held)

    @property
    def _is_clustering(self) -> bool:
        return self.consumer.model == MessageModel.CLUSTERING

    def _consume(self, held: ProcessQueue) -> None:
        """Consume until the queue is empty, or something is against it (ConsumeRequest.run:416)."""
        with held.consume_lock:
            started = time.monotonic()
            while not held.dropped and not self.stopped:
                if self._is_clustering and (not held.locked or held.is_lock_expired()):
                    self._lock_later(held)
                    return
                if time.monotonic() - started > CONTINUOUS_SECONDS:
                    self._later(_SHORTEST, held)
                    return
                batch = held.take(self.consumer.push.batch_size)
                if not batch:
                    return
                if not self._settle(held, self._listen(held, batch)):
                    return

    def _listen(self, held: ProcessQueue, batch: list[ReceivedMessage]) -> tuple[Turn, ConsumeStatus | None]:
        turn = Turn(self, held, batch)
        try:
            answer, failure = self.user_code.run(turn.listen), None
        except gevent.GreenletExit:
            raise
        except BaseException as error:
            answer, failure = None, error
        return turn, turn.end(answer, failure)

    def _later(self, seconds: float, held: ProcessQueue) -> None:
        """Go on with a queue after some time."""
        gevent.spawn_later(seconds, self._jobs.spawn, self._consume, held)

    def _settle(self, held: ProcessQueue, listened: tuple[Turn, ConsumeStatus | None]) -> bool:
        """Note how far the queue is; whether to go on at once (processConsumeResult:255)."""
        turn, status = listened
        batch, context = turn.batch, turn.context
        if status is None:
            held.give_back(batch)
            return False
        go_on, next_offset = True, -1
        failed = status == ConsumeStatus.RECONSUME_LATER
        self.consumer.stats.consumed(held.queue.topic, turn.took_ms, 0 if failed else len(batch), len(batch) * failed)
        if failed:
            if self._is_to_come_again(batch):
                held.give_back(batch)
                go_on = False
            elif context.auto_commit:
                next_offset = held.commit()
        elif context.auto_commit or status == ConsumeStatus.COMMIT:
            next_offset = held.commit()
        elif status == ConsumeStatus.ROLLBACK:
            held.rollback()
            go_on = False
        if next_offset >= 0 and not held.dropped:
            self.consumer.offsets.update(held.queue, next_offset)
        if not go_on:
            seconds = self.consumer.push.suspend_queue if context.suspend is None else context.suspend
            self._later(min(max(seconds, _SHORTEST), _LONGEST), held)
        return go_on

    def _is_to_come_again(self, batch: list[ReceivedMessage]) -> bool:
        """Count the tries; what had too many is sent to the dead letter topic (checkReconsumeTimes:340)."""
        again = False
        for message in batch:
            if message.reconsume_times >= self.consumer.push.most_reconsumes:
                message.properties[names.RECONSUME_TIME] = str(message.reconsume_times)
                try:
                    self.consumer.send_anew(
                        message, message.reconsume_times, self.consumer.push.most_reconsumes
                    )
                    continue
                except RocketpyError as error:
                    log.error("%s cannot be sent to the dead letter topic: %s", message, error)
            again = True
            message.reconsume_times += 1
        return again

    def _lock_later(self, held: ProcessQueue) -> None:
        """Lock the queue and go on, or try again later (tryLockLaterAndReconsume:213)."""

        def lock() -> None:
            if self.stopped:
                return
            locked = self.consumer.balance.lock(held.queue)
            self._later(_SHORTEST if locked else _AFTER_LOCK_FAILED, held)

        gevent.spawn_later(_SHORTEST, lock)

    def _keep_locks(self) -> None:
        gevent.sleep(1.0)
        while True:
            self.consumer.balance.lock_all()
            gevent.sleep(RENEW_SECONDS)
