"""Asking about transactions that did not end, by a clock that tests move."""

from __future__ import annotations

import pytest

from rocketpy.config.store import BrokerRole
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.properties import split_properties
from rocketpy.protocol.record import offset_message_id
from tests.broker.data_side import DataSide
from tests.broker.half_side import COMMIT, GIVEN_UP, HALF, OP, ROLLBACK, HalfSide


@pytest.fixture
def half_side(data: DataSide) -> HalfSide:
    return HalfSide(data)


def test_a_round_without_messages_only_makes_the_half_topic(half_side: HalfSide) -> None:
    assert half_side.checks.pause == 60_000
    half_side.step()
    topic = half_side.data.topics.get(HALF)
    assert topic is not None
    assert (topic.read_queue_nums, topic.write_queue_nums, topic.perm) == (1, 1, Perm.READ | Perm.WRITE)
    assert half_side.data.topics.get(OP) is None
    assert half_side.offsets() == (-1, -1)


def test_the_producer_is_asked_about_a_message_that_is_old_enough(half_side: HalfSide) -> None:
    half = half_side.send("körper".encode(), "TAGS\x01A", queue_id=2, flag=7)
    half_side.step(5_998)
    assert half_side.questions() == []
    half_side.step(1)
    ((header, record),) = half_side.questions()
    back = half_side.data.stored(HALF, queue_offset=1)
    assert (header.tran_state_table_offset, header.commit_log_offset) == (1, back.physical_offset)
    assert (header.msg_id, header.transaction_id) == ("U1", "U1")
    assert header.offset_msg_id == offset_message_id(back.store_host, back.physical_offset)
    assert (record.topic, record.queue_id, record.body, record.flag) == ("T", 2, "körper".encode(), 7)
    assert (record.queue_offset, record.physical_offset) == (1, back.physical_offset)
    assert (record.born_timestamp, record.store_timestamp) == (half.born_timestamp, half.store_timestamp)
    properties = split_properties(record.properties.decode())
    assert (properties["WAIT"], properties["TRANSACTION_CHECK_TIMES"]) == ("false", "1")
    assert half_side.offsets() == (1, -1)


def test_a_message_that_is_put_back_keeps_all_but_its_flag(half_side: HalfSide) -> None:
    half = half_side.send(flag=7)
    half_side.step()
    back = half_side.data.stored(HALF, queue_offset=1)
    assert (back.body, back.flag, back.queue_id) == (half.body, 0, 0)
    assert (back.born_timestamp, back.born_host, back.store_host) == (
        half.born_timestamp, half.born_host, half.store_host,
    )  # fmt: skip
    added = {"TRANSACTION_CHECK_TIMES": "1"}
    assert split_properties(back.properties.decode()) == split_properties(half.properties.decode()) | added


@pytest.mark.parametrize("kind", [COMMIT, ROLLBACK])
def test_a_message_that_has_ended_is_not_asked_about(half_side: HalfSide, kind: int) -> None:
    for _ in range(3):
        half_side.end(half_side.send(), kind)
    half_side.step()
    assert half_side.questions() == []
    assert (half_side.count(HALF), half_side.offsets()) == (3, (3, 3))


def test_ends_in_another_order_are_found(half_side: HalfSide) -> None:
    halves = [half_side.send() for _ in range(40)]
    for half in reversed(halves[1:]):
        half_side.end(half)
    half_side.step()
    assert [header.tran_state_table_offset for header, _ in half_side.questions()] == [40]
    assert half_side.offsets() == (40, 39)


def test_an_answer_to_a_question_ends_the_transaction(half_side: HalfSide) -> None:
    half_side.send(b"late")
    half_side.step()
    half_side.end(half_side.data.stored(HALF, queue_offset=1), from_transaction_check=True)
    assert half_side.data.stored("T").body == b"late"
    half_side.step()
    half_side.step()
    assert len(half_side.questions()) == 1
    assert half_side.offsets() == (2, 1)


def test_young_messages_hold_up_the_round(half_side: HalfSide) -> None:
    half_side.send(b"old")
    half_side.data.clock.now += 60_000
    young = half_side.send(b"young")
    half_side.end(half_side.send(b"ended"))
    half_side.step(0)
    assert [record.body for _, record in half_side.questions()] == [b"old"]
    assert half_side.offsets() == (young.queue_offset, -1)


