"""Requests that wait for a reply: sent as messages, answered by whoever consumes them (RequestFutureHolder.java)."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING

from gevent.event import AsyncResult

from rocketpy.client.errors import ClientError, RequestTimeout
from rocketpy.client.messages import ReceivedMessage
from rocketpy.errors import RocketpyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.message import Message

if TYPE_CHECKING:
    from rocketpy.client.sending import Outgoing, Selector, Sender

log = logging.getLogger(__name__)


class Requests:
    """The requests of one instance that wait for their reply, by correlation id."""

    def __init__(self) -> None:
        self._waiting: dict[str, AsyncResult[ReceivedMessage]] = {}

    def ask(
        self,
        sender: Sender,
        message: Message,
        timeout_ms: float,
        queue: MessageQueue | None = None,
        selector: Selector | None = None,
    ) -> ReceivedMessage:
        """Send `message` and wait for its reply (DefaultMQProducerImpl.request:1385).

        Raises ClientError if it cannot be sent, RequestTimeout if no reply comes within `timeout_ms`.
        """
        started = time.monotonic()
        instance = sender.instance
        correlation_id = str(uuid.uuid4())
        asking = Message(message.topic, message.body, flag=message.flag, properties=message.properties)
        asking.properties |= {
            names.CORRELATION_ID: correlation_id,
            names.REPLY_TO_CLIENT: instance.client_id,
            names.MESSAGE_TTL: str(int(timeout_ms)),
        }
        outgoing = sender.prepare(asking)
        if outgoing.topic not in instance.routes.topics:
            sender.publish(outgoing.topic)
            instance.heartbeat()  # or the broker would not know to whom the reply goes
        answer = self._waiting[correlation_id] = AsyncResult()
        try:
            _send(sender, outgoing, asking, timeout_ms, queue, selector)
            left = timeout_ms / 1000 - (time.monotonic() - started)
            answer.wait(timeout=max(left, 0))
        except RocketpyError as error:
            raise ClientError(f"send request message to <{message.topic}> fail: {error}") from error
        finally:
            del self._waiting[correlation_id]
        if not answer.ready():
            raise RequestTimeout(
                f"send request message to <{message.topic}> OK, but wait reply message timeout, {timeout_ms:.0f} ms."
            )
        reply = answer.get()
        assert reply is not None
        return reply

    def settle(self, reply: ReceivedMessage) -> None:
        """Hand a reply to who waits for it."""
        correlation_id = reply.properties.get(names.CORRELATION_ID, "")
        waiting = self._waiting.get(correlation_id)
        if waiting is None:
            log.warning("a reply that matches no request, correlation id %s, from %s", correlation_id, reply.born_host)
        else:
            waiting.set(reply)


def _send(
    sender: Sender,
    outgoing: Outgoing,
    message: Message,
    timeout_ms: float,
    queue: MessageQueue | None,
    selector: Selector | None,
) -> None:
    if queue is not None:
        sender.send_to(outgoing, queue, "async", timeout_ms)
    elif selector is not None:
        sender.send_selected(outgoing, message, selector, "async", timeout_ms)
    else:
        sender.send(outgoing, "async", timeout_ms)
