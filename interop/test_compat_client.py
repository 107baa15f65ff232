"""A program written for the C++ binding runs with our stand-in as with the binding, at Java's broker and at ours; and
the binding itself, where pip has one for this machine, finds nothing missing in our broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import binding
from interop.binding import BINDING, STAND_IN
from interop.cluster import Cluster
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.python_driver import PythonDriver
from interop.stage import Puller, Stage

pytestmark = pytest.mark.parametrize("cluster", ["java", "ours"], indirect=True)

PACKAGES = pytest.mark.parametrize("package", [STAND_IN, BINDING])

OF_EACH = ["sync 0", "sync 1", "sync 2", "oneway", "thread 0", "thread 1", "thread 2", "thread 3"]
OF_SOME = {"async": ["async"], "orderly": ["orderly 0", "orderly 1"], "sharded": ["sharded 0", "sharded 1"]}
"""Bodies that the program sends with each package, and in ways that not every one has."""
SENT = [0, "SendStatus", "str", "int"]

Run = Callable[..., Any]


@pytest.fixture
def stage(cluster: Cluster, tmp_path: Path) -> Iterator[Stage]:
    with Stage(cluster, PythonDriver("python", tmp_path, "JSON")) as stage:
        yield stage


@pytest.fixture
def run(package: str, stage: Stage, tmp_path: Path) -> Run:
    """Has the program do something with the package."""
    binding.wanted(package)

    def run(verb: str, **request: Any) -> Any:
        return binding.run(package, tmp_path, verb, stage.cluster.namesrv, **request)

    return run


def _stored(stage: Stage, puller: Puller, topic: str, queues: int = 4) -> list[dict[str, Any]]:
    """What the program should show of each message of a topic."""
    return [
        {
            "topic": topic, "body": one.body.decode(), "text": one.body.decode(), "tags": one.properties["TAGS"],
            "keys": one.properties["KEYS"], "property": "ça", "missing": "", "id": "str", "times": 0,
            "queue_id": one.queue_id, "queue_offset": one.queue_offset,
        }
        for number in range(queues)
        for one in puller.pull(Queue(topic, stage.cluster.broker_name, number), 0, count=100).messages
    ]  # fmt: skip


def _arrived(stage: Stage, puller: Puller, topic: str, outcomes: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a topic, once everything is there that the program sent."""
    bodies = OF_EACH + [body for name, each in OF_SOME.items() if name in outcomes for body in each]
    becomes("messages", lambda: {one["body"] for one in _stored(stage, puller, topic)}, set(bodies))
    return _stored(stage, puller, topic)


def _by_place(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(messages, key=lambda one: (one["queue_id"], one["queue_offset"]))


@PACKAGES
def test_messages_are_sent_and_pushed(run: Run, stage: Stage, package: str) -> None:
    topic, puller = stage.topic(queues=4), stage.puller()
    outcomes = run("produce", topic=topic, group=stage.unique("producer"))
    equal("empty", outcomes.pop("empty"), ["ProducerSendSyncFailed", "ProducerException"])
    equal("large", outcomes.pop("large"), ["ProducerSendSyncFailed", "ProducerException"])
    holds("every send succeeded", all(one == SENT for each in outcomes.values() for one in each))
    stored = _arrived(stage, puller, topic, outcomes)
    if package == STAND_IN:  # while the binding, when it is in doubt, sends once more
        equal("number of messages", len(stored), len({one["body"] for one in stored}))
    queue_of = {one["body"]: one["queue_id"] for one in stored}
    for name, number in (("orderly", 2), ("sharded", 0)):
        if name in outcomes:  # where librocketmq sends them
            equal(f"queues of what is {name}", {queue_of[body] for body in OF_SOME[name]}, {number})
    consume = {"topic": topic, "count": len(stored), "expression": "*", "orderly": False}
    equal("pushed", _by_place(run("consume", group=stage.group(), **consume)), _by_place(stored))
    of_tags = _by_place([one for one in stored if one["tags"] in ("sync", "thread")])
    consume = {"topic": topic, "count": len(of_tags), "expression": "sync || thread", "orderly": True}
    equal("pushed in order", _by_place(run("consume", group=stage.group(), **consume)), of_tags)


@PACKAGES
def test_messages_are_pulled(run: Run, stage: Stage) -> None:
    topic, puller = stage.topic(queues=4), stage.puller()
    outcomes = run("produce", topic=topic, group=stage.unique("producer"))
    stored = _arrived(stage, puller, topic, outcomes)
    equal("pulled", run("pull", topic=topic, group=stage.unique("group")), stored)


@pytest.mark.parametrize("package", [STAND_IN])
def test_message_put_off_comes_again(run: Run, stage: Stage) -> None:
    topic = stage.topic()
    stage.producer().send(Message(topic, b"later"))
    first, second = run("consume_later", topic=topic, group=stage.group())
    equal("times", (first["times"], second["times"]), (0, 1))


@pytest.mark.parametrize("package", [STAND_IN])
def test_transactions_end_as_they_are_told(run: Run, stage: Stage) -> None:
    topic = stage.topic()
    outcome = run("transact", topic=topic, group=stage.unique("producer"), consumer_group=stage.group())
    equal("sent", outcome["sent"], [SENT] * 3)
    equal("local", outcome["local"], [[topic, body, None] for body in ("COMMIT", "ROLLBACK", "UNKNOWN")])
    # once more if the broker asks again before it is told
    equal("checked", {(one["topic"], one["body"]) for one in outcome["checked"]}, {(topic, "UNKNOWN")})
    equal("delivered", [one["body"] for one in outcome["delivered"]], ["COMMIT", "UNKNOWN"])
