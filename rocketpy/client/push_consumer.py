"""The push consumer: messages are given to a listener (DefaultMQPushConsumer.java)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, Unpack

import gevent

from rocketpy.client.allocation import Strategy, averagely
from rocketpy.client.balance import Balance
from rocketpy.client.concurrent import Concurrent
from rocketpy.client.consume_stats import SAMPLE_SECONDS, ConsumeStats
from rocketpy.client.consumer import Consumer
from rocketpy.client.consumption import Consumption
from rocketpy.client.errors import ClientError, see_faq
from rocketpy.client.instance import Instance
from rocketpy.client.listening import ConsumeStatus, Listener
from rocketpy.client.member import settings_of
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import queue_with_namespace, with_namespace
from rocketpy.client.offset_stores import OffsetStore
from rocketpy.client.orderly import Orderly
from rocketpy.client.process_queue import ProcessQueue
from rocketpy.client.push_settings import PushSettings, in_ms
from rocketpy.client.reading import QueueReader, wait_idle
from rocketpy.client.settings import ClientOptions
from rocketpy.client.subscriptions import subscription
from rocketpy.client.trace import ConsumeTrace, Trace
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.connection import ConsumeMessageDirectlyResult, ConsumerRunningInfo, ProcessQueueInfo
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import ConsumeFromWhere, ConsumeType, MessageModel
from rocketpy.protocol.topic_names import TRACE_TOPIC, retry_topic

log = logging.getLogger(__name__)


class ConsumeHook(Protocol):
    """Is told of each batch that the listener gets, in the client's own thread, so it must not wait."""

    def before(self, group: str, messages: list[ReceivedMessage]) -> object:
        """What it returns is handed to `after`."""
        ...

    def after(self, note: object, status: ConsumeStatus, took_ms: int, failed: bool, late: bool) -> None:
        """`failed`: the listener raised; `late`: it took longer than the consume time-out."""
        ...


