"""Columns and numbers as Java's String.format has them."""

from __future__ import annotations

import pytest

from rocketpy.admin.format import cut, date_time, date_time_ms, fixed, java_text, render


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("%-5s|%5s|%04d%n", ("a", "b", 7), "a    |    b|0007\n"),
        ("%s %s %s", (None, True, False), "null true false"),
        ("%9.2f(%s)", (0.125, 3), "     0.13(3)"),
        ("%2s", ("long",), "long"),
        ("100%%", (), "100%"),
        ("%s", ("Grüße %s",), "Grüße %s"),
    ],
)
def test_conversions(template: str, values: tuple[object, ...], text: str) -> None:
    assert render(template, *values) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.125, "0.13"), (-0.125, "-0.13"), (2.675, "2.68"), (1e300, f"{10**300}.00"), (0.0, "0.00")]
)
def test_halves_are_rounded_up(value: float, text: str) -> None:
    assert fixed(value, 2) == text


def test_what_is_no_number_is_told() -> None:
    assert [fixed(float(value), 2) for value in ("nan", "inf", "-inf")] == ["NaN", "Infinity", "-Infinity"]


def test_collections_look_as_in_java() -> None:
    assert java_text({0: "a:1", "b": [1, None]}) == "{0=a:1, b=[1, null]}"
    assert java_text(1e7) == "1.0E7"


def test_texts_are_cut() -> None:
    assert [cut("abc", 2), cut("abc", 9), cut(None, 2)] == ["ab", "abc", None]


def test_milliseconds_follow_a_comma() -> None:
    assert date_time_ms(1_700_000_000_007) == f"{date_time(1_700_000_000_000)},007"
