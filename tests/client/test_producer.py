"""Sending, seen from outside; what arrived is read back by pulling."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from rocketpy.client import (
    BrokerError,
    ClientError,
    Message,
    MessageIllegal,
    MessageQueue,
    Producer,
    SendResult,
    SendStatus,
    TopicNotFound,
)
from rocketpy.client.selectors import by_random
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.java_hash import string_hash
from tests.client.cluster import Cluster, wait_until


def test_message_comes_back_as_it_was_sent(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    message = Message(topic, "Grüße 🚀".encode(), tags="标签", keys=["k1", "k2"], flag=7, properties={"größe": "x y"})
    result = producer.send(message)
    assert (result.status, result.queue, result.queue_offset) == (SendStatus.SEND_OK, cluster.queue(topic), 0)
    (stored,) = cluster.stored(topic)
    assert (stored.body, stored.flag, stored.tags, stored.keys) == (message.body, 7, "标签", "k1 k2")
    assert (stored.msg_id, stored.offset_msg_id) == (result.msg_id, result.offset_msg_id)
    assert stored.properties["größe"] == "x y"
    assert stored.queue == cluster.queue(topic)
    assert message.properties == {"größe": "x y", "TAGS": "标签", "KEYS": "k1 k2"}, "what is sent stays as it is"


def test_same_message_sent_twice_gets_two_ids(cluster: Cluster, producer: Producer) -> None:
    message = Message(cluster.topic(), b"x")
    assert producer.send(message).msg_id != producer.send(message).msg_id


def test_queues_are_used_in_turn(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic(4)
    used = [producer.send(Message(topic, b"x")).queue.queue_id for _ in range(8)]
    assert sorted(used[:4]) == [0, 1, 2, 3]
    assert used[:4] == used[4:]


def test_unknown_topic_is_created_with_the_producers_queues(cluster: Cluster) -> None:
    topic = cluster.unique("Created")
    with cluster.producer(default_topic_queues=3) as producer:
        assert producer.send(Message(topic, b"x")).status == SendStatus.SEND_OK
        assert [queue.queue_id for queue in cluster.routed(producer, topic)] == [0, 1, 2]


def test_queue_sharding_key_and_selector_say_where_it_goes(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic(4)
    assert producer.send(Message(topic, b"x"), queue=cluster.queue(topic, 2)).queue.queue_id == 2
    for key, hashed in (("order-1", string_hash("order-1")), ("ß", string_hash("ß")), (7, 7), (-3, -3), (1 << 40, 256)):
        chosen = producer.send(Message(topic, b"x"), sharding_key=key).queue.queue_id
        assert chosen == abs(hashed) % 4
    seen: list[int] = []

    def last(queues: list[MessageQueue], message: Message) -> MessageQueue:
        seen.append(len(queues))
        return queues[-1]

    assert producer.send(Message(topic, b"x"), selector=last).queue.queue_id == 3  # type: ignore[arg-type]
    assert seen == [4]
    assert producer.send(Message(topic, b"x"), selector=by_random).queue.queue_id in range(4)
    with pytest.raises(ClientError, match="select message queue threw exception"):
        producer.send(Message(topic, b"x"), selector=lambda queues, message: queues[9])
    with pytest.raises(ClientError, match="select message queue return 5, which is none"):
        producer.send(Message(topic, b"x"), selector=lambda queues, message: 5)  # type: ignore[arg-type,return-value]
    with pytest.raises(ClientError, match="message's topic not equal mq's topic"):
        producer.send(Message(topic, b"x"), queue=cluster.queue("Other"))
    with pytest.raises(ClientError, match="only one of"):
        producer.send(Message(topic, b"x"), queue=cluster.queue(topic), sharding_key="a")


def test_futures_get_results_and_failures(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic(2)
    futures: list[Future[SendResult]] = [producer.send_async(Message(topic, b"%d" % n)) for n in range(50)]
    results = [future.result(10) for future in futures]
    assert len({result.msg_id for result in results}) == 50
    assert sorted(result.queue_offset for result in results) == sorted([*range(25), *range(25)])
    with pytest.raises(MessageIllegal, match="the message body length is zero"):
        producer.send_async(Message(topic, b"")).result(10)


def test_callback_may_send_on_but_not_wait(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    outcomes: queue.SimpleQueue[object] = queue.SimpleQueue()

    def send_on(future: Future[SendResult]) -> None:
        try:
            producer.send(Message(topic, b"waits"))
        except ClientError as error:
            outcomes.put(error.text)
        producer.send_async(Message(topic, b"does not")).add_done_callback(lambda done: outcomes.put(done.result()))

    producer.send(Message(topic, b"x"))
    producer.send_async(Message(topic, b"x")).add_done_callback(send_on)
    refused, sent = outcomes.get(timeout=20), outcomes.get(timeout=20)
    assert refused == "The callbacks of futures run in the client's event loop and must not wait."
    assert isinstance(sent, SendResult)


def test_what_is_under_way_is_sent_before_the_producer_is_gone(cluster: Cluster) -> None:
    topic = cluster.topic()
    with cluster.producer() as producer:
        futures = [producer.send_async(Message(topic, b"x")) for _ in range(300)]
        futures += producer.send_batch_async([Message(topic, b"x") for _ in range(3)])
    assert {future.result(0).status for future in futures} == {SendStatus.SEND_OK}
    assert len(cluster.stored(topic, 303)) >= 32
    with pytest.raises(ClientError, match="SHUTDOWN_ALREADY"):
        producer.send_async(Message(topic, b"x"))


def test_oneway_arrives(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    producer.send_oneway(Message(topic, b"x"))
    assert [message.body for message in cluster.stored(topic)] == [b"x"]


def test_batch_becomes_single_messages(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    messages = [Message(topic, b"%d" % n, tags=f"t{n}", properties={"n": str(n)}) for n in range(3)]
    (result,) = producer.send_batch(messages)
    stored = cluster.stored(topic, 3)
    assert [(one.body, one.tags, one.properties["n"]) for one in stored] == [
        (b"0", "t0", "0"), (b"1", "t1", "1"), (b"2", "t2", "2"),
    ]  # fmt: skip
    assert result.msg_id.split(",") == [one.msg_id for one in stored]
    assert result.offset_msg_id.split(",") == [one.offset_msg_id for one in stored]


def test_batch_is_split_by_size(cluster: Cluster) -> None:
    topic = cluster.topic()
    with cluster.producer(max_message_size=1000) as producer:
        results = producer.send_batch([Message(topic, b"x" * 300) for _ in range(6)])
    assert [len(result.msg_id.split(",")) for result in results] == [2, 2, 2]
    assert len(cluster.stored(topic, 6)) == 6


def test_batch_of_what_does_not_go_together_is_refused(producer: Producer) -> None:
    delayed = Message("A", b"x")
    delayed.delay_level = 1
    for messages, fault in (
        ([Message("A", b"x"), Message("B", b"x")], "The topic of the messages in one batch should be the same"),
        ([delayed], "TimeDelayLevel is not supported for batching"),
        ([Message("%RETRY%g", b"x")], "Retry Group is not supported for batching"),
        ([], "there is no message"),
        ([Message("A", "text")], "the message body is bytes, not str"),  # type: ignore[arg-type]
        ([Message("A", b"")], "the message body length is zero"),
        ([Message("A", b"x", properties={"p": "y" * 33_000})], "do not fit into a batch"),
    ):
        with pytest.raises(ClientError, match=fault):
            producer.send_batch(messages)


@pytest.mark.parametrize(
    ("compression", "bits"),
    [
        ("ZLIB", MessageSysFlag.COMPRESSION_ZLIB),
        ("LZ4", MessageSysFlag.COMPRESSION_LZ4),
        ("ZSTD", MessageSysFlag.COMPRESSION_ZSTD),
    ],
)
def test_large_bodies_are_compressed(cluster: Cluster, compression: str, bits: int) -> None:
    topic = cluster.topic()
    with cluster.producer(compression=compression, compress_over=100) as producer:
        producer.send(Message(topic, b"x" * 99))
        producer.send(Message(topic, b"x" * 100))
    small, large = cluster.stored(topic, 2)
    assert (small.sys_flag & 0x701, small.body) == (0, b"x" * 99)
    assert (large.sys_flag & 0x701, large.body) == (bits | 1, b"x" * 100)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Message("", b"x"), "The specified topic is blank"),
        (Message("a b", b"x"), r"The specified topic\[a b\] contains illegal characters, allowing only \^\["),
        (Message("a" * 128, b"x"), "The specified topic is longer than topic max length 127."),
        (Message("SCHEDULE_TOPIC_XXXX", b"x"), r"Sending message to topic\[SCHEDULE_TOPIC_XXXX\] is forbidden."),
        (Message("A", b""), "CODE: 13  DESC: the message body length is zero"),
        (Message("A", b"x" * (4 << 20) + b"x"), "CODE: 13  DESC: the message body size over max value, MAX: 4194304"),
        (Message("A", None), "CODE: 13  DESC: the message body is null"),  # type: ignore[arg-type]
        (Message("A", "text"), "the message body is bytes, not str"),  # type: ignore[arg-type]
    ],
)
def test_messages_are_checked_in_javas_words(producer: Producer, message: Message, text: str) -> None:
    with pytest.raises(ClientError, match=text) as caught:
        producer.send(message)
    assert "http://rocketmq.apache.org/docs/faq/" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"async_retries": "2"},
        {"compression": "GZIP"},
        {"compress_level": 10},
        {"max_message_size": 0},
        {"default_topic_queues": 0},
        {"tls": "yes"},
        {"credentials": ("key", "secret")},
    ],
    ids=str,
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=next(iter(options))):
        Producer("p", **options)


@pytest.mark.parametrize("group", ["", " ", "a b", "a" * 256, "DEFAULT_PRODUCER"])
def test_groups_are_checked(group: str) -> None:
    with pytest.raises(ClientError, match=r"group|Group"):
        Producer(group)


def test_refusal_of_the_broker_is_told_with_its_code(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    with pytest.raises(BrokerError, match="CODE: 13  DESC: the message is illegal") as caught:
        producer.send(Message(topic, b"x", properties={"p": "y" * 33_000}))
    assert (caught.value.code, caught.value.address) == (13, cluster.broker)


def test_lifecycle_is_checked(cluster: Cluster) -> None:
    producer = cluster.producer(instance_name=cluster.unique("shared"))
    with pytest.raises(ClientError, match="The producer service state not OK, CREATE_JUST"):
        producer.send(Message("A", b"x"))
    producer.stop()
    with producer:
        twin = Producer(producer.group, namesrv=cluster.namesrv, instance_name=producer.settings.instance_name)
        with pytest.raises(ClientError, match="has been created before, specify another name please"):
            twin.start()
        with pytest.raises(ClientError, match="maybe started once, RUNNING"):
            producer.start()
    producer.stop()
    with pytest.raises(ClientError, match="state not OK, SHUTDOWN_ALREADY"):
        producer.send(Message("A", b"x"))


def test_members_of_one_instance_share_a_thread(cluster: Cluster) -> None:
    name = cluster.unique("shared")
    with cluster.producer(instance_name=name, unit_name="u") as one, cluster.producer(
        instance_name=name, unit_name="u"
    ) as other:
        assert one.client_id == other.client_id
        assert one.client_id.endswith(f"@{name}@u")
        threads = [thread for thread in threading.enumerate() if thread.name == "Instance"]
        assert len(threads) == 1
        assert other.send(Message(cluster.topic(), b"x")).status == SendStatus.SEND_OK


def test_namespace_is_put_before_topics_and_taken_off_results(cluster: Cluster) -> None:
    topic = cluster.unique("Named")
    with cluster.producer(namespace="NS") as producer:
        result = producer.send(Message(topic, b"x"))
        assert result.queue.topic == topic
        queues = cluster.routed(producer, topic)
        assert {queue.topic for queue in queues} == {topic}
        assert producer.max_offset(result.queue) == 1
        assert producer.view_message(result.offset_msg_id).topic == topic
    stored = [message for number in range(4) for message in _all(cluster, f"NS%{topic}", number)]
    assert [(one.topic, one.properties["INSTANCE_ID"]) for one in stored] == [(f"NS%{topic}", "NS")]


def _all(cluster: Cluster, topic: str, number: int) -> list[Message]:
    with cluster.puller() as puller:
        return list(puller.pull(cluster.queue(topic, number), 0).messages)


def test_binary_headers_and_several_name_servers(cluster: Cluster) -> None:
    with Producer("binary", namesrv=["127.0.0.1:1", cluster.namesrv], serialization="ROCKETMQ") as producer:
        assert producer.send(Message(cluster.topic(), b"x")).status == SendStatus.SEND_OK


def test_missing_route_says_which_of_the_reasons_holds(cluster: Cluster) -> None:
    with Producer("nobody", namesrv="127.0.0.1:1") as producer, pytest.raises(TopicNotFound) as unreachable:
        producer.send(Message("A", b"x"))
    assert str(unreachable.value).startswith(
        "No route info of this topic: A\nSee http://rocketmq.apache.org/docs/faq/ for further details."
    )
    assert "No name server answers: connect to [127.0.0.1:1] failed" in unreachable.value.reason
    assert unreachable.value.code == 10005
    topic = cluster.topic(perm=4)
    with cluster.producer(create_topic_key="NoSuchTopic") as producer:
        with pytest.raises(TopicNotFound, match="do not create topics by sending"):
            producer.send(Message("Missing", b"x"))
        with pytest.raises(TopicNotFound, match=r"nobody may write to it: its perm is {'b-0': 4}"):
            producer.send(Message(topic, b"x"))
    with Producer("none", namesrv="") as producer, pytest.raises(ClientError, match="No name server address") as caught:
        producer.send(Message("A", b"x"))
    assert caught.value.code == 10004


def test_questions_about_queues_and_messages(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.unique("Asked")
    producer.create_topic(topic, 2)
    cluster.routed(producer, topic)
    result = producer.send(Message(topic, b"x", keys="k1 k2"), queue=cluster.queue(topic, 1))
    queue = result.queue
    assert (producer.min_offset(queue), producer.max_offset(queue)) == (0, 1)
    stored = producer.view_message(result.offset_msg_id)
    assert producer.earliest_store_time(queue) == stored.store_timestamp
    assert producer.offset_for_timestamp(queue, stored.store_timestamp) == 0
    found = wait_until(lambda: _found(producer, topic, "k2"))
    assert [one.msg_id for one in found] == [result.msg_id]
    assert producer.view_message(result.msg_id, topic).body == b"x"
    for ask in (lambda: producer.query_messages(topic, "none"), lambda: producer.view_message("F" * 10)):
        with pytest.raises(ClientError, match="CODE: 208") as caught:
            ask()
        assert caught.value.code == 208


def _found(producer: Producer, topic: str, key: str) -> list[Message]:
    try:
        return list(producer.query_messages(topic, key).messages)
    except ClientError:
        return []
