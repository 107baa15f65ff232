from __future__ import annotations

import threading
from typing import Any

import pytest

from rocketpy.client import ClientError, LocalTransactionState, Message, Producer, ReceivedMessage, TransactionListener
from tests.client.cluster import Cluster, wait_until

COMMIT, ROLLBACK, UNKNOW = (
    LocalTransactionState.COMMIT_MESSAGE, LocalTransactionState.ROLLBACK_MESSAGE, LocalTransactionState.UNKNOW,
)  # fmt: skip


class Accounts:
    """A listener whose answers are told beforehand."""

    def __init__(self, outcome: Any, later: LocalTransactionState = COMMIT) -> None:
        self.outcome = outcome
        self.later = later
        self.executed: list[tuple[Message, object, int]] = []
        self.asked: list[ReceivedMessage] = []

    def execute(self, message: Message, arg: object) -> LocalTransactionState:
        self.executed.append((message, arg, threading.get_ident()))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        assert self.outcome is None or isinstance(self.outcome, LocalTransactionState)
        return self.outcome  # type: ignore[return-value]

    def check(self, message: ReceivedMessage) -> LocalTransactionState:
        self.asked.append(message)
        return self.later

    @property
    def listener(self) -> TransactionListener:
        return TransactionListener(self.execute, self.check)


def test_committed_message_is_delivered(cluster: Cluster) -> None:
    topic, accounts = cluster.topic(), Accounts(COMMIT)
    with cluster.producer(transaction_listener=accounts.listener) as producer:
        delayed = Message(topic, b"x", tags="t")
        delayed.delay_level = 1
        result = producer.send_in_transaction(delayed, "why")
        assert result.local_state == COMMIT
        (stored,) = cluster.stored(topic)
        assert (stored.body, stored.tags, stored.msg_id, stored.transaction_id) == (
            b"x", "t", result.msg_id, result.msg_id,
        )  # fmt: skip
    ((message, arg, thread),) = accounts.executed
    assert (message.uniq_key, arg, thread) == (result.msg_id, "why", threading.get_ident())
    assert "TRAN_MSG" not in delayed.properties, "what is sent stays as it is"


def test_rolled_back_message_is_not_delivered(cluster: Cluster) -> None:
    topic = cluster.topic()
    with cluster.producer(transaction_listener=Accounts(ROLLBACK).listener) as producer:
        assert producer.send_in_transaction(Message(topic, b"gone")).local_state == ROLLBACK
    cluster.send(topic, b"later")
    assert [message.body for message in cluster.stored(topic)] == [b"later"]


@pytest.mark.parametrize("outcome", [UNKNOW, None, ValueError("no idea")])
def test_open_transaction_is_asked_about(cluster: Cluster, outcome: Any) -> None:
    topic, accounts = cluster.topic(), Accounts(outcome)
    with cluster.producer(transaction_listener=accounts.listener) as producer:
        result = producer.send_in_transaction(Message(topic, b"x"))
        assert result.local_state == UNKNOW
        wait_until(lambda: accounts.asked)
        stored = cluster.stored(topic)
    assert {message.msg_id for message in stored} == {result.msg_id}, "twice, where it was asked about twice"
    assert (accounts.asked[0].topic, accounts.asked[0].transaction_id) == (topic, result.msg_id)


def test_producer_without_listener_has_no_transactions(cluster: Cluster, producer: Producer) -> None:
    with pytest.raises(ClientError, match="TransactionListener is null"):
        producer.send_in_transaction(Message(cluster.topic(), b"x"))
