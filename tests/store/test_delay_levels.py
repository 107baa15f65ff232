"""What messageDelayLevel means."""

import pytest

from rocketpy.config.store import StoreConfig
from rocketpy.errors import ConfigError
from rocketpy.store.delay_levels import DelayLevels


def test_levels_of_java_by_default():
    levels = DelayLevels(StoreConfig().message_delay_level)
    assert levels.highest == 18
    times = {1: 1_000, 2: 5_000, 5: 60_000, 17: 3_600_000, 18: 7_200_000}
    assert {level: levels.deliver_time(level, 0) for level in times} == times


def test_unknown_level_is_a_second():
    levels = DelayLevels("2d")
    assert levels.deliver_time(1, 7) == 2 * 86_400_000 + 7
    assert levels.deliver_time(2, 7) == levels.deliver_time(0, 7) == 1_007


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1s  5s", "-1s", "1s five"])
def test_nonsense_is_refused(text):
    with pytest.raises(ConfigError, match="messageDelayLevel="):
        DelayLevels(text)
