"""Subscription groups, for administrators (AdminBrokerProcessor.java:695-760, 1076, 1250)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.processors.topic import refuse_on_slave
from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import StoreConfig
from rocketpy.protocol.api import group as api
from rocketpy.protocol.api.offset import CloneGroupOffset
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.off_hub import off_hub
from rocketpy.remoting.router import handles

_log = logging.getLogger("rocketpy.broker")


class GroupProcessor:
    """Creates, changes, deletes and describes groups."""

    def __init__(
        self,
        config: BrokerConfig,
        store_config: StoreConfig,
        topics: TopicTable,
        groups: GroupTable,
        offsets: OffsetTable,
        consumers: ConsumerTable,
        stats: BrokerStats,
        wait_saved: Callable[[], None],
    ) -> None:
        """`wait_saved` waits until all groups are on disk."""
        self._config = config
        self._store_config = store_config
        self._topics = topics
        self._groups = groups
        self._offsets = offsets
        self._consumers = consumers
        self._stats = stats
        self._wait_saved = wait_saved

    @handles(api.UpdateAndCreateSubscriptionGroup, spawn=True)
    def update(self, peer: Connection, request: api.UpdateAndCreateSubscriptionGroup, command: Command) -> Reply:
        """Create a group or change it; answered when it will outlive a kill."""
        refuse_on_slave(self._store_config)
        group = api.SubscriptionGroupConfig.from_json(command.body)
        _log.info("%s sets group %s", peer.remote_address, group.group_name)
        self._groups.update(group)
        self._wait_saved()
        return Reply()

    @handles(api.DeleteSubscriptionGroup, spawn=True)
    def delete(self, peer: Connection, request: api.DeleteSubscriptionGroup, command: Command) -> Reply:
        """Forget a group, and with removeOffset how far it was."""
        refuse_on_slave(self._store_config)
        _log.info("%s deletes group %s", peer.remote_address, request.group_name)
        self._groups.delete(request.group_name)
        if request.remove_offset:
            self._offsets.remove_group(request.group_name)
        if self._config.auto_delete_unused_stats:
            self._stats.forget_group(request.group_name)
        self._wait_saved()
        return Reply()

    @handles(api.GetAllSubscriptionGroupConfig, spawn=True)
    def get_all(self, peer: Connection, request: api.GetAllSubscriptionGroupConfig, command: Command) -> Reply:
        """Every group and the table's version."""
        snapshot = self._groups.freeze()
        return Reply(body=off_hub(lambda: snapshot().to_json()))

    @handles(api.QueryTopicConsumeByWho)
    def who_consumes(self, peer: Connection, request: api.QueryTopicConsumeByWho, command: Command) -> Reply:
        """The groups that subscribe to a topic or have read it (queryTopicConsumeByWho:1076)."""
        groups = self._consumers.groups_of(request.topic) | self._offsets.groups_of(request.topic)
        return Reply(body=api.GroupList(group_list=hash_map_order(groups)).to_json())

    @handles(CloneGroupOffset)
    def clone_offsets(self, peer: Connection, request: CloneGroupOffset, command: Command) -> Reply:
        """Let a group start where another one is (cloneGroupOffset:1254).

        Without a topic Java goes through all topics of the group, and clones none of them, but the nameless one.
        """
        named = "null" if request.topic is None else request.topic
        blank = request.topic is None or not request.topic.strip()
        for topic in self._offsets.topics_of(request.src_group) if blank else {named}:
            if self._topics.get(topic) is None:
                continue
            if request.offline or not self._consumers.subscribes_elsewhere(request.src_group, topic):
                self._offsets.clone(request.src_group, request.dest_group, named)
            else:
                _log.warning("group %s does not subscribe to %s, nothing is cloned", request.src_group, topic)
        return Reply()
