"""What happens after seconds, hours and days, by a clock that is moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rocketpy.client import ConsumeStatus, LocalTransactionState, Message, PushConsumer, TransactionListener
from rocketpy.clock import now_ms
from rocketpy.protocol.api.client import (
    Heartbeat,
    HeartbeatData,
    LockBatchMq,
    LockBatchRequestBody,
    LockBatchResponseBody,
    ProducerData,
)
from rocketpy.protocol.api.route import GetRouteInfo, MessageQueue
from rocketpy.remoting.app import NotRunning
from rocketpy.remoting.client import Client
from rocketpy.standalone import Standalone
from rocketpy.testing.clock import MovableClock, ServerClock
from tests.broker.live import consumer_data
from tests.client.cluster import wait_until
from tests.testing.stage import Stage, staged

HOUR = timedelta(hours=1)
HALF, GIVEN_UP = "RMQ_SYS_TRANS_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def count(stage: Stage, topic: str) -> int:
    """How many messages were ever stored in the first queue of a topic."""
    store = stage.servers.broker.store
    return int(stage.servers.call(store.max_offset, topic, 0))


# ---------------------------------------------------------------- the clock itself


def test_clock_goes_on_from_where_it_is_moved_to() -> None:
    clock = MovableClock()
    clock.move_to(now_ms() + 5000, heartbeats=True)
    began = clock()
    assert 0 < began - now_ms() <= 5000
    time.sleep(0.002)
    assert clock() > began


def test_frozen_clock_stands_still_and_is_never_put_back() -> None:
    clock = MovableClock()
    clock.freeze()
    start = clock()
    time.sleep(0.002)
    clock.freeze()
    assert clock() == start
    clock.move_to(start + 1500, heartbeats=True)
    clock.move_to(start + 1200, heartbeats=True)
    assert (clock() - start, clock.of_peers() - start) == (1500, 0)
    clock.move_to(start + 1600, heartbeats=False)
    assert (clock() - start, clock.of_peers() - start) == (1600, 100)
    clock.unfreeze()
    clock.unfreeze()
    assert 1600 <= clock() - start < 11_600
    time.sleep(0.002)
    assert clock() > start + 1600


def test_time_goes_neither_back_nor_for_ever(stage: Stage) -> None:
    for seconds in (-1, timedelta(days=-1), float("nan"), float("inf")):
        with pytest.raises(ValueError, match="time goes on by 0 s or more"):
            stage.clock.advance(seconds)
    stage.clock.advance(0)
    assert abs(stage.clock.now() - now_ms()) < 10_000


def test_servers_that_do_not_run_have_no_time(tmp_path: Path) -> None:
    clock = MovableClock()
    servers = Standalone.on_free_ports(str(tmp_path), clock=clock)
    with pytest.raises(NotRunning):
        ServerClock(clock, servers).advance(1)


# ---------------------------------------------------------------- messages that wait


def test_highest_delay_level_is_delivered_at_once(stage: Stage) -> None:
    topic = stage.topic()
    stage.send(topic, b"late", properties={"DELAY": str(18)})
    stage.clock.advance(2 * HOUR - timedelta(seconds=30))
    assert count(stage, topic) == 0
    began = time.monotonic()
    stage.clock.advance(31)
    assert count(stage, topic) == 1
    assert time.monotonic() - began < 20
    (message,) = stage.stored(topic)
    assert message.body == b"late"
    assert 7_200_000 <= message.store_timestamp - message.born_timestamp < 7_220_000
    assert message.born_timestamp <= now_ms(), "the producer lives by another clock"


def test_messages_are_delivered_in_the_order_and_at_the_times_they_are_due(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.clock.freeze()
        topic, start = stage.topic(), stage.clock.now()
        for level, body in ((18, b"2h"), (3, b"10s"), (5, b"1m"), (1, b"1s")):
            stage.send(topic, body, properties={"DELAY": str(level)})
        stage.clock.advance(3 * HOUR)
        messages = stage.stored(topic, 4)
    assert [message.body for message in messages] == [b"1s", b"10s", b"1m", b"2h"]
    assert [message.store_timestamp - start for message in messages] == [1000, 10_000, 60_000, 7_200_000]


def test_backlog_of_one_level_is_delivered_before_advance_returns(stage: Stage) -> None:
    topic = stage.topic()
    stage.send(topic, *(b"%d" % number for number in range(300)), properties={"DELAY": str(16)})
    stage.clock.advance(HOUR)
    assert count(stage, topic) == 300


def test_timer_message_a_day_ahead(tmp_path: Path) -> None:
    with staged(tmp_path, timerWheelEnable="true") as stage:
        topic = stage.topic()
        due = stage.clock.now() + 24 * 3_600_000
        stage.send(topic, b"tomorrow", properties={"TIMER_DELIVER_MS": str(due)})
        stage.send(topic, b"soon", properties={"TIMER_DELAY_SEC": "30"})
        stage.clock.advance(timedelta(hours=23, minutes=59))
        assert count(stage, topic) == 1
        stage.clock.advance(timedelta(minutes=2))
        messages = stage.stored(topic, 2)
    assert [message.body for message in messages] == [b"soon", b"tomorrow"]
    assert messages[1].store_timestamp == pytest.approx(due, abs=20_000)


# ---------------------------------------------------------------- retries


class Taken:
    """A listener that says the same each time, and what it was called with."""

    def __init__(self, status: ConsumeStatus) -> None:
        self.status = status
        self.times: list[int] = []

    def __call__(self, messages: Any, context: Any) -> ConsumeStatus:
        self.times += [message.reconsume_times for message in messages]
        return self.status


def consumer(stage: Stage, group: str, topic: str, listener: Callable[..., ConsumeStatus]) -> PushConsumer:
    made = PushConsumer(group, listener, namesrv=stage.namesrv)
    made.subscribe(topic)
    return made


def test_message_is_retried_sixteen_times_and_then_a_dead_letter(stage: Stage) -> None:
    topic, group, taken = stage.topic(), stage.unique("group"), Taken(ConsumeStatus.RECONSUME_LATER)
    with consumer(stage, group, topic, taken) as running:
        wait_until(running.assigned)
        stage.send(topic, b"bitter")
        for tries in range(1, 17):
            wait_until(lambda tries=tries: len(taken.times) == tries)
            wait_until(lambda tries=tries: waiting(stage) == tries)
            stage.clock.advance(2 * HOUR)
        wait_until(lambda: count(stage, f"%DLQ%{group}") == 1)
        assert taken.times == list(range(17))


def waiting(stage: Stage) -> int:
    """How many messages were ever delayed."""
    broker = stage.servers.broker
    return sum(stage.servers.call(broker.store.max_offset, "SCHEDULE_TOPIC_XXXX", level) for level in range(18))


def test_clients_stay_though_hours_pass(stage: Stage) -> None:
    topic, group, taken = stage.topic(), stage.unique("group"), Taken(ConsumeStatus.SUCCESS)
    with consumer(stage, group, topic, taken) as running:
        wait_until(running.assigned)
        stage.clock.advance(10 * HOUR)
        assert stage.servers.broker.consumers.get(group) is not None
        stage.send(topic, b"x")
        wait_until(lambda: taken.times)


def test_clients_whose_heartbeats_do_not_come_are_dropped(stage: Stage) -> None:
    data = HeartbeatData(
        client_id="c", consumer_data_set=[consumer_data("G", ["T"])], producer_data_set=[ProducerData(group_name="P")]
    )
    broker = stage.servers.broker
    client = stage.servers.call(Client)
    assert stage.servers.call(client.invoke, stage.broker, Heartbeat(), data.to_json()).code == 0
    stage.clock.advance(90, heartbeats=False)
    assert broker.consumers.get("G")
    assert broker.producers.members("P")
    stage.clock.advance(40, heartbeats=False)
    assert broker.consumers.get("G") is None
    assert broker.producers.members("P") is None
    wait_until(lambda: not client.is_connected(stage.broker))
    stage.servers.call(client.close)


# ---------------------------------------------------------------- transactions


class Silent(TransactionListener):
    """Knows nothing."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def execute(self, message: Any, argument: object) -> LocalTransactionState:
        return LocalTransactionState.UNKNOW

    def check(self, message: Any) -> LocalTransactionState:
        self.asked.append(message)
        return LocalTransactionState.UNKNOW


