"""Delivery of delayed messages, by a clock that tests move."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rocketpy.broker.delay import DelayedMessages
from rocketpy.broker.processors.delay import DelayProcessor
from rocketpy.config.store import BrokerRole
from rocketpy.protocol.api.offset import DelayOffsetSerializeWrapper, GetAllDelayOffset
from rocketpy.protocol.api.send import ConsumerSendMessageBack
from rocketpy.protocol.command import HOLD
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.properties import split_properties
from rocketpy.store.message_store import MessageStore
from tests.broker.data_side import DataSide, answer_of


@pytest.fixture
def delayed(data: DataSide) -> DelayedMessages:
    return DelayedMessages(data.store, data.appender, data.stats)


def step(data: DataSide, delayed: DelayedMessages, ms: int) -> None:
    data.clock.now += ms
    delayed.step(data.clock())


def test_a_message_is_delivered_when_it_is_due(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(body="später".encode(), queue_id=2, flag=9, properties="DELAY\x013\x02TAGS\x01A\x02KEYS\x01k")
    waiting = data.stored("SCHEDULE_TOPIC_XXXX", 2)
    step(data, delayed, 9_999)
    assert data.store.max_offset("T", 2) == 0
    step(data, delayed, 1)
    record = data.stored("T", 2)
    assert (record.body, record.flag, record.store_timestamp) == ("später".encode(), 9, data.clock())
    assert (record.born_timestamp, record.born_host) == (waiting.born_timestamp, waiting.born_host)
    assert split_properties(record.properties.decode()) == {
        "DELAY": "3", "TAGS": "A", "KEYS": "k", "CLUSTER": "DefaultCluster", "REAL_TOPIC": "T", "REAL_QID": "2",
    }  # fmt: skip
    assert data.store.get("T", 2, 0, 1, frozenset([string_hash("A")])).message_count == 1
    step(data, delayed, 100_000)
    assert data.store.max_offset("T", 2) == 1


def test_levels_do_not_wait_for_each_other(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(body=b"slow", properties="DELAY\x0118")
    data.send(body=b"quick", properties="DELAY\x011")
    step(data, delayed, 1_000)
    assert data.stored().body == b"quick"
    step(data, delayed, 7_200_000)
    assert data.stored(queue_offset=1).body == b"slow"


def test_a_delivered_message_wakes_who_waits_for_it(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(properties="DELAY\x011")
    assert data.pull(sys_flag=PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION) is HOLD
    step(data, delayed, 1_000)
    data.run_due()
    assert len(data.peer.replies) == 1


def test_a_retry_comes_back_in_the_topic_of_its_group(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(body=b"again")
    request = ConsumerSendMessageBack(physical_offset=0, group="G", delay_level=1)
    answer_of(data.sends_back.send_back, data.peer, request)
    step(data, delayed, 1_000)
    record = data.stored("%RETRY%G")
    assert (record.body, record.reconsume_times) == (b"again", 1)


def test_many_messages_are_delivered_in_pieces(data: DataSide, delayed: DelayedMessages) -> None:
    for _ in range(51):
        data.send(properties="DELAY\x011")
    step(data, delayed, 1_000)
    assert (data.store.max_offset("T", 0), delayed.pause) == (50, 0)
    step(data, delayed, 0)
    assert (data.store.max_offset("T", 0), delayed.pause) == (51, 100)


def test_a_message_whose_time_is_beyond_its_delay_is_due_at_once(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(properties="DELAY\x011")
    step(data, delayed, -3_600_000)
    assert data.store.max_offset("T", 0) == 1


def test_what_cannot_be_stored_is_tried_again(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(properties="DELAY\x011")
    data.store_config.broker_role = BrokerRole.SLAVE
    data.store.step(data.clock())
    step(data, delayed, 1_000)
    assert (data.store.max_offset("T", 0), delayed.dirty, delayed.pause) == (0, False, 100)
    data.store_config.broker_role = BrokerRole.ASYNC_MASTER
    data.store.step(data.clock())
    step(data, delayed, 100)
    assert data.store.max_offset("T", 0) == 1


def test_delivery_goes_on_where_it_was(data: DataSide, delayed: DelayedMessages) -> None:
    for body in (b"1", b"2"):
        data.send(body=body, properties="DELAY\x012")
    step(data, delayed, 5_000)
    assert delayed.dirty
    assert delayed.stats() == {2: (2, 2)}
    assert delayed.snapshot().to_json() == b'{"offsetTable":{2:2}}'
    data.send(body=b"3", properties="DELAY\x012")
    later = DelayedMessages(data.store, data.appender, data.stats)
    later.restore(delayed.freeze()())
    step(data, later, 5_000)
    assert data.store.max_offset("T", 0) == 3
    assert data.stored(queue_offset=2).body == b"3"


@pytest.mark.parametrize("saved", [-5, 99])
def test_a_saved_offset_is_corrected_into_its_queue(data: DataSide, delayed: DelayedMessages, saved: int) -> None:
    data.send(properties="DELAY\x011")
    delayed.restore(DelayOffsetSerializeWrapper(offset_table={1: saved, 2: 7}))
    assert delayed.snapshot().offset_table == {1: 0 if saved < 0 else 1, 2: 7}
    step(data, delayed, 1_000)
    assert data.store.max_offset("T", 0) == (1 if saved < 0 else 0)


def test_half_messages_and_those_without_a_place_are_dropped(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(properties="DELAY\x011\x02TRAN_MSG\x01true")
    data.send(properties="DELAY\x011")
    step(data, delayed, 1_000)
    assert data.store.max_offset("RMQ_SYS_TRANS_HALF_TOPIC", 0) == 0
    assert data.store.max_offset("T", 0) == 1


def test_slaves_are_told_how_far_delivery_is(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(properties="DELAY\x011")
    step(data, delayed, 1_000)
    reply = answer_of(DelayProcessor(delayed).get_all, data.peer, GetAllDelayOffset())
    assert (reply.code, reply.body, reply.header) == (0, b'{"offsetTable":{1:1}}', None)


def test_thousands_of_each_level_come_within_a_few_ms(data: DataSide, delayed: DelayedMessages) -> None:
    for number in range(2_000):
        data.send("T", b"%d" % number, properties=f"DELAY\x01{number % 3 + 1}")
        data.clock.now += number % 4
    late = []
    end = data.clock.now + 10_000
    delivered = 0
    while data.clock.now <= end:
        delayed.step(data.clock())
        while delivered < data.store.max_offset("T", 0):
            record = data.stored("T", queue_offset=delivered)
            level = int(split_properties(record.properties.decode())["DELAY"])
            delay = {1: 1_000, 2: 5_000, 3: 10_000}[level]
            late.append(record.store_timestamp - record.born_timestamp - 1 - delay)
            delivered += 1
        data.clock.now += delayed.pause or 1
    assert len(late) == 2_000
    assert min(late) >= 0
    assert max(late[700:]) < 10     # those before were due while the others were sent


def test_the_next_look_is_when_something_is_due(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(properties="DELAY\x011")
    pauses = []
    for ms in (0, 850, 80, 67, 3):
        step(data, delayed, ms)
        pauses.append(delayed.pause)
    assert pauses == [100, 100, 70, 5, 100]
    assert data.store.max_offset("T", 0) == 1


def test_a_delivery_counts_for_its_topic_and_as_taken_from_the_schedule(
    data: DataSide, delayed: DelayedMessages
) -> None:
    data.send(properties="DELAY\x011")
    step(data, delayed, 1_000)
    data.store_config.enable_schedule_message_stats = False
    data.send(properties="DELAY\x011")
    step(data, delayed, 1_000)
    assert data.store.max_offset("T", 0) == 2
    assert data.stats.put_times == 4
    for traffic in data.stats.all_traffic():
        traffic.sample_minute(data.clock() - 10_000)
    counted = {
        key: traffic.messages for table in (data.stats._puts, data.stats._gets) for key, traffic in table.items()
    }
    assert counted == {"SCHEDULE_TOPIC_XXXX": 2, "T": 1, "SCHEDULE_TOPIC_XXXX@SCHEDULE_CONSUMER": 1}


def test_a_message_whose_record_is_gone_is_passed_over_without_an_offset(
    data: DataSide, delayed: DelayedMessages
) -> None:
    data.send(properties="DELAY\x011")
    queue = data.store.queues.find("SCHEDULE_TOPIC_XXXX", 0)
    assert queue is not None
    queue.put(1 << 40, 100, data.clock())
    step(data, delayed, 1_000)
    assert delayed.snapshot().offset_table == {1: 1}
    data.send(body=b"next", properties="DELAY\x011")
    step(data, delayed, 1_000)
    assert (delayed.snapshot().offset_table, data.store.max_offset("T", 0)) == ({1: 3}, 2)


@pytest.mark.parametrize(("level", "stored"), [(0, None), (-1, None), (1, 1), (18, 18), (19, 18), (99, 18)])
def test_levels(data: DataSide, level: int, stored: int | None) -> None:
    data.send(properties=f"DELAY\x01{level}")
    if stored is None:
        assert b"DELAY\x01%d" % level in data.stored().properties
    else:
        assert b"DELAY\x01%d" % stored in data.stored("SCHEDULE_TOPIC_XXXX", stored - 1).properties


def test_levels_of_ones_own(tmp_path: Path) -> None:
    side = DataSide(tmp_path, message_delay_level="2s 1m 3d")
    delayed = DelayedMessages(side.store, side.appender, side.stats)
    for level in (1, 2, 3, 4):
        side.send(body=b"%d" % level, properties=f"DELAY\x01{level}")
    for ms, count in ((1_999, 0), (1, 1), (57_999, 1), (1, 2), (3 * 86_400_000 - 60_001, 2), (1, 4)):
        step(side, delayed, ms)
        assert side.store.max_offset("T", 0) == count
    side.store.close(side.clock())


def test_what_a_recovery_enters_again_is_still_due_when_it_was(data: DataSide, delayed: DelayedMessages) -> None:
    data.send(properties="DELAY\x013\x02TAGS\x01A")
    data.store.close(data.clock())
    shutil.rmtree(data.store.paths.consume_queue)
    store = MessageStore(data.store_config)
    store.open(data.clock())
    queue = store.queues.find("SCHEDULE_TOPIC_XXXX", 2)
    assert queue is not None
    entry = queue.entry(0)
    assert entry is not None
    assert entry[2] == data.clock() + 10_000
    store.close(data.clock())


def test_next_message_is_foreseen_though_nobody_has_looked_at_it_yet(data: DataSide, delayed: DelayedMessages) -> None:
    start = data.clock()
    assert delayed.next_due(start + 10**9) is None
    data.send(properties="DELAY\x0118")
    data.send(properties="DELAY\x013")
    assert delayed.next_due(start + 10**9) == start + 10_000
    assert delayed.next_due(start + 10_000) is None
    step(data, delayed, 10_000)
    assert delayed.next_due(start + 10**9) == start + 7_200_000


def test_messages_with_an_extension_are_delivered_in_their_time(tmp_path: Path) -> None:
    """The time of delivery is then in a unit; where that is lost it follows from the level (411-423)."""
    data = DataSide(tmp_path, enable_consume_queue_ext=True)
    delayed = DelayedMessages(data.store, data.appender, data.stats)
    data.send(body=b"first", properties="DELAY\x013")
    data.clock.now += 1_000
    data.send(body=b"second", properties="DELAY\x013")
    queue = data.store.queues.find("SCHEDULE_TOPIC_XXXX", 2)
    assert queue is not None
    assert queue.ext is not None
    second = queue.entry(1)
    assert second is not None
    unit = queue.ext.unit(second[2])
    assert unit is not None
    assert unit[:2] == (data.clock() + 10_000, data.clock())
    queue.ext.delete()
    step(data, delayed, 8_999)
    assert data.store.max_offset("T", 0) == 0
    step(data, delayed, 1)
    assert data.store.max_offset("T", 0) == 1
    step(data, delayed, 999)
    assert data.store.max_offset("T", 0) == 1
    step(data, delayed, 1)
    assert data.stored(queue_offset=1).body == b"second"
    data.store.close(data.clock())
