"""What comes of sending and pulling."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from rocketpy.client.messages import ReceivedMessage
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.codes import ResponseCode


class SendStatus(StrEnum):
    """How safe a message is (SendStatus.java:19). All but SEND_OK mean: stored at the master, but not as asked for."""

    SEND_OK = "SEND_OK"
    FLUSH_DISK_TIMEOUT = "FLUSH_DISK_TIMEOUT"
    FLUSH_SLAVE_TIMEOUT = "FLUSH_SLAVE_TIMEOUT"
    SLAVE_NOT_AVAILABLE = "SLAVE_NOT_AVAILABLE"


SEND_STATUS: dict[int, SendStatus] = {
    ResponseCode.SUCCESS: SendStatus.SEND_OK,
    ResponseCode.FLUSH_DISK_TIMEOUT: SendStatus.FLUSH_DISK_TIMEOUT,
    ResponseCode.FLUSH_SLAVE_TIMEOUT: SendStatus.FLUSH_SLAVE_TIMEOUT,
    ResponseCode.SLAVE_NOT_AVAILABLE: SendStatus.SLAVE_NOT_AVAILABLE,
}


@dataclass(frozen=True)
class SendResult:
    """Where a message went (SendResult.java:22).

    `msg_id` is the id that the client gave it, `offset_msg_id` says where it is stored; of a batch each is the ids of
    all, joined by commas, and `queue_offset` is the first.
    """

    status: SendStatus
    msg_id: str
    offset_msg_id: str
    queue: MessageQueue
    queue_offset: int
    transaction_id: str | None = None
    region_id: str = "DefaultRegion"
    trace_on: bool = True


class LocalTransactionState(StrEnum):
    """What became of a local transaction (LocalTransactionState.java:19); UNKNOW lets the broker ask again later."""

    COMMIT_MESSAGE = "COMMIT_MESSAGE"
    ROLLBACK_MESSAGE = "ROLLBACK_MESSAGE"
    UNKNOW = "UNKNOW"


@dataclass(frozen=True)
class TransactionSendResult(SendResult):
    """The result of sending the half message, and what its local transaction came to."""

    local_state: LocalTransactionState = LocalTransactionState.UNKNOW


class PullStatus(StrEnum):
    """How a pull ended (PullStatus.java:19)."""

    FOUND = "FOUND"
    NO_NEW_MSG = "NO_NEW_MSG"
    NO_MATCHED_MSG = "NO_MATCHED_MSG"
    OFFSET_ILLEGAL = "OFFSET_ILLEGAL"


PULL_STATUS: dict[int, PullStatus] = {
    ResponseCode.SUCCESS: PullStatus.FOUND,
    ResponseCode.PULL_NOT_FOUND: PullStatus.NO_NEW_MSG,
    ResponseCode.PULL_RETRY_IMMEDIATELY: PullStatus.NO_MATCHED_MSG,
    ResponseCode.PULL_OFFSET_MOVED: PullStatus.OFFSET_ILLEGAL,
}


@dataclass(frozen=True)
class PullResult:
    """Messages of a queue, and where to go on (PullResult.java:22). All numbers are queue offsets."""

    status: PullStatus
    next_begin_offset: int
    min_offset: int
    max_offset: int
    messages: list[ReceivedMessage] = field(default_factory=list)


@dataclass(frozen=True)
class QueryResult:
    """Messages found by a key, and how far the index reached, in ms (QueryResult.java:22)."""

    index_last_update_timestamp: int
    messages: list[ReceivedMessage]