def test_transaction_is_asked_about_fifteen_times_and_given_up(stage: Stage) -> None:
    topic, listener = stage.topic(), Silent()
    with stage.producer(transaction_listener=listener) as producer:
        producer.send_in_transaction(Message(topic, b"?"))
        wait_until(lambda: stage.servers.broker.producers.members(producer.group))
        for number in range(1, 16):
            stage.clock.advance(60)
            wait_until(lambda number=number: len(listener.asked) == number)
        assert count(stage, GIVEN_UP) == 0
        stage.clock.advance(60)
        assert count(stage, GIVEN_UP) == 1
        stage.clock.advance(600)
        assert len(listener.asked) == 15
    assert count(stage, topic) == 0


def test_all_rounds_of_checks_fit_into_one_advance(stage: Stage) -> None:
    topic = stage.topic()
    listener = Silent()
    with stage.producer(transaction_listener=listener) as producer:
        producer.send_in_transaction(Message(topic, b"?"))
        wait_until(lambda: stage.servers.broker.producers.members(producer.group))
        stage.clock.advance(17 * 60)
        assert count(stage, GIVEN_UP) == 1
        assert count(stage, HALF) == 16, "the message, and what was put back with each question"
        wait_until(lambda: len(listener.asked) == 15)


# ---------------------------------------------------------------- what expires


