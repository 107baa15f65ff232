"""The package's docstring quotes programs that interop/ runs."""

from pathlib import Path

import pytest

import rocketpy.testcontainers

RECIPES = Path(__file__).parents[2] / "interop" / "recipes"


@pytest.mark.parametrize(
    ("first", "program"),
    [("class RocketMQContainer", "java/RocketMQContainer.java"), ("container, err :=", "go/main.go")],
)
def test_programs_are_quoted_as_they_are(first: str, program: str) -> None:
    text = rocketpy.testcontainers.__doc__ or ""
    quoted = [line.strip() for line in text[text.index(first) :].partition("\n\n")[0].splitlines()]
    lines = iter([line.strip() for line in (RECIPES / program).read_text().splitlines()])
    assert len(quoted) > 10
    assert [line for line in quoted if line not in lines] == []
