"""Sending single messages, with what goes wrong in the words of the official mqadmin (DefaultMQProducerImpl.java)."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rocketpy.admin.client import AdminClient
from rocketpy.admin.errors import BrokerError, ClientError, JavaError
from rocketpy.client import errors as client_errors
from rocketpy.client.producer import Producer
from rocketpy.client.results import SendResult
from rocketpy.client.sending import Selector
from rocketpy.errors import ConnectError, RemotingError, RemotingTimeout, RocketpyError
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.message import Message

_REMOTING = "org.apache.rocketmq.remoting.exception."


class Sender:
    """A producer of a group, between `with` and its end."""

    def __init__(self, admin: AdminClient, group: str, *, trace: bool = False) -> None:
        self._producer = Producer(
            group, namesrv=admin.namesrvs, credentials=admin.credentials, trace=trace, gevent=True
        )

    def __enter__(self) -> Self:
        try:
            self._producer.start()
        except RocketpyError as error:
            raise java_error(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.stop()

    def send(
        self, message: Message, queue: MessageQueue | None = None, *, selector: Selector | None = None
    ) -> SendResult:
        """Send to `queue`, to the one that `selector` takes, or else to any of the topic. Raises JavaError."""
        try:
            return self._producer.send(message, queue=queue, selector=selector)
        except RocketpyError as error:
            raise java_error(error) from error


def sent_text(sent: SendResult) -> str:
    """SendResult.toString:127."""
    return (
        f"SendResult [sendStatus={sent.status}, msgId={sent.msg_id}, offsetMsgId={sent.offset_msg_id}, "
        f"messageQueue={sent.queue.java_text()}, queueOffset={sent.queue_offset}]"
    )


def java_error(error: RocketpyError) -> JavaError:
    """An error of our client as the Java client throws it, with its cause."""
    cause = java_error(error.__cause__) if isinstance(error.__cause__, RocketpyError) else None
    if isinstance(error, client_errors.BrokerError):
        return BrokerError(error.code, error.text, error.address)
    if isinstance(error, client_errors.TopicNotFound):
        text = f"No route info of this topic: {error.topic}{client_errors.see_faq()}"
        return ClientError(text, error.code, cause)
    if isinstance(error, client_errors.ClientError):
        shown = str(error).startswith("CODE: ")
        return ClientError(error.text, error.code if shown else None, cause)
    if isinstance(error, RemotingError):
        name = {ConnectError: "RemotingConnectException", RemotingTimeout: "RemotingTimeoutException"}
        return JavaError(_REMOTING + name.get(type(error), "RemotingSendRequestException"), str(error), cause)
    return JavaError("java.lang.RuntimeException", str(error), cause)
