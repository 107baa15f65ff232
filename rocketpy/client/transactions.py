"""Transactions: a half message, a local transaction, and the word that ends both (DefaultMQProducerImpl.java:1222)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import with_namespace
from rocketpy.client.results import LocalTransactionState, SendResult, SendStatus
from rocketpy.client.sending import Sender
from rocketpy.client.trace import Trace
from rocketpy.client.user_code import UserCode
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.transaction import CheckTransactionState, EndTransaction
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.message import Message
from rocketpy.protocol.message_id import OffsetMessageId
from rocketpy.remoting.router import exception_text

log = logging.getLogger(__name__)

COMMIT_OR_ROLLBACK: Final = {
    LocalTransactionState.COMMIT_MESSAGE: MessageSysFlag.TRANSACTION_COMMIT,
    LocalTransactionState.ROLLBACK_MESSAGE: MessageSysFlag.TRANSACTION_ROLLBACK,
    LocalTransactionState.UNKNOW: MessageSysFlag.TRANSACTION_NOT_TYPE,
}


@dataclass(frozen=True)
class TransactionListener:
    """The application's part of its transactions (TransactionListener.java:22).

    `execute(message, arg)` carries the local transaction out, after the half message is stored; `check(message)` says
    what became of it, when the broker was not told. Both may raise, which counts as UNKNOW. `execute` is called in the
    thread that sends, `check` in one of the client's.
    """

    execute: Callable[[Message, Any], LocalTransactionState]
    check: Callable[[ReceivedMessage], LocalTransactionState]


def execute(
    listener: TransactionListener, message: Message, arg: Any, status: SendStatus
) -> tuple[LocalTransactionState, Exception | None]:
    """Carry the local transaction out, unless the half message is not safe (sendMessageInTransaction:1252)."""
    if status != SendStatus.SEND_OK:
        return LocalTransactionState.ROLLBACK_MESSAGE, None
    try:
        return LocalTransactionState(listener.execute(message, arg) or LocalTransactionState.UNKNOW), None
    except Exception as error:
        log.info("the local transaction of %s failed", message.uniq_key, exc_info=error)
        return LocalTransactionState.UNKNOW, error


def end_transaction(
    sender: Sender,
    half: Message,
    result: SendResult,
    state: LocalTransactionState,
    failure: BaseException | None,
    timeout_ms: float,
    trace: Trace | None,
) -> None:
    """Tell the broker, which does not answer (endTransaction:1305). Raises ClientError or RemotingError."""
    instance = sender.instance
    place = OffsetMessageId.decode(result.offset_msg_id)
    header = EndTransaction(
        producer_group=sender.group,
        tran_state_table_offset=result.queue_offset,
        commit_log_offset=place.physical_offset,
        commit_or_rollback=COMMIT_OR_ROLLBACK[state],
        msg_id=result.msg_id,
        transaction_id=result.transaction_id,
        bname=result.queue.broker_name,
    )
    address = instance.routes.master(
        result.queue.broker_name, with_namespace(instance.settings.namespace, result.queue.topic)
    )
    remark = None if failure is None else f"executeLocalTransactionBranch exception: {failure!r}"
    if trace is not None:
        trace.ended(half, result.msg_id, address, half.uniq_key, state, False)
    instance.client.invoke_oneway(address, header, timeout_ms=timeout_ms, remark=remark)


class TransactionChecks:
    """Answers the broker's questions about half messages of one group; to be used in the instance's hub."""

    def __init__(
        self, sender: Sender, listener: TransactionListener, user_code: UserCode, trace: Trace | None
    ) -> None:
        self._sender = sender
        self._trace = trace
        self._listener = listener
        self._user_code = user_code

    def check(self, address: str, message: ReceivedMessage, header: CheckTransactionState) -> None:
        """Ask the application, tell the broker at `address` (checkTransactionState:280)."""
        state = LocalTransactionState.UNKNOW
        remark = None
        try:
            state = LocalTransactionState(self._user_code.run(self._listener.check, message))
        except Exception as error:
            log.exception("the check of transaction %s failed", header.transaction_id)
            remark = f"checkLocalTransactionState Exception: {exception_text(error)}"
        if self._trace is not None:
            self._trace.ended(message, message.msg_id, address, message.uniq_key, state, True)
        end = EndTransaction(
            producer_group=self._sender.group,
            tran_state_table_offset=header.tran_state_table_offset,
            commit_log_offset=header.commit_log_offset,
            commit_or_rollback=COMMIT_OR_ROLLBACK[state],
            from_transaction_check=True,
            msg_id=message.msg_id,
            transaction_id=header.transaction_id,
            bname=header.bname,
        )
        try:
            self._sender.instance.client.invoke_oneway(address, end, remark=remark)
        except RocketpyError as error:
            log.error("the broker at %s is not told of transaction %s: %s", address, header.transaction_id, error)
