"""The same producers and consumers for asyncio: what waits is awaited, the work is done by the client's own hub.

    async with aio.Producer("orders", namesrv="127.0.0.1:9876") as producer:
        await producer.send(Message("Order", b"..."))

Arguments, results and errors are those of `rocketpy.client`, and so are the methods: each is the twin of the one with
its name (tests/client/test_aio_parity.py). Listeners may be coroutine functions, those of transactions, too: these run
in the event loop in which the producer or consumer was started, while a thread waits for each. What must not wait is a
plain function here as well: queue selectors, and what is told of changed queues.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from rocketpy import client
from rocketpy.client.consumer import Consumer
from rocketpy.client.errors import NotRunning
from rocketpy.client.listening import ConsumeContext, ConsumeStatus, Listener
from rocketpy.client.member import Member
from rocketpy.client.messages import ReceivedMessage

M = TypeVar("M", bound=Member)
P = ParamSpec("P")
T = TypeVar("T")

AsyncListener = Callable[[Sequence[ReceivedMessage], ConsumeContext], Awaitable[ConsumeStatus | None]]


def _twin(method: Callable[Concatenate[M, P], T]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """A method to await, which is done in a thread meanwhile."""

    @wraps(method)
    async def awaited(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(method, self.plain, *args, **kwargs)

    return awaited


def _quick_twin(
    method: Callable[Concatenate[M, P], T], begin: Callable[Concatenate[M, P], Future[T]]
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """A method to await, of which there is one that does not wait, so that no thread is needed."""

    @wraps(method)
    async def awaited(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.wrap_future(begin(self.plain, *args, **kwargs))

    return awaited


class _Face:
    """What all have in common. `plain` is the member that does the work, for whatever is not offered here."""

    plain: Member
    _loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """As Member.start; coroutine functions are run in the loop that this is awaited in."""
        self._loop = asyncio.get_running_loop()
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
        """As Member.client_id."""
        return self.plain.client_id

    @property
    def is_running(self) -> bool:
        """As Member.is_running."""
        return self.plain.is_running

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await a function that would block the loop, such as one that uses `plain`; it is called in a thread."""
        return await asyncio.to_thread(partial(function, *args, **kwargs))

    create_topic = _twin(Member.create_topic)
    publish_queues = _twin(Member.publish_queues)
    subscribe_queues = _twin(Member.subscribe_queues)
    max_offset = _twin(Member.max_offset)
    min_offset = _twin(Member.min_offset)
    offset_for_timestamp = _twin(Member.offset_for_timestamp)
    earliest_store_time = _twin(Member.earliest_store_time)
    view_message = _twin(Member.view_message)
    query_messages = _twin(Member.query_messages)

    def _in_loop(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself, or for a coroutine function one that has it run in the loop and waits."""
        if not inspect.iscoroutinefunction(function):
            return function

        def waiting(*args: Any) -> Any:
            assert self._loop is not None
            return asyncio.run_coroutine_threadsafe(function(*args), self._loop).result()

        return waiting


class Producer(_Face):
    """`rocketpy.client.Producer` with methods to await; both functions of its transaction listener may be coroutine
    functions.
    """

    def __init__(self, group: str, **options: Any) -> None:
        """As there. Raises ClientError for values that cannot be used."""
        listener = options.get("transaction_listener")
        if listener is not None:
            options["transaction_listener"] = replace(
                listener, execute=self._in_loop(listener.execute), check=self._in_loop(listener.check)
            )
        self.plain: client.Producer = client.Producer(group, **options)

    send = _quick_twin(client.Producer.send, client.Producer.send_async)
    send_oneway = _twin(client.Producer.send_oneway)
    send_batch = _twin(client.Producer.send_batch)
    send_in_transaction = _twin(client.Producer.send_in_transaction)
    request = _quick_twin(client.Producer.request, client.Producer.request_async)


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
        given = self._in_loop(listener)
        self.plain: client.PushConsumer = client.PushConsumer(group, given, subscriptions, **options)

    subscribe = _twin(client.PushConsumer.subscribe)
    unsubscribe = _twin(client.PushConsumer.unsubscribe)
    suspend = _twin(client.PushConsumer.suspend)
    resume = _twin(client.PushConsumer.resume)
    resize = _twin(client.PushConsumer.resize)
    reset_to = _twin(client.PushConsumer.reset_to)
    assigned = _twin(client.PushConsumer.assigned)
    status = _twin(client.PushConsumer.status)
    update_offset = _twin(client.PushConsumer.update_offset)
    send_back = _twin(Consumer.send_back)


class LitePullConsumer(_Face):
    """`rocketpy.client.LitePullConsumer` with methods to await; `async for` gives messages one by one."""

    def __init__(self, group: str, subscriptions: Mapping[str, str] | None = None, **options: Any) -> None:
        """As there. Raises ClientError for values that cannot be used."""
        self.plain: client.LitePullConsumer = client.LitePullConsumer(group, subscriptions, **options)

    async def __aiter__(self) -> AsyncIterator[ReceivedMessage]:
        while self.plain.is_running:
            try:
                messages = await self.poll()
            except NotRunning:
                return
            for message in messages:
                yield message

    poll = _quick_twin(client.LitePullConsumer.poll, client.LitePullConsumer.poll_async)
    subscribe = _twin(client.LitePullConsumer.subscribe)
    unsubscribe = _twin(client.LitePullConsumer.unsubscribe)
    assign = _twin(client.LitePullConsumer.assign)
    assignment = _twin(client.LitePullConsumer.assignment)
    commit = _twin(client.LitePullConsumer.commit)
    committed = _twin(client.LitePullConsumer.committed)
    seek = _twin(client.LitePullConsumer.seek)
    seek_to_begin = _twin(client.LitePullConsumer.seek_to_begin)
    seek_to_end = _twin(client.LitePullConsumer.seek_to_end)
    pause = _twin(client.LitePullConsumer.pause)
    resume = _twin(client.LitePullConsumer.resume)
    watch_queues = _twin(client.LitePullConsumer.watch_queues)
    send_back = _twin(Consumer.send_back)


class PullConsumer(_Face):
    """`rocketpy.client.PullConsumer` with methods to await."""

    def __init__(self, group: str, **options: Any) -> None:
        """As there. Raises ClientError for values that cannot be used."""
        self.plain: client.PullConsumer = client.PullConsumer(group, **options)

    pull = _quick_twin(client.PullConsumer.pull, client.PullConsumer.pull_async)
    consume_offset = _twin(client.PullConsumer.consume_offset)
    update_offset = _twin(client.PullConsumer.update_offset)
    commit = _twin(client.PullConsumer.commit)
    queues_in_balance = _twin(client.PullConsumer.queues_in_balance)
    send_back = _twin(Consumer.send_back)
