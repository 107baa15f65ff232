"""What a consumer wants of a topic (FilterAPI.java, MessageSelector.java)."""

from __future__ import annotations

from types import NoneType

from rocketpy.client.errors import ClientError
from rocketpy.clock import now_ms
from rocketpy.filter.tags import ALL, tags_of
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.flags import ExpressionType
from rocketpy.protocol.java_hash import string_hash


class Sql92(str):
    """An SQL92 expression over a message's properties, where otherwise a tag expression stands: `Sql92("a > 5")`."""

    __slots__ = ()


def subscription(topic: str, expression: str = ALL) -> SubscriptionData:
    """`expression` is "*", tags separated by "||", or Sql92. Raises ClientError for one that is none."""
    if not topic:
        raise ClientError("Topic can not be null or empty.")
    if not isinstance(expression, (str, NoneType)):
        raise ClientError(f"an expression is a text, not {expression!r}")
    version = now_ms()
    if isinstance(expression, Sql92):
        if not expression:
            raise ClientError("Expression can't be null! SQL92")
        return SubscriptionData(
            topic=topic, sub_string=str(expression), sub_version=version, expression_type=ExpressionType.SQL92
        )
    try:
        tags = tags_of(expression)
    except ValueError as error:
        raise ClientError(f"subscription exception: {error}") from error
    if tags is None:
        return SubscriptionData(topic=topic, sub_string=ALL, sub_version=version)
    distinct = list(dict.fromkeys(tags))
    codes = list(dict.fromkeys(map(string_hash, distinct)))
    return SubscriptionData(
        topic=topic, sub_string=expression, tags_set=distinct, code_set=codes, sub_version=version
    )


def is_tags(data: SubscriptionData) -> bool:
    """Whether it chooses by tags, which the broker does by their hashes only."""
    return data.expression_type in (None, ExpressionType.TAG)
