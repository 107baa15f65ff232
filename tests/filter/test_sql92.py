import pytest

import compat
from rocketpy.filter.bloom import BloomFilter
from rocketpy.filter.sql92 import FilterError, compile_filter, parse
from rocketpy.filter.sql92_values import EvaluationError

TABLE = compat.read(compat.DIRECTORY / "sql92.json5")


def answer(expression: str, properties: dict[str, str]) -> str:
    try:
        value = parse(expression).evaluate(properties)
    except EvaluationError:
        return "!"
    return "N" if value is None else "T" if value is True else "F" if value is False else "?"


def test_every_expression_means_what_it_means_to_java() -> None:
    """Results, and for what is no expression the text that CHECK_CLIENT_CONFIG answers with."""
    differing = []
    for row in TABLE["rows"]:
        try:
            parse(row["expression"])
        except FilterError as error:
            ours = str(error)
        else:
            ours = "".join(answer(row["expression"], properties) for properties in TABLE["sets"])
        theirs = row.get("results") or row["error"]
        if ours != theirs:
            differing.append((row["expression"], ours, theirs))
    assert differing == []


def test_matching_is_being_true() -> None:
    for row in TABLE["rows"]:
        if "results" in row:
            wanted = compile_filter(row["expression"])
            found = [wanted.matches(properties) for properties in TABLE["sets"]]
            assert found == [letter == "T" for letter in row["results"]]


def test_bloom_bits_are_those_of_java() -> None:
    for row in TABLE["blooms"]:
        bloom = BloomFilter(row["error_rate"], row["names"])
        assert (bloom.bits, bloom.positions(row["name"])) == (row["bits"], row["positions"])


@pytest.mark.parametrize(("error_rate", "names"), [(0, 32), (100, 32), (20, 0)])
def test_bloom_filter_of_no_sense_is_refused(error_rate: int, names: int) -> None:
    with pytest.raises(ValueError, match="must be greater"):
        BloomFilter(error_rate, names)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(FilterError):
        parse("(" * 100_000)
