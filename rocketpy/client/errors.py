"""What goes wrong in a client, in the words of the Java client, since those are what people search for.

Beside these, calls raise `rocketpy.errors.RemotingError`: ConnectError, RemotingTimeout, SendFailed.
"""

from __future__ import annotations

from typing import Final

from rocketpy.errors import RocketpyError
from rocketpy.protocol.codes import ResponseCode

FAQ_URL: Final = "http://rocketmq.apache.org/docs/faq/"
_TIP: Final = "\nSee "

CONNECT_BROKER_FAILED: Final = 10001
ACCESS_BROKER_TIMEOUT: Final = 10002
BROKER_NOT_EXIST: Final = 10003
NO_NAME_SERVER: Final = 10004
NOT_FOUND_TOPIC: Final = 10005
REQUEST_TIMEOUT: Final = 10006
CREATE_REPLY_MESSAGE: Final = 10007
"""Codes that a client makes up itself (ClientErrorCode.java:20)."""


class ClientError(RocketpyError):
    """A call that cannot be carried out (MQClientException.java:24).

    `code` is of `ResponseCode` or one of those above, -1 where Java gives none; `text` is what went wrong without the
    code and without the pointer to the FAQ which Java appends.
    """

    def __init__(self, text: str, code: int = -1, *, show_code: bool = False) -> None:
        self.text = text
        self.code = code
        super().__init__(_with_advice(f"CODE: {int(code)}  DESC: {text}" if show_code else text))


class NotRunning(ClientError):
    """A producer or consumer that was not started, or is stopped already."""


class MessageIllegal(ClientError):
    """A message that may not be sent as it is (Validators.java:55)."""

    def __init__(self, text: str) -> None:
        super().__init__(text, ResponseCode.MESSAGE_ILLEGAL, show_code=True)


class BrokerError(ClientError):
    """A broker refused (MQBrokerException.java:22): its `code`, its remark as `text`, and its `address`."""

    def __init__(self, code: int, text: str | None, address: str | None = None) -> None:
        remark = "null" if text is None else text
        super().__init__(f"{remark} BROKER: {address}" if address else remark, code, show_code=True)
        self.text = remark
        self.address = address


class TopicNotFound(ClientError):
    """There is no queue of a topic to send to; `reason` says why, in a sentence (DefaultMQProducerImpl.java:672).

    The four reasons: no name server answers, no broker is registered there, the topic does not exist and is not
    created by sending, or nobody may write to it.
    """

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"No route info of this topic: {topic}{see_faq()}\n{reason}", NOT_FOUND_TOPIC)
        self.topic = topic
        self.reason = reason


class RequestTimeout(ClientError):
    """A request was sent, but its reply did not come in time (RequestTimeoutException.java:22)."""

    def __init__(self, text: str) -> None:
        super().__init__(text, REQUEST_TIMEOUT)


def see_faq() -> str:
    """Java's pointer to the FAQ (FAQUrl.suggestTodo:63)."""
    return f"{_TIP}{FAQ_URL} for further details."


def _with_advice(text: str) -> str:
    """The text with a pointer to the FAQ, unless there is one already (FAQUrl.attachDefaultURL:71)."""
    return text if _TIP in text else f"{text}\nFor more information, please visit the url, {FAQ_URL}"
