"""The plain pull consumer: the application says which queue to read and from where (DefaultMQPullConsumer.java)."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Unpack

from rocketpy.client.allocation import Strategy, averagely
from rocketpy.client.consumer import Consumer
from rocketpy.client.errors import ClientError, see_faq
from rocketpy.client.instance import Instance
from rocketpy.client.listening import QueuesChanged
from rocketpy.client.member import settings_of
from rocketpy.client.namespace import queue_with_namespace, with_namespace
from rocketpy.client.offset_stores import OffsetStore, RemoteOffsets
from rocketpy.client.results import PullResult
from rocketpy.client.settings import ClientOptions
from rocketpy.client.subscriptions import is_tags, subscription
from rocketpy.protocol.api.client import ConsumerData, SubscriptionData
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import MessageModel


class PullConsumer(Consumer):
    """Pulls from queues that it is told.

        with PullConsumer("reader", namesrv="127.0.0.1:9876") as consumer:
            for queue in consumer.subscribe_queues("Order"):
                result = consumer.pull(queue, consumer.min_offset(queue))
    """

    _streams = True

    def __init__(
        self,
        group: str,
        *,
        model: MessageModel = MessageModel.CLUSTERING,
        register_topics: Iterable[str] = (),
        strategy: Strategy = averagely,
        on_queues_changed: QueuesChanged | None = None,
        pull_timeout: float = 10.0,
        suspend: float = 20.0,
        suspend_timeout: float = 30.0,
        max_reconsume_times: int = 16,
        offset_store: OffsetStore | None = None,
        local_offsets: str | None = None,
        **client: Unpack[ClientOptions],
    ) -> None:
        """Of `register_topics` the queues are shared with the other members of the group: see `queues_in_balance`, and
        `on_queues_changed`, which is called in the client's own thread and must not wait.

        `pull_timeout` is that of a pull, in seconds; one that waits is held by the broker for `suspend` and given up
        after `suspend_timeout`. For the rest see `ClientSettings`. Raises ClientError.
        """
        super().__init__(group, settings_of(client), model, strategy, offset_store, local_offsets)
        if suspend_timeout < suspend:
            raise ClientError(
                "Long polling mode, the consumer consumerTimeoutMillisWhenSuspend must greater than"
                f" brokerSuspendMaxTimeMillis{see_faq()}"
            )
        self.max_reconsume_times = max_reconsume_times
        self._registered = [with_namespace(self.settings.namespace, topic) for topic in register_topics]
        for topic in self._registered:
            self.subscriptions[topic] = subscription(topic)
        self._changed = on_queues_changed
        self._pull_ms, self._suspend_ms, self._give_up_ms = (
            round(seconds * 1000) for seconds in (pull_timeout, suspend, suspend_timeout)
        )
        self._shares: dict[str, list[MessageQueue]] = {}

    def pull(
        self,
        queue: MessageQueue,
        queue_offset: int,
        *,
        expression: str = "*",
        max_count: int = 32,
        block: bool = False,
        timeout: float | None = None,
    ) -> PullResult:
        """At most `max_count` messages from `queue_offset` on; with `block` the broker waits for one.

        `expression` is of tags, or Sql92. Raises BrokerError, ClientError or RemotingError.
        """
        return self._run(self._pull, queue, queue_offset, expression, max_count, block, timeout)

    def pull_async(
        self,
        queue: MessageQueue,
        queue_offset: int,
        *,
        expression: str = "*",
        max_count: int = 32,
        block: bool = False,
        timeout: float | None = None,
    ) -> Future[PullResult]:
        """The same without waiting."""
        return self._begin(self._pull, queue, queue_offset, expression, max_count, block, timeout)

    def consume_offset(self, queue: MessageQueue, *, from_store: bool = False) -> int:
        """Where the group goes on in `queue`; -1 if it has never come there. `from_store`: ask, even if it is known."""
        return self._run(self._consume_offset, queue, from_store)

    def update_offset(self, queue: MessageQueue, queue_offset: int) -> None:
        """Note where the group goes on in `queue`; stored from time to time for queues of `register_topics`."""
        self._run(self._update_offset, queue, queue_offset)

    def commit(self, queue: MessageQueue, queue_offset: int) -> None:
        """Note it and store it at once. Raises BrokerError, ClientError or RemotingError when that fails."""
        self._run(self._commit, queue, queue_offset)

    def queues_in_balance(self, topic: str) -> list[MessageQueue]:
        """The queues of one of `register_topics` that are this member's."""
        return self._run(self._in_balance, topic)

    # -- in the instance's hub

    def data(self) -> ConsumerData:
        """Only registered topics count; their version is 0 (DefaultMQPullConsumerImpl.subscriptions:362)."""
        data = super().data()
        data.subscription_data_set = [_unversioned(self.subscriptions[topic]) for topic in self._registered]
        return data

    def owned(self) -> list[MessageQueue]:
        """Its share of the registered topics."""
        return [queue for share in self._shares.values() for queue in share]

    def persist(self) -> None:
        """Store the offsets of its share; others are the application's matter."""
        if self._offsets is not None:
            self._offsets.persist(self.owned())

    def rebalance(self) -> None:
        """Take its share of the registered topics."""
        instance = self._instance
        if instance is None:
            return
        for topic in self._registered:
            share = self.share(instance, topic)
            if share is None or share == self._shares.get(topic):
                continue
            self._shares[topic] = share
            self._tell_share(self._changed, topic, instance.routes.subscribed(topic) or [], share)

    def _enter(self, instance: Instance) -> None:
        super()._enter(instance)
        for topic in self._registered:
            instance.routes.update(topic)
        if self._registered:
            instance.heartbeat()
            instance.rebalance_soon()

    def _pull(
        self,
        queue: MessageQueue,
        queue_offset: int,
        expression: str,
        max_count: int,
        block: bool,
        timeout: float | None,
    ) -> PullResult:
        if queue_offset < 0:
            raise ClientError("offset < 0")
        if max_count <= 0:
            raise ClientError("maxNums <= 0")
        queue = queue_with_namespace(self.settings.namespace, queue)
        wanted = subscription(queue.topic, expression)
        self.subscriptions.setdefault(queue.topic, subscription(queue.topic))
        timeout_ms = self._give_up_ms if block else self._pull_ms if timeout is None else timeout * 1000
        result = self.puller.pull(
            queue,
            wanted,
            queue_offset,
            max_count,
            timeout_ms=timeout_ms,
            suspend_ms=self._suspend_ms if block else 0,
            sub_version=0 if is_tags(wanted) else wanted.sub_version,
        )
        self._renamed(result.messages)
        return result

    def _consume_offset(self, queue: MessageQueue, from_store: bool) -> int:
        queue = queue_with_namespace(self.settings.namespace, queue)
        known = -1 if from_store else self.offsets.known(queue)
        return known if known >= 0 else self.offsets.read(queue)

    def _update_offset(self, queue: MessageQueue, queue_offset: int) -> None:
        self.offsets.update(queue_with_namespace(self.settings.namespace, queue), queue_offset)

    def _commit(self, queue: MessageQueue, queue_offset: int) -> None:
        queue = queue_with_namespace(self.settings.namespace, queue)
        self.offsets.update(queue, queue_offset)
        if isinstance(self.offsets, RemoteOffsets):
            self.offsets.store(queue, queue_offset)
        else:
            self.offsets.persist([queue])

    def _in_balance(self, topic: str) -> list[MessageQueue]:
        return self._outside(self._shares.get(with_namespace(self.settings.namespace, topic), []))


def _unversioned(data: SubscriptionData) -> SubscriptionData:
    return SubscriptionData(topic=data.topic, sub_string=data.sub_string, sub_version=0)
