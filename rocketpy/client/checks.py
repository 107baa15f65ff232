"""What groups, topics and messages must be like, in Java's words (Validators.java)."""

from __future__ import annotations

import re
from typing import Final

from rocketpy.client.errors import ClientError, MessageIllegal
from rocketpy.protocol.message import Message
from rocketpy.protocol.topic_names import FORBIDDEN_TO_SEND, SYSTEM_TOPIC_PREFIX, SYSTEM_TOPICS

_LONGEST_GROUP: Final = 255
_LONGEST_TOPIC: Final = 127
_ILLEGAL: Final = re.compile(r"[^%|a-zA-Z0-9_-]")
_ALLOWED: Final = "^[%|a-zA-Z0-9_-]+$"


def check_group(group: str) -> None:
    """Raises ClientError for the name of a group that cannot be one (checkGroup:38)."""
    if not group or group.isspace():
        raise ClientError("the specified group is blank")
    if len(group) > _LONGEST_GROUP:
        raise ClientError("the specified group is longer than group max length 255.")
    if _ILLEGAL.search(group):
        raise ClientError(f"the specified group[{group}] contains illegal characters, allowing only {_ALLOWED}")


def check_topic(topic: str) -> None:
    """Raises ClientError for the name of a topic that cannot be one (checkTopic:78)."""
    if not topic or topic.isspace():
        raise ClientError("The specified topic is blank")
    if len(topic) > _LONGEST_TOPIC:
        raise ClientError(f"The specified topic is longer than topic max length {_LONGEST_TOPIC}.")
    if _ILLEGAL.search(topic):
        raise ClientError(f"The specified topic[{topic}] contains illegal characters, allowing only {_ALLOWED}")


def check_new_topic(topic: str) -> None:
    """Raises ClientError for a topic that may not be created, too (isSystemTopic:96)."""
    check_topic(topic)
    if topic in SYSTEM_TOPICS or topic.startswith(SYSTEM_TOPIC_PREFIX):
        raise ClientError(f"The topic[{topic}] is conflict with system topic.")


def check_message(message: Message, topic: str, largest: int) -> None:
    """Raises ClientError for a message that may not be sent to `topic` (checkMessage:54); `largest` is in bytes."""
    check_topic(topic)
    if topic in FORBIDDEN_TO_SEND:
        raise ClientError(f"Sending message to topic[{topic}] is forbidden.")
    check_body(message, largest)


def check_body(message: Message, largest: int) -> None:
    """Raises MessageIllegal for a body that may not be sent; `largest` is in bytes."""
    body: object = message.body
    if body is None:
        raise MessageIllegal("the message body is null")
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise MessageIllegal(f"the message body is bytes, not {type(body).__name__}")
    if not body:
        raise MessageIllegal("the message body length is zero")
    if len(body) > largest:
        raise MessageIllegal(f"the message body size over max value, MAX: {largest}")
