"""What a consumer holds of one queue: messages that were pulled and are not consumed yet (ProcessQueue.java)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from gevent.lock import RLock

from rocketpy.client.messages import ReceivedMessage
from rocketpy.clock import now_ms
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.connection import ProcessQueueInfo
from rocketpy.protocol.api.route import MessageQueue

LOCK_LIVES_MS = 30_000
PULL_IDLE_MS = 120_000
"""Since when a queue that nobody pulls from, or whose lock was not renewed, is given up."""
_MIB = 1 << 20


class ProcessQueue:
    """The messages of `queue` by offset, in order. Times are in ms since the epoch."""

    def __init__(self, queue: MessageQueue) -> None:
        self.queue = queue
        self.dropped = False
        self.locked = False
        self.previously_locked = False
        self.last_lock = self.last_pull = self.last_consume = now_ms()
        self.try_unlock_times = 0
        self.consuming = False
        self.running = 0
        """Batches of this queue that the application has at the moment."""
        self.consume_lock = RLock()
        self.count = 0
        self.size = 0
        """Messages and bytes of bodies held, those that are being consumed included."""
        self._waiting: OrderedDict[int, ReceivedMessage] = OrderedDict()
        self._taken: OrderedDict[int, ReceivedMessage] = OrderedDict()
        self._greatest = 0

    def put(self, messages: Iterable[ReceivedMessage]) -> bool:
        """Add what was pulled; whether somebody has to begin to consume in order (putMessage:131)."""
        for message in messages:
            if message.queue_offset not in self._waiting:
                self.count += 1
                self.size += len(message.body)
                self._greatest = message.queue_offset
            self._waiting[message.queue_offset] = message
        if self._waiting and not self.consuming:
            self.consuming = True
            return True
        return False

    def remove(self, messages: Iterable[ReceivedMessage]) -> int:
        """Forget what is consumed; where to go on after that, -1 if it was gone already (removeMessage:188)."""
        self.last_consume = now_ms()
        if not self._waiting:
            return -1
        for message in messages:
            if self._waiting.pop(message.queue_offset, None) is not None:
                self.count -= 1
                self.size -= len(message.body)
        return next(iter(self._waiting)) if self._waiting else self._greatest + 1

    def take(self, most: int) -> list[ReceivedMessage]:
        """The next messages to consume in order; they stay with the queue until `commit` (takeMessages:318)."""
        self.last_consume = now_ms()
        taken: list[ReceivedMessage] = []
        while self._waiting and len(taken) < most:
            number, message = self._waiting.popitem(last=False)
            self._taken[number] = message
            taken.append(message)
        if not taken:
            self.consuming = False
        return taken

    def commit(self) -> int:
        """All that was taken is consumed; where to go on, -1 if nothing was taken (commit:278)."""
        if not self._taken:
            return -1
        last = next(reversed(self._taken))
        self.count -= len(self._taken)
        self.size -= sum(len(message.body) for message in self._taken.values())
        self._taken.clear()
        return last + 1

    def rollback(self) -> None:
        """All that was taken is to be consumed again (rollback:264)."""
        self.give_back(list(self._taken.values()))

    def give_back(self, messages: list[ReceivedMessage]) -> None:
        """Some that were taken are to be consumed again, before the others (makeMessageToConsumeAgain:302)."""
        for message in reversed(messages):
            self._taken.pop(message.queue_offset, None)
            self._waiting[message.queue_offset] = message
            self._waiting.move_to_end(message.queue_offset, last=False)

    def put_back(self, messages: list[ReceivedMessage]) -> None:
        """Some that were removed are held again, before the others."""
        self.give_back(messages)
        self.count += len(messages)
        self.size += sum(len(message.body) for message in messages)

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self._taken.clear()
        self.count = self.size = self._greatest = 0

    @property
    def first(self) -> ReceivedMessage | None:
        """The oldest message that waits or is consumed out of order."""
        return next(iter(self._waiting.values())) if self._waiting else None

    @property
    def span(self) -> int:
        """How far the offsets of the oldest and the newest message are apart."""
        return next(reversed(self._waiting)) - next(iter(self._waiting)) if self._waiting else 0

    def is_lock_expired(self) -> bool:
        """Whether the broker may have given the queue to somebody else."""
        return now_ms() - self.last_lock > LOCK_LIVES_MS

    def is_pull_expired(self) -> bool:
        """Whether nobody pulls from it any more."""
        return now_ms() - self.last_pull > PULL_IDLE_MS

    def lock(self) -> None:
        """The broker has given the queue to this client, as of now."""
        self.locked = True
        self.last_lock = now_ms()

    def consume_started(self) -> int | None:
        """When the oldest message was given to the application; None if it was not yet."""
        first = self.first
        started = None if first is None else first.properties.get(names.CONSUME_START_TIMESTAMP)
        return int(started) if started else None

    def info(self, commit_offset: int) -> ProcessQueueInfo:
        """What administrators see of it (fillProcessQueueInfo:398)."""
        info = ProcessQueueInfo(
            commit_offset=commit_offset,
            cached_msg_count=len(self._waiting),
            cached_msg_size_in_mib=self.size // _MIB,
            transaction_msg_count=len(self._taken),
            locked=self.locked,
            try_unlock_times=self.try_unlock_times,
            last_lock_timestamp=self.last_lock,
            droped=self.dropped,
            last_pull_timestamp=self.last_pull,
            last_consume_timestamp=self.last_consume,
        )
        if self._waiting:
            info.cached_msg_min_offset = next(iter(self._waiting))
            info.cached_msg_max_offset = next(reversed(self._waiting))
        if self._taken:
            info.transaction_msg_min_offset = next(iter(self._taken))
            info.transaction_msg_max_offset = next(reversed(self._taken))
        return info
