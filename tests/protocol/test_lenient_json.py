"""What fastjson 1.2.69 accepts although it is not JSON, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.lenient_json import MAX_DEPTH, ObjectKey, read_lenient

ACCEPTED = [
    ("{a:1}", {"a": 1}),
    ("{'a':'x\"y'}", {"a": 'x"y'}),
    ("{$a:1,_b:2,中:3}", {"$a": 1, "_b": 2, "中": 3}),
    ("{0:1,-1:2}", {0: 1, -1: 2}),
    ("{true:1,null:2}", {"true": 1, "null": 2}),
    ('{"":1}', {"": 1}),
    ("{{x:1}:2,{x:2}:{}}", {ObjectKey({"x": 1}): 2, ObjectKey({"x": 2}): {}}),
    ("{,a:1,,b:2,}", {"a": 1, "b": 2}),
    ("[,1,,2,]", [1, 2]),
    ("[1 2]", [1, 2]),
    ('["a" "b"]', ["a", "b"]),
    ("// c\n{/* x */a/**/:1}// y", {"a": 1}),
    ('\ufeff{"a":1}', {"a": 1}),
    ('{"a":1}\x00\x1a', {"a": 1}),
    ("\f\b\v{}", {}),
    ("'x'", "x"),
    ("[+1,01,-0,1L,2S,3B]", [1, 1, 0, 1, 2, 3]),
    ("[1.,1e5,1E+5,1D,1F]", [1.0, 1e5, 1e5, 1.0, 1.0]),
    ("[undefined,NaN,null,true,false]", [None, None, None, True, False]),
    (r"'\x41\u0041\v\0\7\/\F\'\"\b\f\n\r\t\\'", "AA\v\0\7/\f'\"\b\f\n\r\t\\"),
    ("'x\ny'", "x\ny"),
    (r"'\ud83d\ude00'", "\U0001f600"),
    (r"'\ud83d!\ude00\ud83d\ude00\ud83d'", "?!?\U0001f600?"),
    ('{"a":1 ,\t"b"\n:\r2}', {"a": 1, "b": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), ACCEPTED)
def test_fastjson_accepts(text: str, value: Any) -> None:
    assert read_lenient(text) == value


REFUSED = [
    "# c\n{}", '{"a":1}x', '{"a":1} {"b":2}', "[1]2", '{"a" 1}', '{"a":}', '{"a"', '{"a":1', "[1", "{a}", "{a:b}",
    "{a:TRUE}", "{a:nul}", '"x', "abc", '{"a":.5}', '{"a":-}', '{"a":0x1F}', r"'\8'", r"'\z'", r"'\u12'", "'\\",
    "{a-b:1}", "{a.b:1}", "{a$b c:1}", "{1a:1}", '{"a":1;"b":2}', "{a:1 b:2}", "{:1}", '{"a"::1}', "[1:2]", "}", "]",
    "{]", '{"a":[}', '{"a":1},', '{"a":1}]', "[tru]", "[truex]", "{1,2}", "/*", "/", "\xa0{}", "[1" + "0" * 400 + "]",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_fastjson_refuses(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"^not JSON: .* at character "):
        read_lenient(text)


def test_a_number_beyond_a_double_is_infinite() -> None:
    assert math.isinf(read_lenient("1e400"))


def test_nesting_is_bounded() -> None:
    assert read_lenient("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for text in ("[" * 100_000, "{a:" * 100_000, "{" * 100_000, '{"$ref":' * 300 + "1" + "}" * 300):
        with pytest.raises(ProtocolError, match="nested deeper"):
            read_lenient(text)


def test_references_are_bounded_in_depth_too() -> None:
    chained = ",".join(f'a{n}:[{{"$ref":"$.a{n + 1}"}}]' for n in range(500))
    with pytest.raises(ProtocolError, match="nested deeper"):
        read_lenient("{" + chained + "}")


def test_object_keys_compare_by_value() -> None:
    assert ObjectKey({"a": 1}) == ObjectKey({"a": 1}) != ObjectKey({"a": 2})
    assert ObjectKey([1]) != [1]
    assert len({ObjectKey({"a": 1}), ObjectKey({"a": 1})}) == 1
    assert repr(ObjectKey([1])) == "ObjectKey([1])"
