"""Servers for tests, in this process and in a child: what one may ask of them, and wait for."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import gevent
import pytest

from rocketpy.client import (
    ClientError,
    ConsumeFromWhere,
    ConsumeStatus,
    LocalTransactionState,
    Message,
    MessageModel,
    Producer,
    PushConsumer,
    SendStatus,
    TransactionListener,
)
from rocketpy.clock import now_ms
from rocketpy.errors import ConfigError
from rocketpy.testing import ChildFailed, Cluster, NoSuchTopic, NotOurs, Refused, RocketMQ, WaitTimeout

SETTINGS = {"messageDelayLevel": "1h 1h 1h 1h", "brokerName": "b-0", "autoCreateTopicEnable": True}
COMMIT, ROLLBACK, UNKNOW = LocalTransactionState


@pytest.fixture(scope="module", params=["in this process", "in a child"])
def rocketmq(request: pytest.FixtureRequest) -> Iterator[RocketMQ]:
    with RocketMQ(settings=SETTINGS, own_process=request.param == "in a child") as running:
        running.timeout = 60
        yield running


@pytest.fixture
def topic(rocketmq: RocketMQ) -> str:
    return rocketmq.create_topic(queues=2)


@pytest.fixture
def group(rocketmq: RocketMQ) -> str:
    return rocketmq.create_group(retry_max_times=1)


def ignoring(messages: Any, context: Any) -> None:
    pass


def consuming(
    rocketmq: Cluster, group: str, topic: str, listener: Callable[..., Any] = ignoring, **options: Any
) -> PushConsumer:
    return PushConsumer(group, listener, {topic: "*"}, namesrv=rocketmq.namesrv_address, **options)


def failing(messages: Any, context: Any) -> ConsumeStatus:
    return ConsumeStatus.RECONSUME_LATER


def bodies(messages: list[Any]) -> list[str]:
    return [message.body.decode() for message in messages]


def test_messages_come_in_the_order_in_which_they_were_stored(rocketmq: RocketMQ, topic: str) -> None:
    numbers = [f"Grüße {number}" for number in range(50)]
    rocketmq.send(topic, *numbers, tags="new", keys="k-1 k-2", properties={"color": "blau"})
    found = rocketmq.messages(topic)
    assert bodies(found) == numbers
    assert {message.queue_id for message in found} == {0, 1}
    first = found[0]
    assert (first.topic, first.tags, first.keys, first.properties["color"]) == (topic, "new", "k-1 k-2", "blau")
    assert "MIN_OFFSET" not in first.properties


def test_more_messages_are_read_than_one_pull_gives(rocketmq: RocketMQ) -> None:
    topic = rocketmq.create_topic(queues=1)
    rocketmq.send(topic, *(bytes(40_000) + str(number).encode() for number in range(20)))
    assert [message.body[40_000:] for message in rocketmq.messages(topic)] == [b"%d" % one for one in range(20)]


def test_a_topic_that_sending_makes_is_there_at_once(rocketmq: RocketMQ) -> None:
    rocketmq.send("MadeBySending", "1")
    assert bodies(rocketmq.messages("MadeBySending")) == ["1"]


def test_an_unknown_topic_is_named_with_those_that_there_are(rocketmq: RocketMQ, topic: str, group: str) -> None:
    for ask in (lambda: rocketmq.messages("Ordr"), lambda: rocketmq.lag(group, "Ordr")):
        with pytest.raises(NoSuchTopic, match=f"there is no topic Ordr; there are .*{topic}"):
            ask()
    assert topic in rocketmq.topics()
    assert "TBW102" not in rocketmq.topics()
    with pytest.raises(WaitTimeout, match="after 0 s: there is no topic Ordr"):
        rocketmq.wait_for_messages("Ordr", timeout=0)
    with pytest.raises(WaitTimeout, match="after 0 s: there is no topic Ordr"):
        rocketmq.wait_until_consumed(group, "Ordr", timeout=0)


def test_what_a_group_has_not_consumed_is_its_lag(rocketmq: RocketMQ, topic: str, group: str) -> None:
    rocketmq.send(topic, "1", "2", "3")
    assert rocketmq.lag(group, topic) == 3
    with consuming(rocketmq, group, topic) as consumer:
        rocketmq.wait_until_consumed(group, topic)
        assert rocketmq.lag(group, topic) == 0
        assert {one.clients for one in rocketmq.progress(group, topic)} == {(consumer.client_id,)}
    assert rocketmq.lag(group, topic) == 0
    rocketmq.send(topic, "4")
    assert rocketmq.lag(group, topic) == 1
    assert rocketmq.lag("nobody", topic) == 4


def test_consumed_is_known_before_the_consumer_tells_the_broker(rocketmq: RocketMQ, topic: str, group: str) -> None:
    """Which is every 5 s; and here not at all."""
    got: list[Any] = []
    with consuming(
        rocketmq, group, topic, lambda messages, context: got.extend(messages), persist_offset_interval=3600.0
    ):
        rocketmq.wait_for_consumers(group)
        for number in range(5):
            rocketmq.send(topic, str(number))
            rocketmq.wait_until_consumed(group, topic)
            assert len(got) == number + 1


def test_each_of_a_broadcasting_group_has_to_consume(rocketmq: RocketMQ, topic: str, group: str) -> None:
    go_on = Event()

    def held_up(messages: Any, context: Any) -> None:
        go_on.wait()

    everyone = {"model": MessageModel.BROADCASTING, "consume_from": ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET}
    with (
        consuming(rocketmq, group, topic, **everyone),
        consuming(rocketmq, group, topic, held_up, **everyone, instance_name="other"),
    ):
        rocketmq.wait_for_consumers(group, 2)
        rocketmq.send(topic, "1")
        with pytest.raises(WaitTimeout, match="has yet to consume 1 messages"):
            rocketmq.wait_until_consumed(group, topic, timeout=0.2)
        go_on.set()
        rocketmq.wait_until_consumed(group, topic)


def test_time_over_says_what_there_is_instead(rocketmq: RocketMQ, topic: str, group: str) -> None:
    rocketmq.send(topic, "1", "2")
    with pytest.raises(WaitTimeout) as nobody:
        rocketmq.wait_until_consumed(group, topic, timeout=0.05)
    assert str(nobody.value).splitlines() == [
        f"after 0.05 s: group {group} has yet to consume 2 messages of topic {topic}",
        "  b-0 queue 0: 0 of 1 consumed, no consumer has it",
        "  b-0 queue 1: 0 of 1 consumed, no consumer has it",
        "  consumers on line: none",
        "  they subscribe to: nothing",
        "  waiting for another try: 0, dead letters: 0",
    ]
    assert isinstance(nobody.value, TimeoutError)
    other = rocketmq.create_topic()
    with consuming(rocketmq, group, other) as consumer:
        rocketmq.wait_for_consumers(group)
        with pytest.raises(WaitTimeout) as elsewhere:
            rocketmq.wait_until_consumed(group, topic, timeout=0.05)
        assert f"  consumers on line: {consumer.client_id}\n" in str(elsewhere.value)
        assert f"  they subscribe to: %RETRY%{group} (*), {other} (*)" in str(elsewhere.value)
    with pytest.raises(WaitTimeout, match=f"topic {topic} has 2 of 3 messages\n  b-0 queue 0: 1\n  b-0 queue 1: 1$"):
        rocketmq.wait_for_messages(topic, 3, timeout=0.05)
    with pytest.raises(WaitTimeout, match=f"group {group} has not got 2 consumers\n  consumers on line: none"):
        rocketmq.wait_for_consumers(group, 2, timeout=0)


def test_what_failed_waits_for_another_try(rocketmq: RocketMQ, topic: str, group: str) -> None:
    rocketmq.send(topic, "bad")
    with consuming(rocketmq, group, topic, failing):
        (waiting,) = rocketmq.wait_for_retries(group)
        assert (waiting.topic, waiting.body, waiting.reconsume_times) == (topic, b"bad", 1)
        assert rocketmq.dead_letters(group) == []
        rocketmq.wait_until_consumed(group, topic)      # with what failed, this counts as done
        with pytest.raises(WaitTimeout, match=r"has not got 1 dead letters\n.*\n.*\n  waiting for another try: 1,"):
            rocketmq.wait_for_dead_letters(group, timeout=0)


def test_what_failed_too_often_is_a_dead_letter(rocketmq: RocketMQ, topic: str) -> None:
    group = rocketmq.create_group(retry_max_times=0)
    rocketmq.send(topic, "bad", "worse")
    with consuming(rocketmq, group, topic, failing, max_reconsume_times=0):
        found = rocketmq.wait_for_dead_letters(group, 2)
    assert sorted(bodies(found)) == ["bad", "worse"]
    assert found[0].topic == f"%DLQ%{group}"
    assert rocketmq.retries(group) == []


def test_what_is_delayed_is_told_by_its_own_topic(rocketmq: RocketMQ, topic: str) -> None:
    rocketmq.send(topic, "later", delay_level=2)
    other = rocketmq.create_topic()
    rocketmq.send(other, "later, too", delay_level=2)
    (waiting,) = rocketmq.delayed(topic)
    assert (waiting.topic, waiting.body) == (topic, b"later")
    assert {topic, other} <= {one.topic for one in rocketmq.delayed()}
    with pytest.raises(WaitTimeout, match="0 of 1 messages\n  waiting for their delay to be over: 1"):
        rocketmq.wait_for_messages(topic, timeout=0)


def test_half_messages_are_those_of_transactions_without_an_end(rocketmq: RocketMQ, topic: str) -> None:
    states = {b"1": COMMIT, b"2": ROLLBACK, b"3": UNKNOW}
    listener = TransactionListener(lambda message, arg: states[message.body], lambda message: UNKNOW)
    with Producer("payments", namesrv=rocketmq.namesrv_address, transaction_listener=listener) as producer:
        for body in states:
            producer.send_in_transaction(Message(topic, body))
        assert bodies(rocketmq.wait_for_messages(topic)) == ["1"]
        rocketmq.wait_until(lambda: len(rocketmq.half_messages()) == 1)
    (waiting,) = rocketmq.half_messages()
    assert (waiting.topic, waiting.body) == (topic, b"3")


def test_the_clock_is_moved_past_a_delay(rocketmq: RocketMQ, topic: str) -> None:
    rocketmq.send(topic, "later", delay_level=2)
    before = rocketmq.clock.now()
    rocketmq.clock.advance(timedelta(minutes=59))
    assert rocketmq.messages(topic) == []
    rocketmq.clock.advance(61)
    assert bodies(rocketmq.messages(topic)) == ["later"]
    assert 3_601_000 <= rocketmq.clock.now() - before < 3_660_000
    with pytest.raises(ValueError, match="time goes on by 0 s or more, not by -1"):
        rocketmq.clock.advance(-1)


def test_servers_misbehave_as_long_as_they_are_told_to(rocketmq: RocketMQ, topic: str) -> None:
    rocketmq.send(topic, "1")
    with rocketmq.faults.fail("SEND_MESSAGE", "NO_PERMISSION", "not today", topic=topic) as fault:
        with pytest.raises(ClientError, match="not today"):
            rocketmq.send(topic, "2")
        assert fault.hits > 0
    with rocketmq.faults.lose_request("PULL_MESSAGE") as fault:
        assert bodies(rocketmq.messages(topic)) == ["1"]    # looking at them is let alone
        assert fault.hits == 0
    rocketmq.send(topic, "3")
    assert bodies(rocketmq.messages(topic)) == ["1", "3"]
    with pytest.raises(ValueError, match="there is no request 'SEND_MSG'; there is SEND_MESSAGE"):
        rocketmq.faults.fail("SEND_MSG")


def test_a_fault_stays_over_a_restart(rocketmq: RocketMQ, topic: str) -> None:
    with rocketmq.faults.fail("SEND_MESSAGE", "NO_PERMISSION", "not today"):
        rocketmq.restart()
        with pytest.raises(ClientError, match="not today"):
            rocketmq.send(topic, "1")
    rocketmq.send(topic, "2")


def test_a_restart_keeps_messages_and_addresses(rocketmq: RocketMQ, topic: str, group: str) -> None:
    addresses = rocketmq.namesrv_address, rocketmq.broker_address
    rocketmq.send(topic, "before")
    with consuming(rocketmq, group, topic):
        rocketmq.wait_until_consumed(group, topic)
        rocketmq.restart()
        assert (rocketmq.namesrv_address, rocketmq.broker_address) == addresses
        rocketmq.send(topic, "after")
        assert bodies(rocketmq.messages(topic)) == ["before", "after"]
        rocketmq.wait_until_consumed(group, topic, timeout=60)


def test_wait_until_gives_what_came_true(rocketmq: RocketMQ) -> None:
    answers = iter([0, None, 7])
    assert rocketmq.wait_until(lambda: next(answers)) == 7
    with pytest.raises(WaitTimeout, match="after 0 s it is still 0"):
        rocketmq.wait_until(lambda: 0, timeout=0)


def test_servers_that_are_not_there_are_named() -> None:
    with RocketMQ.at("127.0.0.1:1") as cluster:
        for ask in (cluster.topics, lambda: cluster.create_topic("Order"), lambda: cluster.broker_address):
            with pytest.raises(Refused, match=r"^connect to \[127.0.0.1:1\] failed$"):
                ask()
        with pytest.raises(WaitTimeout, match=r"^after 0 s: connect to \[127.0.0.1:1\] failed$"):
            cluster.wait_for_messages("Order", timeout=0)


def test_a_broker_that_is_not_registered_is_told_of(rocketmq: RocketMQ) -> None:
    with rocketmq.faults.unregister():
        for ask in (rocketmq.topics, lambda: rocketmq.create_topic("Order"), lambda: rocketmq.messages("Order")):
            with pytest.raises(Refused, match="no master broker is registered at the name server"):
                ask()
        assert rocketmq.broker_address.startswith("127.0.0.1:")
    assert "Order" not in rocketmq.topics()


def test_servers_that_run_already_answer_as_well(rocketmq: RocketMQ, topic: str, group: str) -> None:
    rocketmq.send(topic, "1")
    with RocketMQ.at(rocketmq.namesrv_address) as cluster:
        assert cluster.broker_address == rocketmq.broker_address
        assert bodies(cluster.messages(topic)) == ["1"]
        assert cluster.lag(group, topic) == 1
        assert cluster.create_topic() in rocketmq.topics()


# ---------------------------------------------------------------- of their own


@pytest.mark.parametrize("own_process", [False, True])
def test_a_reset_leaves_what_was_there_at_the_start(own_process: bool) -> None:
    with RocketMQ(
        topics={"Order": 2}, groups=["shipping"], settings={"brokerName": "b-1"}, own_process=own_process
    ) as rocketmq:
        address = rocketmq.namesrv_address
        rocketmq.send("Order", "1")
        rocketmq.send("Order", "2", delay_level=18)
        rocketmq.create_topic("Other")
        rocketmq.clock.advance(timedelta(days=1))
        rocketmq.faults.fail("SEND_MESSAGE")
        rocketmq.reset()
        assert abs(rocketmq.clock.now() - now_ms()) < 60_000
        assert rocketmq.namesrv_address == address
        assert rocketmq.messages("Order") == rocketmq.delayed() == []
        assert rocketmq.topics() == ["%RETRY%shipping", "Order"]
        assert [one.queue.broker_name for one in rocketmq.progress("shipping", "Order")] == ["b-1", "b-1"]
        rocketmq.reset({"brokerName": "b-2"})
        assert {one.queue.broker_name for one in rocketmq.progress("shipping", "Order")} == {"b-2"}
        rocketmq.send("Order", "3")
        assert bodies(rocketmq.messages("Order")) == ["3"]


def test_a_store_may_be_kept(tmp_path: Path) -> None:
    for number, own_process in enumerate((False, True)):
        with RocketMQ(topics=["Order"], store=tmp_path / "store", own_process=own_process) as rocketmq:
            rocketmq.send("Order", str(number))
            assert bodies(rocketmq.messages("Order")) == ["0", "1"][: number + 1]
            with pytest.raises(NotOurs, match="is to be kept: it is not reset"):
                rocketmq.reset()
            assert len(rocketmq.messages("Order")) == number + 1


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"flushDiskTyp": "SYNC_FLUSH"}, "flushDiskTyp is no key of broker.conf"),
        ({"sendMessageThreadPoolNums": "many"}, "sendMessageThreadPoolNums=many is not usable"),
        ({"mappedFileSizeConsumeQueue": 0}, "must be greater than 0"),
    ],
)
def test_settings_that_are_none_are_refused_at_once(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        RocketMQ(settings=settings)


def test_a_disk_that_failed_does_not_spoil_the_end() -> None:
    with RocketMQ(topics=["Order"], settings={"flushDiskType": "SYNC_FLUSH"}) as rocketmq:
        for _ in range(2):
            fault = rocketmq.faults.fail_disk("sync")
            (result,) = rocketmq.send("Order", "1")
            assert result.status == SendStatus.FLUSH_DISK_TIMEOUT
            assert fault.hits > 0
            rocketmq.reset()
            (result,) = rocketmq.send("Order", "2")
            assert result.status == SendStatus.SEND_OK
        rocketmq.faults.fail_disk("sync")
        rocketmq.send("Order", "3")


def test_one_name_is_no_list_of_names() -> None:
    with pytest.raises(TypeError, match="names are given as a list, not as 'Order'"):
        RocketMQ(topics="Order")
    with pytest.raises(TypeError, match="names are given as a list, not as 'shipping'"):
        RocketMQ(groups="shipping")


def test_the_advertised_address_may_be_another_one() -> None:
    with RocketMQ(host="127.0.0.2") as rocketmq:
        assert rocketmq.namesrv_address.startswith("127.0.0.2:")
        assert rocketmq.broker_address.startswith("127.0.0.2:")
        rocketmq.send("Order", "1")
        assert len(rocketmq.messages("Order")) == 1


def test_a_child_that_is_gone_is_missed() -> None:
    rocketmq = RocketMQ(own_process=True)
    for ask in (lambda: rocketmq.pid, lambda: rocketmq.broker_address, rocketmq.clock.now, rocketmq.restart):
        with pytest.raises(ChildFailed, match="the child process is not running"):
            ask()
    with rocketmq:
        os.kill(rocketmq.pid, signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(ChildFailed, match="the child process has ended, with status -9; see its stderr"):
                rocketmq.clock.now()
        with pytest.raises(Refused, match="failed"):
            rocketmq.topics()


def test_nothing_is_asked_of_one_that_does_not_run() -> None:
    rocketmq = RocketMQ()
    for ask in (rocketmq.topics, lambda: rocketmq.clock, rocketmq.restart, rocketmq.reset):
        with pytest.raises(RuntimeError, match="RocketMQ is not running: use it by with"):
            ask()
    rocketmq.stop()
    with rocketmq:
        assert rocketmq.topics() == []
    with rocketmq:      # and again
        assert rocketmq.topics() == []


def left_over() -> tuple[int, int, int, int]:
    """Threads, open files, greenlets that go on, and mapped files of temporary stores."""
    gc.collect()
    greenlets = [one for one in gc.get_objects() if isinstance(one, gevent.Greenlet) and not one.ready()]
    maps = [line for line in Path("/proc/self/maps").read_text().splitlines() if "/rocketpy-" in line]
    return threading.active_count(), len(os.listdir("/proc/self/fd")), len(greenlets), len(maps)


@pytest.mark.parametrize("own_process", [False, True])
def test_nothing_is_left_of_one_that_ended(own_process: bool) -> None:
    with RocketMQ():
        pass
    before = left_over()
    for number in range(1 if own_process else 5):
        with RocketMQ(topics=["Order"], groups=["shipping"], own_process=own_process) as rocketmq:
            with consuming(rocketmq, "shipping", "Order", failing if number % 2 else ignoring):
                rocketmq.send("Order", "1", "2")
                rocketmq.wait_until_consumed("shipping", "Order")
            rocketmq.clock.advance(60)
            rocketmq.faults.lose_reply()
            rocketmq.reset()
    deadline = time.monotonic() + 10  # what other tests left may just be going
    while any(after > here for after, here in zip(left_over(), before, strict=True)):
        assert time.monotonic() < deadline, (left_over(), before)


def test_one_that_nobody_stopped_ends_with_the_program(tmp_path: Path) -> None:
    program = """
from rocketpy.testing import RocketMQ
rocketmq = RocketMQ()
rocketmq.start()
rocketmq.send("Order", "1")
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert list(tmp_path.iterdir()) == []
