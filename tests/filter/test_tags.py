import pytest

from rocketpy.filter.tags import tag_codes, tags_of


@pytest.mark.parametrize("expression", [None, "", "*"])
def test_no_expression_lets_everything_through(expression):
    assert tags_of(expression) is None
    assert tag_codes(expression) is None


@pytest.mark.parametrize(
    ("expression", "tags"),
    [
        ("TagA", ["TagA"]),
        ("TagA||TagB", ["TagA", "TagB"]),
        ("  TagA  ||\tTagB\n", ["TagA", "TagB"]),
        ("TagA||||TagB||", ["TagA", "TagB"]),
        ("||TagA", ["TagA"]),
        ("TagA|TagB", ["TagA|TagB"]),
        ("标签 || Ünïcode", ["标签", "Ünïcode"]),
        ("TagA || *", ["TagA", "*"]),
    ],
)
def test_bars_separate_tags(expression, tags):
    assert tags_of(expression) == tags


def test_codes_are_java_hashes():
    assert tag_codes("TagA || Aa || BB") == frozenset({2598919, 2112})


@pytest.mark.parametrize("expression", [" ", " || ", "\t"])
def test_blank_expression_lets_nothing_through(expression):
    assert tag_codes(expression) == frozenset()


@pytest.mark.parametrize("expression", ["||", "||||"])
def test_bars_alone_are_refused(expression):
    with pytest.raises(ValueError, match="subString split error"):
        tags_of(expression)
