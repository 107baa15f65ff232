"""Groups that read too far behind the end are switched off, where the broker is told so."""

from __future__ import annotations

import pytest

from rocketpy.protocol.codes import ResponseCode
from tests.broker.data_side import DataSide


@pytest.fixture
def slow(data: DataSide) -> DataSide:
    """Three messages of some 300 bytes; who reads the first one only is more than 400 bytes behind."""
    data.config.disable_consume_if_consumer_read_slowly = True
    data.config.consumer_fallbehind_threshold = 400
    for _ in range(3):
        data.send(body=bytes(200))
    return data


def test_group_far_behind_is_switched_off(slow: DataSide) -> None:
    slow.pull(consumer_group="Slow", max_msg_nums=1)
    slow.pull(consumer_group="Quick", queue_offset=2)
    before = slow.groups.data_version.counter
    slow.slow_groups.step()
    refused = slow.pull(consumer_group="Slow", queue_offset=1)
    assert (refused.code, refused.remark) == (ResponseCode.NO_PERMISSION, "subscription group no permission, Slow")
    assert slow.pull(consumer_group="Quick", queue_offset=2).code == 0
    assert slow.groups.data_version.counter == before + 1


def test_group_that_catches_up_in_time_goes_on(slow: DataSide) -> None:
    slow.pull(consumer_group="G", max_msg_nums=1)
    slow.pull(consumer_group="G", queue_offset=1)
    slow.slow_groups.step()
    assert slow.pull(consumer_group="G").code == 0


def test_group_that_reads_nothing_it_wants_counts_too(slow: DataSide) -> None:
    slow.send(body=bytes(600))
    slow.config.consumer_fallbehind_threshold = 1
    slow.pull(consumer_group="G", subscription="None")
    slow.slow_groups.step()
    assert slow.pull(consumer_group="G").code == ResponseCode.NO_PERMISSION


@pytest.mark.parametrize("key", ["disable_consume_if_consumer_read_slowly", "disk_fall_recorded"])
def test_nobody_is_switched_off_unless_asked_for(slow: DataSide, key: str) -> None:
    config = slow.config if hasattr(slow.config, key) else slow.store_config
    setattr(config, key, False)
    slow.pull(consumer_group="G", max_msg_nums=1)
    slow.slow_groups.step()
    assert slow.pull(consumer_group="G").code == 0


def test_groups_that_are_gone_are_forgotten(slow: DataSide) -> None:
    slow.pull(consumer_group="G", max_msg_nums=1)
    slow.groups.delete("G")
    slow.slow_groups.step()
    slow.pull(consumer_group="G", queue_offset=2)
    slow.slow_groups.step()
    assert slow.pull(consumer_group="G").code == 0
