from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from rocketpy.client import ClientError, ConsumeFromWhere, LitePullConsumer, Message, MessageQueue, ReceivedMessage, aio
from tests.client.cluster import Cluster, wait_until


def _lite(cluster: Cluster, topic: str | None = None, group: str = "", **options: Any) -> LitePullConsumer:
    options.setdefault("consume_from", ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET)
    topics = None if topic is None else {topic: "*"}
    return LitePullConsumer(group or cluster.unique("lite"), topics, namesrv=cluster.namesrv, **options)


def _bodies(consumer: LitePullConsumer, count: int) -> list[bytes]:
    got: list[ReceivedMessage] = []
    wait_until(lambda: got.extend(consumer.poll(0.1)) or len(got) >= count)
    return [message.body for message in got]


def test_subscriber_polls_and_goes_on_where_it_committed(cluster: Cluster) -> None:
    topic, group = cluster.topic(), cluster.unique("lite")
    cluster.send(topic, b"0", b"1", b"2")
    with _lite(cluster, topic, group, auto_commit=False, pull_batch_size=2) as consumer:
        assert _bodies(consumer, 3) == [b"0", b"1", b"2"]
        assert consumer.assignment() == [cluster.queue(topic)]
        assert consumer.committed(cluster.queue(topic)) == 0
        consumer.commit({cluster.queue(topic): 1})
    with _lite(cluster, topic, group, auto_commit=False) as consumer:
        assert _bodies(consumer, 2) == [b"1", b"2"]
        consumer.commit()
        assert consumer.committed(cluster.queue(topic)) == 3
    with _lite(cluster, topic, group) as consumer:
        wait_until(consumer.assignment)
        assert consumer.poll(0.05) == []
        cluster.send(topic, b"3")
        assert _bodies(consumer, 1) == [b"3"]


def test_polling_commits_what_was_handed_out_before(cluster: Cluster) -> None:
    topic, group = cluster.topic(), cluster.unique("lite")
    cluster.send(topic, b"0", b"1")
    with _lite(cluster, topic, group, auto_commit_interval=0, pull_batch_size=1) as consumer:
        _bodies(consumer, 2)
        assert consumer.committed(cluster.queue(topic)) < 2
        consumer.poll(0)
        assert consumer.committed(cluster.queue(topic)) == 2
    with _lite(cluster, topic, group) as consumer:
        assert consumer.committed(cluster.queue(topic)) == 2, "it was stored at the end"


def test_assigned_queues_are_read_and_can_be_changed(cluster: Cluster) -> None:
    topic = cluster.topic(2)
    with cluster.producer() as producer:
        for number in range(2):
            producer.send(Message(topic, b"%d" % number), queue=cluster.queue(topic, number))
    consumer = _lite(cluster)
    consumer.assign([cluster.queue(topic, 1)])
    with consumer:
        assert _bodies(consumer, 1) == [b"1"]
        consumer.assign([cluster.queue(topic, 0)])
        assert _bodies(consumer, 1) == [b"0"]
        assert consumer.assignment() == [cluster.queue(topic, 0)]
        with pytest.raises(ClientError, match="mutually exclusive"):
            consumer.subscribe(topic)
        with pytest.raises(ClientError, match="can not be null or empty"):
            consumer.assign([])
    with _lite(cluster, topic) as subscriber, pytest.raises(ClientError, match="mutually exclusive"):
        subscriber.assign([cluster.queue(topic)])


