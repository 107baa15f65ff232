"""The numbers of a push consumer, their ranges and Java's names (DefaultMQPushConsumerImpl.checkConfig:680)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rocketpy.client.errors import ClientError, see_faq
from rocketpy.clock import now_ms
from rocketpy.protocol.flags import ConsumeFromWhere

_RANGES: Final = {
    "threads": ("consumeThreadMin", 1, 1000),
    "max_span": ("consumeConcurrentlyMaxSpan", 1, 65535),
    "queue_threshold": ("pullThresholdForQueue", 1, 65535),
    "topic_threshold": ("pullThresholdForTopic", 1, 6553500),
    "queue_threshold_mib": ("pullThresholdSizeForQueue", 1, 1024),
    "topic_threshold_mib": ("pullThresholdSizeForTopic", 1, 102400),
    "pull_interval": ("pullInterval", 0, 65.535),
    "batch_size": ("consumeMessageBatchMaxSize", 1, 1024),
    "pull_batch_size": ("pullBatchSize", 1, 1024),
}
_OPTIONAL: Final = {"topic_threshold", "topic_threshold_mib"}


def _half_an_hour_ago() -> int:
    return now_ms() - 1_800_000


def in_ms(when: int | str | datetime) -> int:
    """A time in ms: as it is, or of a datetime, or of Java's text yyyyMMddHHmmss. Raises ClientError."""
    if isinstance(when, datetime):
        return int(when.timestamp() * 1000)
    if isinstance(when, int):
        return when
    try:
        return int(datetime.strptime(when, "%Y%m%d%H%M%S").timestamp() * 1000)
    except (TypeError, ValueError) as error:
        raise ClientError(
            f"consumeTimestamp is invalid, the valid format is yyyyMMddHHmmss,but received {when} {see_faq()}"
        ) from error


@dataclass
class PushSettings:
    """`PushConsumer` says what each means. Raises ClientError for a value out of its range."""

    consume_from: ConsumeFromWhere = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
    consume_timestamp: int | str | datetime | None = None
    orderly: bool = False
    threads: int = 20
    batch_size: int = 1
    pull_batch_size: int = 32
    pull_interval: float = 0.0
    queue_threshold: int = 1000
    queue_threshold_mib: int = 100
    topic_threshold: int | None = None
    topic_threshold_mib: int | None = None
    max_span: int = 2000
    max_reconsume_times: int | None = None
    suspend_queue: float = 1.0
    consume_timeout: float = 900.0
    post_subscription: bool = False
    stop_timeout: float = 10.0
    trace: bool | str = False
    start_timestamp: int = field(init=False)

    def __post_init__(self) -> None:
        for name in _RANGES:
            self.check_range(name, getattr(self, name))
        if self.consume_from not in list(ConsumeFromWhere):
            raise ClientError(f"consumeFromWhere is null{see_faq()}\n{self.consume_from!r} is none")
        given = self.consume_timestamp
        self.start_timestamp = _half_an_hour_ago() if given is None else in_ms(given)

    def check_range(self, name: str, value: object) -> None:
        """Raises ClientError if `value` is not what the setting of that name may be."""
        java, least, most = _RANGES[name]
        if name in _OPTIONAL and value is None:
            return
        if not isinstance(value, (int, float)) or not least <= value <= most:
            raise ClientError(f"{java} Out of range [{least}, {most}]{see_faq()}")

    @property
    def times_sent_back(self) -> int:
        """After how many tries a message that was sent back is given up."""
        return 16 if self.max_reconsume_times is None else self.max_reconsume_times

    @property
    def most_reconsumes(self) -> int:
        """After how many tries a message is given up: 16, or never if consumed in order."""
        if self.max_reconsume_times is not None:
            return self.max_reconsume_times
        return 0x7FFFFFFF if self.orderly else 16

    def share_thresholds(self, queues: int) -> None:
        """Spread the thresholds for a topic over the `queues` held (RebalancePushImpl.messageQueueChanged:62)."""
        if queues and self.topic_threshold is not None:
            self.queue_threshold = max(1, self.topic_threshold // queues)
        if queues and self.topic_threshold_mib is not None:
            self.queue_threshold_mib = max(1, self.topic_threshold_mib // queues)

    def properties(self) -> dict[str, str]:
        """The same by Java's names, as consumerStatus shows them."""
        when = datetime.fromtimestamp(self.start_timestamp / 1000)
        return {
            "PROP_CONSUMEORDERLY": str(self.orderly).lower(),
            "PROP_THREADPOOL_CORE_SIZE": str(self.threads),
            "consumeThreadMin": str(self.threads),
            "consumeThreadMax": str(self.threads),
            "consumeTimestamp": when.strftime("%Y%m%d%H%M%S"),
            "consumeConcurrentlyMaxSpan": str(self.max_span),
            "pullThresholdForQueue": str(self.queue_threshold),
            "pullThresholdSizeForQueue": str(self.queue_threshold_mib),
            "pullThresholdForTopic": str(self.topic_threshold or -1),
            "pullThresholdSizeForTopic": str(self.topic_threshold_mib or -1),
            "pullInterval": str(round(self.pull_interval * 1000)),
            "consumeMessageBatchMaxSize": str(self.batch_size),
            "pullBatchSize": str(self.pull_batch_size),
            "postSubscriptionWhenPull": str(self.post_subscription).lower(),
            "suspendCurrentQueueTimeMillis": str(round(self.suspend_queue * 1000)),
            "maxReconsumeTimes": str(-1 if self.max_reconsume_times is None else self.max_reconsume_times),
            "consumeTimeout": str(round(self.consume_timeout / 60)),
        }
