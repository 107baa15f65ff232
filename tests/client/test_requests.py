from __future__ import annotations

from collections.abc import Sequence

import pytest

from rocketpy.client import (
    ClientError,
    ConsumeContext,
    ConsumeFromWhere,
    Message,
    Producer,
    PushConsumer,
    ReceivedMessage,
    RequestTimeout,
    create_reply,
)
from tests.client.cluster import Cluster


def test_request_gets_its_own_reply(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic(2)

    def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        producer.send(create_reply(messages[0], b"re: " + messages[0].body))

    where = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
    with PushConsumer(cluster.unique("g"), answer, {topic: "*"}, namesrv=cluster.namesrv, consume_from=where):
        assert producer.request(Message(topic, b"one"), timeout=20).body == b"re: one"
        futures = [producer.request_async(Message(topic, b"%d" % n), timeout=20) for n in range(5)]
        assert [future.result(30).body for future in futures] == [b"re: %d" % n for n in range(5)]
        reply = producer.request(Message(topic, b"x"), timeout=20, queue=cluster.queue(topic, 1))
        assert "ARRIVE_TIME" in reply.properties


def test_request_that_nobody_answers_times_out(cluster: Cluster, producer: Producer) -> None:
    topic = cluster.topic()
    with pytest.raises(RequestTimeout, match=f"send request message to <{topic}> OK, but wait reply message timeout"):
        producer.request(Message(topic, b"x"), timeout=0.05)
    with pytest.raises(ClientError, match="the message body length is zero"):
        producer.request(Message(topic, b""), timeout=1)


def test_reply_is_made_of_what_came_from_a_consumer() -> None:
    with pytest.raises(ClientError, match=r"CODE: 10007  DESC: create reply message fail.*property\[CLUSTER\] is null"):
        create_reply(Message("T", b"x"), b"y")
