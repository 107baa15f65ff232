"""What a push consumer's listener is given and may answer (consumer/listener/*.java)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rocketpy.client.messages import ReceivedMessage
from rocketpy.protocol.api.route import MessageQueue


class ConsumeStatus(StrEnum):
    """What a listener makes of messages. COMMIT and ROLLBACK are for orderly ones that do not commit by themselves."""

    SUCCESS = "CONSUME_SUCCESS"
    RECONSUME_LATER = "RECONSUME_LATER"
    COMMIT = "COMMIT"
    ROLLBACK = "ROLLBACK"


@dataclass
class ConsumeContext:
    """Where messages come from, and how their outcome is to be taken.

    `queue` is the queue they were pulled from. Of concurrent consumption: `delay_level` is after which of the broker's
    delays they come again if they failed, 0 for the broker's choice, -1 for the dead letter topic; `ack_index` is the
    index of the last message that succeeded. Of orderly consumption: with `auto_commit` False nothing is stored until
    a COMMIT; `suspend` is after how many seconds they come again, None for the consumer's setting.
    """

    queue: MessageQueue
    delay_level: int = 0
    ack_index: int | None = None
    auto_commit: bool = True
    suspend: float | None = None


QueuesChanged = Callable[[str, list[MessageQueue], list[MessageQueue]], None]
"""Called with a topic, all its queues, and those that are this member's now (MessageQueueListener.java:27)."""

Listener = Callable[[Sequence[ReceivedMessage], ConsumeContext], ConsumeStatus | None]
"""Returns what became of the messages, None being SUCCESS; what it raises counts as RECONSUME_LATER."""
