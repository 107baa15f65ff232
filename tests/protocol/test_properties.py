from __future__ import annotations

import random

import pytest

from rocketpy.protocol.properties import (
    java_order,
    join_properties,
    split_properties,
    stored_properties,
)

ROWS = [
    ("", {}),
    ("a\x01b", {"a": "b"}),
    ("a\x01b\x02c\x01d", {"a": "b", "c": "d"}),
    ("TAGS\x01TagÄ\x02KEYS\x01k1 k2\x02ü\x01中", {"TAGS": "TagÄ", "KEYS": "k1 k2", "ü": "中"}),
    ("a\x01b\x01c", {"a": "b\x01c"}),
]


@pytest.mark.parametrize(("text", "properties"), ROWS)
def test_text_and_properties_go_both_ways(text: str, properties: dict[str, str]) -> None:
    assert split_properties(text) == properties
    assert join_properties(properties) == text


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        (None, {}),
        ("a\x01b\x02", {"a": "b"}),
        ("\x02\x02a\x01b", {"a": "b"}),
        ("a\x01\x02b\x01c", {"b": "c"}),
        ("\x01v\x02b\x01c", {"b": "c"}),
        ("noseparator\x02b\x01c", {"b": "c"}),
        ("a\x01b\x02a\x01c", {"a": "c"}),
        ("ab", {}),
    ],
)
def test_what_has_no_name_or_no_value_is_dropped(text: str | None, properties: dict[str, str]) -> None:
    assert split_properties(text) == properties


def test_a_broker_stores_cluster_and_leaves_wait_out_in_java_order() -> None:
    text = "KEYS\x01k\x02UNIQ_KEY\x01u\x02WAIT\x01true\x02TAGS\x01t"
    for sent in (text, text, text + "\x02"):
        properties = stored_properties(sent, "C")
        assert properties.text == "KEYS\x01k\x02UNIQ_KEY\x01u\x02CLUSTER\x01C\x02TAGS\x01t"
        assert properties.to_dict() == {"KEYS": "k", "UNIQ_KEY": "u", "WAIT": "true", "TAGS": "t", "CLUSTER": "C"}
        assert properties.get("WAIT") == "true"
        assert "WAIT" in properties
        assert properties.get("DELAY") is None
        assert "DELAY" not in properties


@pytest.mark.parametrize(
    "text",
    ["", "\x02", "\x01v", "n", "n\x01", "TAGSx", "a\x011\x02\x02b\x012", "a\x011\x02a\x012", "a\x01b\x01c", "\x02a"],
)
def test_what_a_broker_makes_of_odd_texts_does_not_depend_on_what_it_saw_before(text: str) -> None:
    for sent in ("TAGS\x01t", "n\x01v", "a\x011\x02b\x012", text, text):
        properties = stored_properties(sent, "C")
        assert properties.to_dict() == split_properties(sent) | {"CLUSTER": "C"}
        assert split_properties(properties.text) == properties.to_dict()


def test_a_cluster_of_the_sender_is_replaced() -> None:
    for text in ("CLUSTER\x01theirs", None):
        properties = stored_properties(text, "ours")
        assert properties.text == "CLUSTER\x01ours"
        assert properties.to_dict() == {"CLUSTER": "ours"}


def test_percent_signs_are_text() -> None:
    properties = stored_properties("%s\x01%d\x02100%\x01%", "C")
    assert properties.to_dict() == {"%s": "%d", "100%": "%", "CLUSTER": "C"}
    assert sorted(properties.text.split("\x02")) == ["%s\x01%d", "100%\x01%", "CLUSTER\x01C"]


def test_wait_counts_for_the_size_of_the_table() -> None:
    """As in java.util.HashMap, whose thirteenth entry makes a table of 32, also if one is removed later."""

    def stored_names(*names: str) -> list[str]:
        text = stored_properties(join_properties(dict.fromkeys(names, "v")), "C").text
        return [entry.partition("\x01")[0] for entry in text.split("\x02")]

    names = [f"p{n}" for n in range(11)]
    assert stored_names(*names, "WAIT") == [*names, "CLUSTER"]
    assert stored_names(*names) == [*names[:-1], "CLUSTER", "p10"]


def test_java_order_has_every_property() -> None:
    assert java_order({}) == ""
    assert java_order({"b": "1", "a": "2"}) == "a\x012\x02b\x011"


def test_random_properties_survive() -> None:
    chance = random.Random(4)
    letters = "abcAB%é中\U0001f600 =\\"
    for _ in range(500):
        properties = {
            "".join(chance.choices(letters, k=chance.randrange(1, 6))): "".join(chance.choices(letters, k=3))
            for _ in range(chance.randrange(30))
        }
        assert split_properties(join_properties(properties)) == properties
        assert split_properties(java_order(properties)) == properties
        for _ in range(2):
            stored = stored_properties(join_properties(properties), "C")
            assert split_properties(stored.text) == stored.to_dict() == properties | {"CLUSTER": "C"}
