"""The producers that are connected (ProducerManager.java)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from rocketpy.clock import Clock, now_ms
from rocketpy.remoting.connection import Connection

EXPIRY_MS: Final = 120_000
"""A client without a heartbeat for longer than this is gone (ProducerManager:41, ConsumerManager:38)."""

_log = logging.getLogger("rocketpy.broker")


@dataclass(slots=True, eq=False)
class ClientConnection:
    """One client on one connection, as its heartbeat describes it (ClientChannelInfo.java)."""

    peer: Connection
    client_id: str
    language: int
    version: int
    last_update: int
    """When its last heartbeat came, in ms."""

    def __str__(self) -> str:
        return f"{self.client_id} at {self.peer.remote_address}"


class ProducerTable:
    """Producer groups and their members, by connection."""

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._groups: dict[str, dict[Connection, ClientConnection]] = {}
        self._groups_of: dict[Connection, set[str]] = {}
        self._by_id: dict[str, ClientConnection] = {}
        self._picks = 0

    def register(self, group: str, client: ClientConnection) -> None:
        """Note a heartbeat of a group's member (registerProducer:137)."""
        members = self._groups.setdefault(group, {})
        known = members.get(client.peer)
        if known is not None:
            known.last_update = self._clock()
            return
        members[client.peer] = client
        self._by_id[client.client_id] = client
        _log.info("producer group %s: %s connected", group, client)
        groups = self._groups_of.get(client.peer)
        if groups is None:
            self._groups_of[client.peer] = {group}
            client.peer.on_close.append(self.connection_closed)
        else:
            groups.add(group)

    def unregister(self, group: str, peer: Connection) -> None:
        """Remove the member on this connection, if there is one (unregisterProducer:162)."""
        client = self._groups.get(group, {}).pop(peer, None)
        if client is None:
            return
        self._forget(client)
        _log.info("producer group %s: %s unregistered", group, client)
        self._groups_of[peer].discard(group)
        if not self._groups[group]:
            del self._groups[group]

    def connection_closed(self, peer: Connection) -> None:
        """Remove all members on a connection that is gone (doChannelCloseEvent:118)."""
        for group in self._groups_of.pop(peer, ()):
            client = self._groups[group].pop(peer)
            self._forget(client)
            _log.info("producer group %s: %s is gone", group, client)
            if not self._groups[group]:
                del self._groups[group]

    def expire(self) -> None:
        """Close the connections of members that have stopped their heartbeats (scanNotActiveChannel:94)."""
        deadline = self._clock() - EXPIRY_MS
        silent = [
            client for members in self._groups.values() for client in members.values() if client.last_update < deadline
        ]
        for client in silent:
            _log.warning("producer %s sent no heartbeat for %d s, closing", client, EXPIRY_MS // 1000)
            self.connection_closed(client.peer)
            client.peer.close()

    def find(self, client_id: str) -> ClientConnection | None:
        """The producer with this id that registered last; None once it left one of its groups (findChannel:205)."""
        return self._by_id.get(client_id)

    def pick(self, group: str) -> ClientConnection | None:
        """One of a group's members, another one each time; None if it has none (getAvailableChannel:167)."""
        members = self.members(group)
        if not members:
            return None
        self._picks += 1
        return members[self._picks % len(members)]

    def members(self, group: str) -> list[ClientConnection] | None:
        """The members of a group; None if it has none."""
        members = self._groups.get(group)
        return None if members is None else list(members.values())

    def all_members(self) -> dict[str, list[ClientConnection]]:
        """Every group and its members."""
        return {group: list(members.values()) for group, members in self._groups.items()}

    def _forget(self, client: ClientConnection) -> None:
        if self._by_id.get(client.client_id) is client:
            del self._by_id[client.client_id]
