"""The official mqadmin: commands that an operator uses first."""

from __future__ import annotations

import json
import re
import time
from operator import itemgetter

from interop.deliveries import cluster_name
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.scenario import scenario
from interop.stage import Stage


def _rows(printed: str) -> list[list[str]]:
    """The words of each line but the heading."""
    return [line.split() for line in printed.splitlines() if line.strip() and not line.startswith("#")]


@scenario("java")
def topic_is_created_and_routed(stage: Stage) -> None:
    """updateTopic for a cluster and for a broker, topicRoute, topicList."""
    topic = stage.unique("Admin")
    cluster = cluster_name(stage.cluster)
    printed = stage.mqadmin("updateTopic", "-c", cluster, "-t", topic, "-r", "3", "-w", "2")
    holds(f"it says so: {printed!r}", f"create topic to {stage.cluster.broker} success." in printed)
    holds("it prints the topic", f"topicName={topic}, readQueueNums=3, writeQueueNums=2, perm=RW-" in printed)
    becomes("topic in the list", lambda: topic in stage.mqadmin("topicList").split(), True)
    route = json.loads(re.sub(r"\{(\d+):", r'{"\1":', stage.mqadmin("topicRoute", "-t", topic)))
    masters = {broker["brokerName"]: broker["brokerAddrs"]["0"] for broker in route["brokerDatas"]}
    equal("masters", masters, stage.cluster.brokers)
    fields = {"perm": 6, "readQueueNums": 3, "writeQueueNums": 2, "topicSysFlag": 0}
    queues = sorted(route["queueDatas"], key=itemgetter("brokerName"))
    equal("queues", queues, [{"brokerName": name, **fields} for name in sorted(stage.cluster.brokers)])
    printed = stage.mqadmin("updateTopic", "-b", stage.cluster.broker, "-t", topic, "-r", "4", "-w", "4", "-p", "4")
    holds(f"it says so: {printed!r}", f"create topic to {stage.cluster.broker} success." in printed)


@scenario("java")
def cluster_is_listed(stage: Stage) -> None:
    """clusterList names the broker, its address and version."""
    rows = _rows(stage.mqadmin("clusterList"))
    cluster = cluster_name(stage.cluster)
    row = next(row for row in rows if row[:4] == [cluster, stage.cluster.broker_name, "0", stage.cluster.broker])
    holds(f"the version is one of 4.9: {row}", row[4].startswith("V4_9"))


@scenario("java")
def topic_status_counts_messages(stage: Stage) -> None:
    """topicStatus shows each queue's bounds."""
    topic = stage.topic(queues=2)
    stage.producer().send(*(Message(topic, b"m") for _ in range(5)))
    rows = _rows(stage.mqadmin("topicStatus", "-t", topic))
    equal("rows", [row[:3] for row in rows], [[stage.cluster.broker_name, str(n), "0"] for n in range(2)])
    equal("messages", sum(int(row[3]) for row in rows), 5)


@scenario("java")
def broker_status_is_shown(stage: Stage) -> None:
    """brokerStatus prints the run-time figures that dashboards read."""
    printed = stage.mqadmin("brokerStatus", "-b", stage.cluster.broker)
    figures = dict(re.findall(r"^(\w+)\s*: (.*)$", printed, re.MULTILINE))
    for name in ("bootTimestamp", "brokerVersionDesc", "commitLogMaxOffset", "putTps", "runtime", "getTotalTps"):
        holds(f"{name} is among {sorted(figures)}", name in figures)
    holds("it started in the past", int(figures["bootTimestamp"]) < time.time() * 1000)


@scenario("java")
def consumer_progress_shows_the_lag(stage: Stage) -> None:
    """consumerProgress of a group, and statsAll of its topic."""
    topic = stage.topic()
    producer = stage.producer()
    consumer = stage.consumer(topic)
    producer.send(*(Message(topic, b"m") for _ in range(3)))
    consumer.received(3)
    queue = Queue(topic, stage.cluster.broker_name, 0)
    stage.wait_noted(consumer.group, queue, 3)
    consumer.stop()
    stage.wait_committed(consumer.group, queue, 3)
    producer.send(*(Message(topic, b"m") for _ in range(2)))
    rows = _rows(stage.mqadmin("consumerProgress", "-g", consumer.group))
    row = next(row for row in rows if row[0] == topic)
    equal("broker offset, consumer offset", row[3:5], ["5", "3"])
    holds(f"the lag is among {row}", "2" in row[5:])
    rows = _rows(stage.mqadmin("statsAll", "-t", topic))
    equal("topic, group, lag", next(row for row in rows if row[0] == topic)[:3], [topic, consumer.group, "2"])
