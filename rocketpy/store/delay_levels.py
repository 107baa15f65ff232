"""What the delay levels mean: messageDelayLevel, e.g. "1s 5s 10s 30s 1m ... 2h" for the levels from 1 on."""

from __future__ import annotations

from typing import Final

from rocketpy.errors import ConfigError

_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNKNOWN_LEVEL_MS: Final = 1_000


class DelayLevels:
    """The table of levels (ScheduleMessageService.parseDelayLevel:274)."""

    __slots__ = ("delays",)

    def __init__(self, text: str) -> None:
        """Raises ConfigError if `text` is not numbers with one of the units s m h d, separated by blanks."""
        self.delays: list[int] = []
        """ms of level 1, level 2, ..."""
        for word in text.split(" "):
            unit = _UNITS.get(word[-1:])
            if unit is None or not word[:-1].isdecimal():
                raise ConfigError(f"messageDelayLevel={text} is not understood at {word!r}")
            self.delays.append(int(word[:-1]) * unit)

    @property
    def highest(self) -> int:
        """The highest level there is; a message that asks for more gets this one."""
        return len(self.delays)

    def deliver_time(self, level: int, store_timestamp: int) -> int:
        """When (ms) a message of that level stored at that time is due (computeDeliverTimestamp:119)."""
        known = 1 <= level <= len(self.delays)
        return store_timestamp + (self.delays[level - 1] if known else _UNKNOWN_LEVEL_MS)
