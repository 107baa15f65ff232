"""The same producers and consumers for asyncio: what waits is awaited, the work is done by the client's own hub.

    async with aio.Producer("orders", namesrv="127.0.0.1:9876") as producer:
        await producer.send(Message("Order", b"..."))

Arguments, results and errors are those of `rocketpy.client`. Listeners may be coroutine functions: these run in the
event loop in which the consumer was started, while a thread of the consumer waits for each.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from rocketpy import client
from rocketpy.client.errors import NotRunning
from rocketpy.client.listening import ConsumeContext, ConsumeStatus, Listener
from rocketpy.client.member import Member
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.results import PullResult, SendResult, TransactionSendResult
from rocketpy.client.sending import Selector
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.message import Message

P = ParamSpec("P")
T = TypeVar("T")

AsyncListener = Callable[[Sequence[ReceivedMessage], ConsumeContext], Awaitable[ConsumeStatus | None]]


class _Face:
    """What all have in common. `plain` is the member that does the work, for whatever is not offered here."""

    plain: Member

    async def start(self) -> None:
        """As Member.start."""
        await asyncio.to_thread(self.plain.start)

    async def stop(self) -> None:
        """As Member.stop."""
        await asyncio.to_thread(self.plain.stop)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def client_id(self) -> str:
        """What the brokers know this client by."""
        return self.plain.client_id

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await any method of `plain`, as in `await consumer.call(consumer.plain.max_offset, queue)`."""
        return await asyncio.to_thread(partial(function, *args, **kwargs))


class Producer(_Face):
    """`rocketpy.client.Producer` with methods to await."""

    def __init__(self, group: str, **options: Any) -> None:
        """As there. Raises ClientError for values that cannot be used."""
        self.plain: client.Producer = client.Producer(group, **options)

    async def send(
        self,
        message: Message,
        *,
        queue: MessageQueue | None = None,
        sharding_key: str | int | None = None,
        selector: Selector | None = None,
        timeout: float | None = None,
    ) -> SendResult:
        """As Producer.send_async."""
        future = self.plain.send_async(
            message, queue=queue, sharding_key=sharding_key, selector=selector, timeout=timeout
        )
        return await asyncio.wrap_future(future)

    async def send_oneway(self, message: Message, *, queue: MessageQueue | None = None) -> None:
        """As Producer.send_oneway."""
        await self.call(self.plain.send_oneway, message, queue=queue)

    async def send_batch(
        self, messages: Iterable[Message], *, queue: MessageQueue | None = None, timeout: float | None = None
    ) -> list[SendResult]:
        """As Producer.send_batch."""
        return await self.call(self.plain.send_batch, messages, queue=queue, timeout=timeout)

    async def send_in_transaction(self, message: Message, arg: Any = None) -> TransactionSendResult:
        """As Producer.send_in_transaction; the listener is called in a thread."""
        return await self.call(self.plain.send_in_transaction, message, arg)

    async def request(self, message: Message, *, timeout: float) -> ReceivedMessage:
        """As Producer.request."""
        return await asyncio.wrap_future(self.plain.request_async(message, timeout=timeout))


class PushConsumer(_Face):
    """`rocketpy.client.PushConsumer`; its listener may be a coroutine function."""

    def __init__(
        self,
        group: str,
        listener: AsyncListener | Listener,
        subscriptions: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        """As there. Raises ClientError for values that cannot be used."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener = listener
        given: Any = self._run_in_loop if inspect.iscoroutinefunction(listener) else listener
        self.plain: client.PushConsumer = client.PushConsumer(group, given, subscriptions, **options)

    async def start(self) -> None:
        """As Member.start; coroutine listeners run in the loop that this is awaited in."""
        self._loop = asyncio.get_running_loop()
        await super().start()

    def _run_in_loop(self, messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus | None:
        assert self._loop is not None
        listening: Any = self._listener
        outcome: ConsumeStatus | None = asyncio.run_coroutine_threadsafe(
            listening(messages, context), self._loop
        ).result()
        return outcome


class LitePullConsumer(_Face):
    """`rocketpy.client.LitePullConsumer` with methods to await; `async for` gives messages one by one."""

    def __init__(self, group: str, subscriptions: Mapping[str, str] | None = None, **options: Any) -> None:
        """As there. Raises ClientError for values that cannot be used."""
        self.plain: client.LitePullConsumer = client.LitePullConsumer(group, subscriptions, **options)

    async def poll(self, timeout: float | None = None) -> list[ReceivedMessage]:
        """As LitePullConsumer.poll."""
        return await asyncio.wrap_future(self.plain.poll_async(timeout))

    async def __aiter__(self) -> AsyncIterator[ReceivedMessage]:
        while self.plain.is_running:
            try:
                messages = await self.poll()
            except NotRunning:
                return
            for message in messages:
                yield message

    async def commit(self, offsets: Mapping[MessageQueue, int] | None = None) -> None:
        """As LitePullConsumer.commit."""
        await self.call(self.plain.commit, offsets)

    async def seek(self, queue: MessageQueue, queue_offset: int) -> None:
        """As LitePullConsumer.seek."""
        await self.call(self.plain.seek, queue, queue_offset)

    async def assignment(self) -> list[MessageQueue]:
        """As LitePullConsumer.assignment."""
        return await self.call(self.plain.assignment)


class PullConsumer(_Face):
    """`rocketpy.client.PullConsumer` with methods to await."""

    def __init__(self, group: str, **options: Any) -> None:
        """As there. Raises ClientError for values that cannot be used."""
        self.plain: client.PullConsumer = client.PullConsumer(group, **options)

    async def pull(
        self,
        queue: MessageQueue,
        queue_offset: int,
        *,
        expression: str = "*",
        max_count: int = 32,
        block: bool = False,
        timeout: float | None = None,
    ) -> PullResult:
        """As PullConsumer.pull."""
        future = self.plain.pull_async(
            queue, queue_offset, expression=expression, max_count=max_count, block=block, timeout=timeout
        )
        return await asyncio.wrap_future(future)

    async def commit(self, queue: MessageQueue, queue_offset: int) -> None:
        """As PullConsumer.commit."""
        await self.call(self.plain.commit, queue, queue_offset)
