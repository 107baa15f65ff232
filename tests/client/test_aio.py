from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from rocketpy.client import ClientError, ConsumeContext, ConsumeFromWhere, Message, ReceivedMessage, aio, create_reply
from tests.client.cluster import Cluster

FIRST = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET


def test_everything_can_be_awaited(cluster: Cluster) -> None:
    topic = cluster.topic()
    queue = cluster.queue(topic)

    async def scenario() -> None:
        group = cluster.unique("aio")
        async with aio.Producer(group, namesrv=cluster.namesrv) as producer:
            results = await asyncio.gather(*(producer.send(Message(topic, b"%d" % n)) for n in range(20)))
            assert sorted(result.queue_offset for result in results) == list(range(20))
            await producer.send_oneway(Message(topic, b"20"))
            (batch,) = await producer.send_batch([Message(topic, b"21"), Message(topic, b"22")])
            assert batch.queue_offset == 21
            with pytest.raises(ClientError, match="length is zero"):
                await producer.send(Message(topic, b""))
        async with aio.LitePullConsumer(group, {topic: "*"}, namesrv=cluster.namesrv, consume_from=FIRST) as reader:
            got = []
            async for message in reader:
                got.append(message.queue_offset)
                if len(got) == 23:
                    break
            assert got == list(range(23))
            await reader.commit()
            assert await reader.assignment() == [queue]
            await reader.seek(queue, 22)
            assert [one.body for one in await reader.poll()] == [b"22"]
        async with aio.PullConsumer(group, namesrv=cluster.namesrv) as puller:
            assert len((await puller.pull(queue, 0)).messages) == 23
            await puller.commit(queue, 5)
            assert await puller.call(puller.plain.consume_offset, queue, from_store=True) == 5

    asyncio.run(scenario())


def test_listener_may_be_a_coroutine(cluster: Cluster) -> None:
    topic = cluster.topic()

    async def scenario() -> None:
        async with aio.Producer(cluster.unique("aio"), namesrv=cluster.namesrv) as producer:

            async def answer(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
                assert asyncio.get_running_loop() is loop
                for message in messages:
                    await producer.send(create_reply(message, b"re: " + message.body))

            loop = asyncio.get_running_loop()
            options = {"namesrv": cluster.namesrv, "consume_from": FIRST}
            async with aio.PushConsumer(cluster.unique("aio"), answer, {topic: "*"}, **options):
                asked = await asyncio.gather(
                    *(producer.request(Message(topic, b"%d" % n), timeout=20) for n in range(3))
                )
            assert sorted(reply.body for reply in asked) == [b"re: 0", b"re: 1", b"re: 2"]

    asyncio.run(scenario())
