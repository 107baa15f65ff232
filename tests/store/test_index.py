"""Index files, down to the bytes."""

import os
import random
from pathlib import Path

import pytest

from rocketpy.protocol.java_hash import string_hash
from rocketpy.store.index import Index
from rocketpy.store.index_file import IndexFile, index_file_size, positive_hash
from rocketpy.store.paths import index_file_name
from tools.dissect import store_files

NOW = 1_700_000_000_000
SLOTS = 8


@pytest.fixture
def index(tmp_path):
    return Index(str(tmp_path / "index"), SLOTS, 10)


def put(index, number, uniq_key=None, keys=None, sys_flag=0, topic="T"):
    index.put(string_hash(topic + "#"), uniq_key, keys, sys_flag, number * 100, NOW + number * 1500)


def contents(path):
    return list(store_files.index_file(Path(path).read_bytes(), SLOTS))


@pytest.mark.parametrize(("value", "kept"), [(5, 5), (-5, 5), (0, 0), (-(1 << 31), 0), ((1 << 31) - 1, (1 << 31) - 1)])
def test_hashes_are_kept_positive(value, kept):
    assert positive_hash(value) == kept


def test_entries_are_as_java_writes_them(index):
    put(index, 1, "uniq", "a  b a")
    put(index, 2, keys="b")
    header, *entries = contents(index.files[0].file.path)
    assert header == {
        "begin_timestamp": NOW + 1500, "end_timestamp": NOW + 3000, "begin_physical_offset": 100,
        "end_physical_offset": 200, "hash_slot_count": len({entry["slot"] for entry in entries}), "index_count": 6,
        "slots": SLOTS,
    }  # fmt: skip
    keys = ["uniq", "a", "b", "a", "b"]
    assert [entry["key_hash"] for entry in entries] == [positive_hash(string_hash("T#" + key)) for key in keys]
    assert [entry["physical_offset"] for entry in entries] == [100, 100, 100, 100, 200]
    assert [entry["time_difference"] for entry in entries] == [0, 0, 0, 0, 1]
    newest = {}
    for number, entry in enumerate(entries, 1):
        assert entry["previous_entry"] == newest.get(entry["slot"], 0)
        newest[entry["slot"]] = number
    assert Path(index.files[0].file.path).stat().st_size == index_file_size(SLOTS, 10) == 40 + 4 * SLOTS + 200


def test_uniq_keys_hash_as_any_key(index):
    rng = random.Random(1)
    keys = ["".join(rng.choice("0123456789ABCDEF中é") for _ in range(32)) for _ in range(5)]
    keys += [keys[0][:24] + "01234567", keys[0][:31]]
    for number, key in enumerate(keys):
        put(index, number + 1, key, topic="Ünïcode")
    for number, key in enumerate(keys):
        assert index.find("Ünïcode", key, 5, 0, 1 << 62) == [(number + 1) * 100]


def test_file_is_made_for_the_first_message_even_without_keys(index, tmp_path):
    put(index, 1)
    (name,) = os.listdir(tmp_path / "index")
    assert name == index_file_name(NOW + 1500)
    (header,) = contents(tmp_path / "index" / name)
    assert (header["index_count"], header["end_physical_offset"]) == (0, 0)
    put(index, 2, "k")
    assert contents(tmp_path / "index" / name)[0]["index_count"] == 2


def test_keys_of_a_message_are_split_over_files(index):
    put(index, 1, keys="a b c d e f")
    put(index, 2, keys="g h i j k l")
    first, second = index.files
    assert [file.count for file in index.files] == [10, 4]
    assert index.rolled == [first]
    header = contents(second.file.path)[0]
    assert (header["begin_physical_offset"], header["begin_timestamp"]) == (200, NOW + 3000)
    for key in "ghijkl":
        assert index.find("T", key, 5, 0, 1 << 62) == [200]


