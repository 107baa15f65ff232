"""Records are asked about as their properties are, and what was said of some is remembered."""

from __future__ import annotations

import pytest

import compat
from rocketpy.errors import ProtocolError
from rocketpy.filter import record_matcher
from rocketpy.filter.record_matcher import RecordMatcher, matcher_of
from rocketpy.filter.sql92 import Filter, FilterError, compile_filter, parse
from rocketpy.filter.sql92_expressions import Expression, Properties
from rocketpy.protocol.properties import join_properties, split_properties
from rocketpy.protocol.record import Record, encode_into, record_size, topic_field

TABLE = compat.read(compat.DIRECTORY / "sql92.json5")


def encoded(properties: bytes, body: bytes = b"body") -> bytes:
    topic = topic_field("T")
    data = memoryview(bytearray(record_size(len(body), 1, len(properties))))
    encode_into(data, 0, Record("T", 0, body, properties), topic, 0, 0, 0)
    return bytes(data)


def test_records_match_as_their_properties_do() -> None:
    """Every expression that Java was asked about, each record twice: the second answer is remembered."""
    texts = [join_properties(properties) for properties in TABLE["sets"]]
    records = [encoded(text.encode("utf-8", "replace")) for text in texts]
    for row in TABLE["rows"]:
        try:
            wanted = compile_filter(row["expression"])
        except FilterError:
            continue
        expected = [wanted.matches(split_properties(text)) for text in texts]
        matcher = RecordMatcher(wanted)
        for _ in range(2):
            assert [matcher.matches(record) for record in records] == expected, row["expression"]


class Asked:
    """An expression that notes what it was asked."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []
        self.matcher = RecordMatcher(Filter(Expression(self._evaluate, "a"), ["a", "b"]))

    def _evaluate(self, properties: Properties) -> bool:
        self.seen.append(properties.get("a"))
        return properties.get("a") == "1"

    def matches(self, properties: bytes) -> bool:
        return self.matcher.matches(encoded(properties))


def test_only_named_properties_count_and_each_of_their_values_is_asked_about_once() -> None:
    asked = Asked()
    assert [asked.matches(b"c\x01%d\x02a\x01%d" % (number, number % 2)) for number in range(6)] == [False, True] * 3
    assert asked.seen == ["0", "1"]
    assert not asked.matches(b"a\x01\x02c\x011")
    assert asked.matches(b"a\x011\x02b\x01x")
    assert asked.seen == ["0", "1", None, "1"]


def test_answers_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    for _ in range(2):
        assert not asked.matches(b"a\x01" + b"1" * 65)
    for number in range(2_000):
        assert asked.matches(b"a\x01%d" % number) is (number == 1)
    assert len(asked.seen) == 2_002
    assert len(asked.matcher._answers) <= record_matcher._MOST_ANSWERS


def test_what_is_not_utf_8_is_compared_as_java_reads_it() -> None:
    matcher = matcher_of(compile_filter("a = '\ufffd1'"))
    assert matcher.matches(encoded(b"b\x01\xe4\x02a\x01\xff1"))
    assert not matcher.matches(encoded(b"a\x01\xff2"))


def test_one_filter_has_one_matcher() -> None:
    assert matcher_of(compile_filter("a = 1")) is matcher_of(compile_filter("a = 1"))
    assert compile_filter("b = 1 AND a > b OR b IS NULL").names == ("b", "a")
    assert parse("a = 1").text == "(a == 1)"


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ProtocolError):
        matcher_of(compile_filter("a = 1")).matches(b"")
