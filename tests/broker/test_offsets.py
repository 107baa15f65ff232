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


SPARSE = (
    1000, -1, 100, 64, 0, 2147483647, -2147483648, 65536, 17, -17, 33, 1, 49, 16,
)
"""Queue ids in the order in which they were committed to an official broker."""
SPARSE_IN_JAVA = {
    "created": [
        -1, 64, 0, 2147483647, -2147483648, 65536, 1, -17, 16, 17, 33, 100, 1000, 49,
    ],
    "cloned": [
        -1, 64, 0, 2147483647, -2147483648, 65536, 1, -17, 16, 17, 33, 100, 1000, 49,
    ],
    "restored": [
        -2147483648, 2147483647, 0, 64, -1, 1, 65536, 33, 100, 1000, -17, 16, 17, 49,
    ],
    "grown": [
        0, 2147483647, -2147483648, -1, 256, 65536, 1, 257, 258, 259, 16, -17, 17, 33, 49, 64, 200, 201, 202, 203,
        204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 220, 221, 222, 223, 224, 225,
        226, 227, 100, 228, 229, 230, 231, 1000, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244,
        245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255,
    ],
}
"""And in its consumerOffset.json: of a new group, of its clone, after a restart, and after queues 200 to 259 more."""
MANY = [number * 37 % 101 - 20 for number in range(90)]
MANY_IN_JAVA = [
    0, -1, -2, 1, 2, 3, -4, -5, 4, 5, -6, -7, 6, -8, 8, -9, -10, 9, 10, -11, -12, 11, 12, 13, -14, -15, 15, -16, -17,
    16, 17, -18, -19, 18, -20, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 37, 38, 39, 40, 41,
    42, 43, 45, 46, 47, 48, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 60, 62, 63, 64, 65, 66, 67, 68, 69, 70, 72, 73,
    74, 75, 76, 77, 79, 80,
]


def ids_in(table: OffsetTable, group: str) -> list[int]:
    return list(table.snapshot().offset_table[f"T@{group}"])


def test_queue_ids_are_in_the_order_of_javas_maps() -> None:
    table = OffsetTable()
    for queue_id in SPARSE:
        table.commit(HOST, "G", "T", queue_id, 1)
    table.clone("G", "H", "T")
    assert ids_in(table, "G") == SPARSE_IN_JAVA["created"]
    assert ids_in(table, "H") == SPARSE_IN_JAVA["cloned"]
    restored = OffsetTable()
    restored.restore(ConsumerOffsetSerializeWrapper.from_json(table.snapshot().to_json(pretty=True)))
    assert ids_in(restored, "G") == SPARSE_IN_JAVA["restored"]
    for queue_id in range(200, 260):
        restored.commit(HOST, "G", "T", queue_id, 1)
    assert ids_in(restored, "G") == SPARSE_IN_JAVA["grown"]


def test_queue_ids_of_a_map_that_grew_are_in_javas_order() -> None:
    table = OffsetTable()
    for queue_id in MANY:
        table.commit(HOST, "G", "T", queue_id, 1)
    assert ids_in(table, "G") == MANY_IN_JAVA
