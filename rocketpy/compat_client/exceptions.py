"""What goes wrong (`rocketmq.exceptions`). The text is that of the client, and its error is the `__cause__`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rocketpy.errors import RocketpyError


class RocketMQException(Exception):
    """Any of these."""


class NullPointerException(RocketMQException):
    """None, or a count of 0, was given where there must be something."""


class MallocFailed(RocketMQException):
    """Never raised: Python itself says when memory is short."""


class ProducerException(RocketMQException):
    """Any of a producer's."""


class ProducerStartFailed(ProducerException):
    """It cannot be started with these settings."""


class ProducerSendSyncFailed(ProducerException):
    """`send_sync` or `send_batch` did not succeed, or the producer is not running."""


class ProducerSendOnewayFailed(ProducerException):
    """A one-way message could not even be sent."""


class ProducerSendOrderlyFailed(ProducerException):
    """A message that was to go to a certain queue was not stored."""


class ProducerSendAsyncFailed(ProducerException):
    """What `send_async` hands to its exception callback.

    `error` is the code, `type` the class of the client's error; `file` and `line` are of C++ and say nothing here.
    """

    def __init__(self, msg: str, error: int, file: str, line: int, type: str) -> None:
        super().__init__(msg)
        self.error = error
        self.file = file
        self.line = line
        self.type = type


class ConsumerException(RocketMQException):
    """Any of a consumer's."""


class PushConsumerStartFailed(ConsumerException):
    """It cannot be started with these settings, or nothing is subscribed."""


class PullConsumerStartFailed(ConsumerException):
    """It cannot be started with these settings."""


class PullConsumerFetchMQFailed(ConsumerException):
    """The queues of a topic are not known, since nobody could be asked."""


class PullConsumerFetchMessageFailed(ConsumerException):
    """A pull failed."""


@contextmanager
def failing_as(kind: type[RocketMQException]) -> Iterator[None]:
    """Raises `kind` for what the client raises inside."""
    try:
        yield
    except RocketpyError as error:
        raise kind(str(error)) from error
