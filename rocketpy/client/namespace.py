"""Namespaces: `NS%Topic`, `%RETRY%NS%Group` (NamespaceUtil.java). Inside the client names have them, outside not."""

from __future__ import annotations

from typing import Final

from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.topic_names import (
    DLQ_PREFIX,
    RETRY_PREFIX,
    SYSTEM_GROUP_PREFIX,
    SYSTEM_TOPIC_PREFIX,
    SYSTEM_TOPICS,
)

_SEPARATOR: Final = "%"


def with_namespace(namespace: str | None, name: str) -> str:
    """`name` of a topic or group inside `namespace` (wrapNamespace:92)."""
    if not namespace or not name or _is_system(name):
        return name
    prefix, rest = _split(name)
    if rest.startswith(namespace + _SEPARATOR):
        return name
    return f"{prefix}{namespace}{_SEPARATOR}{rest}"


def without_namespace(namespace: str | None, name: str) -> str:
    """`name` as it is called in `namespace`; unchanged if it is not in there (withoutNamespace:76)."""
    if not namespace or not name:
        return name
    prefix, rest = _split(name)
    if not rest.startswith(namespace + _SEPARATOR) or _is_system(name):
        return name
    return prefix + rest[len(namespace) + 1 :]


def queue_with_namespace(namespace: str | None, queue: MessageQueue) -> MessageQueue:
    """The queue of the topic inside `namespace` (ClientConfig.queueWithNamespace:140)."""
    return _renamed(queue, with_namespace(namespace, queue.topic))


def queue_without_namespace(namespace: str | None, queue: MessageQueue) -> MessageQueue:
    """The queue of the topic as it is called in `namespace`."""
    return _renamed(queue, without_namespace(namespace, queue.topic))


def _renamed(queue: MessageQueue, topic: str) -> MessageQueue:
    if topic == queue.topic:
        return queue
    return MessageQueue(topic=topic, broker_name=queue.broker_name, queue_id=queue.queue_id)


def _split(name: str) -> tuple[str, str]:
    for prefix in (RETRY_PREFIX, DLQ_PREFIX):
        if name.startswith(prefix):
            return prefix, name[len(prefix) :]
    return "", name


def _is_system(name: str) -> bool:
    return name in SYSTEM_TOPICS or name.startswith((SYSTEM_TOPIC_PREFIX, SYSTEM_GROUP_PREFIX))
