"""The subscription groups of this broker (SubscriptionGroupManager.java), kept in config/subscriptionGroup.json."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from rocketpy.clock import Clock, now_ms
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import FieldError
from rocketpy.protocol.api.group import SubscriptionGroupConfig, SubscriptionGroupWrapper
from rocketpy.protocol.api.topic import DataVersion
from rocketpy.protocol.java_hash import concurrent_hash_map_order
from rocketpy.protocol.topic_names import SYSTEM_GROUP_PREFIX
from rocketpy.protocol.version import Version

SYSTEM_GROUPS: Final = ("TOOLS_CONSUMER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP")
BROADCAST_SYSTEM_GROUPS: Final = (
    "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER",
)  # fmt: skip

_INITIAL_CAPACITY = 1024
_TELLS_MAX_RECONSUME_TIMES: Final = int(Version.V3_4_9)
_log = logging.getLogger("rocketpy.broker")


class GroupTable:
    """Every group by name, with a version that grows whenever one changes; `changed` is told of each change."""

    def __init__(self, config: BrokerConfig, clock: Clock = now_ms) -> None:
        self._config = config
        self._clock = clock
        self._groups: dict[str, SubscriptionGroupConfig] = {}
        self.data_version = DataVersion(timestamp=clock(), counter=0)
        self.changed: list[Callable[[], None]] = []
        for group in SYSTEM_GROUPS:
            self._groups[group] = SubscriptionGroupConfig(group_name=group)
        for group in BROADCAST_SYSTEM_GROUPS:
            self._groups[group] = SubscriptionGroupConfig(group_name=group, consume_broadcast_enable=True)

    def names(self) -> list[str]:
        """The names of all groups, in Java's order."""
        return concurrent_hash_map_order(self._groups, _INITIAL_CAPACITY)

    def find(self, group: str) -> SubscriptionGroupConfig | None:
        """The group's configuration, created if need be and allowed (findSubscriptionGroupConfig:119).

        None for an unknown group while autoCreateSubscriptionGroup is off.
        """
        known = self._groups.get(group)
        if known is not None:
            return known
        if not self._config.auto_create_subscription_group and not group.startswith(SYSTEM_GROUP_PREFIX):
            return None
        created = SubscriptionGroupConfig(group_name=group)
        _log.info("group %s created on use", group)
        self._put(group, created)
        return created

    def update(self, config: SubscriptionGroupConfig) -> None:
        """Put or replace a group; raises FieldError for one without a name."""
        if config.group_name is None:
            raise FieldError("groupName", None)
        _log.info("group %s set: %s", config.group_name, config)
        self._put(config.group_name, config)

    def disable_consume(self, group: str) -> None:
        """Let nobody of a group pull any more, if there is one of that name."""
        known = self._groups.get(group)
        if known is not None:
            known.consume_enable = False
            self._next_version()

    def delete(self, group: str) -> None:
        """Forget a group, if there is one of that name."""
        if self._groups.pop(group, None) is None:
            _log.warning("group %s is not deleted, there is none", group)
            return
        _log.info("group %s deleted", group)
        self._next_version()

    def snapshot(self) -> SubscriptionGroupWrapper:
        """All groups in the order of Java's ConcurrentHashMap, and their version."""
        return self.freeze()()

    def freeze(self) -> Callable[[], SubscriptionGroupWrapper]:
        """The work of a snapshot of now that may be done later, and by another thread."""
        groups, version = dict(self._groups), self.data_version

        def snapshot() -> SubscriptionGroupWrapper:
            names = concurrent_hash_map_order(groups, _INITIAL_CAPACITY)
            return SubscriptionGroupWrapper(
                data_version=version, subscription_group_table={name: groups[name] for name in names}
            )

        return snapshot

    def restore(self, saved: SubscriptionGroupWrapper) -> None:
        """Take over what `snapshot` gave in an earlier life; system groups that are not in it stay."""
        self._groups.update(saved.subscription_group_table)
        self.data_version = saved.data_version

    def replace(self, master: SubscriptionGroupWrapper) -> None:
        """Take over exactly what a master has (SlaveSynchronize.syncSubscriptionGroupConfig:128)."""
        self._groups = dict(master.subscription_group_table)
        self.data_version = master.data_version
        _log.info("groups are the master's: %d", len(self._groups))
        for listener in self.changed:
            listener()

    def _put(self, group: str, config: SubscriptionGroupConfig) -> None:
        self._groups[group] = config
        self._next_version()

    def _next_version(self) -> None:
        self.data_version = DataVersion(timestamp=self._clock(), counter=self.data_version.counter + 1)
        for listener in self.changed:
            listener()


def most_retries(group: SubscriptionGroupConfig, version: int, told: int | None) -> int:
    """How often a message of the group is tried again before it is given up.

    Consumers of 3.4.9 and later may tell their own number (SendMessageProcessor:184 and 360).
    """
    return group.retry_max_times if told is None or version < _TELLS_MAX_RECONSUME_TIMES else told
