"""Trace records as Java's client writes them, read back from the brokers' topic."""

from __future__ import annotations

from rocketpy.client import (
    ConsumeFromWhere,
    ConsumeStatus,
    LitePullConsumer,
    LocalTransactionState,
    Message,
    PushConsumer,
    TransactionListener,
)
from tests.client.cluster import Cluster, wait_until


def _records(cluster: Cluster, topic: str) -> list[list[str]]:
    with cluster.puller() as puller:
        found = puller.pull(cluster.queue(topic), 0).messages
    return [record.split("\x01") for one in found for record in one.body.decode().split("\x02") if record]


def test_sends_and_consumptions_are_traced(cluster: Cluster) -> None:
    topic, traces, group = cluster.topic(), cluster.topic(), cluster.unique("group")

    def listener(messages: object, context: object) -> ConsumeStatus:
        return ConsumeStatus.RECONSUME_LATER

    with cluster.producer(trace=traces) as producer:
        result = producer.send(Message(topic, b"body", tags="t", keys="k1 k2"))
    where = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
    options = {"namesrv": cluster.namesrv, "consume_from": where, "trace": traces}
    with PushConsumer(group, listener, {topic: "*"}, **options):  # type: ignore[arg-type]
        wait_until(lambda: len(_records(cluster, traces)) >= 3)
    pub, before, after, *_ = _records(cluster, traces)  # what follows is of its next try
    assert [pub[0], *pub[2:10]] == [
        "Pub", "DefaultRegion", producer.group, topic, result.msg_id, "t", "k1 k2", cluster.broker, "4",
    ]  # fmt: skip
    assert pub[11:] == ["0", result.offset_msg_id, "true"]
    assert [before[0], *before[2:4], *before[5:]] == ["SubBefore", "null", group, result.msg_id, "0", "k1 k2"]
    assert [after[0], after[1], after[2], *after[4:7], after[8]] == [
        "SubAfter", before[4], result.msg_id, "false", "k1 k2", "4", group,
    ]  # fmt: skip
    with cluster.puller() as puller:
        (first, *_) = puller.pull(cluster.queue(traces), 0).messages
    assert (first.keys or "").split() == [result.msg_id, "k1", "k2"]


def test_pulls_of_a_lite_consumer_are_traced(cluster: Cluster) -> None:
    topic, traces, group = cluster.topic(), cluster.topic(), cluster.unique("group")
    (sent,) = cluster.send(topic, b"body", keys="k")
    where = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
    with LitePullConsumer(group, {topic: "*"}, namesrv=cluster.namesrv, consume_from=where, trace=traces) as consumer:
        wait_until(lambda: consumer.poll(0.1))
    before, after = _records(cluster, traces)
    assert [before[0], *before[2:4], *before[5:]] == ["SubBefore", "null", group, sent.msg_id, "0", "k"]
    assert [after[0], after[1], after[2], *after[4:7], after[8]] == [
        "SubAfter", before[4], sent.msg_id, "true", "k", "0", group,
    ]  # fmt: skip


def test_ends_of_transactions_are_traced(cluster: Cluster) -> None:
    topic, traces = cluster.topic(), cluster.topic()
    commit = LocalTransactionState.COMMIT_MESSAGE
    listener = TransactionListener(lambda message, arg: commit, lambda message: commit)
    with cluster.producer(trace=traces, transaction_listener=listener) as producer:
        result = producer.send_in_transaction(Message(topic, b"x"))
    wait_until(lambda: len(_records(cluster, traces)) == 2)
    pub, end = _records(cluster, traces)
    assert (pub[0], pub[11]) == ("Pub", "1")
    assert [end[0], *end[2:]] == [
        "EndTransaction", "DefaultRegion", producer.group, topic, result.msg_id, "null", "null", cluster.broker, "2",
        result.msg_id, "COMMIT_MESSAGE", "false",
    ]  # fmt: skip
