"""Topics that have a meaning of their own, and what a topic may be called (TopicValidator.java, MixAll.java)."""

from __future__ import annotations

import re
from typing import Final

RETRY_PREFIX: Final = "%RETRY%"
DLQ_PREFIX: Final = "%DLQ%"
LIGHT_PREFIX: Final = "%LMQ%"
REPLY_POSTFIX: Final = "REPLY_TOPIC"
SYSTEM_GROUP_PREFIX: Final = "CID_RMQ_SYS_"
"""Groups of this prefix are created on use even without autoCreateSubscriptionGroup (MixAll.java:86)."""

AUTO_CREATE_TOPIC: Final = "TBW102"
"""The template of topics that are created by a send; it exists only while autoCreateTopicEnable."""
SCHEDULE_TOPIC: Final = "SCHEDULE_TOPIC_XXXX"
BENCHMARK_TOPIC: Final = "BenchmarkTest"
TRANS_HALF_TOPIC: Final = "RMQ_SYS_TRANS_HALF_TOPIC"
TRANS_OP_HALF_TOPIC: Final = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
TRANS_CHECK_MAX_TIME_TOPIC: Final = "TRANS_CHECK_MAX_TIME_TOPIC"
TRACE_TOPIC: Final = "RMQ_SYS_TRACE_TOPIC"
SELF_TEST_TOPIC: Final = "SELF_TEST_TOPIC"
OFFSET_MOVED_EVENT: Final = "OFFSET_MOVED_EVENT"

SYSTEM_TOPICS: Final = (
    AUTO_CREATE_TOPIC, SCHEDULE_TOPIC, BENCHMARK_TOPIC, TRANS_HALF_TOPIC, TRACE_TOPIC, TRANS_OP_HALF_TOPIC,
    TRANS_CHECK_MAX_TIME_TOPIC, SELF_TEST_TOPIC, OFFSET_MOVED_EVENT,
)  # fmt: skip
"""Reserved by RocketMQ itself, in Java's order; a broker adds its own name, its cluster's and the reply topic."""
SYSTEM_TOPIC_PREFIX: Final = "rmq_sys_"
TIMER_TOPIC: Final = "rmq_sys_wheel_timer"
"""Java 5's, where messages wait that are due at a time of their own."""

FORBIDDEN_TO_SEND: Final = frozenset({
    SCHEDULE_TOPIC, TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC, TRANS_CHECK_MAX_TIME_TOPIC, SELF_TEST_TOPIC,
    OFFSET_MOVED_EVENT,
})  # fmt: skip
"""Topics that only the broker itself writes to."""

LONGEST_TOPIC: Final = 127
_ILLEGAL = re.compile(r"[^%|a-zA-Z0-9_-]")


def retry_topic(group: str) -> str:
    """Where messages that `group` failed to consume wait for another try (MixAll.getRetryTopic:105)."""
    return RETRY_PREFIX + group


def is_light(name: str) -> bool:
    """Whether a topic or group is a light one, which needs no configuration while enableLmq (MixAll.isLmq:454)."""
    return name.startswith(LIGHT_PREFIX)


def dlq_topic(group: str) -> str:
    """Where messages go that `group` failed to consume too often (MixAll.getDLQTopic:117)."""
    return DLQ_PREFIX + group


def reply_topic(cluster: str) -> str:
    """Where a cluster keeps the replies to request-reply messages (MixAll.getReplyTopic:109)."""
    return f"{cluster}_{REPLY_POSTFIX}"


def topic_fault(name: str) -> str | None:
    """What is wrong with the name of a topic, in Java's words, or None (TopicValidator.validateTopic:103)."""
    if not name or name.isspace():
        return "The specified topic is blank."
    if _ILLEGAL.search(name):
        return "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"
    if len(name) > LONGEST_TOPIC:
        return "The specified topic is longer than topic max length."
    return None