def test_new_file_begins_where_the_last_one_ended(index):
    for number in range(1, 10):
        put(index, number, "k")
    put(index, 10)
    header = contents(index.files[1].file.path)[0]
    assert header["begin_timestamp"] == header["end_timestamp"] == NOW + 9 * 1500
    assert header["begin_physical_offset"] == header["end_physical_offset"] == 900
    put(index, 20, "k")
    assert contents(index.files[1].file.path)[1]["time_difference"] == 16


def test_files_of_one_millisecond_are_kept_apart(index, tmp_path):
    for number in range(40):
        index.put(0, f"k{number}", None, 0, number, NOW)
    names = sorted(os.listdir(tmp_path / "index"))
    assert len(names) == 5 == len(set(names))
    assert names == [os.path.basename(file.file.path) for file in index.files]


def test_message_dispatched_again_is_not_entered_twice(index):
    put(index, 1, "u", "a b")
    put(index, 2, "v", "a")
    before = contents(index.files[0].file.path)
    put(index, 1, "u", "a b")
    put(index, 2, "v", "a")
    assert contents(index.files[0].file.path) == before
    put(index, 2, "v", "a late")
    assert index.find("T", "late", 5, 0, 1 << 62) == [200]
    assert index.find("T", "a", 5, 0, 1 << 62) == [200, 100]


def test_rolled_back_messages_are_not_entered(index):
    put(index, 1, "u", sys_flag=12)
    put(index, 2, "u", sys_flag=4)
    assert index.find("T", "u", 5, 0, 1 << 62) == [200]


@pytest.mark.parametrize("kept", range(31))
def test_truncation_takes_back_what_was_entered(tmp_path, kept):
    whole, short = (Index(str(tmp_path / name), SLOTS, 10) for name in ("whole", "short"))
    for number in range(1, 31):
        put(whole, number, f"u{number}", "common")
        if number <= kept:
            put(short, number, f"u{number}", "common")
    whole.truncate(kept * 100 + 1)
    for key in ["common", *(f"u{number}" for number in range(1, 31))]:
        assert whole.find("T", key, 99, 0, 1 << 62) == short.find("T", key, 99, 0, 1 << 62)
    for index in (whole, short):
        put(index, 31, "u31", "common")
    for one, other in zip(whole.files, short.files, strict=True):
        mine, theirs = contents(one.file.path), contents(other.file.path)
        for row in (mine[0], theirs[0]):
            row["end_timestamp"] //= 1000
        assert mine == theirs


def test_index_is_found_again(index, tmp_path):
    for number in range(1, 31):
        put(index, number, f"u{number}")
    (tmp_path / "index" / "notes").write_text("")
    again = Index(str(tmp_path / "index"), SLOTS, 10)
    again.load()
    assert again.end_physical_offset == 3000
    assert again.find("T", "u7", 5, 0, 1 << 62) == [700]
    put(again, 31, "u31")
    assert again.find("T", "u31", 5, 0, 1 << 62) == [3100]


@pytest.mark.parametrize("lost", ["slot and header", "header"])
def test_entry_that_was_half_made_is_made_again(index, tmp_path, lost):
    """The process may die between the entry, its slot and the header."""
    for number in range(1, 6):
        put(index, number, keys="common")
    view = index.files[0].file.view()
    header, slots = bytes(view[:40]), bytes(view[40 : 40 + 4 * SLOTS])
    put(index, 6, keys="common")
    view[:40] = header
    if lost == "slot and header":
        view[40 : 40 + 4 * SLOTS] = slots
    again = Index(str(tmp_path / "index"), SLOTS, 10)
    again.load()
    assert again.find("T", "common", 9, 0, 1 << 62) == [500, 400, 300, 200, 100]
    put(again, 6, keys="common")
    assert again.find("T", "common", 9, 0, 1 << 62) == [600, 500, 400, 300, 200, 100]


def test_chain_that_runs_in_a_circle_ends(index):
    put(index, 1, "u")
    file = index.files[0]
    entries_at = 40 + 4 * SLOTS
    file.file.view()[entries_at + 36 : entries_at + 40] = (1).to_bytes(4, "big")
    assert index.find("T", "u", 5, 0, 1 << 62) == [100]