def test_seek_goes_on_elsewhere(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0", b"1", b"2")
    queue = cluster.queue(topic)
    with _lite(cluster, topic) as consumer:
        assert _bodies(consumer, 3) == [b"0", b"1", b"2"]
        consumer.seek(queue, 1)
        assert _bodies(consumer, 2) == [b"1", b"2"]
        consumer.seek_to_begin(queue)
        assert _bodies(consumer, 3) == [b"0", b"1", b"2"]
        consumer.seek_to_end(queue)
        cluster.send(topic, b"3")
        assert _bodies(consumer, 1) == [b"3"]
        assert consumer.offset_for_timestamp(queue, 0) == 0
        with pytest.raises(ClientError, match="Seek offset illegal, seek offset = 9, min offset = 0, max offset = 4"):
            consumer.seek(queue, 9)
        with pytest.raises(ClientError, match="not in assigned list, may be rebalancing"):
            consumer.seek(cluster.queue("Other"), 0)


def test_paused_queue_brings_nothing(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0")
    queue = cluster.queue(topic)
    with _lite(cluster, topic, pull_batch_size=1) as consumer:
        assert _bodies(consumer, 1) == [b"0"]
        consumer.pause([queue])
        cluster.send(topic, b"1", b"2")  # the first may answer a pull that is held
        early = [message.body for _ in range(3) for message in consumer.poll(0.05)]
        assert early in ([], [b"1"])
        consumer.resume([queue])
        assert early + _bodies(consumer, 2 - len(early)) == [b"1", b"2"]


def test_iteration_ends_with_the_consumer(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0", b"1")
    got: list[bytes] = []
    consumer = _lite(cluster, topic, poll_timeout=0.05)
    with consumer:

        def read() -> None:
            got.extend(message.body for message in consumer)

        thread = threading.Thread(target=read)
        thread.start()
        wait_until(lambda: len(got) == 2)
    thread.join(20)
    assert got == [b"0", b"1"]


def test_members_share_queues(cluster: Cluster) -> None:
    topic, group = cluster.topic(2), cluster.unique("lite")
    with _lite(cluster, topic, group) as one:
        wait_until(lambda: len(one.assignment()) == 2)
        with _lite(cluster, topic, group) as other:
            wait_until(lambda: len(one.assignment()) == len(other.assignment()) == 1)
        wait_until(lambda: len(one.assignment()) == 2)


def test_messages_of_a_poll_that_was_given_up_come_with_the_next(cluster: Cluster) -> None:
    topic = cluster.topic()
    with _lite(cluster, topic, auto_commit_interval=0) as consumer:
        waiting = consumer.poll_async(60)
        assert waiting.cancel()
        cluster.send(topic, b"0", b"1")
        done = consumer.poll_async(20)
        assert [message.body for message in done.result(20)][:1] == [b"0"]
        assert not done.cancel(), "it is done, but who cancels it has not seen what it brought"
        assert not done.cancel()
        assert _bodies(consumer, 2) == [b"0", b"1"]
        consumer.poll(0)
        assert consumer.committed(cluster.queue(topic)) == 2


def test_interrupted_poll_loses_nothing(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = cluster.topic()
    with _lite(cluster, topic) as consumer:

        def interrupted(polled: Future[list[ReceivedMessage]]) -> list[ReceivedMessage]:
            cluster.send(topic, b"0")
            polled.result(20)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("rocketpy.client.lite_pull_consumer.wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                consumer.poll(60)
        assert _bodies(consumer, 1) == [b"0"]
        with pytest.raises(ClientError, match="Timeout must not be negative"):
            consumer.poll(-1)


def test_poll_that_takes_asyncio_too_long_loses_nothing(cluster: Cluster) -> None:
    topic, total = cluster.topic(), 30
    cluster.send(topic, *[b"%d" % number for number in range(total)])

    async def scenario() -> list[bytes]:
        got: list[bytes] = []
        where = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
        async with aio.LitePullConsumer(
            cluster.unique("lite"), {topic: "*"}, namesrv=cluster.namesrv, consume_from=where, pull_batch_size=1
        ) as consumer:
            for number in range(5000):
                try:
                    got += [one.body for one in await asyncio.wait_for(consumer.poll(), number % 5 / 2000)]
                except TimeoutError:
                    continue
                if len(got) == total:
                    break
        return got

    assert asyncio.run(scenario()) == [b"%d" % number for number in range(total)]


def test_poll_ends_when_the_consumer_is_stopped(cluster: Cluster) -> None:
    with _lite(cluster, cluster.topic()) as consumer:
        waiting = consumer.poll_async(60)
    assert waiting.result(20) == []
    with pytest.raises(ClientError, match="not running"):
        consumer.poll()


def test_changes_of_the_share_are_told(cluster: Cluster) -> None:
    topic, group = cluster.topic(2), cluster.unique("lite")
    told: list[tuple[str, int, int]] = []

    def changed(name: str, everything: list[MessageQueue], share: list[MessageQueue]) -> None:
        told.append((name, len(everything), len(share)))

    with _lite(cluster, topic, group, on_queues_changed=changed):
        wait_until(lambda: told == [(topic, 2, 2)])
        with _lite(cluster, topic, group):
            wait_until(lambda: told[1:] == [(topic, 2, 1)])
        wait_until(lambda: told[2:] == [(topic, 2, 2)])


def test_topic_with_other_queues_is_told(cluster: Cluster) -> None:
    topic, later = cluster.topic(1), cluster.topic(1)
    told: list[tuple[str, int]] = []
    consumer = _lite(cluster, topic, topic_check_interval=0.01)
    consumer.watch_queues(topic, lambda name, queues: told.append((name, len(queues))))
    with consumer:
        consumer.watch_queues(later, lambda name, queues: told.append((name, len(queues))))
        cluster.topic(3, name=topic)
        wait_until(lambda: told == [(topic, 3)])
        cluster.topic(2, name=later)
        wait_until(lambda: told[1:] == [(later, 2)])
        with pytest.raises(ClientError, match="Can not find Message Queue"):
            consumer.watch_queues(cluster.unique("Nowhere"), lambda name, queues: None)


def test_assigned_topics_may_have_expressions_of_their_own(cluster: Cluster) -> None:
    first, second = cluster.topic(), cluster.topic()
    with cluster.producer() as producer:
        for topic in (first, second):
            producer.send(Message(topic, b"a", tags="a"))
            producer.send(Message(topic, b"b", tags="b"))
    consumer = _lite(cluster)
    consumer.assign([cluster.queue(first), cluster.queue(second)], {first: "b"})
    with consumer:
        assert sorted(_bodies(consumer, 3)) == [b"a", b"b", b"b"]


def test_requests_of_pull_consumers_are_of_a_stream(cluster: Cluster) -> None:
    with _lite(cluster, instance_name="lite") as lite, cluster.puller(unit_name="unit") as puller:
        assert lite.client_id.endswith("@lite@STREAM")
        assert puller.client_id.endswith("@unit@STREAM")
