from __future__ import annotations

import random

import pytest

from rocketpy.protocol.properties import (
    java_order,
    join_properties,
    properties_again,
    properties_in,
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
        assert properties.text_without_wait() == "KEYS\x01k\x02UNIQ_KEY\x01u\x02CLUSTER\x01C\x02TAGS\x01t"
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
        assert split_properties(properties.text_without_wait()) == properties.to_dict()


def test_a_cluster_of_the_sender_is_replaced() -> None:
    for text in ("CLUSTER\x01theirs", None):
        properties = stored_properties(text, "ours")
        assert properties.text_without_wait() == "CLUSTER\x01ours"
        assert properties.to_dict() == {"CLUSTER": "ours"}


def test_percent_signs_are_text() -> None:
    properties = stored_properties("%s\x01%d\x02100%\x01%", "C")
    assert properties.to_dict() == {"%s": "%d", "100%": "%", "CLUSTER": "C"}
    assert sorted(properties.text().split("\x02")) == ["%s\x01%d", "100%\x01%", "CLUSTER\x01C"]


def test_wait_counts_for_the_size_of_the_table() -> None:
    """As in java.util.HashMap, whose thirteenth entry makes a table of 32, also if one is removed later."""

    def stored_names(*names: str) -> list[str]:
        text = stored_properties(join_properties(dict.fromkeys(names, "v")), "C").text_without_wait()
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
            assert split_properties(stored.text()) == stored.to_dict() == properties | {"CLUSTER": "C"}


def test_changed_properties_stay_in_the_order_of_java() -> None:
    """A dict and `java_order` say the same, whatever is set and taken to the end."""
    chance = random.Random(6)
    names = ["a", "b", "WAIT", "TAGS", "ü", "REAL_TOPIC", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"]
    for _ in range(500):
        properties = {name: str(chance.random()) for name in chance.sample(names, chance.randrange(len(names)))}
        stored = properties_again(join_properties(properties).encode())
        assert stored.to_dict() == properties_in(properties).to_dict() == properties
        for name in chance.choices(names, k=3):
            if chance.random() < 0.5:
                stored.put(name, "v")
                properties[name] = "v"
            else:
                stored.move_to_end(name)
                if name in properties:
                    properties[name] = properties.pop(name)
        assert list(stored.to_dict().items()) == list(properties.items())
        assert stored.text() == java_order(properties)
        assert stored.text_without_wait() == java_order(properties, left_out="WAIT")


def test_what_is_no_property_of_a_record_is_dropped_when_it_is_stored_again() -> None:
    for _ in range(2):
        assert properties_again(b"b\x011\x02a\x012\x02\x02c\x02b\x013\x02").text() == "a\x012\x02b\x013"
        assert properties_again(b"a\x01\xff").get("a") == "\ufffd"
    assert properties_again(b"").text() == ""
