"""How far each group has read (ConsumerOffsetManager.java), kept in config/consumerOffset.json."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from rocketpy.protocol.api.offset import ConsumerOffsetSerializeWrapper
from rocketpy.protocol.body import Body
from rocketpy.protocol.java_hash import concurrent_hash_map_order, concurrent_hash_order

SEPARATOR: Final = "@"

_INITIAL_CAPACITY = 512
_QUEUES_CAPACITY = 32
_SMALLEST_TABLE = 16
_RESTORED_CAPACITY = 10  # fastjson reads into a ConcurrentHashMap of the default size, and Java goes on with that
_log = logging.getLogger("rocketpy.broker")


class OffsetTable:
    """The next queue offset to read, by `topic@group` and queue.

    `dirty` says that something was committed since it was last set to False.
    """

    def __init__(self) -> None:
        self._offsets: dict[str, dict[int, int]] = {}
        self._capacity = _INITIAL_CAPACITY
        self._queues_capacities: dict[str, int] = {}
        """Of what was restored or cloned: the capacity with which Java's map of queues began."""
        self.dirty = True

    def commit(self, client_host: str, group: str, topic: str, queue_id: int, queue_offset: int) -> None:
        """Remember where `group` goes on reading; going back is allowed, but logged (commitOffset:130)."""
        name = f"{topic}{SEPARATOR}{group}"
        queues = self._offsets.get(name)
        if queues is None:
            queues = self._offsets[name] = {}
        before = queues.get(queue_id)
        if before == queue_offset:
            return
        queues[queue_id] = queue_offset
        self.dirty = True
        if before is not None and queue_offset < before:
            _log.warning(
                "[NOTIFYME] %s sets the offset of %s in %s queue %d back from %d to %d",
                client_host, group, topic, queue_id, before, queue_offset,
            )  # fmt: skip

    def query(self, group: str, topic: str, queue_id: int) -> int:
        """Where the group goes on reading, or -1 if it never committed anything."""
        queues = self._offsets.get(f"{topic}{SEPARATOR}{group}")
        return -1 if queues is None else queues.get(queue_id, -1)

    def queues(self, group: str, topic: str) -> dict[int, int] | None:
        """The group's offsets in each queue of a topic; None if it never committed anything there."""
        return self._offsets.get(f"{topic}{SEPARATOR}{group}")

    def topics_of(self, group: str) -> set[str]:
        """The topics in which the group committed something (whichTopicByConsumer:87)."""
        return {topic for topic, reader in self._pairs() if reader == group}

    def groups_of(self, topic: str) -> set[str]:
        """The groups that committed something in the topic (whichGroupByTopic:105)."""
        return {group for read, group in self._pairs() if read == topic}

    def remove_group(self, group: str) -> None:
        """Forget all that the group committed (removeOffset:262)."""
        for topic in self.topics_of(group):
            name = f"{topic}{SEPARATOR}{group}"
            del self._offsets[name]
            self._queues_capacities.pop(name, None)
            self.dirty = True
            _log.warning("the offsets of group %s in topic %s are removed", group, topic)

    def clone(self, source_group: str, group: str, topic: str) -> None:
        """Let a group go on reading a topic where another one is (cloneOffset:255)."""
        queues = self._offsets.get(f"{topic}{SEPARATOR}{source_group}")
        if queues is not None:
            name = f"{topic}{SEPARATOR}{group}"
            from_source = self._in_java_order(f"{topic}{SEPARATOR}{source_group}", queues)
            self._offsets[name] = from_source
            # ConcurrentHashMap(Map) makes room for twice as many (tryPresize)
            self._queues_capacities[name] = max(_RESTORED_CAPACITY, 2 * len(from_source))
            self.dirty = True

    def of_all_groups(self, topic: str) -> dict[int, list[int]]:
        """Where all groups that read a topic are, by queue."""
        by_queue: dict[int, list[int]] = {}
        for group in self.groups_of(topic):
            for queue_id, queue_offset in self._offsets[f"{topic}{SEPARATOR}{group}"].items():
                by_queue.setdefault(queue_id, []).append(queue_offset)
        return by_queue

    def snapshot(self) -> ConsumerOffsetSerializeWrapper:
        """All offsets in the order of Java's maps."""
        return self.freeze_heavy()()

    def freeze(self) -> Callable[[], Body]:
        """The work of saving the offsets of now that may be done later, and by another thread."""
        return self.freeze_heavy()

    def freeze_heavy(self) -> Callable[[], ConsumerOffsetSerializeWrapper]:
        """The same for a snapshot."""
        offsets = {name: dict(queues) for name, queues in self._offsets.items()}
        capacity = self._capacity

        def snapshot() -> ConsumerOffsetSerializeWrapper:
            names = concurrent_hash_map_order(offsets, capacity)
            return ConsumerOffsetSerializeWrapper(
                offset_table={name: self._in_java_order(name, offsets[name]) for name in names}
            )

        return snapshot

    def restore(self, saved: ConsumerOffsetSerializeWrapper) -> None:
        """Take over what `snapshot` gave in an earlier life."""
        self._offsets = saved.offset_table
        self._capacity = _RESTORED_CAPACITY
        self._queues_capacities = dict.fromkeys(saved.offset_table, _RESTORED_CAPACITY)

    def merge(self, master: ConsumerOffsetSerializeWrapper) -> None:
        """Take over what a master has; what only this table has stays (SlaveSynchronize.syncConsumerOffset:80)."""
        for name, queues in master.offset_table.items():
            self._offsets[name] = dict(queues)
            self._queues_capacities[name] = _RESTORED_CAPACITY
        self.dirty = True

    def _in_java_order(self, name: str, queues: dict[int, int]) -> dict[int, int]:
        """A copy in the order of Java's map of queues, which is by number where each has a bucket of its own."""
        if not queues or (min(queues) >= 0 and max(queues) < _SMALLEST_TABLE):
            return dict(sorted(queues.items()))
        capacity = self._queues_capacities.get(name, _QUEUES_CAPACITY)
        return {queue_id: queues[queue_id] for queue_id in concurrent_hash_order(queues, int, capacity)}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for name in self._offsets:
            parts = name.split(SEPARATOR)
            if len(parts) == 2:
                yield parts[0], parts[1]
