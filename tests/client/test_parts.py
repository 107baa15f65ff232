"""Parts of the client that need no broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocketpy.client.batches import split_batch
from rocketpy.client.consume_stats import ConsumeStats
from rocketpy.client.latency import Latency
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import with_namespace, without_namespace
from rocketpy.client.offset_stores import LocalOffsets
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.publish import Publish, publish_queues, subscribe_queues
from rocketpy.client.subscriptions import Sql92, subscription
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.route import BrokerData, MessageQueue, QueueData, TopicRouteData
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.message import Message
from rocketpy.protocol.record import Record

QUEUE = MessageQueue(topic="T", broker_name="b", queue_id=0)


def _received(queue_offset: int, body: bytes = b"xx") -> ReceivedMessage:
    record = Record("T", 0, body)
    record.queue_offset = queue_offset
    return ReceivedMessage(record, "b")


def _route(**perms: int) -> TopicRouteData:
    return TopicRouteData(
        queue_datas=[
            QueueData(broker_name=name, read_queue_nums=1, write_queue_nums=2, perm=perm)
            for name, perm in perms.items()
        ],
        broker_datas=[BrokerData(broker_name=name, broker_addrs={0: f"{name}:1"}) for name in perms],
    )


class TestProcessQueue:
    def test_offset_goes_on_as_far_as_nothing_is_missing(self) -> None:
        held = ProcessQueue(QUEUE)
        messages = [_received(number) for number in range(4)]
        assert held.put(messages)
        assert not held.put([]), "somebody consumes it already"
        assert (held.count, held.size, held.span) == (4, 8, 3)
        assert held.remove([messages[1], messages[2]]) == 0
        assert held.remove([messages[0]]) == 3
        assert held.remove([messages[3]]) == 4
        assert held.remove([messages[3]]) == -1
        assert (held.count, held.size, held.span) == (0, 0, 0)

    def test_what_is_taken_in_order_can_be_given_back(self) -> None:
        held = ProcessQueue(QUEUE)
        held.put([_received(number) for number in range(4)])
        taken = held.take(2)
        held.give_back(taken)
        assert [one.queue_offset for one in held.take(3)] == [0, 1, 2]
        held.rollback()
        assert [one.queue_offset for one in held.take(1)] == [0]
        assert held.commit() == 1
        assert (held.count, held.size) == (3, 6)
        assert held.commit() == -1
        held.take(9)
        assert held.info(0).transaction_msg_count == 3
        assert held.commit() == 4
        assert held.consuming
        assert held.take(1) == []
        assert not held.consuming


class TestLatency:
    def test_slow_brokers_are_left_alone(self) -> None:
        publish = Publish("T", _route(a=6, b=6))
        latency = Latency()
        latency.note("a", 600, now=0)
        assert {latency.next_queue(publish, 1).broker_name for _ in range(4)} == {"b"}
        assert {latency.next_queue(publish, 30_000).broker_name for _ in range(4)} == {"a", "b"}
        latency.note("b", 5, now=0, failed=True)
        assert not latency.is_available("b", 599_999)
        assert latency.is_available("b", 600_000)

    def test_when_all_are_bad_the_better_half_is_asked(self) -> None:
        publish = Publish("T", _route(a=6, b=6))
        latency = Latency()
        latency.note("a", 20_000, now=0)
        latency.note("b", 3_500, now=0)
        assert {latency.next_queue(publish, 1).broker_name for _ in range(4)} == {"b"}


class TestRoutes:
    def test_queues_to_write_and_to_read(self) -> None:
        route = _route(b=6, a=2, c=4)
        assert [(one.broker_name, one.queue_id) for one in publish_queues("T", route)] == [
            ("a", 0), ("a", 1), ("b", 0), ("b", 1),
        ]  # fmt: skip
        assert [(one.broker_name, one.queue_id) for one in subscribe_queues("T", route)] == [("b", 0), ("c", 0)]
        route.broker_datas[0].broker_addrs = {1: "slave:1"}
        assert {one.broker_name for one in publish_queues("T", route)} == {"a"}
        route.order_topic_conf = "z:1;y:2"
        assert [(one.broker_name, one.queue_id) for one in publish_queues("T", route)] == [
            ("z", 0), ("y", 0), ("y", 1),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("Topic", "NS%Topic"),
        ("%RETRY%g", "%RETRY%NS%g"),
        ("%DLQ%g", "%DLQ%NS%g"),
        ("TBW102", "TBW102"),
        ("CID_RMQ_SYS_X", "CID_RMQ_SYS_X"),
        ("rmq_sys_x", "rmq_sys_x"),
        ("", ""),
    ],
)
def test_namespaces(outside: str, inside: str) -> None:
    assert with_namespace("NS", outside) == inside
    assert with_namespace("NS", inside) == inside
    assert without_namespace("NS", inside) == outside
    assert without_namespace("Other", inside) == inside
    assert with_namespace(None, outside) == outside


def test_subscriptions_are_javas() -> None:
    data = subscription("T", "b || a||b")
    assert (data.sub_string, data.tags_set) == ("b || a||b", ["b", "a"])
    assert data.code_set == [string_hash("b"), string_hash("a")]
    assert subscription("T", "").sub_string == "*"
    sql = subscription("T", Sql92("a > 5"))
    assert (sql.sub_string, sql.expression_type, sql.tags_set) == ("a > 5", "SQL92", [])


def test_stats_are_of_the_last_minute_and_hour() -> None:
    stats = ConsumeStats()
    stats.sample(0)
    for second in range(0, 130, 10):
        stats.pulled("T", 4, 10)
        stats.consumed("T", 8, ok=9, failed=1)
        stats.sample(1e9 + second)
    status = stats.status("T")
    assert (status.pull_rt, status.consume_rt) == (4.0, 8.0)
    assert (status.pull_tps, status.consume_ok_tps, status.consume_failed_tps) == (1.0, 0.9, 0.1)
    assert status.consume_failed_msgs == 13
    assert stats.status("Other").pull_tps == 0


def test_batches_are_split_in_order() -> None:
    messages = [Message("T", bytes(size)) for size in (100, 100, 5000, 100)]
    assert [[len(one.body) for one in batch] for batch in split_batch(messages, 450)] == [[100, 100], [5000], [100]]


def test_local_offsets_are_javas_file(tmp_path: Path) -> None:
    store = LocalOffsets("10.0.0.1@DEFAULT", "g", str(tmp_path))
    path = tmp_path / "10.0.0.1@DEFAULT" / "g" / "offsets.json"
    assert str(path) == store.path
    path.parent.mkdir(parents=True)
    path.write_text('{\n\t"offsetTable":{{\n\t\t\t"brokerName":"b",\n\t\t\t"queueId":0,\n\t\t\t"topic":"T"\n\t\t}:7\n\t}\n}')
    store.load()
    assert store.known(QUEUE) == 7
    store.update(QUEUE, 5, increase_only=True)
    assert store.known(QUEUE) == 7
    other = MessageQueue(topic="T", broker_name="b", queue_id=1)
    store.update(other, 3)
    store.persist([other])
    assert LocalOffsets("10.0.0.1@DEFAULT", "g", str(tmp_path)).read(QUEUE) == 7
    assert LocalOffsets("10.0.0.1@DEFAULT", "g", str(tmp_path)).read(other) == 3
    path.write_text("{")
    path.with_name("offsets.json.bak").unlink()
    with pytest.raises(ConfigError, match=r"offsets\.json"):
        store.load()
