import random

import pytest

from rocketpy.protocol.java_hash import (
    _lanes_hash,
    _long_hash,
    _loop_hash,
    concurrent_hash_map_order,
    hash_map_order,
    string_hash,
)


def slow_hash(text: str) -> int:
    units = memoryview(text.encode("utf-16-le")).cast("H")
    value = 0
    for unit in units:
        value = (value * 31 + unit) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("TagA", 2598919),
        ("Aa", 2112),
        ("BB", 2112),
        ("polygenelubricants", -2147483648),
        ("中文", 646394),
        ("\U0001f680", 1773027),
    ],
)
def test_string_hash_is_javas(text: str, expected: int) -> None:
    assert string_hash(text) == expected == slow_hash(text)


def test_string_hash_of_any_length_and_alphabet() -> None:
    rng = random.Random(4)
    for length in [*range(70), 511, 512, 513, 1025, 5000]:
        text = "".join(rng.choice("aZ0#%_é中\U0001f680") for _ in range(length))
        assert string_hash(text) == slow_hash(text)
        assert string_hash(text, string_hash("topic#")) == slow_hash("topic#" + text)


def test_all_ways_to_the_hash_agree() -> None:
    rng = random.Random(5)
    for length in [*range(33), *range(33)]:
        text = "".join(rng.choice("aZ0#%_~ ") for _ in range(length))
        start = rng.randrange(-(2**31), 2**31)
        expected = string_hash(text, start) & 0xFFFFFFFF
        assert _loop_hash(text.encode(), start) == expected
        assert _lanes_hash(text.encode(), start) == expected
        assert _long_hash(text, start) == expected


def test_hash_map_order_goes_by_bucket_and_then_by_arrival() -> None:
    names = ["KEYS", "UNIQ_KEY", "CLUSTER", "TAGS", "WAIT", "DELAY", "MSG_REGION", "TRACE_ON"]
    seen_in_java = ["TRACE_ON", "KEYS", "MSG_REGION", "UNIQ_KEY", "CLUSTER", "WAIT", "DELAY", "TAGS"]
    assert hash_map_order(names) == seen_in_java
    assert hash_map_order(["BB", "Aa"]) == ["BB", "Aa"]
    assert hash_map_order(["Aa", "BB"]) == ["Aa", "BB"]


def test_hash_maps_grow() -> None:
    """The heads of what Java prints for 100 topics."""
    names = [f"topic-{n}" for n in range(100)]
    plain, concurrent = hash_map_order(names), concurrent_hash_map_order(names)
    assert sorted(plain) == sorted(concurrent) == sorted(names)
    assert plain == hash_map_order(names, 256)
    assert concurrent == concurrent_hash_map_order(names, 64)
    assert plain[4:9] == ["topic-50", "topic-0", "topic-51", "topic-1", "topic-52"]
    assert concurrent[4:9] == ["topic-50", "topic-51", "topic-0", "topic-1", "topic-52"]
    assert concurrent_hash_map_order(names, 1024)[:3] == ["topic-50", "topic-51", "topic-52"]
