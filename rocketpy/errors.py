"""Every exception that rocketpy raises on purpose, in one tree.

Two kinds matter to a server: `ReplyError` is *answered* and the connection lives; `ProtocolError` closes the
connection that caused it. Anything that is neither is a defect: it is answered with SYSTEM_ERROR and logged once,
in `rocketpy.remoting.router`.
"""

from __future__ import annotations

from typing import Any


class RocketpyError(Exception):
    """The root of the tree."""


class ReplyError(RocketpyError):
    """A request that is refused with a code and a remark of the protocol; the connection lives.

    `header` is the reply header to send along, for the few codes whose failures carry one (a refused send).
    """

    def __init__(self, code: int, remark: str | None, header: Any = None) -> None:
        super().__init__(code, remark)
        self.code = code
        self.remark = remark
        self.header = header

    def __str__(self) -> str:
        return f"CODE: {self.code}  DESC: {self.remark}"


class ProtocolError(RocketpyError):
    """Bytes that are not the protocol: the connection they came from is closed, others go on."""


class FieldError(RocketpyError):
    """A header field that the request cannot do without is missing or does not parse.

    Java runs into a NullPointerException or NumberFormatException here and answers SYSTEM_ERROR, so do we.
    """

    def __init__(self, name: str, value: str | None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"java.lang.NullPointerException, the field <{self.name}> is null"
        return f'java.lang.NumberFormatException: For input string: "{self.value}", the field <{self.name}>'


class AccessDenied(RocketpyError):
    """A request is refused before anybody looks at it; the text is the whole remark of the answer."""


class ConfigError(RocketpyError):
    """A configuration file or value that cannot be used; the text is one line that names it."""


class StoreError(RocketpyError):
    """The store cannot be opened, read or written; the text names the path."""


class RemotingError(RocketpyError):
    """A request to another process failed; the text names its address."""


class ConnectError(RemotingError):
    """No connection could be made."""


class RemotingTimeout(RemotingError):
    """The answer did not come in time."""


class SendFailed(RemotingError):
    """The connection broke before the answer came."""
