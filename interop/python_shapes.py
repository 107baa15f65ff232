"""Messages, queues and results of our client as the JSON that drivers exchange, see driver.py."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from rocketpy.client import Message, MessageQueue, SendResult
from rocketpy.protocol.message import MessageExt
from rocketpy.remoting.connection import address_text

Request = Mapping[str, Any]


def message_of(fields: Request) -> Message:
    """A message to be sent."""
    message = Message(
        fields["topic"],
        base64.b64decode(fields["body"]),
        tags=fields.get("tags"),
        keys=fields.get("keys"),
        flag=fields.get("flag", 0),
        properties=fields.get("properties"),
    )
    if "delay_level" in fields:
        message.delay_level = fields["delay_level"]
    return message


def queue_of(fields: Request) -> MessageQueue:
    """The queue that a request names."""
    return MessageQueue(topic=fields["topic"], broker_name=fields["broker"], queue_id=fields["id"])


def show_queue(queue: MessageQueue) -> dict[str, Any]:
    """One queue."""
    return {"topic": queue.topic, "broker": queue.broker_name, "id": queue.queue_id}


def show_queues(queues: Iterable[MessageQueue]) -> list[dict[str, Any]]:
    """Queues in the order of their names and numbers."""
    ranked = sorted(queues, key=lambda queue: (queue.topic, queue.broker_name, queue.queue_id))
    return [show_queue(queue) for queue in ranked]


def show_sent(result: SendResult) -> dict[str, Any]:
    """What a send came to."""
    return {
        "status": str(result.status),
        "msg_id": result.msg_id,
        "offset_msg_id": result.offset_msg_id,
        "queue": show_queue(result.queue),
        "queue_offset": result.queue_offset,
        "region": result.region_id,
        "trace_on": result.trace_on,
    }


def show_messages(messages: Iterable[MessageExt]) -> list[dict[str, Any]]:
    """Several messages."""
    return [show_message(message) for message in messages]


def show_message(message: MessageExt) -> dict[str, Any]:
    """One message with all that is known of it."""
    return {
        "topic": message.topic,
        "body": base64.b64encode(message.body).decode(),
        "properties": message.properties,
        "flag": message.flag,
        "sys_flag": message.sys_flag,
        "msg_id": message.msg_id,
        "offset_msg_id": message.offset_msg_id,
        "queue_id": message.queue_id,
        "queue_offset": message.queue_offset,
        "physical_offset": message.physical_offset,
        "store_size": message.store_size,
        "body_crc": message.body_crc,
        "born_timestamp": message.born_timestamp,
        "born_host": address_text(message.born_host),
        "store_timestamp": message.store_timestamp,
        "store_host": address_text(message.store_host),
        "reconsume_times": message.reconsume_times,
        "prepared_transaction_offset": message.prepared_transaction_offset,
    }
