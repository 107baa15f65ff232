from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from rocketpy.protocol.message_id import OffsetMessageId, UniqueId, UniqueIds

OFFSET_IDS = [
    ("C0A8010200002A9F0000001CBE991A14", OffsetMessageId("192.168.1.2", 10911, 123456789012)),
    ("20010DB800000000000000000000000100002A9FFFFFFFFFFFFFFFFF", OffsetMessageId("2001:db8::1", 10911, -1)),
]


@pytest.mark.parametrize(("text", "message_id"), OFFSET_IDS)
def test_offset_ids_go_both_ways(text: str, message_id: OffsetMessageId) -> None:
    assert message_id.encode() == text
    assert OffsetMessageId.decode(text) == message_id
    assert OffsetMessageId.decode(text.lower()) == message_id


UNIQUE_IDS = [
    ("C0A8010204D218B4AAC200BC614E0001", UniqueId("192.168.1.2", 1234, 0x18B4AAC2, 12345678, 1)),
    (
        "FD000000000000000000000000000002475730946E09687BA7FF0000",
        UniqueId("fd00::2", 0x4757, 0x30946E09, 0x687BA7FF, 0),
    ),
]


@pytest.mark.parametrize(("text", "unique_id"), UNIQUE_IDS)
def test_unique_ids_go_both_ways(text: str, unique_id: UniqueId) -> None:
    assert unique_id.encode() == text
    assert UniqueId.decode(text) == unique_id


@pytest.mark.parametrize("text", ["", "C0A8", "G" * 32, "C" * 33, "C " * 16, "é" * 32])
def test_anything_else_is_no_id(text: str) -> None:
    for kind in (OffsetMessageId, UniqueId):
        with pytest.raises(ValueError, match="message id"):
            kind.decode(text)


@pytest.fixture(params=["UTC", "Asia/Shanghai", "America/New_York"])
def _zone(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def at(*when: int) -> int:
    """A local time in ms."""
    return int(datetime(*when).timestamp() * 1000)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_zone")
def test_a_new_id_counts_ms_from_the_beginning_of_the_month() -> None:
    ids = UniqueIds("192.168.1.2", 1234, 0x18B4AAC2)
    now = at(2024, 3, 1) + 12345678
    assert ids.create(now) == "C0A8010204D218B4AAC200BC614E0000"
    assert ids.create(now) == "C0A8010204D218B4AAC200BC614E0001"
    assert UniqueId.decode(ids.create(at(2024, 4, 1) - 1)).ms_of_month == at(2024, 4, 1) - 1 - at(2024, 3, 1)
    assert UniqueId.decode(ids.create(at(2024, 4, 1))).ms_of_month == 0
    assert UniqueId.decode(ids.create(at(2025, 1, 1) + 5)).ms_of_month == 5


def test_a_clock_that_was_set_back_a_little_counts_as_the_beginning() -> None:
    ids = UniqueIds("fd00::2", 1, 0)
    ids.create(at(2024, 4, 1))
    assert UniqueId.decode(ids.create(at(2024, 4, 1) - 999_999)).ms_of_month == 0
    assert UniqueId.decode(ids.create(at(2024, 4, 1) - 1_000_000)).ms_of_month == (1 << 32) - 1_000_000


def test_the_counter_goes_round() -> None:
    ids = UniqueIds("10.0.0.1", 70000, 1 << 40)
    made = {ids.create(at(2024, 4, 2)) for _ in range(65536)}
    assert len(made) == 65536
    assert ids.create(at(2024, 4, 2)) in made


@pytest.mark.usefixtures("_zone")
def test_the_time_of_an_id_is_within_the_last_month() -> None:
    unique_id = UniqueId.decode("C0A8010204D218B4AAC200BC614E0001")
    assert unique_id.born_timestamp(at(2024, 3, 15)) == at(2024, 3, 1) + 12345678
    assert unique_id.born_timestamp(at(2024, 3, 1, 1)) == at(2024, 2, 1) + 12345678
