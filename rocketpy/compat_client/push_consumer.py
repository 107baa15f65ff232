"""The consumer that calls back (`rocketmq.client.PushConsumer`)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence

from rocketpy import client
from rocketpy.client.settings import ClientOptions
from rocketpy.compat_client.arguments import as_count, as_int, as_text
from rocketpy.compat_client.exceptions import PushConsumerStartFailed, RocketMQException, failing_as
from rocketpy.compat_client.ffi import MessageModel
from rocketpy.compat_client.member import Member
from rocketpy.compat_client.messages import ReceivedMessage
from rocketpy.compat_client.results import ConsumeStatus, one_of

log = logging.getLogger(__name__)

Callback = Callable[[ReceivedMessage], ConsumeStatus]

_RETRY_SECONDS = 1.0
"""librocketmq's wait after a pull that failed (DefaultMQPushConsumerImpl.cpp, onException)."""
_NEVER = 365 * 86400.0
"""Seconds. librocketmq waits for a callback for ever, where Java sends its message back after 15 min."""
_MODELS = {
    MessageModel.BROADCASTING: client.MessageModel.BROADCASTING,
    MessageModel.CLUSTERING: client.MessageModel.CLUSTERING,
}


class PushConsumer(Member[client.PushConsumer]):
    """Gives messages to callbacks, in as many threads as there are processors unless set; a new group begins at the
    end of its topics. With `orderly` the messages of a queue come one after the other.

    What a callback raises, or answers beside a ConsumeStatus, is logged and counts as RECONSUME_LATER.
    """

    _start_failure = PushConsumerStartFailed

    def __init__(
        self,
        group_id: str | bytes,
        orderly: bool = False,
        message_model: MessageModel = MessageModel.CLUSTERING,
    ) -> None:
        super().__init__(group_id)
        self._orderly = orderly
        self._threads = os.cpu_count() or 1
        self._batch_size = 1
        self._trace = False
        self._expressions: dict[str, str] = {}
        self._callbacks: dict[str, Callback] = {}
        self._newest: Callback | None = None
        self.set_message_model(message_model)

    def subscribe(
        self, topic: str | bytes, callback: Callback, expression: str | bytes = "*"
    ) -> None:
        """Have `callback(message)` called with the messages of a topic: all, or those with tags "a || b".

        While the consumer runs, it raises RocketMQException for an expression that is none; before, `start` does.
        """
        name, wanted = as_text(topic), as_text(expression)
        self._expressions[name] = wanted
        self._callbacks[name] = self._newest = callback
        if self._running is not None:
            with failing_as(RocketMQException):
                self._running.subscribe(name, wanted)

    def set_group(self, group_id: str | bytes) -> None:
        """The group, instead of the one it was made with."""
        self._group = as_text(group_id)

    def set_message_model(self, model: MessageModel) -> None:
        """Whether each consumer of the group gets all messages, or they share them."""
        self._model = as_int(model)

    def set_thread_count(self, thread_count: int) -> None:
        """In how many threads callbacks are called. Raises NullPointerException for 0."""
        self._threads = as_count(thread_count)

    def set_message_batch_max_size(self, max_size: int) -> None:
        """How many messages succeed or come again together, 1 unless set. Raises NullPointerException for 0."""
        self._batch_size = as_count(max_size)

    def set_message_trace(self, message_trace: bool) -> None:
        """Whether to tell the brokers of each message."""
        self._trace = bool(message_trace)

    def _made(self) -> client.PushConsumer:
        if not self._callbacks:
            raise PushConsumerStartFailed("messageListener is null: nothing is subscribed")
        if self._model not in _MODELS:
            raise PushConsumerStartFailed(f"{self._model} is no message model")
        options: ClientOptions = {"pull_retry_delay": _RETRY_SECONDS, **self._options}
        return client.PushConsumer(
            self._group,
            self._listen,
            self._expressions,
            model=_MODELS[MessageModel(self._model)],
            orderly=self._orderly,
            threads=self._threads,
            batch_size=self._batch_size,
            consume_timeout=_NEVER,
            trace=self._trace,
            **options,
        )

    def _listen(
        self, messages: Sequence[client.ReceivedMessage], context: client.ConsumeContext
    ) -> client.ConsumeStatus:
        for message in messages:
            if self._outcome(message) != ConsumeStatus.CONSUME_SUCCESS:
                return client.ConsumeStatus.RECONSUME_LATER
        return client.ConsumeStatus.SUCCESS

    def _outcome(self, message: client.ReceivedMessage) -> ConsumeStatus:
        """What the application says; also if it would end its thread, which is not the application's."""
        callback = self._callbacks.get(message.topic, self._newest)
        assert callback is not None
        try:
            answer = callback(ReceivedMessage(message))
            return one_of(answer, ConsumeStatus, "Consume status error, please use enum 'ConsumeStatus' as response")
        except BaseException:
            log.exception("the callback of %s failed with %r", message.topic, message)
            return ConsumeStatus.RECONSUME_LATER