def test_index_file_covers_times_as_java_says(tmp_path):
    file = IndexFile(str(tmp_path / "1"), SLOTS, 10)
    file.create(0, 0)
    file.put(1, 1, 100)
    file.put(1, 2, 200)
    covered = {(0, 300): True, (0, 200): True, (100, 100): True, (0, 99): False, (201, 300): False, (150, 160): True}
    assert {span: file.covers(*span) for span in covered} == covered


def fields(physical_offsets):
    return [physical_offset.to_bytes(8, "big") for physical_offset in physical_offsets]


def test_entries_made_at_once_are_those_made_one_by_one(tmp_path):
    rng = random.Random(5)
    files = [IndexFile(str(tmp_path / name), SLOTS, 200) for name in "ab"]
    for file in files:
        file.create(100, NOW - 5000)
    physical_offset = 200
    for count in [1, 2, 3, 5, 8, 13] * 5:
        hashes = [rng.randrange(1 << 31) for _ in range(count)]
        offsets = list(range(physical_offset, physical_offset + 100 * count, 100))
        physical_offset += 100 * count
        now = NOW + physical_offset // 700
        files[0].put_all(hashes, fields(offsets), now)
        for key_hash, offset in zip(hashes, offsets, strict=True):
            files[1].put(key_hash, offset, now)
    first, second = ((tmp_path / name).read_bytes() for name in "ab")
    assert first == second


def test_entries_of_a_batch_that_the_header_does_not_count_are_undone(tmp_path):
    """Killed at any point of `put_all`: the entries are there, some slots lead to them, the header knows nothing."""
    path = tmp_path / "i"
    file = IndexFile(str(path), SLOTS, 20)
    file.create(0, 0)
    for number in range(3):
        file.put(number, 100 * number, NOW)
    before = path.read_bytes()
    file.put_all([2, 5, 7], fields([300, 400, 500]), NOW)
    after = path.read_bytes()
    entries = 40 + 4 * SLOTS
    for slots_written in range(4):
        killed = bytearray(before[:entries] + after[entries:])
        for slot in (2, 5, 7)[:slots_written]:
            killed[40 + 4 * slot : 44 + 4 * slot] = after[40 + 4 * slot : 44 + 4 * slot]
        path.write_bytes(killed)
        again = IndexFile(str(path), SLOTS, 20)
        again.load()
        assert path.read_bytes()[:entries] == before[:entries]
        again.put_all([2, 5, 7], fields([300, 400, 500]), NOW)
        assert path.read_bytes() == after


def test_entries_on_disk_are_kept_and_slots_made_anew(tmp_path):
    """After a crash of the machine: the slots may be anything."""
    file = IndexFile(str(tmp_path / "20231114221320000"), 16, 64)
    file.create(0, 0)
    for number in range(40):
        file.put(7 + number * 7, 1000 + number * 100, NOW + number * 1000)
    whole = IndexFile(str(tmp_path / "20231114221320001"), 16, 64)
    whole.create(0, 0)
    for number in range(25):
        whole.put(7 + number * 7, 1000 + number * 100, NOW + number * 1000)
    file.file.view()[40 : 40 + 16 * 4] = b"\x5a" * 64
    file.file.view()[104 + 31 * 20 : 104 + 36 * 20] = bytes(100)
    assert file.keep_before(1000 + 25 * 100)
    end = 104 + 26 * 20
    assert file.end_timestamp == NOW + 24_999
    assert bytes(file.file.view()[16:end]) == bytes(whole.file.view()[16:end])
    assert file.keep_before(1 << 62)
    assert file.count == 26
    for number, field in ((24, 0), (22, 8), (20, 16), (18, 12)):    # hash, offset, former entry of the slot, time
        at = 104 + number * 20 + field
        file.file.view()[at : at + 4] = bytes(4)
        assert file.keep_before(1 << 62)
        assert file.count == number
    assert not file.keep_before(1000)
    assert file.count == 1