def test_a_message_is_given_up_after_too_many_questions(half_side: HalfSide) -> None:
    half_side.data.config.transaction_check_max = 3
    half_side.send("körper".encode(), flag=7)
    for _ in range(4):
        half_side.step()
    asked = [split_properties(record.properties.decode()) for _, record in half_side.questions()]
    assert [properties["TRANSACTION_CHECK_TIMES"] for properties in asked] == ["1", "2", "3"]
    assert half_side.count(GIVEN_UP) == 1
    record = half_side.data.stored(GIVEN_UP)
    assert record.body == "körper".encode()
    assert split_properties(record.properties.decode())["TRANSACTION_CHECK_TIMES"] == "3"
    topic = half_side.data.topics.get(GIVEN_UP)
    assert topic is not None
    assert (topic.read_queue_nums, topic.perm) == (1, Perm.READ | Perm.WRITE)
    half_side.step()
    assert (half_side.count(HALF), half_side.questions()) == (4, [])


def test_a_message_older_than_the_files_are_kept_is_given_up(half_side: HalfSide) -> None:
    half_side.send()
    half_side.step(72 * 3_600_000)
    assert (half_side.count(GIVEN_UP), half_side.questions()) == (1, [])


def test_a_message_with_a_longer_immunity_waits_without_holding_up_others(half_side: HalfSide) -> None:
    half_side.send(b"immune", "CHECK_IMMUNITY_TIME_IN_SECONDS\x01100")
    half_side.send(b"other")
    half_side.step()
    assert [record.body for _, record in half_side.questions()] == [b"other"]
    back = split_properties(half_side.data.stored(HALF, queue_offset=2).properties.decode())
    assert (back["TRAN_PREPARED_QUEUE_OFFSET"], back["WAIT"]) == ("0", "false")
    half_side.step()
    assert {record.body for _, record in half_side.questions()} == {b"immune", b"other"}


def test_the_end_of_an_immune_message_that_was_put_back_is_known(half_side: HalfSide) -> None:
    half = half_side.send(b"immune", "CHECK_IMMUNITY_TIME_IN_SECONDS\x011000\x02TRAN_PREPARED_QUEUE_OFFSET\x011")
    half_side.end(half_side.send())
    assert half.queue_offset == 0
    half_side.step()
    assert (half_side.offsets()[1], half_side.count(HALF)) == (1, 3)


@pytest.mark.parametrize("immunity", ["-1", "none"])
def test_an_immunity_that_is_no_time_counts_as_the_usual_one(half_side: HalfSide, immunity: str) -> None:
    half_side.send(properties=f"CHECK_IMMUNITY_TIME_IN_SECONDS\x01{immunity}")
    half_side.step(6_000)
    assert len(half_side.questions()) == 1


def test_a_message_whose_producers_are_gone_counts_as_asked_about(half_side: HalfSide) -> None:
    half_side.send()
    half_side.producer.close()
    half_side.step()
    assert half_side.questions() == []
    back = split_properties(half_side.data.stored(HALF, queue_offset=1).properties.decode())
    assert back["TRANSACTION_CHECK_TIMES"] == "1"


def test_a_message_that_belongs_nowhere_is_put_back_but_not_asked_about(half_side: HalfSide) -> None:
    half_side.send(properties="X\x01x")
    half = half_side.data.stored(HALF)
    half.properties = half.properties.replace(b"REAL_QID\x010", b"REAL_QID\x01x")
    half_side.data.store.append(half, half_side.data.clock())
    half_side.step()
    assert (len(half_side.questions()), half_side.count(HALF)) == (1, 4)


def test_what_cannot_be_put_back_is_tried_again(half_side: HalfSide) -> None:
    half_side.send()
    half_side.data.store_config.broker_role = BrokerRole.SLAVE
    half_side.data.store.step(half_side.data.clock())
    half_side.step()
    assert (half_side.questions(), half_side.offsets()) == ([], (-1, -1))
    half_side.data.store_config.broker_role = BrokerRole.ASYNC_MASTER
    half_side.data.store.step(half_side.data.clock())
    half_side.step()
    assert len(half_side.questions()) == 1


def test_many_messages_are_looked_at_in_pieces(half_side: HalfSide) -> None:
    for _ in range(150):
        half_side.send()
    half_side.data.clock.now += 60_000
    half_side.checks.step(half_side.data.clock())
    assert (half_side.checks.pause, half_side.offsets()[0]) == (0, 100)
    late = half_side.data.stored(HALF, queue_offset=120)
    half_side.end(late)
    half_side.checks.step(half_side.data.clock())
    assert (half_side.checks.pause, half_side.offsets()[0]) == (60_000, 150)
    assert len(half_side.questions()) == 149


