"""The lite pull consumer: the application asks for the next messages, whatever queue they are of.

(DefaultLitePullConsumer.java.)
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from typing import Unpack

from gevent.event import Event

from rocketpy.client.allocation import Strategy, averagely
from rocketpy.client.balance import Balance
from rocketpy.client.consumer import Consumer
from rocketpy.client.errors import ClientError, NotRunning
from rocketpy.client.instance import Instance
from rocketpy.client.lite_reading import LiteReader
from rocketpy.client.member import settings_of
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import queue_with_namespace, queue_without_namespace, with_namespace
from rocketpy.client.offset_stores import OffsetStore, RemoteOffsets
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.push_settings import PushSettings
from rocketpy.client.queries import Queries
from rocketpy.client.settings import ClientOptions
from rocketpy.client.subscriptions import subscription
from rocketpy.protocol.api.client import ConsumerData, SubscriptionData
from rocketpy.protocol.api.connection import ProcessQueueInfo
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import ConsumeFromWhere, MessageModel


class LitePullConsumer(Consumer):
    """Hands out messages when asked.

        with LitePullConsumer("reader", {"Order": "*"}, namesrv="127.0.0.1:9876") as consumer:
            for message in consumer:
                print(message.body)

    Either it shares the queues of its `subscriptions` with the other members of its group, or it reads just the queues
    that `assign` is given. With `auto_commit` what was handed out counts as consumed at the next `poll`, and is stored
    from time to time; without, `commit` says so. `poll` gives what one pull brought, at most `pull_batch_size`
    messages, and pulls ahead `all_threshold` messages in all. For the rest see `PushConsumer` and `ClientSettings`.
    """

    def __init__(
        self,
        group: str,
        subscriptions: Mapping[str, str] | None = None,
        *,
        model: MessageModel = MessageModel.CLUSTERING,
        consume_from: ConsumeFromWhere = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET,
        consume_timestamp: int | datetime | None = None,
        strategy: Strategy = averagely,
        auto_commit: bool = True,
        auto_commit_interval: float = 5.0,
        poll_timeout: float = 5.0,
        pull_batch_size: int = 10,
        all_threshold: int = 10_000,
        queue_threshold: int = 1000,
        queue_threshold_mib: int = 100,
        max_span: int = 2000,
        offset_store: OffsetStore | None = None,
        local_offsets: str | None = None,
        **client: Unpack[ClientOptions],
    ) -> None:
        """Raises ClientError for values that cannot be used."""
        super().__init__(group, settings_of(client), model, strategy, offset_store, local_offsets)
        self.push = PushSettings(
            consume_from=consume_from, consume_timestamp=consume_timestamp, pull_batch_size=pull_batch_size,
            queue_threshold=queue_threshold, queue_threshold_mib=queue_threshold_mib, max_span=max_span,
        )  # fmt: skip
        self._auto_commit = auto_commit
        self._auto_commit_interval = auto_commit_interval
        self._next_auto_commit = 0.0
        self._poll_timeout = poll_timeout
        self._all_threshold = all_threshold
        self._assigned: list[MessageQueue] | None = None
        self._expressions: dict[str, SubscriptionData] = {}
        self._balance: Balance | None = None
        self._readers: dict[MessageQueue, LiteReader] = {}
        self._arrived: deque[tuple[LiteReader, list[ReceivedMessage]]] = deque()
        self._something: Event | None = None
        for topic, expression in (subscriptions or {}).items():
            self.subscribe(topic, expression)

    def subscribe(self, topic: str, expression: str = "*") -> None:
        """Want a topic, too; also while running. Raises ClientError, also when queues were assigned."""
        if self._assigned is not None:
            raise ClientError("Subscribe and assign are mutually exclusive.")
        topic = with_namespace(self.settings.namespace, topic)
        self.subscriptions[topic] = subscription(topic, expression)
        if self._instance is not None:
            self._run(self._subscribed, topic)

    def unsubscribe(self, topic: str) -> None:
        """Want a topic no longer."""
        self.subscriptions.pop(with_namespace(self.settings.namespace, topic), None)
        if self._instance is not None:
            self._run(self._running().rebalance_soon)

    def assign(self, queues: Iterable[MessageQueue], expression: str = "*") -> None:
        """Read just those queues from now on. Raises ClientError, also when topics were subscribed to."""
        if self.subscriptions:
            raise ClientError("Subscribe and assign are mutually exclusive.")
        self._assigned = [queue_with_namespace(self.settings.namespace, queue) for queue in queues]
        if not self._assigned:
            raise ClientError("Message queues can not be null or empty.")
        self._expressions = {queue.topic: subscription(queue.topic, expression) for queue in self._assigned}
        if self._instance is not None:
            self._run(self._take_assigned)

    def poll(self, timeout: float | None = None) -> list[ReceivedMessage]:
        """The messages that one pull brought; none if there are none within `timeout` s, else within `poll_timeout`."""
        return self._run(self._poll, self._poll_timeout if timeout is None else timeout)

    def poll_async(self, timeout: float | None = None) -> Future[list[ReceivedMessage]]:
        """The same without waiting."""
        return self._begin(self._poll, self._poll_timeout if timeout is None else timeout)

    def __iter__(self) -> Iterator[ReceivedMessage]:
        """Messages one by one, until the consumer is stopped."""
        while self.is_running:
            with suppress(NotRunning):
                yield from self.poll()

    def commit(self, offsets: Mapping[MessageQueue, int] | None = None) -> None:
        """All that was handed out is consumed, or what `offsets` says; stored when this returns.

        Raises BrokerError, ClientError or RemotingError.
        """
        self._run(self._commit, offsets)

    def committed(self, queue: MessageQueue) -> int:
        """Where the group goes on in `queue`, -1 if it was never there."""
        return self._run(self._committed, queue)

    def seek(self, queue: MessageQueue, queue_offset: int) -> None:
        """Go on there. Raises ClientError for a queue that is not this consumer's, or an offset that it has not got."""
        self._run(self._seek, queue, queue_offset)

    def seek_to_begin(self, queue: MessageQueue) -> None:
        """Go on at the oldest message."""
        self.seek(queue, self.min_offset(queue))

    def seek_to_end(self, queue: MessageQueue) -> None:
        """Go on with what comes next."""
        self.seek(queue, self.max_offset(queue))

    def pause(self, queues: Iterable[MessageQueue]) -> None:
        """Pull no more from those queues until `resume`."""
        self._run(self._pause, list(queues), True)

    def resume(self, queues: Iterable[MessageQueue]) -> None:
        """Pull again from those queues."""
        self._run(self._pause, list(queues), False)

    def assignment(self) -> list[MessageQueue]:
        """The queues that this consumer reads at the moment."""
        return self._run(
            lambda: [queue_without_namespace(self.settings.namespace, queue) for queue in self.owned()]
        )

    # -- in the instance's hub

    @property
    def is_full(self) -> bool:
        """Whether enough was pulled that nobody has asked for."""
        return len(self._arrived) * self.push.pull_batch_size > self._all_threshold

    def data(self) -> ConsumerData:
        """What the heartbeat says of it; Java's always says that it begins at the end."""
        data = super().data()
        data.consume_from_where = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
        return data

    def owned(self) -> list[MessageQueue]:
        """The queues that it reads."""
        return list(self._readers)

    def rebalance(self) -> None:
        """Take its share of the queues."""
        if self._balance is not None and self._assigned is None:
            self._balance.rebalance()
            self._forget_dropped()

    def wanted(self, topic: str) -> SubscriptionData:
        """What it wants of a topic."""
        found = self.subscriptions.get(topic) or self._expressions.get(topic)
        return subscription(topic) if found is None else found

    def where_to_start(self, queue: MessageQueue) -> int:
        """The offset to pull from first. Raises RocketpyError."""
        assert self._balance is not None
        return self._balance.where_to_start(queue)

    def arrived(self, reader: LiteReader, messages: list[ReceivedMessage]) -> None:
        """A reader has pulled something."""
        self._arrived.append((reader, messages))
        if self._something is not None:
            self._something.set()

    def queue_infos(self) -> dict[MessageQueue, ProcessQueueInfo]:
        """What it holds of each queue."""
        return {queue: one.held.info(self.offsets.known(queue)) for queue, one in self._readers.items()}

    def _enter(self, instance: Instance) -> None:
        self._something = Event()
        self._balance = Balance(self, instance, self.push, self._begin_reading, expires=False)
        super()._enter(instance)
        if self._assigned is not None:
            self._take_assigned()
        try:
            for topic in list(self.subscriptions):
                instance.routes.update(topic)
            self._check_filters(instance)
        except BaseException:
            self._leave(instance)
            raise
        instance.heartbeat()
        instance.rebalance_soon()

    def _leave(self, instance: Instance) -> None:
        for reader in self._readers.values():
            reader.stop()
        super()._leave(instance)
        self._readers.clear()
        self._arrived.clear()
        if self._something is not None:
            self._something.set()

    def _subscribed(self, topic: str) -> None:
        instance = self._running()
        instance.routes.update(topic)
        self._check_filters(instance)
        instance.heartbeat()
        instance.rebalance_soon()

    def _begin_reading(self, held: ProcessQueue, queue_offset: int) -> None:
        if not self.is_leaving:
            self._readers[held.queue] = LiteReader(self, held, queue_offset)

    def _take_assigned(self) -> None:
        """Read the queues that are assigned now, and no others (updateAssignPullTask:440)."""
        assigned = set(self._assigned or ())
        for queue in [queue for queue in self._readers if queue not in assigned]:
            self._readers[queue].stop()
        self._forget_dropped()
        for queue in assigned - set(self._readers):
            self._readers[queue] = LiteReader(self, ProcessQueue(queue), -1)

    def _forget_dropped(self) -> None:
        for queue, reader in list(self._readers.items()):
            if reader.held.dropped:
                reader.stop()
                if self._readers.get(queue) is reader:
                    del self._readers[queue]

    def _poll(self, timeout: float) -> list[ReceivedMessage]:
        """(DefaultLitePullConsumerImpl.poll:590.)"""
        self._running()
        assert self._something is not None
        if self._auto_commit and time.monotonic() >= self._next_auto_commit:
            self._note_consumed()
            self._next_auto_commit = time.monotonic() + self._auto_commit_interval
        deadline = time.monotonic() + timeout
        while not self.is_leaving:
            while self._arrived:
                reader, messages = self._arrived.popleft()
                if not reader.held.dropped:
                    reader.consumed = reader.held.remove(messages)
                    return self._renamed(messages)
            self._something.clear()
            left = deadline - time.monotonic()
            if left <= 0 or not self._something.wait(timeout=left):
                break
        return []

    def _note_consumed(self) -> None:
        for queue, reader in self._readers.items():
            if reader.consumed >= 0 and not reader.held.dropped:
                self.offsets.update(queue, reader.consumed)

    def _commit(self, offsets: Mapping[MessageQueue, int] | None) -> None:
        if offsets is None:
            self._note_consumed()
            queues = [queue for queue in self._readers if self.offsets.known(queue) >= 0]
        else:
            queues = []
            for queue, queue_offset in offsets.items():
                queues.append(queue_with_namespace(self.settings.namespace, queue))
                self.offsets.update(queues[-1], queue_offset)
        if not isinstance(self.offsets, RemoteOffsets):
            self.offsets.persist(queues)
            return
        for queue in queues:
            self.offsets.store(queue, self.offsets.known(queue))

    def _committed(self, queue: MessageQueue) -> int:
        queue = queue_with_namespace(self.settings.namespace, queue)
        known = self.offsets.known(queue)
        return known if known >= 0 else self.offsets.read(queue)

    def _seek(self, queue: MessageQueue, queue_offset: int) -> None:
        reader = self._reader(queue)
        queries = Queries(self._running())
        least, most = queries.min_offset(queue), queries.max_offset(queue)
        if not least <= queue_offset <= most:
            raise ClientError(
                f"Seek offset illegal, seek offset = {queue_offset}, min offset = {least}, max offset = {most}"
            )
        for one in [one for one in self._arrived if one[0] is reader]:
            self._arrived.remove(one)
        reader.seek(queue_offset)

    def _pause(self, queues: list[MessageQueue], paused: bool) -> None:
        for queue in queues:
            self._reader(queue).paused = paused

    def _reader(self, queue: MessageQueue) -> LiteReader:
        reader = self._readers.get(queue_with_namespace(self.settings.namespace, queue))
        if reader is None:
            why = "" if self._assigned is not None else ", may be rebalancing"
            raise ClientError(f"The message queue is not in assigned list{why}, message queue: {queue}")
        return reader
