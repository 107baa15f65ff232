"""What the store answers: how an append or a get went, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rocketpy.protocol.record import offset_message_id


class PutStatus(Enum):
    """How an append went (PutMessageStatus.java)."""

    PUT_OK = 0
    FLUSH_DISK_TIMEOUT = 1
    FLUSH_SLAVE_TIMEOUT = 2
    SLAVE_NOT_AVAILABLE = 3
    SERVICE_NOT_AVAILABLE = 4
    CREATE_MAPPED_FILE_FAILED = 5
    MESSAGE_ILLEGAL = 6
    PROPERTIES_SIZE_EXCEEDED = 7
    OS_PAGE_CACHE_BUSY = 8
    UNKNOWN_ERROR = 9
    LMQ_CONSUME_QUEUE_NUM_EXCEEDED = 10


class GetStatus(Enum):
    """How a get went (GetMessageStatus.java)."""

    FOUND = 0
    NO_MATCHED_MESSAGE = 1
    MESSAGE_WAS_REMOVING = 2
    OFFSET_FOUND_NULL = 3
    OFFSET_OVERFLOW_BADLY = 4
    OFFSET_OVERFLOW_ONE = 5
    OFFSET_TOO_SMALL = 6
    NO_MATCHED_LOGIC_QUEUE = 7
    NO_MESSAGE_IN_QUEUE = 8


class AppendResult:
    """Where a message, or a batch of them, was put; the numbers mean nothing unless `status` is PUT_OK.

    `queue_offset` and `physical_offset` are those of the first message of a batch, `size` is that of all in bytes,
    `offset_fields` are the physical offsets of all messages of a batch, of eight bytes each, and None otherwise.
    """

    __slots__ = (
        "message_count", "offset_fields", "physical_offset", "queue_offset", "size", "status", "store_host",
        "store_timestamp",
    )  # fmt: skip

    def __init__(
        self,
        status: PutStatus,
        physical_offset: int = -1,
        size: int = 0,
        queue_offset: int = 0,
        store_timestamp: int = 0,
        store_host: bytes = b"",
        offset_fields: list[bytes] | None = None,
        message_count: int = 1,
    ) -> None:
        self.status = status
        self.physical_offset = physical_offset
        self.size = size
        self.queue_offset = queue_offset
        self.store_timestamp = store_timestamp
        self.store_host = store_host
        self.offset_fields = offset_fields
        self.message_count = message_count

    @property
    def msg_id(self) -> str:
        """The offset message id; those of a batch are separated by commas (CommitLog:1310, 1432)."""
        if self.offset_fields is None:
            return offset_message_id(self.store_host, self.physical_offset)
        host = self.store_host
        return (host + host.join(self.offset_fields)).hex(",", len(host) + 8).upper()

    @property
    def end(self) -> int:
        """The physical offset behind what was appended: what a flush or a slave must have reached."""
        return self.physical_offset + self.size


class GetResult:
    """What a get found (GetMessageResult.java).

    `views` are the bytes of `message_count` records, `size` in all. Records that lie side by side in the log share a
    view. `behind` is how many bytes of the log were appended after the last record looked at.
    """

    __slots__ = (
        "behind", "max_offset", "message_count", "min_offset", "next_begin_offset", "size", "status", "suggest_slave",
        "views",
    )  # fmt: skip

    def __init__(self, status: GetStatus, next_begin_offset: int, min_offset: int, max_offset: int) -> None:
        self.status = status
        self.next_begin_offset = next_begin_offset
        self.min_offset = min_offset
        self.max_offset = max_offset
        self.views: list[bytes | memoryview] = []
        self.size = 0
        self.message_count = 0
        self.suggest_slave = False
        self.behind = 0


class QueryResult:
    """The records found by a key, one view each, and how far the index has come (QueryMessageResult.java)."""

    __slots__ = ("index_last_update_physical_offset", "index_last_update_timestamp", "views")

    def __init__(self) -> None:
        self.views: list[memoryview] = []
        self.index_last_update_timestamp = 0
        self.index_last_update_physical_offset = 0


@dataclass(frozen=True, slots=True)
class StoreStats:
    """A look at the store. Offsets are physical, sizes in bytes."""

    min_physical_offset: int
    """-1 while there is no log."""
    max_physical_offset: int
    unflushed: int
    """Bytes of the log that are not known to be on disk."""
    dispatch_behind: int
    earliest_time: int
    """storeTimestamp (ms) of the first record; -1 while its file has not got twice the size of the largest message.

    That is what Java says, too (DefaultMessageStore.getEarliestMessageTime:890).
    """
    queues: int
    put_messages: int
    put_bytes: int
    is_writable: bool
