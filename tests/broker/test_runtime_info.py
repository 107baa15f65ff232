from __future__ import annotations

import pytest

from rocketpy.broker.runtime_info import format_runtime, human_readable


@pytest.mark.parametrize(
    ("elapsed", "text"),
    [
        (0, "[ 0 days, 0 hours, 0 minutes, 0 seconds ]"),
        (59_999, "[ 0 days, 0 hours, 0 minutes, 59 seconds ]"),
        (90_061_000, "[ 1 days, 1 hours, 1 minutes, 1 seconds ]"),
        (1_000 * 86_400_000, "[ 1,000 days, 0 hours, 0 minutes, 0 seconds ]"),
    ],
)
def test_runtime_is_in_javas_form(elapsed: int, text: str) -> None:
    assert format_runtime(elapsed) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (252 << 30, "252.0 GiB"),
        (5 << 40, "5.0 TiB"), (3 << 60, "3.0 EiB"),
    ],
)  # fmt: skip
def test_sizes_are_in_javas_form(size: int, text: str) -> None:
    assert human_readable(size) == text
