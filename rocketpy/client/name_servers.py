"""The name servers of a cluster: one is asked until it is lost, then the next (NettyRemotingClient.java:424)."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from contextlib import suppress

from rocketpy.client.errors import NO_NAME_SERVER, ClientError, see_faq
from rocketpy.errors import ConnectError, RemotingError, SendFailed
from rocketpy.protocol.api.route import ClusterInfo, GetBrokerClusterInfo, GetRouteInfo, TopicRouteData
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.header import Header
from rocketpy.remoting.client import Client

log = logging.getLogger(__name__)


class NameServers:
    """Some addresses, "host:port", and the one that is in use. Requests time out after `timeout_ms`.

    `fetch`, if there is one, is called when an address is needed and none is known; it is to call `update`.
    """

    def __init__(
        self, client: Client, addresses: Iterable[str], timeout_ms: float, fetch: Callable[[], None] | None = None
    ) -> None:
        self._client = client
        self._fetch = fetch
        self._timeout_ms = timeout_ms
        self._next = random.randrange(1 << 16)
        self._chosen: str | None = None
        self.addresses: list[str] = []
        self.update(addresses)

    def update(self, addresses: Iterable[str]) -> None:
        """Use those addresses from now on, in any order; an empty list changes nothing."""
        given = list(addresses)
        if not given or set(given) == set(self.addresses):
            return
        random.shuffle(given)
        log.info("name servers are %s, were %s", given, self.addresses)
        self.addresses = given
        if self._chosen not in given:
            self._chosen = None

    def check(self) -> None:
        """Raises ClientError where no name server is known (validateNameServerSetting:523)."""
        if not self.addresses and self._fetch is not None:
            self._fetch()
        if not self.addresses:
            raise ClientError(f"No name server address, please set it.{see_faq()}", NO_NAME_SERVER)

    def ask(self, header: Header, timeout_ms: float | None = None) -> Command:
        """The answer of a name server, whatever its code; when one hangs up, another one's.

        Raises ClientError where none is known, or RemotingError.
        """
        for _ in self.addresses[1:]:
            with suppress(SendFailed):
                return self._client.invoke(self._connected(), header, timeout_ms=timeout_ms or self._timeout_ms)
        return self._client.invoke(self._connected(), header, timeout_ms=timeout_ms or self._timeout_ms)

    def route(self, topic: str, timeout_ms: float | None = None) -> TopicRouteData | None:
        """Where `topic` is; None if the name server does not know. Raises ClientError or RemotingError."""
        answer = self.ask(GetRouteInfo(topic=topic), timeout_ms)
        if answer.code == ResponseCode.TOPIC_NOT_EXIST:
            return None
        if answer.code != ResponseCode.SUCCESS or not answer.body:
            raise ClientError(answer.remark or "null", answer.code, show_code=True)
        return TopicRouteData.from_json(answer.body)

    def cluster(self) -> ClusterInfo:
        """All brokers and clusters. Raises ClientError or RemotingError."""
        answer = self.ask(GetBrokerClusterInfo())
        if answer.code != ResponseCode.SUCCESS:
            raise ClientError(answer.remark or "null", answer.code, show_code=True)
        return ClusterInfo.from_json(answer.body)

    def _connected(self) -> str:
        """An address to which there is a connection."""
        if self._chosen is not None and self._client.is_connected(self._chosen):
            return self._chosen
        self.check()
        for _ in self.addresses:
            self._next += 1
            address = self.addresses[self._next % len(self.addresses)]
            try:
                self._client.connect(address, self._timeout_ms)
            except RemotingError as error:
                log.info("name server %s: %s", address, error)
                continue
            self._chosen = address
            return address
        raise ConnectError(f"connect to [{', '.join(self.addresses)}] failed")
