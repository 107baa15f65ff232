"""`python -m rocketpy.testing`: what test suites in other languages start, and talk to in lines of JSON."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rocketpy.errors import ConfigError
from rocketpy.testing import RocketMQ
from rocketpy.testing.commands import COMMANDS, obey
from rocketpy.testing.words import settings_of, topics_of

COMMAND = [sys.executable, "-m", "rocketpy.testing"]


@pytest.fixture(scope="module")
def rocketmq() -> Iterator[RocketMQ]:
    with RocketMQ(topics=["Order"]) as running:
        yield running


def told(rocketmq: RocketMQ, command: str, **arguments: object) -> Any:
    answer = json.loads(obey(rocketmq, json.dumps({"command": command, **arguments})))
    return answer.get("result", answer)


def test_every_command_is_there(rocketmq: RocketMQ) -> None:
    for name in COMMANDS:
        assert "error" in told(rocketmq, name, no_such=1), name


def test_topics_and_groups_are_made(rocketmq: RocketMQ) -> None:
    assert told(rocketmq, "create_topic", name="Payment", queues=2) == "Payment"
    assert told(rocketmq, "create_group", name="billing", retry_max_times=3) == "billing"
    assert {"Order", "Payment", "%RETRY%billing"} <= set(told(rocketmq, "topics"))
    (first, _) = told(rocketmq, "progress", group="billing", topic="Payment")
    assert first["queue"]["queueId"] == first["lag"] == first["consumed"] == 0


def test_messages_are_objects(rocketmq: RocketMQ) -> None:
    rocketmq.send("Order", "Grüße", b"\xff", tags="new")
    text, raw = told(rocketmq, "wait_for_messages", topic="Order", count=2, timeout=5)
    assert (text["topic"], text["body"], text["tags"], text["keys"]) == ("Order", "Grüße", "new", None)
    assert text["properties"]["TAGS"] == "new"
    assert raw["body"] is None
    assert base64.b64decode(raw["bodyBase64"]) == b"\xff"


def test_time_moves(rocketmq: RocketMQ) -> None:
    before = told(rocketmq, "clock.now")
    assert told(rocketmq, "clock.advance", seconds=3600) is None
    assert told(rocketmq, "clock.now") - before >= 3_600_000
    told(rocketmq, "clock.freeze")
    frozen = told(rocketmq, "clock.now")
    time.sleep(0.002)
    assert told(rocketmq, "clock.now") == frozen
    told(rocketmq, "clock.unfreeze")


def test_faults_are_numbers(rocketmq: RocketMQ) -> None:
    fault = told(rocketmq, "faults.busy", topic="Order", times=1)
    assert told(rocketmq, "fault", verb="hits", arguments={"number": fault}) == 0
    assert told(rocketmq, "fault", verb="lift", arguments={"number": fault}) == 0
    assert told(rocketmq, "faults.close_connections", peer="127.0.0.1:1") == 0


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("so what", "a command is a JSON object in one line: Expecting value"),
        ("[1]", "there is no command None; there are stop, clock.advance, "),
        ('{"command": "stop_it"}', "there is no command 'stop_it'; there are stop, clock.advance, "),
        ('{"command": "__class__"}', "there is no command '__class__'"),
        ('{"command": "messages"}', "messages: missing a required argument: 'topic'"),
        ('{"command": "messages", "topic": "Ordr"}', "there is no topic Ordr; there are "),
        ('{"command": "messages", "topic": "Order", "x": 1}', "messages: got an unexpected keyword argument 'x'"),
        ('{"command": "clock.advance", "seconds": -1}', "time goes on by 0 s or more, not by -1"),
        ('{"command": "wait_for_messages", "topic": "Nothing", "timeout": 0}', "after 0 s: there is no topic Nothing"),
    ],
)
def test_what_makes_no_sense_is_said_so(rocketmq: RocketMQ, line: str, complaint: str) -> None:
    assert json.loads(obey(rocketmq, line))["error"].startswith(complaint)


# ---------------------------------------------------------------- the process


def started(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_it_answers_line_by_line_and_ends_with_its_stdin() -> None:
    with started("--topic=Order:1", "--group", "shipping", "--set", "brokerName=b-7") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        assert addresses["pid"] == process.pid
        with RocketMQ.at(addresses["namesrv"]) as rocketmq:
            assert rocketmq.broker_address == addresses["broker"]
            rocketmq.send("Order", "1")
        for command in ({"command": "messages", "topic": "Order"}, {"command": "lag", "group": "x", "topic": "Order"}):
            process.stdin.write(json.dumps(command) + "\n\n")   # empty lines are none
            process.stdin.flush()
        (message,) = json.loads(process.stdout.readline())["result"]
        assert message["body"] == "1"
        assert json.loads(process.stdout.readline()) == {"result": 1}
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_it_ends_when_it_is_told_to() -> None:
    with started() as process:
        assert process.stdin is not None
        process.stdin.write('{"command": "stop"}\n')
        process.stdin.flush()
        assert process.wait(60) == 0
        assert process.stdout is not None
        assert process.stdout.readlines()[1:] == ['{"result": null}\n']


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--set", "brokerNam=x"], "brokerNam is no key of broker.conf; mqbroker -p prints those that there are"),
        (["--topic", "rmq_sys_mine"], "The topic[rmq_sys_mine] is conflict with system topic."),
    ],
)
def test_what_cannot_be_started_is_one_line_each_for_man_and_machine(options: list[str], complaint: str) -> None:
    with started(*options) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complaint in json.loads(out)["error"]
    assert len(err.splitlines()) == 1
    assert complaint in err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (lambda: topics_of(["Order:many"]), "'Order:many' is not a topic: write NAME or NAME:QUEUES"),
        (lambda: topics_of([":8"]), "':8' is not a topic"),
        (lambda: topics_of(["Order:0"]), "'Order:0' is not a topic"),
        (lambda: settings_of(["brokerName"]), "'brokerName' is not a setting: write KEY=VALUE"),
        (lambda: settings_of(["=x"]), "'=x' is not a setting"),
    ],
)
def test_words_that_say_nothing_are_refused(words: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        words()


def test_words_are_topics_and_settings() -> None:
    assert topics_of(["Order:8", "Payment"]) == {"Order": 8, "Payment": 4}
    assert settings_of(["a=b=c", " d = "]) == {"a": "b=c", "d": ""}


def test_a_signal_ends_it_and_its_store_is_gone(tmp_path: Path) -> None:
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(tmp_path.iterdir())
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert err == b""
    assert not list(tmp_path.iterdir())
