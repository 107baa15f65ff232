"""The consumers that are connected, and what their groups subscribe to (ConsumerManager.java, ConsumerGroupInfo.java).

Whenever the members or the topics of a group change, all its members are told to divide the queues anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from rocketpy.broker.producers import EXPIRY_MS, ClientConnection
from rocketpy.clock import Clock, now_ms
from rocketpy.protocol.api.client import ConsumerData, NotifyConsumerIdsChanged, SubscriptionData
from rocketpy.protocol.flags import ConsumeType
from rocketpy.remoting.connection import Connection

_log = logging.getLogger("rocketpy.broker")


class ConsumerGroup:
    """A group with at least one member: how it consumes, its members and its subscriptions by topic.

    All members are expected to subscribe alike; where they do not, the last heartbeat wins, as in Java.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.consume_type: str | None = None
        self.message_model: str | None = None
        self.consume_from_where: str | None = None
        self.members: dict[Connection, ClientConnection] = {}
        self.subscriptions: dict[str, SubscriptionData] = {}

    def client_ids(self) -> list[str]:
        """The ids of all members."""
        return [client.client_id for client in self.members.values()]

    def find_member(self, client_id: str) -> ClientConnection | None:
        """The member with this id; None if there is none."""
        return next((client for client in self.members.values() if client.client_id == client_id), None)

    def update_member(self, client: ClientConnection, data: ConsumerData) -> bool:
        """Note a heartbeat; whether its sender is new (updateChannel:116)."""
        self.consume_type = data.consume_type
        self.message_model = data.message_model
        self.consume_from_where = data.consume_from_where
        known = self.members.get(client.peer)
        if known is not None and known.client_id == client.client_id:
            known.last_update = client.last_update
            return False
        self.members[client.peer] = client
        if known is not None:
            _log.error("consumer group %s: %s calls itself %s now", self.name, known, client.client_id)
            return False
        _log.info("consumer group %s: %s connected, %s %s", self.name, client, data.consume_type, data.message_model)
        return True

    def update_subscriptions(self, subscriptions: Collection[SubscriptionData]) -> bool:
        """Take over newer subscriptions and drop topics that are not in them; whether the set of topics changed.

        A subscription replaces the known one only if its subVersion, the client's clock, is later
        (updateSubscription:150).
        """
        changed = False
        topics = set()
        for subscription in subscriptions:
            topics.add(subscription.topic)
            known = self.subscriptions.get(subscription.topic)
            if known is None:
                _log.info("consumer group %s subscribes to %s", self.name, subscription.topic)
                changed = True
            if known is None or subscription.sub_version > known.sub_version:
                if known is not None and self.consume_type == ConsumeType.CONSUME_PASSIVELY:
                    _log.info("consumer group %s: %s becomes %s", self.name, known, subscription)
                self.subscriptions[subscription.topic] = subscription
        for topic in self.subscriptions.keys() - topics:
            _log.warning("consumer group %s no longer subscribes to %s", self.name, topic)
            del self.subscriptions[topic]
            changed = True
        return changed


class ConsumerTable:
    """Consumer groups that have members.

    `notify` says whether members are told of changes at all (notifyConsumerIdsChangedEnable).
    """

    def __init__(self, notify: Callable[[], bool] = lambda: True, clock: Clock = now_ms) -> None:
        self._notify = notify
        self._clock = clock
        self._groups: dict[str, ConsumerGroup] = {}
        self._groups_of: dict[Connection, set[str]] = {}
        self.registered: list[Callable[[str, Collection[SubscriptionData]], None]] = []
        """Called after each heartbeat of a group's member."""
        self.emptied: list[Callable[[str], None]] = []
        """Called when a group has lost its last member."""

    def get(self, group: str) -> ConsumerGroup | None:
        """The group; None if nobody of it is connected."""
        return self._groups.get(group)

    def subscription(self, group: str, topic: str) -> SubscriptionData | None:
        """What the group subscribes to in a topic; None if nothing."""
        known = self._groups.get(group)
        return None if known is None else known.subscriptions.get(topic)

    def subscribes_elsewhere(self, group: str, topic: str) -> bool:
        """Whether the group is connected and subscribes to topics, but not to this one."""
        known = self._groups.get(group)
        return known is not None and bool(known.subscriptions) and topic not in known.subscriptions

    def groups_of(self, topic: str) -> set[str]:
        """The groups that subscribe to a topic (queryTopicConsumeByWho:177)."""
        return {group.name for group in self._groups.values() if topic in group.subscriptions}

    def find_member(self, group: str, client_id: str) -> ClientConnection | None:
        """The member of a group with this id; None if it is not connected."""
        known = self._groups.get(group)
        return None if known is None else known.find_member(client_id)

    def all_members(self) -> dict[str, list[ClientConnection]]:
        """Every group and its members."""
        return {group.name: list(group.members.values()) for group in self._groups.values()}

    def register(self, data: ConsumerData, client: ClientConnection, notify: bool) -> bool:
        """Note a heartbeat of a group's member; whether the group changed by it (registerConsumer:95).

        With `notify` the members, the new one too, are told if it did.
        """
        group = self._groups.get(data.group_name)
        if group is None:
            group = self._groups[data.group_name] = ConsumerGroup(data.group_name)
        joined = group.update_member(client, data)
        resubscribed = group.update_subscriptions(data.subscription_data_set)
        groups = self._groups_of.get(client.peer)
        if groups is None:
            self._groups_of[client.peer] = {group.name}
            client.peer.on_close.append(self.connection_closed)
        else:
            groups.add(group.name)
        if notify and (joined or resubscribed):
            self._tell_members(group)
        for listener in self.registered:
            listener(data.group_name, data.subscription_data_set)
        return joined or resubscribed

    def unregister(self, group_name: str, peer: Connection, notify: bool) -> None:
        """Remove the member on this connection, and the group with its last one (unregisterConsumer:122)."""
        group = self._groups.get(group_name)
        if group is None:
            return
        client = self._remove(group, peer)
        if client is not None:
            _log.info("consumer group %s: %s unregistered", group_name, client)
            self._groups_of[peer].discard(group_name)
        if notify:
            self._tell_members(group)

    def connection_closed(self, peer: Connection) -> None:
        """Remove all members on a connection that is gone and tell the others (doChannelCloseEvent:73)."""
        for name in self._groups_of.pop(peer, ()):
            group = self._groups[name]
            _log.warning("consumer group %s: %s is gone", name, self._remove(group, peer))
            self._tell_members(group)

    def expire(self) -> None:
        """Close the connections of members that have stopped their heartbeats (scanNotActiveChannel:143)."""
        deadline = self._clock() - EXPIRY_MS
        silent = [
            client
            for group in self._groups.values()
            for client in group.members.values()
            if client.last_update < deadline
        ]
        for client in silent:
            _log.warning("consumer %s sent no heartbeat for %d s, closing", client, EXPIRY_MS // 1000)
            self.connection_closed(client.peer)
            client.peer.close()

    def _remove(self, group: ConsumerGroup, peer: Connection) -> ClientConnection | None:
        client = group.members.pop(peer, None)
        if not group.members:
            _log.info("consumer group %s has no member left", group.name)
            del self._groups[group.name]
            for listener in self.emptied:
                listener(group.name)
        return client

    def _tell_members(self, group: ConsumerGroup) -> None:
        if self._notify():
            for peer in list(group.members):
                peer.push(NotifyConsumerIdsChanged(consumer_group=group.name))
