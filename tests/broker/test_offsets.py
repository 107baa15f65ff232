from __future__ import annotations

import logging

import pytest

from rocketpy.broker.offsets import OffsetTable
from rocketpy.protocol.api.offset import ConsumerOffsetSerializeWrapper

HOST = "127.0.0.1:1"


@pytest.fixture
def table() -> OffsetTable:
    table = OffsetTable()
    for topic, group, queue_id, queue_offset in (
        ("T", "G", 0, 42), ("T", "G", 1, 37), ("T", "grüppe", 0, 0), ("bücher", "G", 3, 1 << 40),
    ):  # fmt: skip
        table.commit(HOST, group, topic, queue_id, queue_offset)
    return table


def test_committed_offset_is_found(table: OffsetTable) -> None:
    assert table.query("G", "T", 1) == 37
    assert table.query("G", "bücher", 3) == 1 << 40
    assert table.queues("G", "T") == {0: 42, 1: 37}


def test_nothing_committed_is_minus_one(table: OffsetTable) -> None:
    assert table.query("G", "T", 2) == -1
    assert table.query("G", "other", 0) == -1
    assert table.queues("other", "T") is None


def test_going_back_is_allowed_but_logged(table: OffsetTable, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        table.commit(HOST, "G", "T", 0, 41)
    assert table.query("G", "T", 0) == 41
    assert "[NOTIFYME]" in caplog.text


def test_only_a_change_makes_it_dirty(table: OffsetTable) -> None:
    table.dirty = False
    table.commit(HOST, "G", "T", 0, 42)
    assert not table.dirty
    table.commit(HOST, "G", "T", 0, 43)
    assert table.dirty


def test_topics_and_groups_are_found_by_each_other(table: OffsetTable) -> None:
    assert table.topics_of("G") == {"T", "bücher"}
    assert table.groups_of("T") == {"G", "grüppe"}
    table.commit(HOST, "odd@group", "T", 0, 1)  # Java splits at "@" and leaves out what is not two parts
    assert table.groups_of("T") == {"G", "grüppe"}


def test_removed_group_begins_anew(table: OffsetTable) -> None:
    table.remove_group("G")
    assert table.query("G", "T", 0) == -1
    assert table.topics_of("G") == set()
    assert table.query("grüppe", "T", 0) == 0


def test_clone_starts_where_the_other_group_is(table: OffsetTable) -> None:
    table.clone("G", "new", "T")
    table.commit(HOST, "G", "T", 0, 50)
    assert table.queues("new", "T") == {0: 42, 1: 37}
    table.clone("nobody", "new", "T")
    assert table.queues("new", "T") == {0: 42, 1: 37}


def test_saved_form_is_that_of_java_and_can_be_restored(table: OffsetTable) -> None:
    saved = table.snapshot().to_json(pretty=True)
    assert '\t\t"T@G":{0:42,1:37\n\t\t}' in saved.decode()
    restored = OffsetTable()
    restored.restore(ConsumerOffsetSerializeWrapper.from_json(saved))
    assert restored.snapshot().offset_table == table.snapshot().offset_table
    assert restored.query("G", "bücher", 3) == 1 << 40


def test_nothing_saved_is_an_empty_table() -> None:
    assert OffsetTable().snapshot().to_json(pretty=True) == b'{\n\t"offsetTable":{}\n}'


def test_frozen_state_does_not_see_later_commits(table: OffsetTable) -> None:
    later = table.freeze()
    table.commit(HOST, "G", "T", 0, 99)
    table.commit(HOST, "G", "T", 7, 1)
    assert later().offset_table["T@G"] == {0: 42, 1: 37}
