"""The lite pull consumer: the application asks for the next messages, whatever queue they are of.

(DefaultLitePullConsumer.java.)
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from typing import Unpack

from rocketpy.client.allocation import Strategy, averagely
from rocketpy.client.arrivals import Arrivals, Polled
from rocketpy.client.balance import Balance
from rocketpy.client.consumer import Consumer
from rocketpy.client.errors import ClientError, NotRunning
from rocketpy.client.hub import wait
from rocketpy.client.instance import Instance
from rocketpy.client.listening import QueuesChanged
from rocketpy.client.lite_reading import LiteReader
from rocketpy.client.member import settings_of
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import queue_with_namespace, with_namespace
from rocketpy.client.offset_stores import OffsetStore, RemoteOffsets
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.push_settings import PushSettings
from rocketpy.client.queries import Queries
from rocketpy.client.settings import ClientOptions
from rocketpy.client.subscriptions import subscription
from rocketpy.client.topic_watch import TopicChanged, TopicsWatched
from rocketpy.client.trace import ConsumeTrace, Trace
from rocketpy.protocol.api.client import ConsumerData, SubscriptionData
from rocketpy.protocol.api.connection import ProcessQueueInfo
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import ConsumeFromWhere, MessageModel
from rocketpy.protocol.topic_names import TRACE_TOPIC


class LitePullConsumer(Consumer):
    """Hands out messages when asked.

        with LitePullConsumer("reader", {"Order": "*"}, namesrv="127.0.0.1:9876") as consumer:
            for message in consumer:
                print(message.body)

    Either it shares the queues of its `subscriptions` with the other members of its group, or it reads just the queues
    that `assign` is given. With `auto_commit` what was handed out counts as consumed at the next `poll`, and is stored
    from time to time; without, `commit` says so. `poll` gives what one pull brought, at most `pull_batch_size`
    messages, and pulls ahead `all_threshold` messages in all. `on_queues_changed` is called when this member's share of
    a topic is another one, in the client's own thread, so it must not wait. `topic_check_interval` is how often, in
    seconds, topics are looked at for `watch_queues`. `trace` tells the brokers of each message pulled. For the rest see
    `PushConsumer` and `ClientSettings`.
    """

    _streams = True
    _trace: Trace | None = None

    def __init__(
        self,
        group: str,
        subscriptions: Mapping[str, str] | None = None,
        *,
        model: MessageModel = MessageModel.CLUSTERING,
        consume_from: ConsumeFromWhere = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET,
        consume_timestamp: int | str | datetime | None = None,
        strategy: Strategy = averagely,
        auto_commit: bool = True,
        auto_commit_interval: float = 5.0,
        poll_timeout: float = 5.0,
        pull_batch_size: int = 10,
        all_threshold: int = 10_000,
        queue_threshold: int = 1000,
        queue_threshold_mib: int = 100,
        max_span: int = 2000,
        on_queues_changed: QueuesChanged | None = None,
        topic_check_interval: float = 30.0,
        trace: bool | str = False,
        offset_store: OffsetStore | None = None,
        local_offsets: str | None = None,
        **client: Unpack[ClientOptions],
    ) -> None:
        """Raises ClientError for values that cannot be used."""
        super().__init__(group, settings_of(client), model, strategy, offset_store, local_offsets)
        self.push = PushSettings(
            consume_from=consume_from, consume_timestamp=consume_timestamp, pull_batch_size=pull_batch_size,
            queue_threshold=queue_threshold, queue_threshold_mib=queue_threshold_mib, max_span=max_span, trace=trace,
        )  # fmt: skip
        self.pull_hook: ConsumeTrace | None = None
        self._on_queues_changed = on_queues_changed
        self._topics_watched = TopicsWatched(self.settings.namespace, topic_check_interval)
        self._auto_commit = auto_commit
        self._auto_commit_interval = auto_commit_interval
        self._next_auto_commit = 0.0
        self._poll_timeout = poll_timeout
        self._all_threshold = all_threshold
        self._assigned: list[MessageQueue] | None = None
        self._expressions: dict[str, SubscriptionData] = {}
        self._balance: Balance | None = None
        self._readers: dict[MessageQueue, LiteReader] = {}
        self._arrivals: Arrivals | None = None
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

    def assign(self, queues: Iterable[MessageQueue], expression: str | Mapping[str, str] = "*") -> None:
        """Read just those queues from now on, what `expression` says of all of them, or of each topic that it names.

        Raises ClientError, also when topics were subscribed to.
        """
        if self.subscriptions:
            raise ClientError("Subscribe and assign are mutually exclusive.")
        self._assigned = [queue_with_namespace(self.settings.namespace, queue) for queue in queues]
        if not self._assigned:
            raise ClientError("Message queues can not be null or empty.")
        by_topic = {} if isinstance(expression, str) else expression
        given = {with_namespace(self.settings.namespace, topic): text for topic, text in by_topic.items()}
        other = expression if isinstance(expression, str) else "*"
        topics = {queue.topic for queue in self._assigned}
        self._expressions = {topic: subscription(topic, given.get(topic, other)) for topic in topics}
        if self._instance is not None:
            self._run(self._take_assigned)

    def poll(self, timeout: float | None = None) -> list[ReceivedMessage]:
        """The messages that one pull brought; none if there are none within `timeout` s, else within `poll_timeout`.

        Who is interrupted while waiting gets them with the next call.
        """
        polled = self.poll_async(timeout)
        try:
            return wait(polled)
        except BaseException:
            polled.cancel()
            raise

    def poll_async(self, timeout: float | None = None) -> Future[list[ReceivedMessage]]:
        """The same without waiting. When the future is cancelled, the messages come with the next call."""
        seconds = self._poll_timeout if timeout is None else timeout
        if seconds < 0:
            raise ClientError("Timeout must not be negative")
        polled = Polled(lambda: self._begin(self._take_back, polled))
        self._begin(self._hand_out, polled, seconds).add_done_callback(polled.fail_with)
        return polled

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

    def watch_queues(self, topic: str, changed: TopicChanged) -> None:
        """Have `changed` called with `topic` and all its queues when these are others, found out from time to time.

        It is called in the client's own thread and must not wait. (registerTopicMessageQueueChangeListener:1219.)
        Raises ClientError when the consumer is running and the topic has no queues.
        """
        if self._instance is None:
            self._topics_watched.add(topic, changed)
        else:
            self._run(lambda: self._topics_watched.add(topic, changed, self._queries()))

    def assignment(self) -> list[MessageQueue]:
        """The queues that this consumer reads at the moment."""
        return self._run(lambda: self._outside(self.owned()))

    # -- in the instance's hub

    @property
    def is_full(self) -> bool:
        """Whether enough was pulled that nobody has asked for."""
        return len(self._waiting()) * self.push.pull_batch_size > self._all_threshold

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
            before = self._shares()
            self._balance.rebalance()
            self._forget_dropped()
            self._tell_changes(before, self._shares())

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
        self._waiting().put((reader, messages))

    def queue_infos(self) -> dict[MessageQueue, ProcessQueueInfo]:
        """What it holds of each queue."""
        return {queue: one.held.info(self.offsets.known(queue)) for queue, one in self._readers.items()}

    def _enter(self, instance: Instance) -> None:
        self._arrivals = Arrivals()
        if self.push.trace:
            topic = TRACE_TOPIC if self.push.trace is True else self.push.trace
            self._trace = Trace(instance, self.group, "CONSUME", topic)
            self.pull_hook = ConsumeTrace(self._trace, self)
        self._balance = Balance(self, instance, self.push, self._begin_reading, expires=False)
        super()._enter(instance)
        if self._assigned is not None:
            self._take_assigned()
        try:
            for topic in list(self.subscriptions):
                instance.routes.update(topic)
            self._check_filters(instance)
            self._topics_watched.start(self._queries())
        except BaseException:
            self._leave(instance)
            raise
        instance.heartbeat()
        instance.rebalance_soon()

    def _leave(self, instance: Instance) -> None:
        self._topics_watched.stop()
        for reader in self._readers.values():
            reader.stop()
        if self._trace is not None:
            self._trace.stop()
        super()._leave(instance)
        self._readers.clear()
        self._waiting().close()

    def _waiting(self) -> Arrivals:
        """What nobody has asked for yet; there is one while the consumer runs."""
        assert self._arrivals is not None
        return self._arrivals

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

    def _shares(self) -> dict[str, list[MessageQueue]]:
        """The queues of each topic that are this member's."""
        shares: dict[str, list[MessageQueue]] = {topic: [] for topic in self.subscriptions}
        for queue in self.owned():
            shares.setdefault(queue.topic, []).append(queue)
        return shares

    def _tell_changes(self, before: dict[str, list[MessageQueue]], now: dict[str, list[MessageQueue]]) -> None:
        for topic, share in now.items():
            if set(share) != set(before.get(topic, ())):
                everything = self._running().routes.subscribed(topic) or []
                self._tell_share(self._on_queues_changed, topic, everything, share)

    def _hand_out(self, polled: Polled, timeout: float) -> None:
        """Poll for `polled`, which may be cancelled at any time (DefaultLitePullConsumerImpl.poll:590)."""
        if self._auto_commit and time.monotonic() >= self._next_auto_commit:
            self._note_consumed()
            self._next_auto_commit = time.monotonic() + self._auto_commit_interval
        found = self._waiting().take(timeout, lambda: self.is_leaving)
        if found is not None:
            self._renamed(found[1])
        if polled.set_running_or_notify_cancel():
            polled.hand_out(found)
        else:
            self._waiting().put_back(found)

    def _take_back(self, polled: Polled) -> None:
        self._waiting().put_back(polled.take_back())

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
        self._waiting().forget(reader)
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
