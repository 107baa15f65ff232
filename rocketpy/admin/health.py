"""What the running infos of a group's clients say about its health (ConsumerRunningInfo.java)."""

from __future__ import annotations

from collections.abc import Iterator

from rocketpy.admin.client import queue_rank
from rocketpy.clock import now_ms
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.api.connection import ConsumerRunningInfo
from rocketpy.protocol.flags import ConsumeType

_CONSUME_TYPE = "PROP_CONSUME_TYPE"
_ORDERLY = "PROP_CONSUMEORDERLY"
_STARTED = "PROP_CONSUMER_START_TIMESTAMP"
_A_WHILE_MS = 120_000
_BLOCKED_MS = 60_000


def subscribe_alike(infos: list[ConsumerRunningInfo]) -> bool:
    """Whether all clients of a group subscribe to the same.

    Known of pushing consumers that have run for two minutes only (ConsumerRunningInfo.analyzeSubscription:45).
    """
    first = infos[0]
    started = int(first.properties.get(_STARTED, "0"))
    if not _is_push(first) or now_ms() - started <= _A_WHILE_MS:
        return True
    wanted = {as_java_compares(one) for one in first.subscription_set}
    return bool(wanted) and all({as_java_compares(one) for one in info.subscription_set} == wanted for info in infos)


def as_java_compares(one: SubscriptionData) -> str:
    """The sets are sorted, hence compared by SubscriptionData.compareTo:157."""
    return f"{one.topic}@{one.sub_string}"


def _is_push(info: ConsumerRunningInfo) -> bool:
    return info.properties.get(_CONSUME_TYPE) == ConsumeType.CONSUME_PASSIVELY


def stuck_queues(client_id: str, info: ConsumerRunningInfo) -> Iterator[str]:
    """A line for each queue that a client has not consumed, or not locked, for too long (analyzeProcessQueue:109)."""
    if not _is_push(info):
        return
    orderly = info.properties.get(_ORDERLY, "").lower() == "true"
    for queue in sorted(info.mq_table, key=queue_rank):
        held = info.mq_table[queue]
        name = queue.java_text()
        idle = now_ms() - held.last_consume_timestamp
        if not orderly:
            if idle > _BLOCKED_MS and held.cached_msg_count > 0:
                yield f"{client_id} {name} can't consume for a while, maybe blocked, {idle}ms\n"
        elif not held.locked:
            yield f"{client_id} {name} can't lock for a while, {now_ms() - held.last_lock_timestamp}ms\n"
        elif held.droped and held.try_unlock_times > 0:
            yield f"{client_id} {name} unlock {held.try_unlock_times} times, still failed\n"
