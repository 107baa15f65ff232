"""All texts here were written, and read, by fastjson 1.2.69."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.fastjson import ObjectKey, dumps, java_double, loads

QUEUE = {"brokerName": "b", "queueId": 0, "topic": "t"}

COMPACT = [
    ({}, "{}"),
    ([], "[]"),
    ([1, None, "x", True, 1.5], '[1,null,"x",true,1.5]'),
    ({"a": 1, "b": {"c": []}}, '{"a":1,"b":{"c":[]}}'),
    ({0: "1.1.1.1:1", 1: "x"}, '{0:"1.1.1.1:1",1:"x"}'),
    ({-1: {2: {}}}, "{-1:{2:{}}}"),
    ({ObjectKey(QUEUE): 7}, '{{"brokerName":"b","queueId":0,"topic":"t"}:7}'),
    ({"t": {ObjectKey(QUEUE): {"max": 1}}}, '{"t":{{"brokerName":"b","queueId":0,"topic":"t"}:{"max":1}}}'),
    ({ObjectKey([1, 2]): 3}, "{[1,2]:3}"),
    ("\x00\x07\b\t\n\x0b\f\r\x1f", r'"\u0000\u0007\b\t\n\u000B\f\r\u001F"'),
    ("\"\\/'<>&", '"\\"\\\\/\'<>&"'),
    (
        "\x7f\x80\x9f\xa0é中\u2027\u2028\u2029\u202a\U0001f600",
        '"\\u007F\\u0080\\u009F\xa0é中\u2027\\u2028\\u2029\u202a\U0001f600"',
    ),
    (2**63 - 1, "9223372036854775807"),
    (-(2**63), "-9223372036854775808"),
]


@pytest.mark.parametrize(("value", "text"), COMPACT)
def test_compact_form_goes_both_ways(value: Any, text: str) -> None:
    assert dumps(value) == text.encode()
    assert loads(text.encode()) == value
    assert loads(text) == value


def test_null_members_are_left_out_and_null_items_are_not() -> None:
    assert dumps({"a": None, "b": [None]}) == b'{"b":[null]}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": {1: "x", 0: "y"}, "a": 1}, '{"a":1,"b":{"0":"y","1":"x"}}'),
        ({"中": "é/\x7f\U0001f600"}, '{"\\u4E2D":"\\u00E9\\/\\u007F\\uD83D\\uDE00"}'),
        ({ObjectKey({"a": 1}): []}, '{"{\\"a\\":1}":[]}'),
        ([{}, [None], True, "\n"], '[{},[null],true,"\\n"]'),
        ({"s": 1, 2: 3, "z": None}, '{"s":1,"2":3}'),
    ],
)
def test_standard_form_is_ascii_sorted_and_has_only_text_for_names(value: Any, text: str) -> None:
    assert dumps(value, standard=True) == text.encode("ascii")


def test_standard_form_sorts_by_utf_16_units() -> None:
    assert dumps({"\uffff": 1, "\U0001f600": 2}, standard=True) == b'{"\\uD83D\\uDE00":2,"\\uFFFF":1}'


PRETTY = [
    ({}, "{}"),
    ({"d": {}, "e": [], "i": 1.5}, '{\n\t"d":{},\n\t"e":[],\n\t"i":1.5\n}'),
    ({"f": [1, {"x": 1}, {}]}, '{\n\t"f":[\n\t\t1,\n\t\t{\n\t\t\t"x":1\n\t\t},\n\t\t{}\n\t]\n}'),
    ({"t": {0: 42, 1: 37}, "u": {}}, '{\n\t"t":{0:42,1:37\n\t},\n\t"u":{}\n}'),
    (
        {"v": {5: {"a": 1, "b": 2}, 6: {}}},
        '{\n\t"v":{5:{\n\t\t\t"a":1,\n\t\t\t"b":2\n\t\t},6:{}\n\t}\n}',
    ),
    ({1: {2: ["a"]}}, '{1:{2:[\n\t\t\t"a"\n\t\t]\n\t}\n}'),
    ({"s": 1, 2: 3, "z": 4}, '{\n\t"s":1,2:3,\n\t"z":4\n}'),
    (
        {"o": {ObjectKey({"q": 0}): {"m": 1}, ObjectKey({"q": 1}): {"m": 2}}},
        '{\n\t"o":{{\n\t\t\t"q":0\n\t\t}:{\n\t\t\t"m":1\n\t\t},{\n\t\t\t"q":1\n\t\t}:{\n\t\t\t"m":2\n\t\t}\n\t}\n}',
    ),
]


@pytest.mark.parametrize(("value", "text"), PRETTY)
def test_pretty_form_goes_both_ways(value: Any, text: str) -> None:
    assert dumps(value, pretty=True) == text.encode()
    assert loads(text) == value


def test_pretty_form_of_a_set_stays_on_one_line() -> None:
    assert dumps({"c": ("b", "c"), "e": ()}, pretty=True) == b'{\n\t"c":["b","c"],\n\t"e":[]\n}'
    assert dumps({"s": ({"f": 1},)}, pretty=True) == b'{\n\t"s":[{\n\t\t"f":1\n\t}]\n}'


def test_pretty_form_leaves_null_members_out() -> None:
    assert dumps({"a": None, "b": 1}, pretty=True) == b'{\n\t"b":1\n}'
    assert dumps({"a": None}, pretty=True) == b"{\n}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (9999999.0, "9999999.0"), (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"), (1e16, "1.0E16"), (1e23, "1.0E23"), (0.001, "0.001"), (1e-4, "1.0E-4"),
        (0.00012, "1.2E-4"), (0.1 + 0.2, "0.30000000000000004"), (123456789012345680.0, "1.2345678901234568E17"),
        (5e-324, "4.9E-324"),
        (-1.7976931348623157e308, "-1.7976931348623157E308"), (float("nan"), "null"), (float("-inf"), "null"),
    ],
)  # fmt: skip
def test_a_double_is_written_as_java_writes_it(number: float, text: str) -> None:
    assert java_double(number) == text
    assert dumps(number) == text.encode()


def test_lone_surrogates_become_question_marks() -> None:
    assert dumps("a\ud800b") == b'"a?b"'


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        dumps({"a": b"x"})


@pytest.mark.parametrize("data", [b"", b"  ", b"null", "", "\ufeff"])
def test_nothing_reads_as_none(data: bytes | str) -> None:
    assert loads(data) is None


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_is_read(kind: Any) -> None:
    assert loads(kind(b'{"a":[{"x":1},{"$ref":"$.a[0]"}]}')) == {"a": [{"x": 1}, {"x": 1}]}
    assert loads(kind(b"{0:'\xff'}")) == {0: "\ufffd"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":{"x":1},"b":{"$ref":"$.a"}}', {"a": {"x": 1}, "b": {"x": 1}}),
        ('{"b":{"$ref":"$.a"},"a":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        ('{"a":[[{"x":1}],{"$ref":"$.a[0][0]"}]}', {"a": [[{"x": 1}], {"x": 1}]}),
        (r'{"b-1":{"x":1},"b":{"$ref":"$.b\\-1"}}', {"b-1": {"x": 1}, "b": {"x": 1}}),
        ("{0:1,a:{x:1},b:{'$ref':'$.a'}}", {0: 1, "a": {"x": 1}, "b": {"x": 1}}),
        ('{"a":{"$ref":"$.nope"}}', {"a": None}),
        ('{"a":[{"$ref":"$.a[7]"}]}', {"a": [None]}),
        ('{"a":{"$ref":"$.["}}', {"a": None}),
        ('{"a":{"b":{"$ref":".."}}}', {"a": {"b": None}}),
        ('{"a":{"$ref":"$.b","c":1},"b":{}}', {"a": {"$ref": "$.b", "c": 1}, "b": {}}),
        ('{"a":{"$ref":1}}', {"a": {"$ref": 1}}),
    ],
)
def test_references_are_resolved(text: str, value: Any) -> None:
    assert loads(text) == value


@pytest.mark.parametrize("text", ['{"a":{"$ref":"$"}}', '{"a":{"b":{"$ref":"$.a"}}}', '{"a":{"$ref":"$.a"}}'])
def test_a_reference_to_what_is_around_it_is_none(text: str) -> None:
    value = loads(text)["a"]
    assert value is None or value == {"b": None}


def test_references_to_references_do_not_multiply_the_work() -> None:
    doubled = [f'"a{n + 1}":[{{"$ref":"$.a{n}"}},{{"$ref":"$.a{n}"}}]' for n in range(40)]
    value = loads('{"a0":[1],' + ",".join(doubled) + "}")
    assert value["a40"][0] is value["a40"][1]


def test_random_values_survive() -> None:
    chance = random.Random(20)
    letters = "ab\"\\/\n\x01\x7f\x85\u2028é中\U0001f600 {}:,[]'"

    def text() -> str:
        return "".join(chance.choices(letters, k=chance.randrange(6)))

    def value(depth: int) -> Any:
        kind = chance.randrange(9 if depth < 4 else 5)
        if kind < 5:
            return [text(), chance.randrange(-(2**63), 2**63), chance.random() * 1e9, True, 0.0][kind]
        if kind < 7:
            return [value(depth + 1) for _ in range(chance.randrange(4))]
        names = [text, lambda: chance.randrange(-9, 9), lambda: ObjectKey({"q": chance.randrange(9)})]
        return {chance.choice(names)(): value(depth + 1) for _ in range(chance.randrange(4))}

    for _ in range(300):
        one = value(0)
        assert loads(dumps(one)) == one
        assert loads(dumps({"r": one}, pretty=True)) == {"r": one}


def test_garbage_is_a_protocol_error_whatever_it_is() -> None:
    chance = random.Random(21)
    alphabet = [*"{}[]:,\"'\\/*ab0.-+e$ \n\x00é", "true", "null", '{"$ref":"', "/*", "//"]
    refused = 0
    for _ in range(3000):
        text = "".join(chance.choices(alphabet, k=chance.randrange(12)))
        try:
            loads(text)
        except ProtocolError:
            refused += 1
    assert refused > 2000


def test_what_is_nested_too_deeply_is_not_written() -> None:
    with pytest.raises(ProtocolError, match="nested"):
        dumps(loads("[" * 1000 + "]" * 1000))
