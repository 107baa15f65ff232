"""Options are read, and explained, as commons-cli does."""

from __future__ import annotations

import pytest

from rocketpy.admin.options import Option, OptionError, Options

TOPIC = Options([Option("t", "topic", "topic name", required=True), Option("l", "list", "as a list", argument=False)])
PLACE = Options([Option("b", "brokerAddr", "one", either=True), Option("c", "clusterName", "all", either=True)])


@pytest.mark.parametrize(
    "words",
    [
        "-t T -l -n a:1", "-tT -ln a:1", "--topic T --list --namesrvAddr a:1", "--topic=T -l -n a:1",
        "-topic T -l -n a:1", "extra -t T -t Other more -l -na:1", "-lt T -n a:1 -- -x",
    ],
)  # fmt: skip
def test_all_spellings_mean_the_same(words: str) -> None:
    given = TOPIC.parse(words.split())
    assert {short: values[:1] for short, values in given.items()} == {"t": ["T"], "l": [], "n": ["a:1"]}


def test_an_equals_sign_after_a_short_name_is_part_of_the_value() -> None:
    assert TOPIC.parse(["-t=T"])["t"] == ["=T"]


def test_a_value_may_look_like_an_option_that_there_is_not() -> None:
    assert TOPIC.parse(["-t", "-1"])["t"] == ["-1"]


@pytest.mark.parametrize("words", ["", "-t", "-t -l", "-t T -x", "-t T --unknown", "-l"])
def test_what_does_not_fit_is_refused(words: str) -> None:
    with pytest.raises(OptionError):
        TOPIC.parse(words.split())


@pytest.mark.parametrize(("words", "fits"), [("-b X", True), ("-c X", True), ("", False), ("-b X -c Y", False)])
def test_one_of_a_group_is_needed(words: str, fits: bool) -> None:
    if fits:
        PLACE.parse(words.split())
        return
    with pytest.raises(OptionError):
        PLACE.parse(words.split())


def test_usage_is_laid_out_in_columns() -> None:
    assert TOPIC.usage("mqadmin x") == (
        "usage: mqadmin x [-h] [-l] [-n <arg>] -t <arg>\n"
        " -h,--help                Print help\n"
        " -l,--list                as a list\n"
        " -n,--namesrvAddr <arg>   Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'\n"
        " -t,--topic <arg>         topic name\n"
    )


def test_group_stands_in_place_of_its_first_member() -> None:
    assert PLACE.usage("x").splitlines()[0] == "usage: x -b <arg> | -c <arg>  [-h] [-n <arg>]"


def test_long_lines_are_wrapped_at_110_columns() -> None:
    many = Options([Option(letter, letter * 3, "word " * 30) for letter in "abcdefgijklm"])
    lines = many.usage("mqadmin many").splitlines()
    assert max(map(len, lines)) <= 110
    assert lines[1].startswith(" " * 7 + "<arg>]"), "wherever there is a blank"
