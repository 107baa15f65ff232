"""What becomes of messages: of those sent, of those consumed, of transactions."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple, TypeVar

from rocketpy import client

Status = TypeVar("Status", bound=IntEnum)


class SendStatus(IntEnum):
    """How safe a message is; all but OK mean: stored at the master, but not as asked for."""

    OK = 0
    FLUSH_DISK_TIMEOUT = 1
    FLUSH_SLAVE_TIMEOUT = 2
    SLAVE_NOT_AVAILABLE = 3


class TransactionStatus(IntEnum):
    """What became of a local transaction; UNKNOWN lets the broker ask again later."""

    COMMIT = 0
    ROLLBACK = 1
    UNKNOWN = 2


class ConsumeStatus(IntEnum):
    """What a callback makes of a message."""

    CONSUME_SUCCESS = 0
    RECONSUME_LATER = 1


class SendResult(NamedTuple):
    """`msg_id` is the id that the producer gave the message, `offset` its place in its queue."""

    status: SendStatus
    msg_id: str
    offset: int


_SEND_STATUS = {
    client.SendStatus.SEND_OK: SendStatus.OK,
    client.SendStatus.FLUSH_DISK_TIMEOUT: SendStatus.FLUSH_DISK_TIMEOUT,
    client.SendStatus.FLUSH_SLAVE_TIMEOUT: SendStatus.FLUSH_SLAVE_TIMEOUT,
    client.SendStatus.SLAVE_NOT_AVAILABLE: SendStatus.SLAVE_NOT_AVAILABLE,
}


def sent(*results: client.SendResult) -> SendResult:
    """The result of one request, or of several: the worst status, all ids with commas between, the first offset."""
    return SendResult(
        max(_SEND_STATUS[one.status] for one in results),
        ",".join(one.msg_id for one in results),
        results[0].queue_offset,
    )


def one_of(answer: object, statuses: Iterable[Status], text: str) -> Status:
    """The status that a callback answered, also as an int. Raises ValueError with `text` for anything else."""
    for status in statuses:
        if answer == status:
            return status
    raise ValueError(text)