def test_lock_is_taken_over_when_it_has_expired(stage: Stage) -> None:
    queue = MessageQueue(topic=stage.topic(), broker_name="b-0", queue_id=0)

    def locked(client_id: str) -> list[MessageQueue]:
        body = LockBatchRequestBody(consumer_group="G", client_id=client_id, mq_set=[queue])
        answer = stage.ask(LockBatchMq(), body.to_json())
        return LockBatchResponseBody.from_json(answer.body).lock_ok_mq_set

    assert locked("a") == [queue]
    stage.clock.advance(40)
    assert locked("b") == []
    stage.clock.advance(21)
    assert locked("b") == [queue]
    assert locked("a") == []


def test_pull_that_waits_is_answered_when_its_time_is_over(stage: Stage) -> None:
    topic = stage.topic()
    with stage.puller() as puller:
        future = puller.pull_async(stage.queue(topic), 0, block=True)
        wait_until(lambda: stage.servers.broker._waiters.stats()["held_pulls"])
        stage.clock.advance(5)
        assert not future.done()
        stage.clock.advance(20)
        assert future.result(5).messages == []


def route_code(stage: Stage, topic: str) -> int:
    def ask() -> int:
        client = Client()
        try:
            return client.invoke(stage.namesrv, GetRouteInfo(topic=topic)).code
        finally:
            client.close()

    return int(stage.servers.call(ask))


def test_route_expires_when_the_broker_ceases_to_register(stage: Stage) -> None:
    topic = stage.topic()
    assert route_code(stage, topic) == 0
    stage.clock.advance(10 * HOUR)
    assert route_code(stage, topic) == 0, "its registrations count as having come"
    stage.servers.call(stage.servers.broker._loops.stop)
    stage.clock.advance(90, heartbeats=False)
    assert route_code(stage, topic) == 0
    stage.clock.advance(40, heartbeats=False)
    assert route_code(stage, topic) == 17


# ---------------------------------------------------------------- the disk


def large(number: int) -> list[bytes]:
    """Bodies of which three fit into a file of the log, compressed or not."""
    return [Random(seed).randbytes(20_000) for seed in range(number)]


def test_files_expire_after_three_days_at_four_in_the_morning(tmp_path: Path) -> None:
    with staged(tmp_path, deleteWhen="04", deleteCommitLogFilesInterval="0", mappedFileSizeCommitLog="65536") as stage:
        topic = stage.topic()
        stage.send(topic, *large(40))
        log = tmp_path / "commitlog"
        before = len(list(log.iterdir()))
        assert before > 10
        stage.clock.advance(timedelta(hours=71))
        assert len(list(log.iterdir())) >= before
        stage.clock.advance(timedelta(hours=26))
        assert len(list(log.iterdir())) <= 2
        assert stage.servers.call(stage.servers.broker.store.min_offset, topic, 0) > 30
        stage.send(topic, *large(8))
        written = len(list(log.iterdir()))
        stage.clock.advance(timedelta(hours=70))
        assert len(list(log.iterdir())) >= written - 1, "these were written not so long ago"


def test_offsets_of_consumers_are_on_disk_after_five_seconds(stage: Stage, tmp_path: Path) -> None:
    topic = stage.topic()
    with stage.puller() as puller:
        puller.commit(stage.queue(topic), 7)
        group = puller.group
    file = tmp_path / "config" / "consumerOffset.json"
    wait_until(lambda: stage.servers.broker.offsets.query(group, topic, 0) == 7)
    stage.clock.advance(5)
    assert f'"{topic}@{group}":{{0:7' in file.read_text()
