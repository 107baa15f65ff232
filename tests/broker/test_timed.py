"""Messages that are due at a time of their own, by a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.broker.delay import DelayedMessages
from rocketpy.broker.timed import TimedMessages
from rocketpy.broker.timer_intake import TimerIntake
from rocketpy.config.store import BrokerRole
from rocketpy.config.timer import TimerConfig
from rocketpy.errors import StoreError
from rocketpy.protocol.api.send import ConsumerSendMessageBack
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import HOLD
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.properties import split_properties
from rocketpy.store.mapped_file import MappedFile
from rocketpy.store.timer_files import TimerFiles
from tests.broker.data_side import DataSide, answer_of
from tests.broker.half_side import HalfSide

TIMER = "rmq_sys_wheel_timer"
DAY = 24 * 3600_000


class TimedSide:
    """The data side of a broker with timerWheelEnable, and lives of what delivers."""

    def __init__(self, root: Path) -> None:
        self.config = TimerConfig(timer_wheel_enable=True, mapped_file_size_timer_log=4096)
        self.data = DataSide(root, self.config)
        self.start()

    def start(self) -> None:
        """Begin with what is in the files."""
        data = self.data
        self.files = TimerFiles(data.store, self.config)
        self.files.open(data.clock())
        data.timer_intake = TimerIntake(self.config, self.files)
        self.timed = TimedMessages(self.config, data.store_config, data.store, self.files, data.appender)

    def step(self, ms: int) -> None:
        """Let time pass, then do all that is due."""
        self.data.clock.now += ms
        self.timed.step(self.data.clock())
        while self.timed.pause == 0:
            self.timed.step(self.data.clock())

    def flush(self) -> None:
        """What the threads of the pool do from time to time."""
        for store in (self.data.store, self.files):
            for job in store.step(self.data.clock()):  # type: ignore[attr-defined]
                job.run()
                store.finish(job)  # type: ignore[attr-defined]
        job = self.data.store.flush_job()
        if job is not None:
            job.run()
            self.data.store.finish(job)

    def send(self, body: bytes = b"body", **fields: object) -> int:
        """The code of the answer to a send."""
        return self.data.send(body=body, **fields).code  # type: ignore[arg-type]

    def bodies(self, topic: str = "T") -> list[bytes]:
        """All of queue 0."""
        count = self.data.store.max_offset(topic, 0)
        return [bytes(self.data.stored(topic, queue_offset=number).body) for number in range(count)]


@pytest.fixture
def side(tmp_path: Path) -> Iterator[TimedSide]:
    side = TimedSide(tmp_path)
    yield side
    side.files.close()
    side.data.store.close(side.data.clock())


@pytest.mark.parametrize(
    "asked", ["TIMER_DELAY_SEC\x015", "TIMER_DELAY_MS\x015000", "TIMER_DELIVER_MS\x011700000005000"]
)
def test_a_message_is_delivered_in_the_very_ms(side: TimedSide, asked: str) -> None:
    side.send("später".encode(), queue_id=2, flag=9, properties=f"{asked}\x02TAGS\x01A\x02KEYS\x01k")
    now = side.data.clock()
    waiting = side.data.stored(TIMER)
    side.step(100)
    side.step(4_899)
    assert side.data.store.max_offset("T", 2) == 0
    assert side.timed.pause == 5
    side.step(1)
    record = side.data.stored("T", 2)
    assert (record.body, record.flag, record.store_timestamp) == ("später".encode(), 9, now + 5_000)
    assert (record.born_timestamp, record.born_host) == (waiting.born_timestamp, waiting.born_host)
    name, _, value = asked.partition("\x01")
    assert split_properties(record.properties.decode()) == {
        name: value, "TAGS": "A", "KEYS": "k", "CLUSTER": "DefaultCluster", "REAL_TOPIC": "T", "REAL_QID": "2",
        "TIMER_OUT_MS": str(now + 5_000), "TIMER_ENQUEUE_MS": str(now + 100), "TIMER_DEQUEUE_MS": str(now + 5_000),
    }  # fmt: skip
    side.step(100_000)
    assert side.data.store.max_offset("T", 2) == 1


def test_without_it_the_properties_are_nobodys_concern(data: DataSide) -> None:
    data.send(properties="TIMER_DELAY_SEC\x015")
    assert data.stored("T").properties == b"TIMER_DELAY_SEC\x015\x02CLUSTER\x01DefaultCluster"
    assert not Path(data.store.paths.timer_log).exists()
    assert not Path(data.store.paths.timer_wheel).exists()


def test_messages_come_in_the_order_in_which_they_are_due(side: TimedSide) -> None:
    for ms in (2_500, 30, 7_000, 1_700, 31, 2_499):
        side.send(str(ms).encode(), properties=f"TIMER_DELAY_MS\x01{ms}")
    for _ in range(800):
        side.step(10)
    assert side.bodies() == [b"30", b"31", b"1700", b"2499", b"2500", b"7000"]


def test_the_first_property_counts(side: TimedSide) -> None:
    side.send(properties="TIMER_DELIVER_MS\x011\x02TIMER_DELAY_MS\x011\x02TIMER_DELAY_SEC\x012")
    side.step(1_999)
    assert side.bodies() == []
    side.step(1)
    assert side.bodies() == [b"body"]


@pytest.mark.parametrize("asked", ["TIMER_DELAY_SEC\x010", "TIMER_DELAY_MS\x01-5", "TIMER_DELIVER_MS\x011"])
def test_what_is_due_already_is_stored_at_once(side: TimedSide, asked: str) -> None:
    side.send(properties=asked)
    assert side.bodies() == [b"body"]
    assert b"TIMER_OUT_MS" not in side.data.stored().properties


@pytest.mark.parametrize(
    "asked",
    [
        "TIMER_DELAY_SEC\x01259201", "TIMER_DELAY_MS\x01259200001", "TIMER_DELIVER_MS\x019999999999999",
        "TIMER_DELAY_SEC\x01soon", "TIMER_DELAY_MS\x01 1", "TIMER_DELIVER_MS\x011e3",
        "TIMER_DELIVER_MS\x0199999999999999999999", "TIMER_DELAY_SEC\x01-1\x02TIMER_DEL_UNIQKEY\x01T+U",
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_refused(side: TimedSide, asked: str) -> None:
    reply = side.data.send(properties=asked)
    assert (reply.code, reply.remark) == (
        ResponseCode.MESSAGE_ILLEGAL,
        "timer message illegal, the delay time should not be bigger than the max delay 259200000ms; or if set del "
        "msg, the delay time should be bigger than the current time",
    )
    assert (side.bodies(), side.bodies(TIMER)) == ([], [])


def test_too_much_in_one_second_is_refused(side: TimedSide) -> None:
    side.config.timer_congest_num_each_slot = 1
    codes = []
    for _ in range(30):
        codes.append(side.send(properties="TIMER_DELAY_SEC\x0160"))
        side.step(0)
    assert codes[:2] == [0, 0]
    assert codes[-1] == ResponseCode.SYSTEM_ERROR
    assert codes.count(0) == 2
    assert side.data.send(properties="TIMER_DELAY_SEC\x0160").remark == (
        "timer message is under flow control, max num limit is 2 or the current value is greater than 1 and less than "
        "2, trigger random flow control"
    )
    assert side.send(properties="TIMER_DELAY_SEC\x0161") == 0


def test_a_delay_level_goes_before(side: TimedSide) -> None:
    delayed = DelayedMessages(side.data.store, side.data.appender, side.data.stats)
    side.send(properties="TIMER_DELAY_SEC\x0160\x02DELAY\x012")
    assert side.bodies(TIMER) == []
    assert b"TIMER" not in side.data.stored("SCHEDULE_TOPIC_XXXX", 1).properties
    side.data.clock.now += 5_000
    delayed.step(side.data.clock())
    assert side.bodies() == [b"body"]


def test_what_waits_by_level_since_timers_were_off_is_delivered_by_level(side: TimedSide) -> None:
    side.send(properties="DELAY\x012")
    record = side.data.stored("SCHEDULE_TOPIC_XXXX", 1)
    record.properties += b"\x02TIMER_DELAY_SEC\x0160"
    record.tags_code = side.data.clock()
    side.data.store.append(record, side.data.clock())
    delayed = DelayedMessages(side.data.store, side.data.appender, side.data.stats)
    side.data.clock.now += 5_000
    delayed.step(side.data.clock())
    assert side.bodies() == [b"body", b"body"]


def test_a_retry_of_a_timed_message_waits_for_its_level_alone(side: TimedSide) -> None:
    delayed = DelayedMessages(side.data.store, side.data.appender, side.data.stats)
    side.send(b"again", properties="TIMER_DELAY_MS\x01100")
    side.step(50)
    side.step(50)
    request = ConsumerSendMessageBack(physical_offset=side.data.stored().physical_offset, group="G", delay_level=1)
    assert answer_of(side.data.sends_back.send_back, side.data.peer, request).code == 0
    side.data.clock.now += 1_000
    delayed.step(side.data.clock())
    assert side.bodies("%RETRY%G") == [b"again"]


def test_a_delivered_message_wakes_who_waits_for_it(side: TimedSide) -> None:
    side.send(properties="TIMER_DELAY_MS\x01100")
    assert side.data.pull(sys_flag=PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION) is HOLD
    side.step(20)
    side.step(80)
    side.data.run_due()
    assert len(side.data.peer.replies) == 1


def test_a_half_message_waits_when_it_is_committed(side: TimedSide) -> None:
    half_side = HalfSide(side.data)
    half = half_side.send(b"half", "TIMER_DELAY_SEC\x015")
    side.step(10_000)
    assert (side.bodies(), side.bodies(TIMER)) == ([], [])
    assert half_side.end(half).code == 0
    assert (side.bodies(), side.bodies(TIMER)) == ([], [b"half"])
    side.step(5_000)
    assert side.bodies() == [b"half"]
    assert side.data.stored().sys_flag == 8


def test_a_message_is_deleted_by_another_that_is_due_in_the_same_second(side: TimedSide) -> None:
    side.send(b"stays", properties="TIMER_DELIVER_MS\x011700000009100\x02UNIQ_KEY\x01U1")
    side.send(b"goes", properties="TIMER_DELIVER_MS\x011700000009200\x02UNIQ_KEY\x01U2")
    side.send(b"", properties="TIMER_DELIVER_MS\x011700000009000\x02TIMER_DEL_UNIQKEY\x01T+U2")
    side.step(1)
    assert side.files.count(1_700_000_009) == 1
    side.step(10_000)
    assert side.bodies() == [b"stays"]


def test_thousands_that_are_due_together_come_in_pieces(side: TimedSide) -> None:
    for number in range(1_050):
        side.send(b"%d" % number, properties="TIMER_DELAY_SEC\x0130")
    side.step(10)
    side.data.clock.now += 29_990
    lengths = []
    while side.timed.pause == 0 or len(lengths) < 4:
        side.timed.step(side.data.clock())
        lengths.append(side.data.store.max_offset("T", 0))
    assert [length for length in lengths if length] == [*range(100, 1_001, 100), 1_050]
    assert side.bodies() == [b"%d" % number for number in range(1_050)]


def test_what_cannot_be_stored_is_tried_again(side: TimedSide) -> None:
    side.send(properties="TIMER_DELAY_SEC\x011")
    side.step(10)
    side.data.store_config.broker_role = BrokerRole.SLAVE
    side.data.store.step(side.data.clock())
    side.step(990)
    assert (side.bodies(), side.timed.pause) == ([], 100)
    side.data.store_config.broker_role = BrokerRole.ASYNC_MASTER
    side.data.store.step(side.data.clock())
    side.step(100)
    assert side.bodies() == [b"body"]


@pytest.mark.parametrize("taken_in", [False, True])
@pytest.mark.parametrize("flushed", [False, True])
def test_what_waits_survives_a_death(side: TimedSide, flushed: bool, taken_in: bool) -> None:
    for ms in (100, 5_000, 5_001, 9_000_000):
        side.send(b"%d" % ms, properties=f"TIMER_DELAY_MS\x01{ms}")
    if taken_in:
        side.step(10)
    if flushed:
        side.flush()
    side.send(b"late", properties="TIMER_DELAY_MS\x015000")
    if taken_in:
        side.step(10)
    side.start()
    side.step(0)
    assert side.files.queue_offset == 5
    side.step(10_000)
    assert sorted(side.bodies()) == [b"100", b"5000", b"5001", b"late"]
    side.start()
    side.step(9_000_000)
    assert side.bodies()[-1] == b"9000000"


@pytest.mark.parametrize("after", [80, 90, 94, 95, 500, 1_000, 2_000])
def test_what_was_delivered_is_not_delivered_again_after_a_shutdown(side: TimedSide, after: int) -> None:
    side.send(b"1", properties="TIMER_DELAY_MS\x01100")
    side.send(b"2", properties="TIMER_DELAY_MS\x015000")
    side.send(b"3", properties="TIMER_DELAY_MS\x01105")
    side.step(10)
    side.step(after)
    known = side.bodies()
    side.files.close()
    side.start()
    side.step(0)
    assert side.bodies() == known
    side.step(5_000)
    assert side.bodies() == [b"1", b"3", b"2"]


def test_what_was_delivered_since_the_last_flush_is_delivered_once_more_after_a_death(side: TimedSide) -> None:
    side.send(b"1", properties="TIMER_DELAY_MS\x01100")
    side.send(b"2", properties="TIMER_DELAY_MS\x013000")
    side.step(10)
    side.step(2_000)
    side.flush()
    side.step(1_000)
    side.flush()
    side.step(1_000)
    side.start()
    side.step(0)
    assert side.bodies() == [b"1", b"2", b"2"]


@pytest.mark.parametrize("down", [3_600_000, 6 * DAY, 40 * DAY])
def test_what_came_due_while_nobody_was_there_comes_at_once(side: TimedSide, down: int) -> None:
    side.data.store_config.file_reserved_time = 1000
    for ms in (3_000, 1_000_000, DAY):
        side.send(b"%d" % ms, properties=f"TIMER_DELAY_MS\x01{ms}")
    side.step(10)
    side.files.close()
    side.data.clock.now += down
    side.start()
    side.send(b"new", properties="TIMER_DELAY_MS\x0150")
    side.step(0)
    side.step(50)
    side.step(DAY)
    assert sorted(side.bodies()) == [b"1000000", b"3000", b"86400000", b"new"]


def test_a_message_that_waits_long_is_stored_anew(side: TimedSide) -> None:
    side.send(properties=f"TIMER_DELAY_MS\x01{3 * DAY - 1}")
    due = side.data.clock() + 3 * DAY - 1
    side.step(0)
    side.step(2 * DAY - 1)
    assert side.data.store.max_offset(TIMER, 0) == 1
    side.step(1)
    assert side.data.store.max_offset(TIMER, 0) == 2
    anew = side.data.stored(TIMER, queue_offset=1)
    properties = split_properties(anew.properties.decode())
    assert (properties["TIMER_ROLL_TIMES"], properties["TIMER_OUT_MS"]) == ("1", str(due))
    side.step(DAY - 2)
    assert side.bodies() == []
    side.step(1)
    assert side.bodies() == [b"body"]


def test_the_rest_of_a_long_wait_is_never_a_short_one(side: TimedSide) -> None:
    side.config.timer_roll_window_slot = 100
    side.start()
    side.send(properties="TIMER_DELAY_SEC\x01110")
    side.step(0)
    side.step(50_000)
    assert side.data.store.max_offset(TIMER, 0) == 2
    side.step(60_000)
    assert side.bodies() == [b"body"]


def test_a_clock_that_is_set_back_holds_up_nothing(side: TimedSide) -> None:
    side.send(b"1", properties="TIMER_DELAY_MS\x01100")
    side.step(10)
    side.step(2_000)
    side.data.clock.now -= 3_600_000
    side.send(b"2", properties="TIMER_DELAY_MS\x015000")
    side.step(0)
    side.step(4_999)
    assert side.bodies() == [b"1"]
    side.step(1)
    assert side.bodies() == [b"1", b"2"]


def test_what_has_no_time_or_place_is_dropped(side: TimedSide, caplog: pytest.LogCaptureFixture) -> None:
    side.send(properties="TIMER_DELAY_SEC\x015")
    good = bytes(side.data.stored(TIMER).properties)
    for old, new in ((good, b""), (b"TIMER_OUT_MS\x01", b"TIMER_OUT_MS\x01x"), (b"REAL_QID\x010", b"X\x010")):
        record = side.data.stored(TIMER)
        record.properties = good.replace(old, new)
        side.data.store.append(record, side.data.clock())
    side.step(0)
    side.step(10_000)
    assert side.bodies() == [b"body"]
    assert caplog.text.count("dropped") == 3


def test_a_lost_timer_log_costs_what_it_told_but_nothing_else(
    side: TimedSide, caplog: pytest.LogCaptureFixture
) -> None:
    side.send(b"lost", properties="TIMER_DELAY_SEC\x015")
    side.step(10)
    side.files.close()
    for path in Path(side.data.store.paths.timer_log).iterdir():
        path.unlink()
    side.start()
    side.send(b"new", properties="TIMER_DELAY_SEC\x017")
    side.step(0)
    side.step(8_000)
    assert side.bodies() == [b"new"]
    assert "has no unit" in caplog.text


def test_a_disk_that_is_full_holds_up_and_loses_nothing(
    side: TimedSide, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise StoreError("cannot make room in timerlog: No space left on device")

    side.send(properties="TIMER_DELAY_SEC\x015")
    with monkeypatch.context() as patch:
        patch.setattr(MappedFile, "reserve", full)
        for _ in range(100):
            side.step(100)
        assert (side.files.queue_offset, side.bodies()) == (0, [])
    assert caplog.text.count("No space left") == 1
    side.step(100)
    assert side.bodies() == [b"body"]


def test_next_message_is_foreseen(side: TimedSide) -> None:
    start = side.data.clock()
    end = start + 2 * DAY
    assert side.timed.next_due(end) is None
    side.send(properties=f"TIMER_DELIVER_MS\x01{start + DAY + 7}")
    assert side.timed.next_due(end) == 0, "it has no unit yet"
    side.step(20)
    second = (start + DAY + 7) // 1000 * 1000
    assert side.timed.next_due(end) == second
    assert side.timed.next_due(second + 1) == second
    assert side.timed.next_due(second) is None
    side.step(second - side.data.clock())
    assert side.timed.next_due(end) == start + DAY + 7
    side.step(DAY + 7 - (side.data.clock() - start))
    assert side.bodies() == [b"body"]
    assert side.timed.next_due(end) is None
