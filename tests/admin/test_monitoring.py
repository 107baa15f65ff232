"""startMonitoring: what is written of groups that are behind, and of offsets that were moved."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.admin.client import AdminClient
from rocketpy.admin.commands import monitoring
from rocketpy.admin.startup import main
from rocketpy.client import Message, Producer, PullConsumer, PushConsumer
from rocketpy.standalone import Standalone


class Stop(Exception):
    """Ends the command that runs for ever."""


@pytest.fixture
def group(cluster: Standalone) -> Iterator[str]:
    """A group that has consumed two messages of its topic."""
    namesrv = cluster.namesrv.address
    consumed = threading.Semaphore(0)
    with (
        Producer("monitored-producer", namesrv=namesrv) as producer,
        PushConsumer(
            "monitored", lambda messages, context: consumed.release(), namesrv=namesrv, persist_offset_interval=0.05
        ) as consumer,
    ):
        producer.create_topic("Monitored", 1)
        consumer.subscribe("Monitored")
        producer.send(Message("Monitored", b"1"))
        producer.send(Message("Monitored", b"2"))
        assert consumed.acquire(timeout=20)
        assert consumed.acquire(timeout=20)
        yield "monitored"


def test_round_tells_what_is_undone(cluster: Standalone, group: str) -> None:
    admin = AdminClient(cluster.namesrv.address)
    deadline = time.monotonic() + 20
    lines: list[str] = []
    while not any("undoneMsgsTotal=0" in line for line in lines) and time.monotonic() < deadline:
        lines.clear()
        monitoring.monitor(admin, lines.append)
    admin.close()
    assert re.fullmatch(r"\[MONITOR\] =+beginRound", lines[0])
    assert re.fullmatch(r"\[MONITOR\] =+endRound", lines[-1])
    assert (
        "[MONITOR] reportUndoneMsgs: UndoneMsgs [consumerGroup=monitored, topic=Monitored, undoneMsgsTotal=0, "
        "undoneMsgsSingleMQ=0, undoneMsgsDelayTimeMills=0]"
    ) in lines


def test_command_writes_javas_log(
    cluster: Standalone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "logs/rocketmqlogs/rocketmq_client.log"
    with PullConsumer("late", namesrv=cluster.namesrv.address) as consumer:
        consumer.create_topic("Moved", 1)
        (queue,) = consumer.subscribe_queues("Moved")
        assert consumer.pull(queue, 5).status == "OFFSET_ILLEGAL"
    deadline = time.monotonic() + 20

    def watch(admin: AdminClient, log: monitoring.Log) -> None:
        log("round")
        if "offsetNew=0]" in path.read_text() or time.monotonic() > deadline:
            raise Stop

    monkeypatch.setattr(monitoring, "user_home", lambda: str(tmp_path))
    monkeypatch.setattr(monitoring, "monitor", watch)
    monkeypatch.setattr(monitoring, "_FIRST_SECONDS", 0.0)
    monkeypatch.setattr(monitoring, "_ROUND_SECONDS", 0.02)
    with pytest.raises(Stop):
        main(["startMonitoring", "-n", cluster.namesrv.address])
    lines = path.read_bytes().decode().split("\r\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO RocketmqClient - round", lines[0])
    assert any(
        "offsetMovedEvent=OffsetMovedEvent [consumerGroup=late, messageQueue=MessageQueue [topic=Moved, "
        f"brokerName={queue.broker_name}, queueId=0], offsetRequest=5, offsetNew=0], eventTimestamp=" in line
        for line in lines
    )
    assert capsys.readouterr().out == ""


def test_log_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file")
    monkeypatch.setattr(monitoring, "user_home", lambda: str(tmp_path))
    assert main(["startMonitoring", "-n", "127.0.0.1:1"]) == 0
    assert "Caused by: java.io.FileNotFoundException: " in capsys.readouterr().err
