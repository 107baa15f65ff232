"""What producers and consumers have in common: where the cluster is, who they are, and being started and stopped."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from threading import Lock
from types import TracebackType
from typing import Generic, Self, TypeVar

from rocketpy.client.errors import NotRunning
from rocketpy.client.member import Member as Plain
from rocketpy.client.settings import ClientOptions
from rocketpy.compat_client.arguments import as_text
from rocketpy.compat_client.exceptions import NullPointerException, RocketMQException, failing_as
from rocketpy.protocol.signature import Credentials

P = TypeVar("P", bound=Plain)


class Member(ABC, Generic[P]):
    """A producer or consumer; each start makes one of `rocketpy.client` with the settings made so far.

    What is set later counts from the next start. Starting what runs and stopping what does not run is harmless.
    """

    _start_failure: type[RocketMQException] = RocketMQException

    def __init__(self, group_id: str | bytes | None) -> None:
        if group_id is None:
            raise NullPointerException(f"Returned null pointer when create {type(self).__name__}")
        self._group = as_text(group_id)
        self._options: ClientOptions = {}
        self._running: P | None = None
        self._starting = Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exec_type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    def start(self) -> None:
        """Connect; brokers that cannot be reached yet are no failure. Raises the Failed class of its kind."""
        with self._starting:
            if self._running is None:
                with failing_as(self._start_failure):
                    member = self._made()
                    member.start()
                self._running = member

    def shutdown(self) -> None:
        """Finish what is under way and disconnect."""
        member, self._running = self._running, None
        if member is not None:
            member.stop()

    def set_instance_name(self, name: str | bytes) -> None:
        """What tells this client from others of the process; those with one name share their connections."""
        self._options["instance_name"] = f"{os.getpid()}#{as_text(name)}"

    def set_name_server_address(self, addr: str | bytes) -> None:
        """host:port, several separated by semicolons; without it NAMESRV_ADDR of the environment counts."""
        self._options["namesrv"] = as_text(addr)

    def set_name_server_domain(self, domain: str | bytes) -> None:
        """The URL, or host:port, of the HTTP server that knows the name servers; asked if none are set."""
        self._options["address_server"] = as_text(domain)

    def set_session_credentials(
        self, access_key: str | bytes, access_secret: str | bytes, channel: str | bytes
    ) -> None:
        """The account to sign requests with; `channel` is not sent."""
        as_text(channel)
        self._options["credentials"] = Credentials(as_text(access_key), as_text(access_secret))

    set_namesrv_addr = set_name_server_address
    set_namesrv_domain = set_name_server_domain

    @abstractmethod
    def _made(self) -> P:
        """One of `rocketpy.client` with all that was set. Raises ClientError."""

    def _member(self) -> P:
        """The one that runs. Raises rocketpy.client.errors.NotRunning."""
        member = self._running
        if member is None:
            raise NotRunning(f"The {type(self).__name__} of group {self._group} is not running")
        return member
