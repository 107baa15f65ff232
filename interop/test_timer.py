"""Delivery at any time, which only our broker has: asked for by the official client, and handed to Java and back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.cluster import QUICK, Cluster, running_cluster, started_cluster
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.java_servers import JavaBroker, JavaNameServer
from interop.messages import Message, Queue, Stored
from interop.our_servers import OurBroker
from interop.server import BrokerProcess
from interop.stage import Stage
from interop.troupe import Troupe

ENABLED = {"timerWheelEnable": "true"}
TIMER = "rmq_sys_wheel_timer"
LATE_MS = 10_000
"""How late a message may be on a busy machine."""


@pytest.fixture(scope="module")
def enabled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started_cluster("ours", tmp_path_factory.mktemp("timer"), **QUICK, **ENABLED) as cluster:
        yield cluster


@pytest.fixture
def stage(enabled: Cluster, troupe: Troupe) -> Iterator[Stage]:
    with Stage(enabled, troupe.client("java")) as stage:
        yield stage


def expect_in_time(stored: Stored, due: int) -> None:
    """`stored` was put into its queue at `due` (ms), not earlier and not much later."""
    late = stored.store_timestamp - due
    holds(f"{stored.body!r} is stored when it is due, not {late} ms later", 0 <= late < LATE_MS)


def test_a_message_of_the_official_client_comes_when_it_is_due(stage: Stage) -> None:
    topic = stage.topic()
    consumer = stage.consumer(topic, expression="T")
    at = int(time.time() * 1000) + 1_234
    asked = [{"TIMER_DELAY_MS": "700"}, {"TIMER_DELAY_SEC": "2"}, {"TIMER_DELIVER_MS": str(at)}]
    messages = [Message(topic, f"{one} ü".encode(), tags="T", keys="k", properties=one, flag=3) for one in asked]
    sent = stage.producer().send(*messages)
    equal("where they wait", {one.queue_offset >= 0 for one in sent}, {True})
    received = {stored.body: stored for stored in consumer.received(3)}
    for message, one in zip(messages, sent, strict=True):
        stored = received[message.body]
        equal("id, flag", (stored.msg_id, stored.flag), (one.msg_id, 3))
        due = int(stored.properties["TIMER_OUT_MS"])
        expect_in_time(stored, due)
        delay = due - stored.born_timestamp
        name, value = next(iter(message.properties.items()))
        if name == "TIMER_DELIVER_MS":
            equal("when", due, at)
        else:
            least = int(value) * (1000 if name == "TIMER_DELAY_SEC" else 1)
            holds(f"it is due after {least} ms, not {delay}", least <= delay < least + LATE_MS)
    puller = stage.puller()
    equal("what is seen of the topic where they wait", puller.queues(TIMER), [Queue(TIMER, "broker-a", 0)])


def test_many_of_the_official_client_come_within_tens_of_ms(stage: Stage) -> None:
    topic = stage.topic()
    consumer = stage.consumer(topic)
    producer = stage.producer()
    at = int(time.time() * 1000) + 5_000
    producer.send(
        *(Message(topic, b"%d" % ms, properties={"TIMER_DELIVER_MS": str(at + ms)}) for ms in range(0, 3_000, 6))
    )
    received = sorted(consumer.received(500, timeout=60), key=lambda stored: stored.queue_offset)
    equal("order", [int(stored.body) for stored in received], list(range(0, 3_000, 6)))
    late = sorted(stored.store_timestamp - at - int(stored.body) for stored in received)
    holds(f"none comes too early ({late[0]} ms)", late[0] >= 0)
    print(f"late by {late[250]} ms in the middle, {late[-1]} ms at most")
    holds(f"they come soon: {late[250]} ms in the middle, {late[-1]} ms at most", late[-1] < LATE_MS)


def test_a_delay_that_is_too_long_is_refused(stage: Stage) -> None:
    topic = stage.topic()
    producer = stage.producer()
    for value in ("259201", "tomorrow"):
        with pytest.raises(DriverError) as error:
            producer.send(Message(topic, b"m", properties={"TIMER_DELAY_SEC": value}))
        equal("code", error.value.code, 13)
        holds("the remark says why", "bigger than the max delay 259200000ms" in error.value.text)


def test_java_leaves_alone_what_waits(tmp_path: Path, troupe: Troupe) -> None:
    """The directory goes to a Java broker, which serves all else, and back: what waited is delivered, once."""
    turns: list[tuple[type[BrokerProcess], dict[str, str]]] = [
        (OurBroker, ENABLED), (JavaBroker, {}), (OurBroker, ENABLED),
    ]  # fmt: skip
    topic = "Waiting"
    with JavaNameServer(tmp_path / "namesrv") as namesrv:
        for turn, (kind, settings) in enumerate(turns):
            broker = kind(tmp_path / f"broker-{turn}", namesrv.address, **settings)
            if turn:
                shutil.move(tmp_path / f"broker-{turn - 1}" / "store", broker.store)
            with broker, Stage(running_cluster(namesrv.address, broker), troupe.client("java")) as stage:
                queue = Queue(topic, "broker-a", 0)
                if turn == 0:
                    stage.producer().send(
                        Message(topic, b"delivered", properties={"TIMER_DELAY_MS": "100"}),
                        Message(topic, b"waits", properties={"TIMER_DELAY_SEC": "1"}),
                        queue=queue,
                    )
                    stage.wait_dispatched(queue, 2)
                    waits = Message(topic, b"later", properties={"TIMER_DELAY_SEC": "30"})
                    stage.producer().send(waits, queue=queue)
                elif turn == 1:
                    stage.producer().send(
                        Message(topic, b"from Java", properties={"TIMER_DELAY_SEC": "100"}), queue=queue
                    )
                    stage.wait_dispatched(queue, 3)
                    found = stage.puller().pull(queue, 0).messages
                    equal("seen in Java", [stored.body for stored in found], [b"delivered", b"waits", b"from Java"])
                    waiting = stage.puller().pull(Queue(TIMER, "broker-a", 0), 2).messages
                    equal("what waits can be read", [stored.body for stored in waiting], [b"later"])
                else:
                    stage.wait_dispatched(queue, 4)
                    bodies = [stored.body for stored in stage.puller().pull(queue, 0).messages]
                    equal("seen in the end", bodies, [b"delivered", b"waits", b"from Java", b"later"])
                broker.stop()
    becomes("files of the timer", lambda: (tmp_path / "broker-2" / "store" / "timerwheel").exists(), True)
