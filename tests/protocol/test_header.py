from __future__ import annotations

import pytest

from rocketpy.errors import FieldError
from rocketpy.protocol.header import API, Header, Int, Long, camel_case, reply, request, wire


@reply
class Shapes(Header):
    text: str
    small: Int = wire(short="s")
    large: Long
    yes: bool
    rate: float | None = None
    word: str = wire(missing="null")
    maybe_text: str | None = wire("MAYBE", default=None)
    maybe_small: Int | None = None
    with_default: Int = 16


@request(7001, short=7002, strict=True)
class Strict(Header):
    text: str
    small: Int = wire(short="s")


@request(7003, short=7004)
class Short(Header):
    text: str
    small: Int = wire(short="s", default=16)


del API[7001], API[7002], API[7003], API[7004]

FULL = {
    "text": "grüße", "small": "-5", "large": "9000000000", "yes": "TRUE", "rate": "0.5", "word": "w", "MAYBE": "m",
    "maybeSmall": "7", "withDefault": "1",
}  # fmt: skip


def test_a_header_reads_its_fields() -> None:
    header = Shapes.decode(FULL)
    assert header == Shapes(
        text="grüße", small=-5, large=9_000_000_000, yes=True, rate=0.5, word="w", maybe_text="m", maybe_small=7,
        with_default=1,
    )  # fmt: skip
    assert header.encode() == FULL | {"yes": "true"}


def test_null_fields_are_left_out() -> None:
    header = Shapes(text="t", small=1, large=2, yes=False, word="")
    assert header.encode() == {
        "text": "t", "small": "1", "large": "2", "yes": "false", "word": "", "withDefault": "16",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["small", "large", "yes", "text"])
def test_who_reads_a_missing_field_gets_a_field_error(name: str) -> None:
    header = Shapes.decode({key: value for key, value in FULL.items() if key != name})
    assert header.rate == 0.5
    with pytest.raises(FieldError, match=f"NullPointerException.*<{name}>"):
        getattr(header, name)


@pytest.mark.parametrize(
    "value", ["", "x", "1.5", " 1", "1\n", "1_0", "--1", str(2**31), str(-(2**31) - 1), "9" * 5000]
)
def test_a_number_that_does_not_parse_is_a_missing_one(value: str) -> None:
    header = Shapes.decode(FULL | {"small": value, "maybeSmall": value})
    assert header.maybe_small is None
    with pytest.raises(FieldError, match="NullPointerException"):
        _ = header.small


@pytest.mark.parametrize(("value", "number"), [("+5", 5), ("-0", 0), ("٣", 3), ("007", 7)])
def test_numbers_are_those_of_java(value: str, number: int) -> None:
    assert Shapes.decode(FULL | {"small": value}).small == number


@pytest.mark.parametrize("code", [7001, 7002])
def test_a_strict_header_refuses_what_does_not_parse_at_once(code: int) -> None:
    name = "s" if code == 7002 else "small"
    with pytest.raises(FieldError, match="NumberFormatException"):
        Strict.decode({name: "x"}, code)
    with pytest.raises(FieldError, match=r"NullPointerException.*<text>"):
        _ = Strict.decode({}, code).text


def test_one_letter_names_are_read_strictly() -> None:
    fields = {"text": "t", "s": "x"}
    assert Short.decode(fields, 7003).small == 16
    with pytest.raises(FieldError, match="NumberFormatException"):
        Short.decode(fields, 7004)


def test_an_attribute_that_no_field_has_is_no_field_error() -> None:
    assert not hasattr(Shapes.decode({}), "nothing")


def test_a_missing_text_may_be_declared_and_other_defaults_hold() -> None:
    fields = {"text": "", "small": "1", "large": "2", "yes": "maybe", "maybeSmall": "x", "withDefault": "y"}
    assert Shapes.decode(fields) == Shapes(text="", small=1, large=2, yes=False, word="null")


def test_a_long_has_64_bits() -> None:
    assert Shapes.decode(FULL | {"large": str(-(2**63))}).large == -(2**63)
    with pytest.raises(FieldError):
        _ = Shapes.decode(FULL | {"large": str(2**63)}).large


def test_a_code_is_declared_once() -> None:
    taken = next(iter(API), None)
    if taken is None:
        import rocketpy.protocol.api.send  # noqa: F401

        taken = next(iter(API))
    with pytest.raises(TypeError, match=str(taken)):

        @request(taken)
        class Again(Header):
            pass


def test_camel_case() -> None:
    assert camel_case("max_reconsume_times") == "maxReconsumeTimes"
    assert camel_case("topic") == "topic"
