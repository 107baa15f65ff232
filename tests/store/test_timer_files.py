"""Timer log, wheel and checkpoint on the disk."""

from __future__ import annotations

from pathlib import Path
from struct import pack, unpack

import pytest

from rocketpy.config.timer import TimerConfig
from rocketpy.errors import StoreError
from rocketpy.protocol.record import Record
from rocketpy.store.message_store import MessageStore
from rocketpy.store.timer_files import TimerFiles
from rocketpy.store.timer_log import DELETE, NORMAL, NOWHERE, UNIT_SIZE, TimerUnit
from rocketpy.store.timer_wheel import SLOTS
from tests.store.conftest import NOW
from tools.dissect.timer_files import timer_checkpoint, timer_log, timer_wheel

TIMER = "rmq_sys_wheel_timer"
SECOND = NOW // 1000
FILE_SIZE = 4096
UNITS_A_FILE = (FILE_SIZE - 16) // UNIT_SIZE
CONFIG = TimerConfig(mapped_file_size_timer_log=FILE_SIZE)


def opened(store: MessageStore, now: int = NOW) -> TimerFiles:
    files = TimerFiles(store, CONFIG)
    files.open(now)
    return files


def add(store: MessageStore, files: TimerFiles, delay: int, magic: int = NORMAL) -> TimerUnit:
    """A message in the queue, and its unit."""
    result = store.append(Record(TIMER, 0, b"body"), NOW)
    unit = TimerUnit(NOWHERE, magic, NOW, delay, result.physical_offset, result.size, 7)
    files.add(unit)
    files.queue_offset += 1
    return unit


def flush(store: MessageStore, files: TimerFiles, now: int = NOW) -> int:
    """Bring to the disk what is due; how many jobs that took."""
    job = store.flush_job()
    if job is not None:
        job.run()
        store.finish(job)
    jobs = files.step(now)
    for timer_job in jobs:
        timer_job.run()
        assert timer_job.error is None
        files.finish(timer_job)
    return len(jobs)


def chain(files: TimerFiles, second: int) -> list[TimerUnit]:
    """What is due in a second, the last one first."""
    units = []
    place = files.last(second)
    while place != NOWHERE:
        unit = files.unit(place)
        assert unit is not None
        units.append(unit)
        place = unit.previous
    return units


def test_layout(store: MessageStore) -> None:
    files = opened(store)
    first = add(store, files, 2_500)
    add(store, files, 1_000)
    second = add(store, files, 2_000, NORMAL | DELETE)
    assert flush(store, files) == 1
    root = Path(store.paths.root)
    log = (root / "timerlog" / f"{0:020d}").read_bytes()
    assert len(log) == FILE_SIZE
    assert unpack(">iqiqiqiiq", log[:52]) == (
        52, -1, 1, NOW, 2_500, first.physical_offset, first.record_size, 7, 0,
    )  # fmt: skip
    assert unpack(">iqiqiqiiq", log[104:156]) == (
        52, 0, 5, NOW, 2_000, second.physical_offset, second.record_size, 7, 0,
    )  # fmt: skip
    wheel = (root / "timerwheel").read_bytes()
    assert len(wheel) == 7 * 24 * 3600 * 2 * 32
    at = (SECOND + 2) % SLOTS * 32
    assert unpack(">qqqii", wheel[at : at + 32]) == (SECOND + 2, 0, 104, 0, 0)
    assert wheel.count(b"\x00") > len(wheel) - 64
    checkpoint = (root / "config" / "timercheck").read_bytes()
    assert unpack(">qqqq", checkpoint[:32]) == (SECOND * 1000, 156, 3, 3)
    assert len(checkpoint) == 4096
    units = [(unit["kind"], unit["due"] - NOW) for unit in timer_log(log)]
    assert units == [("normal", 2_500), ("normal", 1_000), ("delete", 2_000)]
    assert [slot["second"] - SECOND for slot in timer_wheel(wheel)] == [1, 2]
    assert next(timer_checkpoint(checkpoint))["log_place"] == 156
    files.close()


def test_units_of_one_second_are_chained(store: MessageStore) -> None:
    files = opened(store)
    units = [add(store, files, 1_000 + number) for number in range(3)]
    assert [unit.due for unit in chain(files, SECOND + 1)] == [unit.due for unit in reversed(units)]
    assert (files.count(SECOND + 1), files.count(SECOND + 2), files.last(SECOND + 2)) == (3, 0, NOWHERE)
    files.close()


def test_a_full_file_is_followed_by_another(store: MessageStore) -> None:
    files = opened(store)
    for _ in range(2 * UNITS_A_FILE + 1):
        add(store, files, 5_000)
    names = sorted(path.name for path in Path(store.paths.timer_log).iterdir())
    assert names == [f"{start:020d}" for start in (0, FILE_SIZE, 2 * FILE_SIZE)]
    first = Path(store.paths.timer_log, names[0]).read_bytes()
    used = UNITS_A_FILE * UNIT_SIZE
    assert first[used : used + 16] == pack(">iqI", FILE_SIZE - used, 0, 0xCBD43194)
    assert list(timer_log(first))[-1] == {"position": used, "blank": True, "size": FILE_SIZE - used}
    assert len(chain(files, SECOND + 5)) == 2 * UNITS_A_FILE + 1
    files.close()
    again = opened(store)
    assert len(chain(again, SECOND + 5)) == 2 * UNITS_A_FILE + 1
    again.close()


