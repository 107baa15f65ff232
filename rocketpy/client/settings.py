"""How a client reaches a cluster and what it calls itself: keyword arguments that every producer and consumer takes.

Durations are in seconds here and throughout the package, as Python's are; timestamps are in ms, as RocketMQ's are.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from rocketpy.client.errors import ClientError
from rocketpy.config.address import local_address
from rocketpy.protocol.command import JSON, ROCKETMQ
from rocketpy.protocol.signature import Credentials

if TYPE_CHECKING:
    import ssl

DEFAULT_INSTANCE: Final = "DEFAULT"
_ENDPOINT: Final = re.compile(r"http://.*")
_INSTANCE_ENDPOINT: Final = re.compile(r"(\w+://|)MQ_INST_\w+_\w+\..*")
_DURATIONS: Final = (
    "poll_namesrv_interval", "heartbeat_interval", "persist_offset_interval", "pull_retry_delay", "request_timeout",
)  # fmt: skip
_SERIALIZATIONS: Final = {"JSON": JSON, "ROCKETMQ": ROCKETMQ}


class ClientOptions(TypedDict, total=False):
    """The keyword arguments; `ClientSettings` says what each means."""

    namesrv: str | Sequence[str] | None
    instance_name: str
    client_ip: str | None
    namespace: str | None
    unit_name: str | None
    unit_mode: bool
    vip_channel: bool
    tls: bool | ssl.SSLContext
    credentials: Credentials | None
    serialization: Literal["JSON", "ROCKETMQ"]
    poll_namesrv_interval: float
    heartbeat_interval: float
    persist_offset_interval: float
    pull_retry_delay: float
    request_timeout: float
    address_server: str | None
    gevent: bool | None


@dataclass(frozen=True)
class ClientSettings:
    """Java's ClientConfig (ClientConfig.java:33).

    `namesrv`: addresses "host:port", a sequence or separated by semicolons. Without them the environment variable
    NAMESRV_ADDR counts, and without that the HTTP `address_server` is asked, every two minutes (TopAddressing.java).
    `instance_name` and `unit_name` end up in the client id, `ip@instance@unit`; "DEFAULT" becomes `pid#ns`, so that
    every producer and consumer is a client of its own; those of one process with equal ids share their connections.
    `namespace` is put before topics and groups on the wire. `unit_mode`: what is sent and subscribed is of a unit.
    `vip_channel`: use the brokers' port two below. `tls`: True verifies the server by the system's certificates; an
    SSLContext decides otherwise. `serialization` is that of the headers. `request_timeout` is that of requests other
    than sends and pulls. After a pull that failed consumers wait for `pull_retry_delay`. `gevent`: True keeps to the
    greenlets of the calling thread's hub, False has a thread of its own; by default a monkey-patched program gets the
    former.
    """

    namesrv: str | Sequence[str] | None = None
    instance_name: str = DEFAULT_INSTANCE
    client_ip: str | None = None
    namespace: str | None = None
    unit_name: str | None = None
    unit_mode: bool = False
    vip_channel: bool = False
    tls: bool | ssl.SSLContext = False
    credentials: Credentials | None = None
    serialization: Literal["JSON", "ROCKETMQ"] = "JSON"
    poll_namesrv_interval: float = 30.0
    heartbeat_interval: float = 30.0
    persist_offset_interval: float = 5.0
    pull_retry_delay: float = 1.0
    request_timeout: float = 3.0
    address_server: str | None = None
    gevent: bool | None = None
    _ip: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ClientError for a value that cannot be used."""
        if self.serialization not in _SERIALIZATIONS:
            raise ClientError(f"serialization is JSON or ROCKETMQ, not {self.serialization!r}")
        for name in _DURATIONS:
            if getattr(self, name) <= 0:
                raise ClientError(f"{name} is a number of seconds above 0, not {getattr(self, name)!r}")
        if not isinstance(self.tls, bool):
            _check_context(self.tls)
        if not isinstance(self.credentials, (Credentials, NoneType)):
            raise ClientError("credentials are of class Credentials")
        object.__setattr__(self, "_ip", self.client_ip or local_address() or "127.0.0.1")
        if self.namespace is None:
            object.__setattr__(self, "namespace", _namespace_of(self.addresses))

    @property
    def addresses(self) -> list[str] | None:
        """The name servers that were named here or in the environment; None if they are to be fetched."""
        given = os.environ.get("NAMESRV_ADDR") if self.namesrv is None else self.namesrv
        if given is None:
            return None
        parts = given.split(";") if isinstance(given, str) else list(given)
        return [_without_scheme(part.strip()) for part in parts if part.strip()]

    @property
    def ip(self) -> str:
        """The address that stands in the client id."""
        return self._ip

    @property
    def header_serialization(self) -> int:
        """The number on the wire."""
        return _SERIALIZATIONS[self.serialization]

    @property
    def tls_context(self) -> ssl.SSLContext | None:
        """What TLS is spoken with, if it is."""
        if self.tls is not True:
            return self.tls or None
        import ssl

        return ssl.create_default_context()

    @property
    def in_callers_hub(self) -> bool:
        """Whether to run among the caller's greenlets."""
        return _is_patched() if self.gevent is None else self.gevent

    def client_id(self, *, unique: bool, streams: bool = False) -> str:
        """`ip@instance@unit@STREAM` (buildMQClientId:66), the last for clients whose requests are of a stream.

        `unique` gives an instance that has no name one of its own.
        """
        instance = self.instance_name
        if unique and instance == DEFAULT_INSTANCE:
            instance = f"{os.getpid()}#{time.monotonic_ns()}"
        unit = f"@{self.unit_name}" if self.unit_name and self.unit_name.strip() else ""
        return f"{self.ip}@{instance}{unit}{'@STREAM' if streams else ''}"


def _check_context(tls: object) -> None:
    import ssl  # here, since few need it: it takes 10 ms and 1.6 MiB

    if not isinstance(tls, ssl.SSLContext):
        raise ClientError(f"tls is True, False or an SSLContext, not {tls!r}")


def _without_scheme(address: str) -> str:
    """`http://host:port` is an address, too (ClientConfig.getNamesrvAddr:198)."""
    return address.rpartition("/")[2] if _ENDPOINT.fullmatch(address) else address


def _namespace_of(addresses: list[str] | None) -> str | None:
    """The instance that a cloud provider's endpoint names (NameServerAddressUtils.java:44)."""
    if addresses and _INSTANCE_ENDPOINT.fullmatch(addresses[0]):
        return addresses[0].rpartition("/")[2].partition(".")[0]
    return None


def _is_patched() -> bool:
    """Whether threads are greenlets here, which only a program that patched them would want."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
