"""Consuming many messages at a time, in any order (ConsumeMessageConcurrentlyService.java)."""

from __future__ import annotations

import logging
from functools import partial

import gevent

from rocketpy.client.consumption import Consumption, Turn
from rocketpy.client.listening import ConsumeContext, ConsumeStatus
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.clock import now_ms
from rocketpy.errors import RocketpyError
from rocketpy.protocol.flags import MessageModel

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
"""Before messages are consumed again that could not be sent back."""
EXPIRED_LEVEL = 3
_MOST_EXPIRED = 16
"""Messages of a queue that are sent back at a time since their listener takes too long (ProcessQueue:85)."""


class Concurrent(Consumption):
    """Failed messages are sent back to the broker, for another try later.

    A batch goes to a thread and comes back by a call in the hub, without a greenlet of its own, unless some of it
    failed: that costs a third of what it would with one.
    """

    notes_start = True

    def start(self) -> None:
        """Look for listeners that take too long."""
        self._loops.spawn(self._clean)

    def submit(self, held: ProcessQueue, messages: list[ReceivedMessage], begin: bool) -> None:
        """In batches of the consumer's size."""
        size = self.consumer.push.batch_size
        for start in range(0, len(messages), size):
            self._consume(held, messages[start : start + size])

    def send_back_expired(self) -> None:
        """Send back what a listener has had for longer than `consume_timeout`, and go on (cleanExpiredMsg:77)."""
        oldest = now_ms() - self.consumer.push.consume_timeout * 1000
        for held in list(self.consumer.balance.table.values()):
            for _ in range(_MOST_EXPIRED):
                message, started = held.first, held.consume_started()
                if message is None or started is None or started > oldest:
                    break
                try:
                    self.consumer.give_back(message, EXPIRED_LEVEL)
                except RocketpyError as error:
                    log.error("%s cannot be sent back: %s", message, error)
                    break
                log.info("%s is sent back, its listener takes too long", message)
                if held.first is message:
                    held.remove([message])

    def _consume(self, held: ProcessQueue, batch: list[ReceivedMessage]) -> None:
        if held.dropped or self.stopped:
            return
        turn = Turn(self, held, batch)
        self.user_code.begin(turn.listen, partial(self._end, turn))

    def _end(self, turn: Turn, answer: ConsumeStatus | None, error: BaseException | None) -> None:
        """Called in the hub itself, so it must not wait."""
        status = turn.end(answer, error)
        if status is None:
            return
        batch, context = turn.batch, turn.context
        succeeded = 0
        if status != ConsumeStatus.RECONSUME_LATER:
            succeeded = len(batch) if context.ack_index is None else min(context.ack_index + 1, len(batch))
        self.consumer.stats.consumed(turn.held.queue.topic, turn.took_ms, succeeded, len(batch) - succeeded)
        if succeeded == len(batch):
            self._settle(turn.held, batch, succeeded, context)
        else:
            self._jobs.spawn(self._settle, turn.held, batch, succeeded, context)

    def _settle(
        self, held: ProcessQueue, batch: list[ReceivedMessage], succeeded: int, context: ConsumeContext
    ) -> None:
        """Send back what failed, note how far the queue is (processConsumeResult:246)."""
        if held.dropped:
            log.warning("%s was given up meanwhile, %d messages will come again", held.queue, len(batch))
            return
        kept: list[ReceivedMessage] = []
        for message in batch[succeeded:]:
            if self.consumer.model == MessageModel.BROADCASTING:
                log.warning("broadcasting, %s failed and is dropped", message)
                continue
            try:
                self.consumer.give_back(message, context.delay_level)
            except RocketpyError as error:
                log.error("%s cannot be sent back: %s", message, error)
                message.reconsume_times += 1
                kept.append(message)
        if kept:
            gevent.spawn_later(RETRY_SECONDS, self._consume, held, kept)
        next_offset = held.remove([message for message in batch if message not in kept] if kept else batch)
        if next_offset >= 0 and not held.dropped:
            self.consumer.offsets.update(held.queue, next_offset, increase_only=True)

    def _clean(self) -> None:
        while True:
            gevent.sleep(self.consumer.push.consume_timeout)
            try:
                self.send_back_expired()
            except ValueError as error:  # the time in a message's property may be anybody's
                log.error("%s: looking for what takes too long failed: %s", self.consumer.group, error)
