"""What an official broker wrote holds together; whatever is changed in it is named, with its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy.config.store import StoreConfig
from rocketpy.errors import StoreError
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.verification import verify
from rocketpy.protocol.record import Record
from rocketpy.store.message_store import MessageStore
from tests.inspection.conftest import Found, Unpack
from tools.record_golden.recipes import RECIPES

WHOLE = [recipe.name for recipe in RECIPES if recipe.damage is None]
LOG_0, LOG_1 = "commitlog/00000000000000000000", "commitlog/00000000000000008192"
QUEUE = "consumequeue/StoreR/1/00000000000000000000"


@pytest.mark.parametrize("name", WHOLE)
def test_what_java_wrote_holds_together(found: Unpack, name: str) -> None:
    store = found(name)
    result, findings = store.verify()
    assert findings.kept == []
    assert result.records == sum("blank" not in record for record in store.known["records"])
    reopened = store.known["reopened"]["queues"]
    assert result.entries >= sum(queue["max"] - queue["min"] for queue in reopened)


def test_what_ours_wrote_holds_together(ours: MessageStore) -> None:
    ours.close(0)
    findings = Findings()
    result = verify(StoreConfig(store_path_root_dir=ours.paths.root), findings, lambda *_: None)
    assert findings.kept == []
    assert (result.records, result.entries, result.index_entries) == (300, 300, 900)


def test_an_open_store_can_be_looked_into(ours: MessageStore) -> None:
    """Also from the process that has it open: its lock stays where it is."""
    findings = Findings()
    config = StoreConfig(store_path_root_dir=ours.paths.root)
    assert verify(config, findings, lambda *_: None).records == 300
    assert findings.kept == []
    with pytest.raises(StoreError, match="in use"):
        MessageStore(ours.config).open(0)


def flip_body(store: Found) -> tuple[str, int]:
    path = store.files("commitlog/*")[0]
    position = store.records(path)[3]["position"]
    store.flip(path, position + 90)
    return LOG_0, position


def flip_magic(store: Found) -> tuple[str, int]:
    path = store.files("commitlog/*")[0]
    position = store.records(path)[3]["position"]
    store.flip(path, position + 5)
    return LOG_0, position


def zero_a_record(store: Found) -> tuple[str, int]:
    path = store.files("commitlog/*")[0]
    record = store.records(path)[3]
    store.overwrite(path, record["position"], bytes(record["total_size"]))
    return LOG_0, record["position"]


def zero_the_blank(store: Found) -> tuple[str, int]:
    path = store.files("commitlog/*")[0]
    position = store.records(path)[-1]["position"]
    store.overwrite(path, position, bytes(8))
    return LOG_0, position


def flip_blank_size(store: Found) -> tuple[str, int]:
    path = store.files("commitlog/*")[0]
    position = store.records(path)[-1]["position"]
    store.flip(path, position + 3)
    return LOG_0, position


def flip_physical_offset(store: Found) -> tuple[str, int]:
    path = store.files("commitlog/*")[0]
    position = store.records(path)[3]["position"]
    store.flip(path, position + 35)
    return LOG_0, position


def flip_queue_offset(store: Found) -> tuple[str, int]:
    """The record then claims the entry of another one."""
    path = store.files("commitlog/*")[0]
    store.flip(path, store.records(path)[3]["position"] + 27)
    return QUEUE, 0


def flip_queue_id(store: Found) -> tuple[str, int]:
    path = store.files("commitlog/*")[0]
    store.flip(path, store.records(path)[3]["position"] + 15)
    return QUEUE, 20


def remove_a_log_file(store: Found) -> tuple[str, None]:
    store.files("commitlog/*")[1].unlink()
    return "commitlog/00000000000000016384", None


def cut_a_log_file(store: Found) -> tuple[str, None]:
    path = store.files("commitlog/*")[1]
    path.write_bytes(path.read_bytes()[:-1])
    return LOG_1, None


def add_a_strange_file(store: Found) -> tuple[str, None]:
    (store.directory / "commitlog" / "notes.txt").write_text("?")
    return "commitlog/notes.txt", None


def flip_entry_offset(store: Found) -> tuple[str, int]:
    store.flip(store.directory / QUEUE, 2 * 20 + 7)
    return QUEUE, 40


def flip_entry_size(store: Found) -> tuple[str, int]:
    store.flip(store.directory / QUEUE, 2 * 20 + 11)
    return QUEUE, 40


def flip_entry_tag(store: Found) -> tuple[str, int]:
    store.flip(store.directory / QUEUE, 2 * 20 + 19)
    return QUEUE, 40


def zero_an_entry(store: Found) -> tuple[str, int]:
    store.overwrite(store.directory / QUEUE, 2 * 20, bytes(20))
    return QUEUE, 40


def remove_a_queue(store: Found) -> tuple[str, int]:
    shutil.rmtree(store.directory / "consumequeue/StoreR/1")
    return LOG_0, store.records(store.files("commitlog/*")[0])[1]["position"]


def flip_index_hash(store: Found) -> tuple[str, int]:
    path = store.files("index/*")[0]
    position = store.index_position(path, 4)
    store.flip(path, position + 3)
    return f"index/{path.name}", position


def flip_index_offset(store: Found) -> tuple[str, int]:
    path = store.files("index/*")[0]
    position = store.index_position(path, 4)
    store.flip(path, position + 11)
    return f"index/{path.name}", position


def flip_index_previous(store: Found) -> tuple[str, int]:
    path = store.files("index/*")[0]
    position = store.index_position(path, 4)
    store.flip(path, position + 19)
    return f"index/{path.name}", position


def zero_index_slots(store: Found) -> tuple[str, int]:
    path = store.files("index/*")[-2]
    number = 5
    data = path.read_bytes()
    slots = (store.index_position(path, 0) - 40) // 4
    entry = store.index_position(path, number)
    slot = int.from_bytes(data[entry : entry + 4], "big") % slots
    head = int.from_bytes(data[40 + 4 * slot : 44 + 4 * slot], "big")
    store.overwrite(path, 40 + 4 * slot, bytes(4))
    assert head
    return f"index/{path.name}", 40 + 4 * slot


def garble_topics(store: Found) -> tuple[str, None]:
    (store.directory / "config/topics.json").write_text('{"topicConfigTable":')
    return "config/topics.json", None


DAMAGES: list[Callable[[Found], tuple[str, int | None]]] = [
    flip_body, flip_magic, zero_a_record, zero_the_blank, flip_blank_size, flip_physical_offset, flip_queue_offset,
    flip_queue_id, remove_a_log_file, cut_a_log_file, add_a_strange_file, flip_entry_offset, flip_entry_size,
    flip_entry_tag, zero_an_entry, remove_a_queue, flip_index_hash, flip_index_offset, flip_index_previous,
    zero_index_slots, garble_topics,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_named(found: Unpack, damage: Callable[[Found], tuple[str, int | None]]) -> None:
    store = found("rolled")
    place = damage(store)
    _, findings = store.verify()
    assert findings.damages
    named = [(finding.path, finding.position) for finding in findings.kept if finding.severity == "damage"]
    assert place in named


def test_what_is_behind_damage_is_looked_at_too(found: Unpack) -> None:
    store = found("rolled")
    flip_magic(store)
    result, _ = store.verify()
    assert result.records == 59


def test_missing_end_of_the_index_is_damage_only_when_closed(found: Unpack) -> None:
    store = found("rolled")
    store.files("index/*")[-1].unlink()
    assert [finding.rule for finding in store.verify()[1].kept] == ["index-missing"]
    assert store.verify()[1].damages == 1
    (store.directory / "abort").touch()
    assert store.verify()[1].damages == 0


def test_lost_end_of_a_queue_is_damage(found: Unpack) -> None:
    """Java never makes it again while another queue is up to date."""
    store = found("plain")
    path = store.files("consumequeue/StoreT/1/*")[-1]
    store.overwrite(path, 10 * 20, bytes(path.stat().st_size - 10 * 20))
    _, findings = store.verify()
    assert {finding.rule for finding in findings.kept} == {"entry-missing"}


def test_records_in_no_queue_wait_for_the_next_start(found: Unpack) -> None:
    _, findings = found("queues-removed").verify()
    assert [(finding.severity, finding.rule) for finding in findings.kept] == [("note", "not-dispatched")]


def test_torn_end_is_where_the_log_ends(found: Unpack) -> None:
    """The queues have an entry for it: it was whole once."""
    store = found("torn")
    result, findings = store.verify()
    assert result.records == len(store.known["records"])
    assert findings.damages
    for path in store.files("consumequeue/StoreT/3/*"):
        store.overwrite(path, 2 * 20, bytes(20))
    for path in store.files("index/*"):
        path.unlink()
    result, findings = store.verify()
    assert [(finding.severity, finding.rule) for finding in findings.kept] == [("note", "behind-the-end")]
    assert findings.kept[0].position == 8930


def test_topic_that_was_deleted_is_no_damage(found: Unpack) -> None:
    store = found("rolled")
    shutil.rmtree(store.directory / "consumequeue/StoreR/1")
    topics = store.directory / "config/topics.json"
    topics.write_text(topics.read_text().replace("StoreR", "Other"))
    _, findings = store.verify()
    assert [(finding.severity, finding.rule) for finding in findings.kept] == [("note", "former-topic")]


def test_group_beyond_its_queue_is_noted(found: Unpack) -> None:
    store = found("plain")
    (store.directory / "config/consumerOffset.json").write_text('{"offsetTable":{"StoreT@StoreG":{0:500}}}')
    (finding,) = store.verify()[1].kept
    assert (finding.severity, finding.text) == ("note", "StoreG is at 500 of StoreT queue 0, which ends at 15")


def test_extension_without_the_unit_is_damage(found: Unpack) -> None:
    store = found("extended")
    for path in store.files("consumequeue_ext/*/*/*")[1:]:
        path.unlink()
    assert {finding.rule for finding in store.verify()[1].kept} == {"extension"}


def test_clock_that_was_put_back_is_noted(found: Unpack) -> None:
    store = found("plain")
    path = store.files("commitlog/*")[0]
    record = store.records(path)[4]
    store.overwrite(path, record["position"] + 56, (record["store_timestamp"] + 60_000).to_bytes(8, "big"))
    assert [(one.severity, one.rule) for one in store.verify()[1].kept] == [("note", "time")]


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize("gone", ["consumequeue", "index", "consumequeue/StoreR/1"])
def test_what_an_operator_removes_is_made_again(found: Unpack, gone: str, killed: bool) -> None:
    """As README.md says of damaged queues and indexes."""
    store = found("rolled")
    shutil.rmtree(store.directory / gone)
    if killed:
        (store.directory / "abort").touch()
    config = store.config
    config.update(store.known["settings"])
    opened = MessageStore(config)
    opened.open(0)
    opened.close(0)
    result, findings = store.verify()
    assert findings.kept == []
    assert (result.records, result.entries, result.index_entries) == (60, 60, 90)


def test_records_that_were_synced_and_are_gone_are_noted(found: Unpack) -> None:
    """Somebody put an old copy of the log back."""
    store = found("fits-exactly")
    last = store.files("commitlog/*")[-1]
    store.overwrite(last, 0, bytes(last.stat().st_size))
    for path in store.files("consumequeue/*/*/*"):
        store.overwrite(path, 6 * 20, bytes(20))
    _, findings = store.verify()
    noted = [finding for finding in findings.kept if finding.path == "checkpoint"]
    assert [(finding.severity, finding.rule) for finding in noted] == [("note", "checkpoint")]


def test_of_many_findings_a_few_are_kept_and_all_counted(found: Unpack) -> None:
    store = found("plain")
    path = store.files("consumequeue/StoreT/0/*")[0]
    for number in range(15):
        store.flip(path, number * 20 + 19)
    path = store.files("consumequeue/StoreT/1/*")[0]
    for number in range(13):
        store.flip(path, number * 20 + 19)
    _, findings = store.verify()
    assert findings.damages == 28
    assert len(findings.kept) == 20
    assert findings.left_out() == {("damage", "tags-code"): 8}


def test_directory_stays_as_it_is(found: Unpack) -> None:
    store = found("killed")

    def image() -> list[tuple[Path, int, int]]:
        return [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(store.directory.rglob("*"))]

    before = image()
    store.verify()
    assert image() == before


@pytest.mark.parametrize(("name", "text"), [("nowhere", "is no directory"), ("", "is no store")])
def test_what_is_no_store_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(StoreError, match=text):
        verify(StoreConfig(store_path_root_dir=str(tmp_path / name)), Findings(), lambda *_: None)


def test_log_in_several_directories_is_one(tmp_path: Path) -> None:
    places = [str(tmp_path / name) for name in ("a", "b")]
    root = str(tmp_path / "store")
    config = StoreConfig(
        store_path_root_dir=root, store_path_commit_log=",".join(places), mapped_file_size_commit_log=4096
    )
    store = MessageStore(config)
    store.open(0)
    for number in range(100):
        store.append(Record("Several", 0, b"b" * 100), 1_700_000_000_000 + number)
    store.close(0)
    findings = Findings()
    assert verify(config, findings, lambda *_: None).records == 100
    assert findings.kept == []
    assert all(list(Path(place).iterdir()) for place in places)


def test_file_that_cannot_be_read_is_named(found: Unpack, monkeypatch: pytest.MonkeyPatch) -> None:
    store = found("plain")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mmap.mmap", refuse)
    with pytest.raises(StoreError, match=r"cannot read .*/index/.*Permission denied"):
        store.verify()
