"""Half messages: how producers end a transaction, and how the broker asks about one that has not ended."""

from __future__ import annotations

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, request


@request(RequestCode.END_TRANSACTION)
class EndTransaction(Header):
    """Commit or roll back a half message (EndTransactionRequestHeader.java:26).

    `tran_state_table_offset` is its queue offset, `commit_log_offset` its physical one, `commit_or_rollback` a
    transaction type of MessageSysFlag.
    """

    producer_group: str
    tran_state_table_offset: Long
    commit_log_offset: Long
    commit_or_rollback: Int
    from_transaction_check: bool | None = False
    msg_id: str
    transaction_id: str | None = None
    bname: str | None = None


@request(RequestCode.CHECK_TRANSACTION_STATE)
class CheckTransactionState(Header):
    """Pushed by the broker with the half message: what became of it? (CheckTransactionStateRequestHeader.java:27)."""

    tran_state_table_offset: Long
    commit_log_offset: Long
    msg_id: str | None = None
    transaction_id: str | None = None
    offset_msg_id: str | None = None
    bname: str | None = None


@request(RequestCode.RESUME_CHECK_HALF_MESSAGE)
class ResumeCheckHalfMessage(Header):
    """Check a half message again that was given up (ResumeCheckHalfMessageRequestHeader.java:24)."""

    msg_id: str | None = None