class PushConsumer(Consumer):
    """Gives messages to a listener, in threads of its own.

        def listener(messages, context):
            for message in messages:
                print(message.body)

        with PushConsumer("printer", listener, {"Order": "new || changed"}, namesrv="127.0.0.1:9876"):
            ...

    `subscriptions` are expressions by topic: "*", tags separated by "||", or Sql92.

    `orderly`: the messages of a queue one after the other. A new group begins where `consume_from` says, if need be
    at `consume_timestamp`, in ms, a datetime or Java's text yyyyMMddHHmmss, half an hour ago by default. `threads`
    run the listener, with up to `batch_size` messages at a time. Pulled are up to `pull_batch_size`, each
    `pull_interval` s, as long as no queue holds more than `queue_threshold` messages or `queue_threshold_mib` MiB (or
    the topic's thresholds, spread over its queues), and the offsets held are at most `max_span` apart. A message that
    failed `max_reconsume_times` is given up: 16 times, or never if `orderly`. An orderly queue is suspended for
    `suspend_queue` s when a message failed. What a listener has had for `consume_timeout` s is sent back.
    `post_subscription` sends the expression with each pull. `stop` waits for listeners up to `stop_timeout` s.
    `trace` tells the brokers of each message, True in their own topic for that, a text in the topic of that name.
    For the rest see `ClientSettings`.
    """

    consume_type = ConsumeType.CONSUME_PASSIVELY
    _balance: Balance | None = None
    _consumption: Consumption | None = None
    _trace: Trace | None = None

    def __init__(
        self,
        group: str,
        listener: Listener,
        subscriptions: Mapping[str, str] | None = None,
        *,
        model: MessageModel = MessageModel.CLUSTERING,
        orderly: bool = False,
        consume_from: ConsumeFromWhere = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET,
        consume_timestamp: int | str | datetime | None = None,
        strategy: Strategy = averagely,
        threads: int = 20,
        batch_size: int = 1,
        pull_batch_size: int = 32,
        pull_interval: float = 0.0,
        queue_threshold: int = 1000,
        queue_threshold_mib: int = 100,
        topic_threshold: int | None = None,
        topic_threshold_mib: int | None = None,
        max_span: int = 2000,
        max_reconsume_times: int | None = None,
        suspend_queue: float = 1.0,
        consume_timeout: float = 900.0,
        post_subscription: bool = False,
        stop_timeout: float = 10.0,
        trace: bool | str = False,
        offset_store: OffsetStore | None = None,
        local_offsets: str | None = None,
        **client: Unpack[ClientOptions],
    ) -> None:
        """Raises ClientError for values that cannot be used."""
        super().__init__(group, settings_of(client), model, strategy, offset_store, local_offsets)
        if not callable(listener):
            raise ClientError(f"messageListener is null{see_faq()}")
        self.push = PushSettings(
            consume_from, consume_timestamp, orderly, threads, batch_size, pull_batch_size, pull_interval,
            queue_threshold, queue_threshold_mib, topic_threshold, topic_threshold_mib, max_span, max_reconsume_times,
            suspend_queue, consume_timeout, post_subscription, stop_timeout, trace,
        )  # fmt: skip
        self.max_reconsume_times = self.push.times_sent_back
        self.listener = listener
        self.suspended = False
        self.consume_hooks: list[ConsumeHook] = []
        self.stats = ConsumeStats()
        for topic, expression in (subscriptions or {}).items():
            self._note(topic, expression)
        if model == MessageModel.CLUSTERING:
            self.subscriptions[retry_topic(self.group)] = subscription(retry_topic(self.group))
        self._greenlets: list[gevent.Greenlet[..., object]] = []

    def subscribe(self, topic: str, expression: str = "*") -> None:
        """Want a topic, too, or choose otherwise from it; also while running. Raises ClientError."""
        self._note(topic, expression)
        if self._instance is not None:
            self._run(self._subscribed, with_namespace(self.settings.namespace, topic))

    def unsubscribe(self, topic: str) -> None:
        """Want a topic no longer."""
        self.subscriptions.pop(with_namespace(self.settings.namespace, topic), None)
        if self._instance is not None:
            self._run(self.rebalance_soon)

    def suspend(self) -> None:
        """Pull nothing more until `resume`; what was pulled is consumed."""
        self.suspended = True

    def resume(self) -> None:
        """Pull again."""
        self.suspended = False
        self._run(self.rebalance_soon)

    def resize(self, threads: int) -> None:
        """Run the listener in that many threads, 1 to 1000, from now on (updateCorePoolSize). Raises ClientError."""
        self.push.check_range("threads", threads)
        self.push.threads = threads
        if self._instance is not None:
            self._run(lambda: self.consumption.resize(threads))

    def reset_to(self, timestamp: int | datetime) -> None:
        """Go on everywhere with what was stored at `timestamp`, in ms or a datetime (resetOffsetByTimeStamp:1005).

        Only the queues that this consumer reads are concerned. Raises ClientError or RemotingError.
        """
        self._run(self._reset_to, in_ms(timestamp))

    def assigned(self) -> list[MessageQueue]:
        """The queues that this consumer reads at the moment, the retry topic's included."""
        return self._run(lambda: self._outside(self.owned()))

    def status(self) -> ConsumerRunningInfo:
        """What it tells administrators about itself: settings, subscriptions, what it holds, how fast it is."""
        return self._run(self.running_info)

    def update_offset(self, queue: MessageQueue, queue_offset: int) -> None:
        """Note where the group goes on in `queue`, as when a listener keeps its own account."""
        self._run(self.offsets.update, queue_with_namespace(self.settings.namespace, queue), queue_offset)

    # -- in the instance's hub

    @property
    def balance(self) -> Balance:
        """The queues held; there is one while the consumer runs."""
        assert self._balance is not None
        return self._balance

    @property
    def consumption(self) -> Consumption:
        """What runs the listener; there is one while the consumer runs."""
        assert self._consumption is not None
        return self._consumption

    @property
    def consume_from(self) -> ConsumeFromWhere:
        """Where a new group begins."""
        return self.push.consume_from

    def owned(self) -> list[MessageQueue]:
        """The queues that it reads at the moment."""
        return [] if self._balance is None else list(self._balance.table)

    def rebalance(self) -> None:
        """Take its share of the queues, unless it is suspended."""
        if not self.suspended and self._balance is not None:
            self._balance.rebalance()

    def rebalance_soon(self) -> None:
        """Have the instance do so."""
        if self._instance is not None:
            self._instance.rebalance_soon()

    def spawn(self, function: Callable[[], object]) -> None:
        """Run something that ends with the consumer."""
        self._greenlets = [one for one in self._greenlets if not one.ready()]
        self._greenlets.append(gevent.spawn(function))

    def unretry(self, messages: list[ReceivedMessage]) -> None:
        """Give messages the topics that the application knows (resetRetryAndNamespace:1140)."""
        for message in messages:
            original = message.properties.get(names.RETRY_TOPIC)
            if original is not None and message.topic == retry_topic(self.group):
                message.topic = original
        self._renamed(messages)

    def reset_offsets(self, topic: str, offsets: Mapping[MessageQueue, int]) -> None:
        """An administrator sets the offsets of a topic (MQClientInstance.resetOffset:1130)."""
        self.suspended = True
        try:
            held = [one for queue, one in self.balance.table.items() if queue.topic == topic and queue in offsets]
            for one in held:
                one.dropped = True
                one.clear()
            wait_idle(*held)
            for one in held:
                self.offsets.update(one.queue, offsets[one.queue])
                self.balance.release(one)
        finally:
            self.suspended = False
            self.rebalance_soon()

    def _reset_to(self, timestamp: int) -> None:
        queries = self._queries()
        for topic in list(self.subscriptions):
            queues = [queue for queue in self.owned() if queue.topic == topic]
            self.reset_offsets(topic, {queue: queries.offset_for_timestamp(queue, timestamp) for queue in queues})

    def consume_directly(self, message: ReceivedMessage, broker_name: str | None) -> ConsumeMessageDirectlyResult:
        """Give one message to the listener at an administrator's wish."""
        return self.consumption.consume_directly(message, broker_name)

    def queue_infos(self) -> dict[MessageQueue, ProcessQueueInfo]:
        """What it holds of each queue."""
        return {queue: held.info(self.offsets.known(queue)) for queue, held in self.balance.table.items()}

    def running_info(self) -> ConsumerRunningInfo:
        """What it tells about itself (consumerRunningInfo:1065)."""
        info = super().running_info()
        info.properties |= self.push.properties()
        info.status_table = {topic: self.stats.status(topic) for topic in list(self.subscriptions)}
        return info

    def _note(self, topic: str, expression: str) -> None:
        topic = with_namespace(self.settings.namespace, topic)
        self.subscriptions[topic] = subscription(topic, expression)

    def _subscribed(self, topic: str) -> None:
        instance = self._running()
        instance.routes.update(topic)
        self._check_filters(instance)
        instance.heartbeat()
        instance.rebalance_soon()

    def _enter(self, instance: Instance) -> None:
        super()._enter(instance)
        kind = Orderly if self.push.orderly else Concurrent
        user_code = instance.threads(self.push.threads, f"ConsumeMessageThread_{self.group}")
        self._consumption = kind(self, self.listener, user_code)
        self._balance = Balance(self, instance, self.push, self._begin_reading)
        try:
            for topic in list(self.subscriptions):
                instance.routes.update(topic)
            self._check_filters(instance)
        except BaseException:
            instance.leave(consumer=self)
            raise
        if self.push.trace:
            topic = TRACE_TOPIC if self.push.trace is True else self.push.trace
            self._trace = Trace(instance, self.group, "CONSUME", topic)
            self.consume_hooks.append(ConsumeTrace(self._trace, self))
        self._consumption.start()
        self.spawn(self._sample)
        instance.heartbeat()
        instance.rebalance_soon()

    def _leave(self, instance: Instance) -> None:
        gevent.killall(self._greenlets)
        self.consumption.stop()
        if self._trace is not None:
            self._trace.stop()
        super()._leave(instance)
        self.balance.drop_all()

    def _begin_reading(self, held: ProcessQueue, queue_offset: int) -> None:
        if not self.is_leaving:
            self.spawn(QueueReader(self, held, queue_offset).run)

    def _sample(self) -> None:
        while True:
            gevent.sleep(SAMPLE_SECONDS)
            self.stats.sample()
