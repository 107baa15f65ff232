"""The producer of transactions (`rocketmq.client.TransactionMQProducer`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rocketpy import client
from rocketpy.compat_client.exceptions import RocketMQException, failing_as
from rocketpy.compat_client.messages import Message, ReceivedMessage, plain, unstored
from rocketpy.compat_client.producer import Producer
from rocketpy.compat_client.results import SendResult, TransactionStatus, one_of, sent

log = logging.getLogger(__name__)

CheckerCallback = Callable[[ReceivedMessage], TransactionStatus]
LocalExecute = Callable[[ReceivedMessage, Any], TransactionStatus]

_STATES = {
    TransactionStatus.COMMIT: client.LocalTransactionState.COMMIT_MESSAGE,
    TransactionStatus.ROLLBACK: client.LocalTransactionState.ROLLBACK_MESSAGE,
    TransactionStatus.UNKNOWN: client.LocalTransactionState.UNKNOW,
}


class TransactionMQProducer(Producer):
    """Sends half messages, which are delivered when their local transaction commits.

    `checker_callback` is asked in a thread what became of one, when the broker was not told. What it raises, or answers
    beside a TransactionStatus, is logged and counts as UNKNOWN. `user_args` is not used.
    """

    def __init__(
        self,
        group_id: str | bytes,
        checker_callback: CheckerCallback,
        user_args: Any = None,
        timeout: int | None = None,
        compress_level: int | None = None,
        max_message_size: int | None = None,
    ) -> None:
        super().__init__(
            group_id, timeout=timeout, compress_level=compress_level, max_message_size=max_message_size
        )
        self._checker = checker_callback

    def send_message_in_transaction(
        self, message: Message, local_execute: LocalExecute, user_args: Any = None
    ) -> SendResult:
        """Send a half message, then call `local_execute(message, user_args)` in this thread, and tell the broker.

        The result is that of the half message. What `local_execute` raises, or answers beside a TransactionStatus, is
        logged and counts as UNKNOWN. Raises RocketMQException when the half message is not stored.
        """
        given = plain(message)
        with failing_as(RocketMQException):
            return sent(self._member().send_in_transaction(given, (local_execute, user_args)))

    def _made(self) -> client.Producer:
        listener = client.TransactionListener(_execute, self._check)
        return client.Producer(self._group, transaction_listener=listener, **self._sending())

    def _check(self, message: client.ReceivedMessage) -> client.LocalTransactionState:
        return _state("Check transaction", lambda: self._checker(ReceivedMessage(message)))


def _execute(
    message: client.Message, call: tuple[LocalExecute, Any]
) -> client.LocalTransactionState:
    local_execute, user_args = call
    return _state("Local transaction", lambda: local_execute(unstored(message), user_args))


def _state(what: str, callback: Callable[[], object]) -> client.LocalTransactionState:
    """What the application says; also if it would end its thread, which is not the application's."""
    text = f"{what} status error, please use enum 'TransactionStatus' as response"
    try:
        return _STATES[one_of(callback(), TransactionStatus, text)]
    except BaseException:
        log.exception("%s failed", what)
        return client.LocalTransactionState.UNKNOW
