"""Servers inside a test, whose clock is moved and which misbehave on purpose, as the official clients see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from interop.cluster import Cluster, running_cluster
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message
from interop.scenarios.retrying import dead_letters
from interop.stage import Stage
from interop.troupe import Troupe
from rocketpy.standalone import Standalone
from rocketpy.testing.clock import MovableClock, ServerClock
from rocketpy.testing.fault_table import FaultTable
from rocketpy.testing.faults import Faults

HOUR = 3600
TWO_HOURS_MS = 7_200_000


@dataclass
class Playground:
    """The servers, and what moves and disturbs them."""

    servers: Standalone
    cluster: Cluster
    clock: ServerClock
    faults: Faults

    def stored(self, topic: str) -> int:
        """How many messages were ever stored in a topic."""
        store = self.servers.broker.store
        return sum(self.servers.call(store.max_offset, topic, queue_id) for queue_id in range(18))


@pytest.fixture(scope="module")
def playground() -> Iterator[Playground]:
    clock = MovableClock()
    servers = Standalone.on_free_ports(clock=clock, peer_clock=clock.of_peers)
    table = FaultTable(servers)
    with servers:
        faults = Faults(lambda verb, arguments: servers.call(table.obey, verb, arguments))
        yield Playground(servers, running_cluster(servers.namesrv.address), ServerClock(clock, servers), faults)


@pytest.fixture(params=("java", "go"))
def stage(request: pytest.FixtureRequest, playground: Playground, troupe: Troupe) -> Iterator[Stage]:
    with Stage(playground.cluster, troupe.client(request.param)) as stage:
        yield stage


def test_delayed_message_comes_and_its_consumer_is_still_there(playground: Playground, stage: Stage) -> None:
    topic = stage.topic()
    consumer, producer = stage.consumer(topic), stage.producer()
    producer.send(Message(topic, b"now"), Message(topic, b"in two hours", delay_level=18))
    equal("bodies", [one.body for one in consumer.received(1)], [b"now"])
    playground.clock.advance(2 * HOUR + 1)
    late = consumer.received(2)[1]
    equal("body", late.body, b"in two hours")
    holds("stored when it was due", late.store_timestamp - late.born_timestamp >= TWO_HOURS_MS)
    playground.clock.advance(24 * HOUR)
    producer.send(Message(topic, b"next day"))
    equal("bodies", [one.body for one in consumer.received(3)], [b"now", b"in two hours", b"next day"])


def test_message_is_retried_as_fast_as_the_clock_is_moved(playground: Playground, stage: Stage) -> None:
    topic, retries = stage.topic(), 4
    consumer = stage.consumer(topic, group=stage.group(), max_reconsume_times=retries)
    before = playground.stored("SCHEDULE_TOPIC_XXXX")
    stage.producer().send(Message(topic, b"bitter", properties={"fail": "99"}))
    for tries in range(retries):
        equal("tries", [one.reconsume_times for one in consumer.received(tries + 1)], list(range(tries + 1)))
        becomes("sent back", lambda: playground.stored("SCHEDULE_TOPIC_XXXX"), before + tries + 1)
        playground.clock.advance(HOUR)
    consumer.received(retries + 1)
    equal("dead letters", [one.body for one in dead_letters(stage, consumer.group, 1)], [b"bitter"])


def test_producer_meets_faults(playground: Playground, stage: Stage) -> None:
    topic, faults = stage.topic(), playground.faults
    producer = stage.producer()
    with faults.fail("SEND_MESSAGE", topic=topic, times=2) as fault:
        producer.send(Message(topic, b"third time lucky"))
    equal("tries", fault.hits, 3 - 1)
    with faults.answer("FLUSH_SLAVE_TIMEOUT", topic=topic):
        (sent,) = producer.send(Message(topic, b"not so safe"))
    equal("status", sent.status, "FLUSH_SLAVE_TIMEOUT")
    with faults.busy(topic=topic), pytest.raises(DriverError, match=r"TIMEOUT_CLEAN_QUEUE.broker busy"):
        producer.send(Message(topic, b"refused"))
    if stage.client.name == "go":  # Java's waits for its time-out when a connection is gone
        with faults.break_connection(topic=topic, when="after", times=1):
            producer.send(Message(topic, b"twice"))
    else:
        producer.send(Message(topic, b"twice"), Message(topic, b"twice"))
    stored = sorted(one.body for one in stage.consumer(topic).received(4))
    equal("stored", stored, [b"not so safe", b"third time lucky", b"twice", b"twice"])
