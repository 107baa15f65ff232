"""Groups that read too far behind the end of the log are switched off, while disableConsumeIfConsumerReadSlowly.

What they read is on disk only, and reading it takes the page cache from those who keep up. Who is switched off stays
so until an operator switches it on again (BrokerController.protectBroker:631).
"""

from __future__ import annotations

import logging
from typing import Final

from rocketpy.broker.groups import GroupTable
from rocketpy.config.broker import BrokerConfig

STEP_MS: Final = 180_000
"""How often groups are looked at."""

_log = logging.getLogger("rocketpy.broker")


class SlowGroups:
    """Remembers how many bytes each group was behind when it last read a queue; nothing while it is not to."""

    def __init__(self, config: BrokerConfig, groups: GroupTable) -> None:
        self._config = config
        self._groups = groups
        self._behind: dict[tuple[str, str, int], int] = {}

    def note(self, group: str, topic: str, queue_id: int, behind: int) -> None:
        """`group` has just read messages with `behind` bytes of the log after them."""
        if self._config.disable_consume_if_consumer_read_slowly:
            self._behind[group, topic, queue_id] = behind

    def step(self) -> None:
        """Switch off who is more than consumerFallbehindThreshold behind; forget groups that there are no more."""
        if not self._config.disable_consume_if_consumer_read_slowly:
            self._behind.clear()
        existing = set(self._groups.names()) if self._behind else set()
        for queue, behind in list(self._behind.items()):
            if queue[0] not in existing:
                del self._behind[queue]
            elif behind > self._config.consumer_fallbehind_threshold:
                _log.warning("group %s reads %s %d bytes behind the end, it is switched off", *queue[:2], behind)
                self._groups.disable_consume(queue[0])
