"""A broker for tests of applications in Java and Go: their consumers are waited for, looked into and made to retry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import artifacts
from interop.cluster import Cluster, running_cluster
from interop.messages import Message
from interop.stage import Stage
from interop.troupe import Troupe
from rocketpy.client import ConsumeStatus, PushConsumer
from rocketpy.testing import RocketMQ
from tests.readme import program

PATIENCE = 60.0
SECTION = "In a test suite"


def run(directory: Path, *command: str) -> str:
    """What a program prints whose python3 is this one."""
    python = directory / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    root = str(Path(__file__).parents[1])
    path = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": root}
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=300, check=False, env=os.environ | path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_go_test_of_readme_passes(tmp_path: Path) -> None:
    (tmp_path / "orders_test.go").write_text(program("go", SECTION))
    for name in ("go.mod", "go.sum"):
        shutil.copy(Path(__file__).parent / "go" / name, tmp_path)
    assert run(tmp_path, artifacts.go(), "test", ".").startswith("ok")


def test_the_java_program_of_readme_prints_what_came_after_two_hours(tmp_path: Path) -> None:
    (tmp_path / "OrdersTest.java").write_text(program("java", SECTION))
    home = f"-Duser.home={tmp_path}"
    printed = run(tmp_path, artifacts.java(), home, "-cp", artifacts.classpath("client"), "OrdersTest.java")
    (message,) = json.loads(printed.splitlines()[-1])["result"]
    assert (message["topic"], message["body"]) == ("Reminder", "rate us")


@pytest.fixture(scope="module")
def rocketmq() -> Iterator[RocketMQ]:
    with RocketMQ() as running:
        yield running


@pytest.mark.parametrize("name", ["java", "go"])
def test_official_consumer_is_waited_for_and_made_to_try_again(
    rocketmq: RocketMQ, troupe: Troupe, name: str
) -> None:
    """What it has consumed is known before it tells the broker, which it does each 5 s."""
    topic, group = rocketmq.create_topic(queues=1), rocketmq.create_group()
    with Stage(running_cluster(rocketmq.namesrv_address), troupe.client(name)) as stage:
        consumer = stage.consumer(topic, group=group)
        stage.producer().send(Message(topic, b"good"), Message(topic, b"bad", properties={"fail": "2"}))
        rocketmq.wait_until_consumed(group, topic, PATIENCE)
        assert len(rocketmq.consumers(group)) == 1
        for tries, delay in ((1, 10), (2, 30)):
            (waiting,) = rocketmq.wait_for_retries(group, timeout=PATIENCE)
            assert (waiting.topic, waiting.body, waiting.reconsume_times) == (topic, b"bad", tries)
            rocketmq.clock.advance(delay)
        received = consumer.received(4)
        assert sorted(one.reconsume_times for one in received) == [0, 0, 1, 2]
    assert rocketmq.dead_letters(group) == []


@pytest.mark.parametrize("cluster", ["java"], indirect=True)
def test_java_broker_is_looked_into(cluster: Cluster) -> None:
    def listener(messages: object, context: object) -> ConsumeStatus:
        return ConsumeStatus.RECONSUME_LATER

    with RocketMQ.at(cluster.namesrv) as rocketmq:
        topic, group = rocketmq.create_topic(queues=2), rocketmq.create_group()
        rocketmq.send(topic, "in two hours", delay_level=18)
        rocketmq.send(topic, "1", "2")
        assert [one.body for one in rocketmq.wait_for_messages(topic, 2, PATIENCE)] == [b"1", b"2"]
        assert [(one.topic, one.body) for one in rocketmq.delayed(topic)] == [(topic, b"in two hours")]
        assert rocketmq.lag(group, topic) == 2
        with PushConsumer(group, listener, {topic: "*"}, namesrv=cluster.namesrv, max_reconsume_times=0):
            rocketmq.wait_until_consumed(group, topic, PATIENCE)
            assert len(rocketmq.wait_for_dead_letters(group, 2, PATIENCE)) == 2
        assert topic in rocketmq.topics()