def test_checks_go_on_where_they_were_after_a_restart(half_side: HalfSide) -> None:
    half_side.send(b"1")
    half_side.end(half_side.send(b"2"))
    half_side.step()
    half_side.checks = half_side.new_checks()
    half_side.step()
    assert [record.body for _, record in half_side.questions()] == [b"1", b"1"]
    assert half_side.offsets() == (3, 1)


def test_an_offset_beyond_the_queue_is_corrected(half_side: HalfSide) -> None:
    half_side.data.offsets.commit("here", "CID_RMQ_SYS_TRANS", HALF, 0, 99)
    half_side.data.offsets.commit("here", "CID_RMQ_SYS_TRANS", OP, 0, 99)
    half_side.end(half_side.send())
    half_side.step()
    assert half_side.offsets() == (1, 1)


def test_what_is_no_end_is_passed_over(half_side: HalfSide) -> None:
    half = half_side.send()
    for body, properties in ((b"0", "TAGS\x01x"), (b"zero", "TAGS\x01d")):
        half.topic, half.body, half.properties = OP, body, properties.encode()
        half.read_properties()
        half_side.data.store.append(half, half_side.data.clock())
    half_side.step()
    assert (len(half_side.questions()), half_side.offsets()) == (1, (1, 2))


def test_a_message_from_the_future_is_asked_about_at_once(half_side: HalfSide) -> None:
    half_side.send(born_timestamp=half_side.data.clock() + 3_600_000)
    half_side.step(1)
    assert len(half_side.questions()) == 1


@pytest.mark.parametrize(("times", "asked"), [("x", "0"), ("-7", "-6"), ("14", "15"), ("15", None)])
def test_what_is_counted_on_a_message_goes_on_from_what_it_says(
    half_side: HalfSide, times: str, asked: str | None
) -> None:
    half_side.send(properties=f"TRANSACTION_CHECK_TIMES\x01{times}")
    half_side.step()
    found = [split_properties(one.properties.decode())["TRANSACTION_CHECK_TIMES"] for _, one in half_side.questions()]
    assert found == ([] if asked is None else [asked])
    assert half_side.count(GIVEN_UP) == (1 if asked is None else 0)


def test_an_immunity_that_is_over_is_asked_about(half_side: HalfSide) -> None:
    half_side.send(properties="CHECK_IMMUNITY_TIME_IN_SECONDS\x0110")
    half_side.step(9_998)
    assert (half_side.questions(), half_side.count(HALF)) == ([], 2)
    half_side.step(1)
    assert len(half_side.questions()) == 1


def test_a_shorter_immunity_than_usual_counts(half_side: HalfSide) -> None:
    half_side.send(properties="CHECK_IMMUNITY_TIME_IN_SECONDS\x012")
    half_side.step(2_000)
    assert len(half_side.questions()) == 1


def test_a_message_that_cannot_be_given_up_is_kept(half_side: HalfSide) -> None:
    half_side.send(properties="TRANSACTION_CHECK_TIMES\x0115")
    half_side.data.store_config.broker_role = BrokerRole.SLAVE
    half_side.data.store.step(half_side.data.clock())
    half_side.step()
    half_side.data.store_config.broker_role = BrokerRole.ASYNC_MASTER
    half_side.data.store.step(half_side.data.clock())
    half_side.step()
    assert half_side.count(GIVEN_UP) == 1


def test_half_messages_do_not_count_for_the_topic_they_are_meant_for(half_side: HalfSide) -> None:
    """As in Java, neither when they are sent nor when they are committed."""
    half_side.end(half_side.send())
    stats = half_side.data.stats
    assert (set(stats._puts), stats.put_times) == ({HALF}, 3)


def test_thousands_of_open_transactions_are_passed_in_short_steps(half_side: HalfSide) -> None:
    for _ in range(1_000):
        half_side.send(b"")
    half_side.data.clock.now += 60_000
    steps = 0
    while steps == 0 or half_side.checks.pause == 0:
        before = half_side.count(HALF)
        half_side.checks.step(half_side.data.clock())
        assert half_side.count(HALF) - before <= 100
        steps += 1
    assert (steps, len(half_side.questions())) == (11, 1_000)


def test_there_is_work_while_half_messages_have_not_been_passed(half_side: HalfSide) -> None:
    assert not half_side.checks.has_work
    half_side.send()
    assert half_side.checks.has_work
    half_side.step(5_998)
    assert half_side.checks.has_work, "it is too young"
