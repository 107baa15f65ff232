"""Bits inside header and record fields, and the few words that stand for numbers.

Plain integers, not enum.IntFlag: they are tested for every message, and IntFlag makes each test a call.
"""

from enum import StrEnum
from typing import Final


class MessageSysFlag:
    """Bits of a record's sysFlag (MessageSysFlag.java:35-50)."""

    COMPRESSED: Final = 0x1
    MULTI_TAGS: Final = 0x2
    TRANSACTION_NOT_TYPE: Final = 0x0
    TRANSACTION_PREPARED: Final = 0x4
    TRANSACTION_COMMIT: Final = 0x8
    TRANSACTION_ROLLBACK: Final = 0xC           # also the mask of the transaction bits
    BORNHOST_V6: Final = 0x10
    STOREHOSTADDRESS_V6: Final = 0x20
    NEED_UNWRAP: Final = 0x40
    INNER_BATCH: Final = 0x80
    COMPRESSION_LZ4: Final = 0x100
    COMPRESSION_ZSTD: Final = 0x200
    COMPRESSION_ZLIB: Final = 0x300
    COMPRESSION_MASK: Final = 0x700


def transaction_type(sys_flag: int) -> int:
    """The transaction bits alone (MessageSysFlag.getTransactionValue:52)."""
    return sys_flag & MessageSysFlag.TRANSACTION_ROLLBACK


def with_transaction_type(sys_flag: int, kind: int) -> int:
    """The flag with its transaction bits replaced (MessageSysFlag.resetTransactionValue:56)."""
    return (sys_flag & ~MessageSysFlag.TRANSACTION_ROLLBACK) | kind


class PullSysFlag:
    """Bits of a pull request's sysFlag (PullSysFlag.java:20-24)."""

    COMMIT_OFFSET: Final = 0x1
    SUSPEND: Final = 0x2
    SUBSCRIPTION: Final = 0x4
    CLASS_FILTER: Final = 0x8
    LITE_PULL: Final = 0x10


class TopicSysFlag:
    """Bits of a topic's topicSysFlag (TopicSysFlag.java:21-23)."""

    UNIT: Final = 0x1
    UNIT_SUB: Final = 0x2


class SubscriptionSysFlag:
    """Bits of a subscription's sysFlag (SubscriptionSysFlag.java:21)."""

    UNIT: Final = 0x1


class Perm:
    """What may be done with a topic's queues (PermName.java:20-23)."""

    PRIORITY: Final = 0x8
    READ: Final = 0x4
    WRITE: Final = 0x2
    INHERIT: Final = 0x1                        # a topic made from this one gets its permissions


def perm_string(perm: int) -> str:
    """A perm as mqadmin and remarks show it, e.g. RW- for 6 (PermName.perm2String:25)."""
    readable = "R" if perm & Perm.READ else "-"
    writable = "W" if perm & Perm.WRITE else "-"
    inherited = "X" if perm & Perm.INHERIT else "-"
    return readable + writable + inherited


class TopicFilterType(StrEnum):
    """Whether messages of a topic carry one tag or several (TopicFilterType.java:19)."""

    SINGLE_TAG = "SINGLE_TAG"
    MULTI_TAG = "MULTI_TAG"


class ConsumeType(StrEnum):
    """Whether the application asks for messages or is handed them (ConsumeType.java:23)."""

    CONSUME_ACTIVELY = "CONSUME_ACTIVELY"
    CONSUME_PASSIVELY = "CONSUME_PASSIVELY"


class MessageModel(StrEnum):
    """Whether the members of a group share the queues or each get all of them (MessageModel.java:23)."""

    BROADCASTING = "BROADCASTING"
    CLUSTERING = "CLUSTERING"


class ConsumeFromWhere(StrEnum):
    """Where a new group begins (ConsumeFromWhere.java:19)."""

    CONSUME_FROM_LAST_OFFSET = "CONSUME_FROM_LAST_OFFSET"
    CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST = "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"
    CONSUME_FROM_MIN_OFFSET = "CONSUME_FROM_MIN_OFFSET"
    CONSUME_FROM_MAX_OFFSET = "CONSUME_FROM_MAX_OFFSET"
    CONSUME_FROM_FIRST_OFFSET = "CONSUME_FROM_FIRST_OFFSET"
    CONSUME_FROM_TIMESTAMP = "CONSUME_FROM_TIMESTAMP"


class ExpressionType(StrEnum):
    """The language of a subscription's filter (ExpressionType.java:20-50)."""

    TAG = "TAG"
    SQL92 = "SQL92"
