"""Each public method of the producers and consumers has a twin for asyncio, or a reason why it has none."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from rocketpy import client
from rocketpy.client import LocalTransactionState, Message, TransactionListener, aio
from tests.client.cluster import Cluster

PAIRS = [
    (client.Producer, aio.Producer),
    (client.PushConsumer, aio.PushConsumer),
    (client.LitePullConsumer, aio.LitePullConsumer),
    (client.PullConsumer, aio.PullConsumer),
]

IN_THE_HUB = {
    "balance", "check_transaction", "consume_directly", "consume_from", "consume_type", "consumption", "data",
    "give_back", "is_full", "is_leaving", "listener", "max_reconsume_times", "arrived", "offsets", "owned", "persist",
    "puller", "queue_infos", "rebalance", "rebalance_soon", "reset_offsets", "running_info", "send_anew", "share",
    "spawn", "topics", "unretry", "wanted", "where_to_start",
}  # fmt: skip
"""Used by the client itself, among its greenlets."""
NOT_NEEDED = {"send_async", "send_batch_async", "request_async", "poll_async", "pull_async"}
"""These do not wait: their futures may be awaited with asyncio.wrap_future, and the twins of what waits do so."""
ONLY_ASYNC = {"call", "plain"}
"""What there is for asyncio alone."""


def _public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(("plain", "face"), PAIRS)
def test_every_method_has_a_twin(plain: type, face: type) -> None:
    assert _public(plain) - IN_THE_HUB - NOT_NEEDED == _public(face) - ONLY_ASYNC


def test_reasons_are_still_true() -> None:
    everything = set[str]().union(*(_public(plain) for plain, _ in PAIRS))
    assert everything >= NOT_NEEDED
    assert not NOT_NEEDED & IN_THE_HUB


@pytest.mark.parametrize(("plain", "face"), PAIRS)
def test_twins_are_called_alike_and_awaited(plain: type, face: type) -> None:
    for name in _public(face) - ONLY_ASYNC:
        ours, theirs = inspect.getattr_static(face, name), inspect.getattr_static(plain, name)
        assert isinstance(ours, property) == isinstance(theirs, property), name
        if not isinstance(ours, property):
            assert inspect.iscoroutinefunction(ours), name
            if name not in ("start", "stop"):
                assert inspect.unwrap(ours) is not ours, name
                assert ours.__wrapped__ is theirs, name
            assert _parameters(ours) == _parameters(theirs), name


def _parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


def test_questions_and_changes_can_be_awaited(cluster: Cluster) -> None:
    topic = cluster.topic()
    queue = cluster.queue(topic)

    async def scenario() -> None:
        group = cluster.unique("aio")
        async with aio.Producer(group, namesrv=cluster.namesrv) as producer:
            assert producer.is_running
            result = await producer.send(Message(topic, b"1", keys="k"), sharding_key="x")
            await producer.send_oneway(Message(topic, b"2"), sharding_key="x")
            assert await producer.publish_queues(topic) == [queue]
            assert (await producer.view_message(result.offset_msg_id)).body == b"1"
        assert not producer.is_running
        async with aio.PullConsumer(group, namesrv=cluster.namesrv) as puller:
            assert await puller.subscribe_queues(topic) == [queue]
            assert await puller.min_offset(queue) == 0
            await puller.update_offset(queue, 1)
            assert await puller.consume_offset(queue) == 1
        lite = aio.LitePullConsumer(group, namesrv=cluster.namesrv)
        await lite.assign([queue])
        async with lite:
            await lite.seek_to_begin(queue)
            assert [one.body for one in await lite.poll()][:1] == [b"1"]
            await lite.pause([queue])
            await lite.resume([queue])
            await lite.commit()
            assert await lite.committed(queue) > 0
        async with aio.PushConsumer(group, lambda messages, context: None, namesrv=cluster.namesrv) as pushing:
            await pushing.subscribe(topic)
            await pushing.suspend()
            await pushing.resume()
            await pushing.resize(2)
            assert (await pushing.status()).properties["consumerGroup"] == group
            await pushing.unsubscribe(topic)

    asyncio.run(scenario())


def test_transaction_listener_may_be_coroutines(cluster: Cluster) -> None:
    topic = cluster.topic()

    async def scenario() -> None:
        loop, checked = asyncio.get_running_loop(), asyncio.Event()

        async def execute(message: Message, arg: Any) -> LocalTransactionState:
            assert asyncio.get_running_loop() is loop
            return LocalTransactionState(arg)

        async def check(message: Message) -> LocalTransactionState:
            assert asyncio.get_running_loop() is loop
            checked.set()
            return LocalTransactionState.COMMIT_MESSAGE

        listener: Any = TransactionListener(execute, check)  # type: ignore[arg-type]
        group = cluster.unique("aio")
        async with aio.Producer(group, namesrv=cluster.namesrv, transaction_listener=listener) as producer:
            for state in ("COMMIT_MESSAGE", "UNKNOW"):
                result = await producer.send_in_transaction(Message(topic, state.encode()), state)
                assert result.local_state == state
            await asyncio.wait_for(checked.wait(), 20)
        async with aio.PullConsumer(group, namesrv=cluster.namesrv) as puller:
            result = await puller.pull(cluster.queue(topic), 0, block=True)
            assert result.messages[0].body == b"COMMIT_MESSAGE"

    asyncio.run(scenario())
