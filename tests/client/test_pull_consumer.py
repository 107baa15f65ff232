from __future__ import annotations

import threading

import pytest

from rocketpy.client import BrokerError, ClientError, Message, MessageQueue, Producer, PullConsumer, PullStatus, Sql92
from tests.client.cluster import Cluster, wait_until


def test_pull_gives_messages_and_where_to_go_on(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    for number in range(5):
        producer.send(Message(topic, b"%d" % number))
    queue = cluster.queue(topic)
    with cluster.puller() as puller:
        assert puller.subscribe_queues(topic) == [queue]
        wait_until(lambda: puller.max_offset(queue) == 5)
        result = puller.pull(queue, 1, max_count=3)
        assert result.status == PullStatus.FOUND
        assert [message.body for message in result.messages] == [b"1", b"2", b"3"]
        assert (result.next_begin_offset, result.min_offset, result.max_offset) == (4, 0, 5)
        assert result.messages[0].properties["MAX_OFFSET"] == "5"
        assert puller.pull(queue, 5).status == PullStatus.NO_NEW_MSG
        assert puller.pull(queue, 99).status == PullStatus.OFFSET_ILLEGAL
        assert puller.pull_async(queue, 4).result(10).messages[0].body == b"4"


def test_blocking_pull_waits_for_a_message(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    with cluster.puller() as puller:
        waiting = puller.pull_async(cluster.queue(topic), 0, block=True)
        assert not waiting.done()
        producer.send(Message(topic, b"x"))
        assert [message.body for message in waiting.result(10).messages] == [b"x"]


def test_expressions_choose_messages(cluster: Cluster) -> None:
    topic = cluster.topic()
    queue = cluster.queue(topic)
    with cluster.producer() as producer:
        for number, tags in enumerate(["Aa", "BB", "c"]):  # the first two have one hash
            producer.send(Message(topic, b"%d" % number, tags=tags, properties={"n": str(number)}))
    with cluster.puller() as puller:
        wait_until(lambda: puller.max_offset(queue) == 3)
        assert [one.body for one in puller.pull(queue, 0, expression="BB || c").messages] == [b"1", b"2"]
        assert puller.pull(queue, 0, expression="d").status == PullStatus.NO_MATCHED_MSG
        with pytest.raises(ClientError, match="subString split error"):
            puller.pull(queue, 0, expression="||")
        with pytest.raises(BrokerError, match="does not support consumer to filter message by SQL92"):
            puller.pull(queue, 0, expression=Sql92("n > 0"))


def test_arguments_are_checked(cluster: Cluster) -> None:
    with cluster.puller() as puller:
        with pytest.raises(ClientError, match="offset < 0"):
            puller.pull(cluster.queue("A"), -1)
        with pytest.raises(ClientError, match="maxNums <= 0"):
            puller.pull(cluster.queue("A"), 0, max_count=0)
        with pytest.raises(ClientError, match=r"The broker\[elsewhere\] not exist"):
            puller.pull(MessageQueue(topic=cluster.topic(), broker_name="elsewhere", queue_id=0), 0)
    with pytest.raises(ClientError, match="must greater than"):
        PullConsumer("g", suspend=40)


def test_offsets_are_kept_at_the_broker(cluster: Cluster) -> None:
    topic = cluster.topic()
    queue = cluster.queue(topic)
    cluster.send(topic, b"0", b"1")
    group = cluster.unique("group")
    with PullConsumer(group, namesrv=cluster.namesrv) as puller:
        assert puller.consume_offset(queue) == 0, "nothing was removed from this queue yet"
        puller.update_offset(queue, 1)
        assert (puller.consume_offset(queue), puller.consume_offset(queue, from_store=True)) == (1, 0)
        puller.commit(queue, 2)
    with PullConsumer(group, namesrv=cluster.namesrv) as puller:
        assert puller.consume_offset(queue) == 2


def test_registered_topics_are_shared_in_the_group(cluster: Cluster) -> None:
    topic = cluster.topic(4)
    group = cluster.unique("group")
    changes: list[tuple[str, int, int]] = []
    changed = threading.Event()

    def on_change(topic: str, queues: list[MessageQueue], share: list[MessageQueue]) -> None:
        changes.append((topic, len(queues), len(share)))
        changed.set()

    options = {"namesrv": cluster.namesrv, "register_topics": [topic]}
    with PullConsumer(group, on_queues_changed=on_change, **options) as one:  # type: ignore[arg-type]
        wait_until(lambda: len(one.queues_in_balance(topic)) == 4)
        with PullConsumer(group, **options) as other:  # type: ignore[arg-type]
            wait_until(lambda: len(other.queues_in_balance(topic)) == 2)
            wait_until(lambda: len(one.queues_in_balance(topic)) == 2)
            assert not set(map(str, one.queues_in_balance(topic))) & set(map(str, other.queues_in_balance(topic)))
        wait_until(lambda: len(one.queues_in_balance(topic)) == 4)
    assert changes == [(topic, 4, 4), (topic, 4, 2), (topic, 4, 4)]


def test_message_sent_back_for_good_is_a_dead_letter(cluster: Cluster) -> None:
    topic = cluster.topic()
    sent = cluster.send(topic, b"x")[0]
    with cluster.puller() as puller:
        queue = cluster.queue(topic)
        wait_until(lambda: puller.max_offset(queue) == 1)
        (message,) = puller.pull(queue, 0).messages
        puller.send_back(message, -1)
        (dead,) = puller.pull_async(cluster.queue(f"%DLQ%{puller.group}"), 0, block=True).result(10).messages
        assert (dead.body, dead.properties["RETRY_TOPIC"]) == (b"x", topic)
        assert dead.properties["ORIGIN_MESSAGE_ID"] == sent.offset_msg_id
