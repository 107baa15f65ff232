"""Our broker, killed at random moments: nothing that was answered is lost, nothing is there twice, it starts again.

And killed between half messages and their ends: what was committed comes at least once, the rest never.

`ROCKETPY_KILLS=200 pytest -s interop/test_kills.py` is the full count; without it there are a few.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from interop.cluster import QUICK, started_cluster
from interop.driver import DriverError
from interop.expect import becomes, equal
from interop.kill_history import KILLS, SENDERS, SMALL_FILES, TOPIC, History
from interop.messages import Message
from interop.our_servers import OurBroker, OurNameServer
from interop.raw_client import RawClient
from interop.scenarios.transacting import COMMIT, ROLLBACK, TransactionProducer
from interop.stage import Stage
from interop.troupe import Troupe

SMALL = {
    **SMALL_FILES,
    "flushIntervalConsumeQueue": "100",
    "flushConsumeQueueThoroughInterval": "300",
    "flushIntervalCommitLog": "50",
    "flushCommitLogThoroughInterval": "200",
}
SETTINGS = {**QUICK, "transactionCheckMax": "1000000"}


@pytest.fixture
def stage(tmp_path: Path, troupe: Troupe) -> Iterator[Stage]:
    with started_cluster("ours", tmp_path, **SETTINGS) as cluster, Stage(cluster, troupe.client("java")) as stage:
        yield stage


def _are_more_than(answered: Sized, count: int) -> bool:
    return len(answered) > count


def _send_until(
    stop: Event, producer: TransactionProducer, topic: str, seed: int, answered: dict[bytes, str]
) -> None:
    """Send one half message after the other; `answered` gets those whose send was, and how they are to end."""
    random_ = random.Random(seed)
    number = 0
    while not stop.is_set():
        number += 1
        state = random_.choice((COMMIT, ROLLBACK))
        body = f"{seed} {number} {state} ü".encode()
        properties = {"answer": state, "end": random_.choice((state, "UNKNOW"))}
        try:
            producer.send(Message(topic, body, properties=properties))
        except DriverError:
            stop.wait(0.1)
        else:
            answered[body] = state


def test_kills_lose_no_commit_and_reveal_no_roll_back(stage: Stage) -> None:
    broker = stage.cluster.broker_process
    assert broker is not None
    topic = stage.topic()
    producer = TransactionProducer(stage)
    answered: dict[bytes, str] = {}
    with ThreadPoolExecutor(1) as pool:
        for kill in range(KILLS):
            stop = Event()
            some = partial(_are_more_than, answered, len(answered) + 2)
            sending = pool.submit(_send_until, stop, producer, topic, kill, answered)
            becomes("messages answered between two kills", some, True)
            time.sleep(random.Random(kill).random() / 2)  # a kill at any moment is what is being tried
            broker.kill()
            stop.set()
            broker.start()
            sending.result()
    consumer = stage.consumer(topic)
    wanted = {body for body, state in answered.items() if state == COMMIT}

    def missing() -> set[bytes]:
        return wanted - {stored.body for stored in consumer.received(0)}

    becomes("committed messages that did not come", missing, set())
    revealed = [stored.body for stored in consumer.received(0) if ROLLBACK.encode() in stored.body]
    equal("messages rolled back that came", revealed, [])
    producer.stop()


@pytest.mark.parametrize("flush", ["SYNC_FLUSH", "ASYNC_FLUSH"])
def test_kills_lose_nothing_that_was_answered(tmp_path: Path, flush: str) -> None:
    history = History(seed=0)
    rng = random.Random(flush)
    began = time.monotonic()
    starting = 0
    with (
        OurNameServer(tmp_path / "namesrv") as namesrv,
        OurBroker(tmp_path / "broker", namesrv.address, flushDiskType=flush, **SMALL) as broker,
    ):
        for _ in range(KILLS):
            stop = Event()
            some = partial(_are_more_than, history.answered, len(history.answered) + 2)
            senders = history.send_until(broker.address, stop)
            becomes("messages answered between two kills", some, True)
            time.sleep(rng.random() / 4)
            broker.kill()
            stop.set()
            for sender in senders:
                sender.join()
            if rng.random() < 0.2:  # once more, while it is coming back
                starting += 1
                broker.launch()
                time.sleep(rng.random() / 2)
                broker.kill()
            broker.start()
            with RawClient(broker.address) as client:
                history.check_new(client)
        with RawClient(broker.address) as client:
            history.check_all(client)
    print(
        f"{flush}: {KILLS} kills under load and {starting} while starting in {time.monotonic() - began:.0f} s, "
        f"{len(history.answered)} messages answered and none lost, {len(history.unanswered)} unanswered of which "
        f"{len(history.unanswered & history.found)} are there, {SENDERS} senders to {TOPIC}"
    )
