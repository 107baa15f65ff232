"""END_TRANSACTION and RESUME_CHECK_HALF_MESSAGE: how transactions end, and how one goes on that was given up.

Mirrors EndTransactionProcessor.java and AdminBrokerProcessor.resumeCheckHalfMessage:1609. Clients end transactions
one-way; who asks for an answer gets the one that Java gives.
"""

from __future__ import annotations

from rocketpy.broker.transactions import HalfMessages
from rocketpy.clock import Clock
from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.errors import FieldError, ReplyError
from rocketpy.protocol.api.transaction import EndTransaction, ResumeCheckHalfMessage
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.message_id import OffsetMessageId
from rocketpy.protocol.properties import StoredProperties, properties_again
from rocketpy.protocol.property_names import PRODUCER_GROUP
from rocketpy.protocol.record import Record
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutStatus

_NO_REMARK = "not set any response code"
"""What Java says where nobody set a remark (RemotingCommand.createResponseCommand:104)."""
_STORED = frozenset({
    PutStatus.PUT_OK, PutStatus.FLUSH_DISK_TIMEOUT, PutStatus.FLUSH_SLAVE_TIMEOUT, PutStatus.SLAVE_NOT_AVAILABLE,
})  # fmt: skip


class TransactionProcessor:
    """Commits and rolls back what producers sent half."""

    def __init__(self, config: StoreConfig, store: MessageStore, half_messages: HalfMessages, clock: Clock) -> None:
        self._config = config
        self._store = store
        self._half_messages = half_messages
        self._clock = clock

    @handles(EndTransaction)
    def end(self, peer: Connection, request: EndTransaction, command: Command) -> Reply | None:
        """Commit a half message or roll it back; one whose fate is not known yet is not answered (processRequest:55).

        A commit that comes twice stores the message twice, as in Java.
        """
        kind = request.commit_or_rollback
        if kind not in (
            MessageSysFlag.TRANSACTION_NOT_TYPE, MessageSysFlag.TRANSACTION_COMMIT, MessageSysFlag.TRANSACTION_ROLLBACK,
        ):  # fmt: skip
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "commitOrRollback field wrong")
        if self._config.broker_role is BrokerRole.SLAVE:
            return Reply(ResponseCode.SLAVE_NOT_AVAILABLE, remark=_NO_REMARK)
        if kind == MessageSysFlag.TRANSACTION_NOT_TYPE:
            return None
        half = self._half_message(request)
        properties = self._checked(half, request)
        now = self._clock()
        if kind == MessageSysFlag.TRANSACTION_COMMIT:
            self._check_stored(self._half_messages.commit(half, properties, now).status)
        self._half_messages.end(half, now)
        return Reply(remark=None if kind == MessageSysFlag.TRANSACTION_COMMIT else _NO_REMARK)

    @handles(ResumeCheckHalfMessage)
    def resume(self, peer: Connection, request: ResumeCheckHalfMessage, command: Command) -> Reply:
        """Have a message checked again that is in TRANS_CHECK_MAX_TIME_TOPIC; it stays there, too."""
        try:
            physical_offset = OffsetMessageId.decode(request.msg_id or "").physical_offset
        except ValueError:
            physical_offset = -1
        record = self._store.record_at(physical_offset) if physical_offset >= 0 else None
        if record is None:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR,
                "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC.",
            )
        if not self._half_messages.resume(record, self._clock()):
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.")
        return Reply()

    def _half_message(self, request: EndTransaction) -> Record:
        """What is where the half message should be."""
        physical_offset = request.commit_log_offset
        half = self._store.record_at(physical_offset) if physical_offset >= 0 else None
        if half is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "Find prepared transaction message failed")
        return half

    def _checked(self, half: Record, request: EndTransaction) -> StoredProperties:
        """The properties of a half message, if it is the one that is meant (checkPrepareMessage:157)."""
        properties = properties_again(half.properties)
        group = properties.get(PRODUCER_GROUP)
        if group is None:
            raise FieldError(PRODUCER_GROUP, None)
        if group != request.producer_group:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "The producer group wrong")
        if half.queue_offset != request.tran_state_table_offset:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "The transaction state table offset wrong")
        if half.physical_offset != request.commit_log_offset:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "The commit log offset wrong")
        return properties

    def _check_stored(self, status: PutStatus) -> None:
        """Refuse a commit that is not stored; the half message stays then (sendFinalMessage:217)."""
        if status in _STORED:
            return
        match status:
            case PutStatus.MESSAGE_ILLEGAL | PutStatus.PROPERTIES_SIZE_EXCEEDED:
                raise ReplyError(
                    ResponseCode.MESSAGE_ILLEGAL,
                    "The message is illegal, maybe msg body or properties length not matched. msg body length limit "
                    f"{self._config.max_message_size}B, msg properties length limit 32KB.",
                )
            case PutStatus.SERVICE_NOT_AVAILABLE:
                raise ReplyError(ResponseCode.SERVICE_NOT_AVAILABLE, "Service not available now.")
            case PutStatus.CREATE_MAPPED_FILE_FAILED:
                remark = "Create mapped file failed."
            case PutStatus.OS_PAGE_CACHE_BUSY:
                remark = "OS page cache busy, please try another machine"
            case PutStatus.UNKNOWN_ERROR:
                remark = "UNKNOWN_ERROR"
            case _:
                remark = "UNKNOWN_ERROR DEFAULT"
        raise ReplyError(ResponseCode.SYSTEM_ERROR, remark)
