"""Which messages wait for a time of their own, and which are refused for it (Java 5: HookUtils.handleScheduleMessage).

TIMER_DELAY_SEC or else TIMER_DELAY_MS says after how long a message is to be delivered, TIMER_DELIVER_MS at what time;
one that is due already is stored at once. Until then it is a message of rmq_sys_wheel_timer, and remembers in
TIMER_OUT_MS when, in REAL_TOPIC and REAL_QID where it is due. A delay level goes before all that.

Unlike Java 5, which rounds to whole seconds, TIMER_OUT_MS is the ms that was asked for.
"""

from __future__ import annotations

import re
from random import random
from typing import Final

from rocketpy.config.timer import TimerConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import MessageSysFlag, transaction_type
from rocketpy.protocol.properties import java_order
from rocketpy.protocol.record import Record
from rocketpy.protocol.topic_names import (
    TIMER_TOPIC,
    TRANS_CHECK_MAX_TIME_TOPIC,
    TRANS_HALF_TOPIC,
    TRANS_OP_HALF_TOPIC,
)
from rocketpy.store.timer_files import TimerFiles
from rocketpy.store.timer_wheel import SLOT_MS

ASKED: Final = (names.TIMER_DELAY_SEC, names.TIMER_DELAY_MS, names.TIMER_DELIVER_MS)
"""The properties that ask for it, by precedence."""

_KEPT: Final = frozenset({TIMER_TOPIC, TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC, TRANS_CHECK_MAX_TIME_TOPIC})
"""Topics whose messages stay: half messages wait when they are committed."""
_LONG: Final = re.compile(r"[+-]?\d{1,18}")


class TimerIntake:
    """Turns records into such that wait."""

    def __init__(self, config: TimerConfig, files: TimerFiles) -> None:
        self._config = config
        self._files = files

    def hold(self, record: Record, properties: dict[str, str], now: int) -> None:
        """Have a record wait, if its properties ask for it; both are then as they are to be stored.

        Raises ReplyError for a time that is none, or is too far away, and when too much is due in that second.
        """
        asked = next((name for name in ASKED if name in properties), None)
        if asked is None or record.topic in _KEPT or names.TIMER_OUT_MS in properties:
            return
        if transaction_type(record.sys_flag) not in (
            MessageSysFlag.TRANSACTION_NOT_TYPE, MessageSysFlag.TRANSACTION_COMMIT,
        ):  # fmt: skip
            return
        if _is_number(level := properties.get(names.DELAY_TIME_LEVEL, "0")) and int(level) > 0:
            for name in ASKED:
                properties.pop(name, None)
            return
        due = self._due(asked, properties[asked], now)
        if due <= now:
            if names.TIMER_DELETE_UNIQ_KEY in properties:
                raise self._illegal()
            return
        if due - now > self._config.timer_max_delay_sec * 1000:
            raise self._illegal()
        if self._is_congested(self._files.count(due // SLOT_MS)):
            raise self._congested()
        properties[names.TIMER_OUT_MS] = str(due)
        properties[names.REAL_TOPIC] = record.topic
        properties[names.REAL_QUEUE_ID] = str(record.queue_id)
        record.properties = java_order(properties).encode()
        record.topic = TIMER_TOPIC
        record.queue_id = 0

    def _due(self, asked: str, text: str, now: int) -> int:
        if not _is_number(text):
            raise self._illegal()
        if asked == names.TIMER_DELAY_SEC:
            return now + int(text) * 1000
        return int(text) + (now if asked == names.TIMER_DELAY_MS else 0)

    def _is_congested(self, count: int) -> bool:
        """Whether to refuse one more, by chance between the limit and its double (TimerMessageStore.isReject)."""
        limit = self._config.timer_congest_num_each_slot
        return count >= 2 * limit or (count > limit and random() > (count - limit) / (limit + 0.1))

    def _illegal(self) -> ReplyError:
        return ReplyError(
            ResponseCode.MESSAGE_ILLEGAL,
            "timer message illegal, the delay time should not be bigger than the max delay "
            f"{self._config.timer_max_delay_sec * 1000}ms; or if set del msg, the delay time should be bigger than "
            "the current time",
        )

    def _congested(self) -> ReplyError:
        limit = self._config.timer_congest_num_each_slot
        return ReplyError(
            ResponseCode.SYSTEM_ERROR,
            f"timer message is under flow control, max num limit is {2 * limit} or the current value is greater than "
            f"{limit} and less than {2 * limit}, trigger random flow control",
        )


def _is_number(text: str) -> bool:
    """Whether Java's Long.parseLong takes it, give or take a time a hundred million years away."""
    return _LONG.fullmatch(text) is not None
