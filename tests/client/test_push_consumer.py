"""Push consumers, concurrent and orderly, against a real broker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rocketpy.client import (
    ClientError,
    ConsumeContext,
    ConsumeFromWhere,
    ConsumeStatus,
    LitePullConsumer,
    Message,
    MessageModel,
    MessageQueue,
    Producer,
    PullConsumer,
    PushConsumer,
    ReceivedMessage,
    Sql92,
)
from rocketpy.protocol.api.connection import (
    ConsumeMessageDirectly,
    ConsumeMessageDirectlyResult,
    ConsumerRunningInfo,
    GetConsumerRunningInfo,
)
from rocketpy.protocol.api.offset import (
    GetConsumerStatusBody,
    InvokeBrokerToGetConsumerStatus,
    InvokeBrokerToResetOffset,
    QueryConsumerOffset,
)
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.flags import MessageSysFlag
from tests.client.cluster import Cluster, wait_until

Answer = Callable[[Sequence[ReceivedMessage], ConsumeContext], ConsumeStatus | None]


class Inbox:
    """A listener that keeps what it gets; `answer` says what it returns."""

    def __init__(self, answer: Answer = lambda messages, context: None) -> None:
        self.messages: list[ReceivedMessage] = []
        self.contexts: list[ConsumeContext] = []
        self.threads: set[int] = set()
        self._answer = answer

    def __call__(self, messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus | None:
        self.threads.add(threading.get_ident())
        self.messages.extend(messages)
        self.contexts.append(context)
        return self._answer(messages, context)

    def wait(self, count: int) -> list[bytes]:
        """The bodies, once there are so many."""
        wait_until(lambda: len(self.messages) >= count)
        return [message.body for message in self.messages]


@contextmanager
def consuming(
    cluster: Cluster, listener: Inbox, topic: str, expression: str = "*", group: str = "", **options: Any
) -> Iterator[PushConsumer]:
    options.setdefault("consume_from", ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET)
    group = group or cluster.unique("group")
    with PushConsumer(group, listener, {topic: expression}, namesrv=cluster.namesrv, **options) as consumer:
        yield consumer


def test_messages_are_given_to_the_listener_in_other_threads(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic(2)
    inbox = Inbox()
    with consuming(cluster, inbox, topic) as consumer:
        sent = [producer.send(Message(topic, b"%d" % n, tags="t")).msg_id for n in range(6)]
        assert sorted(inbox.wait(6)) == [b"0", b"1", b"2", b"3", b"4", b"5"]
        assert sorted(message.msg_id for message in inbox.messages) == sorted(sent)
        assert {message.broker_name for message in inbox.messages} == {"b-0"}
        assert {context.queue.topic for context in inbox.contexts} == {topic}
        assert threading.get_ident() not in inbox.threads
        assert sorted(queue.queue_id for queue in consumer.assigned() if queue.topic == topic) == [0, 1]


def test_group_goes_on_where_it_stopped(cluster: Cluster) -> None:
    topic = cluster.topic()
    group = cluster.unique("group")
    cluster.send(topic, b"0", b"1")
    for inbox in (first := Inbox(), second := Inbox()):
        with consuming(cluster, inbox, topic, group=group):
            inbox.wait(2)
        cluster.send(topic, b"2", b"3")
    assert first.wait(2) == [b"0", b"1"]
    assert second.wait(2) == [b"2", b"3"]


def test_batches_have_the_size_that_was_asked_for(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, *[b"%d" % n for n in range(10)])
    sizes: list[int] = []

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        sizes.append(len(messages))

    with consuming(cluster, inbox := Inbox(answer), topic, batch_size=4):
        assert sorted(inbox.wait(10)) == [b"%d" % n for n in range(10)]
    assert max(sizes) == 4


def test_failed_message_comes_again_and_the_offset_goes_on(cluster: Cluster) -> None:
    topic = cluster.topic()
    sent = cluster.send(topic, b"bad")[0]
    group = cluster.unique("group")

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        context.delay_level = 1
        if messages[0].reconsume_times == 0:
            raise ValueError("not this time")

    with consuming(cluster, inbox := Inbox(answer), topic, group=group) as consumer:
        assert inbox.wait(2) == [b"bad", b"bad"]
        again = inbox.messages[1]
        assert (again.topic, again.reconsume_times, again.msg_id) == (topic, 1, sent.msg_id)
        wait_until(lambda: consumer.offsets.known(cluster.queue(topic)) == 1)


def test_part_of_a_batch_can_fail_into_the_dead_letters(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0", b"1", b"2")
    group = cluster.unique("group")

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        context.ack_index, context.delay_level = 0, -1

    with consuming(cluster, inbox := Inbox(answer), topic, group=group, batch_size=3, pull_batch_size=3):
        inbox.wait(3)
        dead = [message.body for message in wait_until(lambda: _dead(cluster, group, 2))]
    assert dead == [b"1", b"2"]


def _dead(cluster: Cluster, group: str, count: int) -> list[ReceivedMessage]:
    with cluster.puller() as puller:
        try:
            found = puller.pull(cluster.queue(f"%DLQ%{group}"), 0).messages
        except ClientError:  # nothing has died yet
            return []
    return found if len(found) == count else []


def test_two_members_share_the_queues(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic(4)
    group = cluster.unique("group")

    def own(consumer: PushConsumer) -> set[int]:
        return {queue.queue_id for queue in consumer.assigned() if queue.topic == topic}

    with consuming(cluster, Inbox(), topic, group=group) as first:
        wait_until(lambda: own(first) == {0, 1, 2, 3})
        with consuming(cluster, Inbox(), topic, group=group) as second:
            wait_until(lambda: len(own(first)) == len(own(second)) == 2)
            assert own(first) | own(second) == {0, 1, 2, 3}
        wait_until(lambda: own(first) == {0, 1, 2, 3})


def test_broadcast_reaches_everybody_and_keeps_offsets_in_a_file(cluster: Cluster, tmp_path: Path) -> None:
    topic = cluster.topic(2)
    group = cluster.unique("group")
    options: dict[str, Any] = {"group": group, "model": MessageModel.BROADCASTING, "local_offsets": str(tmp_path)}
    with (
        consuming(cluster, one := Inbox(), topic, instance_name="one", **options) as first,
        consuming(cluster, other := Inbox(), topic, instance_name="other", **options),
    ):
        cluster.send(topic, b"0", b"1", b"2")
        assert sorted(one.wait(3)) == sorted(other.wait(3)) == [b"0", b"1", b"2"]
        client_id = first.client_id
    text = (tmp_path / client_id / group / "offsets.json").read_text()
    assert f'"topic":"{topic}"' in text
    with consuming(cluster, again := Inbox(), topic, instance_name="one", **options):
        cluster.send(topic, b"3")
        assert again.wait(1) == [b"3"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, [b"older", b"old", b"new"]),
        (ConsumeFromWhere.CONSUME_FROM_TIMESTAMP, [b"old", b"new"]),  # a time after the last one means the last one
        (ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET, [b"new"]),
    ],
)
def test_new_group_begins_where_it_is_told(
    cluster: Cluster, tmp_path: Path, where: ConsumeFromWhere, expected: list[bytes]
) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"older", b"old")
    stored = cluster.stored(topic, 2)[-1]
    options: dict[str, Any] = {"model": MessageModel.BROADCASTING, "local_offsets": str(tmp_path)}
    options["consume_timestamp"] = stored.store_timestamp + 1
    with consuming(cluster, inbox := Inbox(), topic, consume_from=where, **options) as consumer:
        wait_until(consumer.assigned)
        cluster.send(topic, b"new")
        assert sorted(inbox.wait(len(expected))) == sorted(expected)


def test_orderly_listener_sees_a_queue_in_order(cluster: Cluster) -> None:
    topic = cluster.topic(2)
    group = cluster.unique("group")
    failures = iter([True])

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus:
        context.suspend = 0.01
        if messages[0].body == b"3" and next(failures, False):
            return ConsumeStatus.RECONSUME_LATER
        return ConsumeStatus.SUCCESS

    with cluster.producer() as producer:
        for number in range(10):
            producer.send(Message(topic, b"%d" % number), sharding_key="one")
    with consuming(cluster, inbox := Inbox(answer), topic, group=group, orderly=True) as consumer:
        assert inbox.wait(11) == [b"0", b"1", b"2", b"3", b"3", *(b"%d" % n for n in range(4, 10))]
        wait_until(lambda: 10 in consumer.offsets.table.values())
        with consuming(cluster, Inbox(), topic, group=group, orderly=True) as other:
            wait_until(lambda: sum(queue.topic == topic for queue in other.assigned()) == 1)


def test_orderly_listener_may_commit_by_itself(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0", b"1", b"2")
    answers = iter([ConsumeStatus.SUCCESS, ConsumeStatus.ROLLBACK])

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus:
        context.auto_commit, context.suspend = False, 0.01
        return next(answers, ConsumeStatus.COMMIT)

    with consuming(cluster, inbox := Inbox(answer), topic, orderly=True) as consumer:
        assert inbox.wait(5) == [b"0", b"1", b"0", b"1", b"2"]
        wait_until(lambda: consumer.offsets.known(cluster.queue(topic)) == 3)


def test_orderly_message_that_fails_too_often_is_dead(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"bad", b"good")
    group = cluster.unique("group")

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus | None:
        context.suspend = 0.01
        return ConsumeStatus.RECONSUME_LATER if messages[0].body == b"bad" else None

    with consuming(cluster, inbox := Inbox(answer), topic, group=group, orderly=True, max_reconsume_times=2):
        assert inbox.wait(4) == [b"bad", b"bad", b"bad", b"good"]
        (dead,) = wait_until(lambda: _dead(cluster, group, 1))
    assert dead.body == b"bad"
    assert "CONSUME_START_TIME" not in dead.properties, "that is for concurrent consumption only"


@pytest.mark.parametrize(
    ("full", "size"),
    [
        ({"queue_threshold": 2}, 1),
        ({"topic_threshold": 2}, 1),
        ({"queue_threshold_mib": 1}, 900_000),
        ({"topic_threshold_mib": 1}, 900_000),
        ({"max_span": 1}, 1),
    ],
    ids=str,
)
def test_full_queue_is_not_pulled_from(cluster: Cluster, full: dict[str, int], size: int, tmp_path: Path) -> None:
    topic = cluster.topic()
    with cluster.producer(compress_over=size + 1) as producer:
        for n in range(8):
            producer.send(Message(topic, b"%d" % n * size))
    go_on = threading.Event()

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        assert go_on.wait(20)

    options: dict[str, Any] = {"model": MessageModel.BROADCASTING, "local_offsets": str(tmp_path)}  # no retry topic
    with consuming(cluster, inbox := Inbox(answer), topic, threads=1, pull_batch_size=1, **options, **full) as consumer:
        def held() -> int:
            info = consumer.status().mq_table.get(cluster.queue(topic))
            return 0 if info is None else info.cached_msg_count

        wait_until(lambda: held() == 3)
        inbox.wait(1)
        assert held() == 3
        go_on.set()
        assert len(inbox.wait(8)) == 8


def test_message_that_cannot_be_read_is_passed_over(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0")
    header = SendMessage(
        producer_group="p", topic=topic, default_topic="TBW102", default_topic_queue_nums=4, queue_id=0,
        sys_flag=MessageSysFlag.COMPRESSED, born_timestamp=0, flag=0, properties="", reconsume_times=0,
    )  # fmt: skip
    assert cluster.ask(header, b"no zlib").code == 0
    cluster.send(topic, b"2", properties={"CONSUME_START_TIME": "soon"})
    with consuming(cluster, inbox := Inbox(), topic, consume_timeout=0.01) as consumer:
        assert sorted(inbox.wait(2)) == [b"0", b"2"]
        wait_until(lambda: consumer.offsets.known(cluster.queue(topic)) == 3)
    assert f"{topic} 0/1 is passed over: compressed body is damaged" in caplog.text


@pytest.mark.parametrize("answer", ["CONSUMED", 5, ["x"], SystemExit, KeyboardInterrupt, ValueError("€")], ids=repr)
def test_nonsense_from_a_listener_is_a_failure(cluster: Cluster, answer: Any) -> None:
    topic, group = cluster.topic(), cluster.unique("group")
    cluster.send(topic, b"x")

    def answering(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> Any:
        if messages[0].reconsume_times == 0:
            context.delay_level = 3
            if isinstance(answer, (str, int, list)):
                return answer
            raise answer
        return None

    with consuming(cluster, inbox := Inbox(answering), topic, group=group, threads=1):
        inbox.wait(1)
        wait_until(lambda: _retried(cluster, group))
        cluster.send(topic, b"next")
        wait_until(lambda: b"next" in [message.body for message in inbox.messages])


def test_listener_that_takes_too_long_loses_its_message(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"slow")
    group = cluster.unique("group")
    go_on = threading.Event()

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        assert messages[0].reconsume_times or go_on.wait(20)

    with consuming(cluster, inbox := Inbox(answer), topic, group=group, consume_timeout=0.05, threads=2):
        wait_until(lambda: _retried(cluster, group))
        go_on.set()
        assert inbox.wait(1)[0] == b"slow"


def _retried(cluster: Cluster, group: str) -> bool:
    """Whether a message of the group waits for the third delay level."""
    with cluster.puller() as puller:
        found = puller.pull(cluster.queue("SCHEDULE_TOPIC_XXXX", 2), 0).messages
    return any(message.properties.get("REAL_TOPIC") == f"%RETRY%{group}" for message in found)


def test_topics_are_added_and_dropped_while_running(cluster: Cluster) -> None:
    one, other = cluster.topic(), cluster.topic()
    with consuming(cluster, inbox := Inbox(), one) as consumer:
        consumer.subscribe(other, "a")
        cluster.send(other, b"no", tags="b")
        cluster.send(other, b"yes", tags="a")
        assert inbox.wait(1) == [b"yes"]
        consumer.unsubscribe(other)
        wait_until(lambda: other not in {queue.topic for queue in consumer.assigned()})
        asked = QueryConsumerOffset(consumer_group=consumer.group, topic=other, queue_id=0)
        wait_until(lambda: cluster.ask(asked).ext_fields == {"offset": "2"})


def test_threads_can_become_more_and_fewer(cluster: Cluster) -> None:
    topic = cluster.topic()
    go_on, running = threading.Semaphore(0), threading.Semaphore(0)

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        running.release()
        assert go_on.acquire(timeout=20)

    with consuming(cluster, inbox := Inbox(answer), topic, threads=1) as consumer:
        cluster.send(topic, *[b"%d" % n for n in range(6)])
        assert running.acquire(timeout=20)
        assert not running.acquire(timeout=0.02)
        consumer.resize(3)
        assert all(running.acquire(timeout=20) for _ in range(2))
        assert not running.acquire(timeout=0.02)
        consumer.resize(1)
        go_on.release(6)
        assert len(inbox.wait(6)) == 6
        assert consumer.status().properties["PROP_THREADPOOL_CORE_SIZE"] == "1"
        cluster.send(topic, b"6", b"7")
        assert all(running.acquire(timeout=20) for _ in range(4))
        assert not running.acquire(timeout=0.02)
        go_on.release(2)
        with pytest.raises(ClientError, match=r"consumeThreadMin Out of range \[1, 1000\]"):
            consumer.resize(0)


def test_consumer_can_go_back_in_time(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0", b"1")
    with consuming(cluster, inbox := Inbox(), topic) as consumer:
        assert sorted(inbox.wait(2)) == [b"0", b"1"]
        consumer.reset_to(0)
        assert sorted(inbox.wait(4)) == [b"0", b"0", b"1", b"1"]


def test_strategy_that_fails_for_a_topic_harms_no_other(cluster: Cluster) -> None:
    good, bad = cluster.topic(), cluster.topic()
    cluster.send(good, b"x")

    def strategy(
        group: str, client_id: str, queues: Sequence[MessageQueue], clients: Sequence[str]
    ) -> list[MessageQueue]:
        assert bad not in {queue.topic for queue in queues}
        return list(queues)

    with consuming(cluster, inbox := Inbox(), bad, strategy=strategy) as consumer:
        consumer.subscribe(good)
        assert inbox.wait(1) == [b"x"]


def test_suspended_consumer_pulls_nothing(cluster: Cluster) -> None:
    topic = cluster.topic()
    cluster.send(topic, b"0")
    where = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
    group = cluster.unique("group")
    consumer = PushConsumer(group, inbox := Inbox(), {topic: "*"}, namesrv=cluster.namesrv, consume_from=where)
    consumer.suspend()
    with consumer:
        assert (consumer.assigned(), inbox.messages) == ([], [])
        consumer.resume()
        assert inbox.wait(1) == [b"0"]


def test_administrators_ask_a_consumer_through_the_broker(cluster: Cluster) -> None:
    topic = cluster.topic()
    group = cluster.unique("group")
    sent = cluster.send(topic, b"x")[0]
    answers: list[Answer] = []

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus | None:
        return answers[0](messages, context) if answers else None

    def fail(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus | None:
        raise ValueError("no")

    with consuming(cluster, inbox := Inbox(answer), topic, group=group) as consumer:
        inbox.wait(1)
        wait_until(lambda: consumer.offsets.known(cluster.queue(topic)) == 1)
        ids = {"consumer_group": group, "client_id": consumer.client_id}
        info = ConsumerRunningInfo.from_json(cluster.ask(GetConsumerRunningInfo(**ids, jstack_enable=True)).body)
        assert info.properties["PROP_CONSUMER_START_TIMESTAMP"] == str(consumer.start_timestamp)
        assert info.properties["PROP_CLIENT_VERSION"] == "V4_9_8"
        assert info.mq_table[cluster.queue(topic)].commit_offset == 1
        assert info.jstack is not None
        assert "TID: " in info.jstack
        assert {one.topic for one in info.subscription_set} == {topic, f"%RETRY%{group}"}
        status = cluster.ask(InvokeBrokerToGetConsumerStatus(topic=topic, group=group))
        table = GetConsumerStatusBody.from_json(status.body).consumer_table
        assert table == {consumer.client_id: {cluster.queue(topic): 1}}
        header = ConsumeMessageDirectly(**ids, msg_id=sent.offset_msg_id, broker_name="b-0")
        outcomes = []
        for one in (None, fail, lambda messages, context: ConsumeStatus.RECONSUME_LATER):
            answers[:] = [] if one is None else [one]
            body = cluster.ask(header).body
            outcomes.append(ConsumeMessageDirectlyResult.from_json(body).consume_result)
        assert outcomes == ["CR_SUCCESS", "CR_THROW_EXCEPTION", "CR_LATER"]
        assert inbox.messages[-1].topic == topic


def test_reset_of_offsets_reaches_the_consumer(cluster: Cluster) -> None:
    topic = cluster.topic()
    group = cluster.unique("group")
    cluster.send(topic, b"0", b"1")
    with consuming(cluster, inbox := Inbox(), topic, group=group, persist_offset_interval=0.02):
        inbox.wait(2)
        asked = QueryConsumerOffset(consumer_group=group, topic=topic, queue_id=0)
        wait_until(lambda: cluster.ask(asked).ext_fields == {"offset": "2"})
        header = InvokeBrokerToResetOffset(topic=topic, group=group, timestamp=0, is_force=True)
        answer = cluster.ask(header)
        assert answer.code == 0, answer.remark
        assert sorted(inbox.wait(4)) == [b"0", b"0", b"1", b"1"]


def test_offset_beyond_the_queue_is_corrected(cluster: Cluster) -> None:
    topic = cluster.topic()
    group = cluster.unique("group")
    cluster.send(topic, b"0")
    cluster.stored(topic)
    with PullConsumer(group, namesrv=cluster.namesrv) as puller:
        puller.commit(cluster.queue(topic), 99)
    with consuming(cluster, inbox := Inbox(), topic, group=group) as consumer:
        wait_until(lambda: consumer.offsets.known(cluster.queue(topic)) == 1)
        cluster.send(topic, b"1")
        assert inbox.wait(1) == [b"1"]


def test_old_broker_is_not_asked_for_expressions(cluster: Cluster) -> None:
    topic = cluster.topic()
    with cluster.puller() as puller:
        assert puller.pull(cluster.queue(topic), 0).messages == []
        versions = puller._running().broker_versions
        wait_until(lambda: versions == {cluster.broker: 409})
        versions[cluster.broker] = 231
        with pytest.raises(ClientError, match=r"b-0, 231\] does not upgrade to support for filter message by SQL92"):
            puller.pull(cluster.queue(topic), 0, expression=Sql92("a > 1"))


def test_filter_that_the_broker_refuses_fails_the_start(cluster: Cluster) -> None:
    topic = cluster.topic()
    consumer = PushConsumer("sql", Inbox(), {topic: Sql92("a >")}, namesrv=cluster.namesrv)
    lite = LitePullConsumer("sql", {topic: Sql92("a >")}, namesrv=cluster.namesrv)
    for one in (consumer, lite):
        with pytest.raises(ClientError, match="CODE: "):
            one.start()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"threads": 0}, r"consumeThreadMin Out of range \[1, 1000\]"),
        ({"batch_size": 1025}, r"consumeMessageBatchMaxSize Out of range \[1, 1024\]"),
        ({"pull_interval": -1}, "pullInterval Out of range"),
        ({"queue_threshold": 0}, "pullThresholdForQueue Out of range"),
        ({"queue_threshold": None}, "pullThresholdForQueue Out of range"),
        ({"consume_from": "START"}, "consumeFromWhere is null"),
        ({"consume_timestamp": "2026-01-01"}, "the valid format is yyyyMMddHHmmss,but received 2026-01-01"),
        ({"model": None}, "messageModel is null"),
        ({"strategy": None}, "allocateMessageQueueStrategy is null"),
        ({"subscriptions": {"": "*"}}, "Topic can not be null or empty"),
        ({"subscriptions": {"T": 5}}, "an expression is a text, not 5"),
    ],
)
def test_settings_are_checked(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=text):
        PushConsumer("g", Inbox(), **options)
    with pytest.raises(ClientError, match="messageListener is null"):
        PushConsumer("g", None)  # type: ignore[arg-type]
    with pytest.raises(ClientError, match="consumerGroup can not equal DEFAULT_CONSUMER"):
        PushConsumer("DEFAULT_CONSUMER", Inbox())


