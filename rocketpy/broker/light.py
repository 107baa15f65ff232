"""The tables of a broker with light queues (enableLmq): topics, groups and offsets that need no configuration.

Whatever is called %LMQ%... is a topic with one queue, or a group with the settings that Java gives to new ones; neither
is ever listed, saved or changed. Where light groups are is saved in lmqConsumerOffset.json, together with all other
groups (LmqTopicConfigManager.java, LmqSubscriptionGroupManager.java, LmqConsumerOffsetManager.java).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rocketpy.broker.groups import GroupTable
from rocketpy.broker.offsets import SEPARATOR, OffsetTable
from rocketpy.broker.topics import TopicTable
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.offset import ConsumerOffsetSerializeWrapper
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.java_hash import concurrent_hash_map_order
from rocketpy.protocol.topic_names import is_light

_QUEUE: Final = 0
_INITIAL_CAPACITY = 512
_RESTORED_CAPACITY = 10  # see `offsets`


@body
class LightOffsets(Body):
    """What lmqConsumerOffset.json holds: offsets by `topic@group`, and by queue id where groups are not light ones."""

    offset_table: dict[str, dict[int, int]] = member(factory=dict)
    lmq_offset_table: dict[str, int] = member(factory=dict)


class LightTopicTable(TopicTable):
    """Topics, with every light one among them."""

    def get(self, topic: str) -> TopicConfig | None:
        """The topic's configuration; None if there is no such topic."""
        if is_light(topic):
            return TopicConfig(
                topic_name=topic, read_queue_nums=1, write_queue_nums=1, perm=Perm.READ | Perm.WRITE
            )
        return super().get(topic)

    def update(self, topic: TopicConfig) -> None:
        """Put or replace a topic, but for light ones."""
        if topic.topic_name is None or not is_light(topic.topic_name):
            super().update(topic)


class LightGroupTable(GroupTable):
    """Groups, with every light one among them."""

    def find(self, group: str) -> SubscriptionGroupConfig | None:
        """The group's configuration, created if need be and allowed."""
        return SubscriptionGroupConfig(group_name=group) if is_light(group) else super().find(group)

    def update(self, config: SubscriptionGroupConfig) -> None:
        """Put or replace a group, but for light ones; raises FieldError for one without a name."""
        if config.group_name is None or not is_light(config.group_name):
            super().update(config)


class LightOffsetTable(OffsetTable):
    """How far each group has read; of light ones one number for a topic is kept, whatever queue they name."""

    def __init__(self) -> None:
        super().__init__()
        self._light: dict[str, int] = {}
        self._light_capacity = _INITIAL_CAPACITY

    def commit(self, client_host: str, group: str, topic: str, queue_id: int, queue_offset: int) -> None:
        """Remember where `group` goes on reading."""
        if is_light(group):
            self._light[f"{topic}{SEPARATOR}{group}"] = queue_offset
            self.dirty = True
        else:
            super().commit(client_host, group, topic, queue_id, queue_offset)

    def query(self, group: str, topic: str, queue_id: int) -> int:
        """Where the group goes on reading, or -1 if it never committed anything."""
        if is_light(group):
            return self._light.get(f"{topic}{SEPARATOR}{group}", -1)
        return super().query(group, topic, queue_id)

    def queues(self, group: str, topic: str) -> dict[int, int] | None:
        """The group's offsets in each queue of a topic; a light one's is in its only queue, if there is any."""
        if is_light(group):
            committed = self._light.get(f"{topic}{SEPARATOR}{group}")
            return {} if committed is None else {_QUEUE: committed}
        return super().queues(group, topic)

    def freeze(self) -> Callable[[], Body]:
        """The work of a snapshot of now that may be done later, and by another thread."""
        heavy, light, capacity = self.freeze_heavy(), dict(self._light), self._light_capacity

        def snapshot() -> LightOffsets:
            names = concurrent_hash_map_order(light, capacity)
            return LightOffsets(
                offset_table=heavy().offset_table, lmq_offset_table={name: light[name] for name in names}
            )

        return snapshot

    def restore(self, saved: ConsumerOffsetSerializeWrapper | LightOffsets) -> None:
        """Take over what was saved in an earlier life, be it one without light queues."""
        if isinstance(saved, LightOffsets):
            self._light = saved.lmq_offset_table
            self._light_capacity = _RESTORED_CAPACITY
            saved = ConsumerOffsetSerializeWrapper(offset_table=saved.offset_table)
        super().restore(saved)
