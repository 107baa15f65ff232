"""What goes wrong, in the words that the official mqadmin prints: the head of a Java stack trace."""

from __future__ import annotations

from rocketpy.errors import RocketpyError

_FAQ = "http://rocketmq.apache.org/docs/faq/"
_TIP = "\nSee "


class JavaError(RocketpyError):
    """An exception by the name of its Java class; `text` is what its getMessage gives, `cause` what it came from."""

    def __init__(self, java_class: str, text: str | None, cause: JavaError | None = None) -> None:
        super().__init__(java_class, text)
        self.java_class = java_class
        self.text = text
        self.cause = cause
        self.is_bare = False
        """Whether Java lets it out as it is, not as the cause of a SubCommandException."""

    def __str__(self) -> str:
        return self.java_class if self.text is None else f"{self.java_class}: {self.text}"

    @property
    def summary(self) -> str:
        """What went wrong in one line, without Java's words around it."""
        text = (self.text or "").partition("\n")[0]
        return text or self.java_class.rpartition(".")[2]

    def trace(self) -> str:
        """The heads of the stack trace: its own and those of its causes, a line or more each."""
        return f"{self}\n" if self.cause is None else f"{self}\nCaused by: {self.cause.trace()}"


class ClientError(JavaError):
    """MQClientException: a server refused, or something is not as the command needs it (MQClientException.java:24).

    `code` is -1 where Java gives none; `description` is the text without code and advice.
    """

    def __init__(self, description: str | None, code: int | None = None, cause: JavaError | None = None) -> None:
        text = description if code is None else f"CODE: {code}  DESC: {_java(description)}"
        super().__init__("org.apache.rocketmq.client.exception.MQClientException", _with_advice(text), cause)
        self.code = -1 if code is None else code
        self.description = description

    @property
    def summary(self) -> str:
        """What went wrong in one line, without Java's words around it."""
        text = (self.description or super().summary).partition("\n")[0]
        return text if self.code == -1 else f"{text} (code {self.code})"


class BrokerError(JavaError):
    """MQBrokerException: a broker refused; `address` is left out where Java does (MQBrokerException.java:22)."""

    def __init__(self, code: int, description: str | None, address: str | None = None) -> None:
        broker = "" if address is None else f" BROKER: {address}"
        text = f"CODE: {code}  DESC: {_java(description)}{broker}"
        super().__init__("org.apache.rocketmq.client.exception.MQBrokerException", _with_advice(text))
        self.code = code
        self.description = description
        self._where = "" if address is None else f", {address}"

    @property
    def summary(self) -> str:
        """What went wrong in one line, without Java's words around it."""
        return f"{self.description or 'refused'} (code {self.code}{self._where})"


def connect_failed(where: str | None) -> JavaError:
    """No connection to `where` (RemotingConnectException.java:27)."""
    return _remoting("RemotingConnectException", f"connect to {_java(where)} failed")


def timed_out(address: str, timeout_ms: float) -> JavaError:
    """No answer in time (RemotingTimeoutException.java:32)."""
    text = f"wait response on the channel <{address}> timeout, {timeout_ms:.0f}(ms)"
    return _remoting("RemotingTimeoutException", text)


def send_failed(address: str) -> JavaError:
    """The connection broke (RemotingSendRequestException.java:27)."""
    return _remoting("RemotingSendRequestException", f"send request to <{address}> failed")


def not_a_number(text: str) -> JavaError:
    """Integer.parseInt or Long.parseLong was given `text`."""
    return JavaError("java.lang.NumberFormatException", f'For input string: "{text}"')


def null_pointer() -> JavaError:
    """Java runs into a null here. What newer JVMs say about it is not repeated."""
    return JavaError("java.lang.NullPointerException", None)


def _remoting(name: str, text: str) -> JavaError:
    return JavaError(f"org.apache.rocketmq.remoting.exception.{name}", text)


def _java(text: str | None) -> str:
    return "null" if text is None else text


def _with_advice(text: str | None) -> str | None:
    """Java's pointer to the FAQ, unless there is one already (FAQUrl.attachDefaultURL:71)."""
    if text is None or _TIP in text:
        return text
    return f"{text}\nFor more information, please visit the url, {_FAQ}"
