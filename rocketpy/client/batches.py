"""Batches: what may go into one, and how to split what is too much for one (MessageBatch.java)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rocketpy.client.checks import check_body
from rocketpy.client.errors import ClientError
from rocketpy.protocol.message import Message
from rocketpy.protocol.properties import join_properties
from rocketpy.protocol.topic_names import RETRY_PREFIX

_OWN_SIZE = 22
"""Bytes of a message in a batch besides body and properties."""
_ID_SIZE = 80
"""Bytes that the client's own properties take at most, the id above all."""


def check_batch(messages: Iterable[Message]) -> list[Message]:
    """The messages as a list.

    Raises ClientError if they do not go together (MessageBatch.generateFromList:45), MessageIllegal for one without a
    body.
    """
    batch = list(messages)
    if not batch:
        raise ClientError("Failed to initiate the MessageBatch: there is no message")
    first = batch[0]
    fault = None
    for message in batch:
        if message.delay_level > 0:
            fault = "TimeDelayLevel is not supported for batching"
        elif message.topic.startswith(RETRY_PREFIX):
            fault = "Retry Group is not supported for batching"
        elif message.topic != first.topic:
            fault = "The topic of the messages in one batch should be the same"
        elif message.wait_store_msg_ok != first.wait_store_msg_ok:
            fault = "The waitStoreMsgOK of the messages in one batch should the same"
        if fault is not None:
            raise ClientError(f"Failed to initiate the MessageBatch: {fault}")
        check_body(message, sys.maxsize)
    return batch


def split_batch(messages: list[Message], largest: int) -> Iterator[list[Message]]:
    """Batches, in order, of at most `largest` bytes; a message that is larger by itself is alone."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        own = _OWN_SIZE + _ID_SIZE + len(message.body) + len(join_properties(message.properties).encode())
        if batch and size + own > largest:
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += own
    yield batch