@pytest.mark.parametrize("flushed", [0, 3, UNITS_A_FILE + 1])
def test_what_was_not_flushed_is_found_again(store: MessageStore, flushed: int) -> None:
    files = opened(store)
    for number in range(UNITS_A_FILE + 5):
        if number == flushed:
            flush(store, files, NOW + 1)
        add(store, files, 5_000 + number % 3 * 1_000)
    counts = [len(chain(files, SECOND + second)) for second in (5, 6, 7)]
    again = opened(store)
    assert [len(chain(again, SECOND + second)) for second in (5, 6, 7)] == counts
    assert [again.count(SECOND + second) for second in (5, 6, 7)] == counts
    assert again.queue_offset == UNITS_A_FILE + 5
    again.close()


@pytest.mark.parametrize("length", range(UNIT_SIZE))
def test_a_unit_that_is_not_whole_is_cut_off_and_its_message_found_in_the_queue(
    store: MessageStore, length: int
) -> None:
    files = opened(store)
    add(store, files, 5_000)
    flush(store, files)
    unit = add(store, files, 5_000)
    path = Path(store.paths.timer_log, f"{0:020d}")
    data = bytearray(path.read_bytes())
    data[UNIT_SIZE + length :] = bytes(len(data) - UNIT_SIZE - length)
    path.write_bytes(data)
    again = opened(store)
    if length < 40:     # behind that the unit says all that matters
        assert (again.queue_offset, len(chain(again, SECOND + 5))) == (1, 1)
        again.add(unit)
    assert len(chain(again, SECOND + 5)) == 2
    again.close()


def test_units_whose_message_is_another_one_are_cut_off(store: MessageStore) -> None:
    files = opened(store)
    add(store, files, 5_000)
    result = store.append(Record("Other", 0, b"body"), NOW)
    files.add(TimerUnit(NOWHERE, NORMAL, NOW, 5_000, result.physical_offset, result.size))
    again = opened(store)
    assert (len(chain(again, SECOND + 5)), again.queue_offset) == (1, 1)
    again.close()


def test_files_whose_messages_are_gone_are_deleted(store: MessageStore) -> None:
    files = opened(store)
    for _ in range(UNITS_A_FILE + 1):
        add(store, files, 5_000)
    flush(store, files, NOW + 30_000)
    assert len(list(Path(store.paths.timer_log).iterdir())) == 2
    last = chain(files, SECOND + 5)[1]
    for _ in range(20):
        store.append(Record("T", 0, bytes(2_000)), NOW)
    while store.log.min_offset <= last.physical_offset:
        store.log.files.delete_first()
    flush(store, files, NOW + 60_000)
    assert [path.name for path in Path(store.paths.timer_log).iterdir()] == [f"{FILE_SIZE:020d}"]
    files.close()


def test_the_checkpoint_names_a_time_only_when_what_was_due_before_is_on_disk(store: MessageStore) -> None:
    files = opened(store)
    add(store, files, 100)
    flush(store, files, NOW)
    store.append(Record("T", 0, b"delivered"), NOW + 100)
    files.delivered()
    files.advance(NOW + 101)
    assert files.step(NOW + 1_000) == []
    assert flush(store, files, NOW + 2_000) == 1
    assert opened(store).read_time == NOW + 101
    assert flush(store, files, NOW + 3_000) == 0
    files.close()


def test_nothing_is_written_while_nothing_happens(store: MessageStore) -> None:
    files = opened(store)
    for second in range(100):
        files.advance(NOW + second * 1_000)
        assert flush(store, files, NOW + second * 1_000) == 0
    files.close()


def test_a_flush_that_fails_is_tried_again(store: MessageStore, caplog: pytest.LogCaptureFixture) -> None:
    files = opened(store)
    add(store, files, 5_000)
    (job,) = files.step(NOW)
    job.error = StoreError("no room")
    files.finish(job)
    assert files.step(NOW) == []
    assert flush(store, files, NOW + 1_000) == 1
    assert "no room" in caplog.text
    files.close()


def test_a_wheel_of_another_length_is_refused(store: MessageStore) -> None:
    Path(store.paths.timer_wheel).write_bytes(bytes(32))
    with pytest.raises(StoreError, match=r"timerwheel has 32 bytes instead of 38707200"):
        opened(store)


def test_a_checkpoint_that_is_cut_off_counts_as_none(store: MessageStore) -> None:
    files = opened(store)
    add(store, files, 5_000)
    files.close()
    Path(store.paths.timer_checkpoint).write_bytes(b"\x00" * 9)
    again = opened(store)
    assert again.read_time == NOW - SLOTS // 2 * 1_000
    assert (len(chain(again, SECOND + 5)), again.queue_offset) == (1, 1)
    again.close()


def test_an_offset_that_the_queue_does_not_have_is_corrected(store: MessageStore) -> None:
    Path(store.paths.config).mkdir()
    Path(store.paths.timer_checkpoint).write_bytes(pack(">qqqq", NOW, 0, 99, 99))
    files = opened(store)
    assert files.queue_offset == 0
    add(store, files, 5_000)
    Path(store.paths.timer_checkpoint).write_bytes(pack(">qqqq", NOW, 0, 99, 99))
    assert opened(store).queue_offset == 1
    files.close()


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("ahead", [1, 77, SLOTS - SECOND % SLOTS - 1, SLOTS - SECOND % SLOTS, SLOTS - 1])
def test_seconds_in_which_nothing_is_due_are_passed_over(store: MessageStore, ahead: int, flushed: bool) -> None:
    files = opened(store)
    add(store, files, ahead * 1_000)
    if flushed:
        flush(store, files)
    files.skip(SECOND + 1)
    assert files.read_second == SECOND + 1
    files.skip(SECOND)
    assert files.read_second == SECOND + 1
    files.skip(SECOND + 2 * SLOTS)
    assert files.read_second == SECOND + ahead
    files.advance((SECOND + ahead + 1) * 1_000)
    files.skip(SECOND + SLOTS + 5)
    assert files.read_second == SECOND + SLOTS + 5
    files.close()
