"""All ConsumeQueues of a store."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from functools import partial
from typing import Final

from rocketpy.errors import StoreError
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC, is_light
from rocketpy.store.consume_queue import ConsumeQueue
from rocketpy.store.consume_queue_ext import ConsumeQueueExt

_FEWEST_OPEN: Final = 64
_MOST_OPEN: Final = 16_384


class ConsumeQueues:
    """The queues below `directory`, by topic and queue id.

    A queue that has been used keeps its files mapped, and each takes a descriptor. When half of the descriptors that
    the process may have are taken, those that were opened first are closed again.
    """

    __slots__ = (
        "_directory", "_ext_directory", "_ext_file_size", "_file_size", "_most_open", "_open", "light", "table",
    )  # fmt: skip

    def __init__(self, directory: str, file_size: int, ext_directory: str = "", ext_file_size: int = 0) -> None:
        """The queues have extensions below `ext_directory` unless that is empty."""
        self._directory = directory
        self._file_size = file_size
        self._ext_directory = ext_directory
        self._ext_file_size = ext_file_size
        self._open: dict[ConsumeQueue, None] = {}
        self._most_open = min(max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2, _FEWEST_OPEN), _MOST_OPEN)
        self.table: dict[tuple[str, int], ConsumeQueue] = {}
        self.light = 0
        """How many of them are light ones: see `extended_dispatch`."""

    def __iter__(self) -> Iterator[ConsumeQueue]:
        return iter(self.table.values())

    def find(self, topic: str, queue_id: int) -> ConsumeQueue | None:
        """The queue if anything was ever put into it."""
        return self.table.get((topic, queue_id))

    def find_or_add(self, topic: str, queue_id: int) -> ConsumeQueue:
        """The queue, a new one if need be. ProtocolError if the topic's name does not fit into a record."""
        queue = self.table.get((topic, queue_id))
        if queue is None:
            queue = ConsumeQueue(self._directory, topic, queue_id, self._file_size, self.opened)
            if self._ext_directory:
                opened = partial(self.opened, queue)
                queue.ext = ConsumeQueueExt(self._ext_directory, topic, queue_id, self._ext_file_size, opened)
            self.table[topic, queue_id] = queue
            self.light += is_light(topic)
        return queue

    def load(self) -> None:
        """Find the queues that exist; directories that are not called after a number are none. Raises StoreError."""
        try:
            for topic in sorted(os.listdir(self._directory)):
                path = os.path.join(self._directory, topic)
                for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
                    if name.isdecimal():
                        self.find_or_add(topic, int(name)).load()
        except OSError as error:
            raise StoreError(f"cannot read {error.filename}: {error.strerror}") from error

    @property
    def max_physical_offset(self) -> int:
        """End of the last record that has an entry in any queue; -1 without any."""
        return max((queue.max_physical_offset for queue in self), default=-1)

    def opened(self, queue: ConsumeQueue) -> None:
        """A queue has mapped a file; close the one opened first if these are too many."""
        opened = self._open
        opened.pop(queue, None)
        opened[queue] = None
        while len(opened) > self._most_open:
            oldest = next(iter(opened))
            del opened[oldest]
            oldest.release()

    def delete_topic(self, topic: str) -> int:
        """Delete the queues of a topic, as Java does some time after its deletion; how many (cleanUnusedTopic:1006)."""
        return self._delete([key for key in self.table if key[0] == topic])

    def delete_expired(self, first_physical_offset: int) -> int:
        """Delete the queues all of whose records are before that offset (cleanExpiredConsumerQueue:1070).

        Those of delayed messages stay, and those that never had an entry. A queue that comes back begins at 0 again.
        """
        return self._delete([
            key
            for key, queue in self.table.items()
            if queue.max_physical_offset != -1
            and queue.max_physical_offset < first_physical_offset
            and key[0] != SCHEDULE_TOPIC
        ])

    def _delete(self, keys: list[tuple[str, int]]) -> int:
        for key in keys:
            queue = self.table.pop(key)
            self.light -= is_light(key[0])
            self._open.pop(queue, None)
            queue.delete()
        for topic in {key[0] for key in keys}:
            path = os.path.join(self._directory, topic)
            if os.path.isdir(path) and not os.listdir(path):
                os.rmdir(path)
        return len(keys)

    def delete(self) -> None:
        """Delete all of them: without a log they point nowhere. Raises StoreError."""
        for queue in self:
            queue.delete()
        self._open.clear()

    def release(self) -> None:
        """Unmap all files."""
        for queue in self._open:
            queue.release()
        self._open.clear()
