"""Which client consumes a queue in order (RebalanceLockManager.java)."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from rocketpy.clock import Clock, now_ms
from rocketpy.protocol.api.route import MessageQueue

LOCK_LIFETIME_MS: Final = 60_000
"""A lock that is not renewed for longer than this may be taken by another client (RebalanceLockManager:33)."""

_log = logging.getLogger("rocketpy.broker.locks")


@dataclass(slots=True)
class _Lock:
    client_id: str
    renewed: int


class QueueLocks:
    """Locks on queues, by group; clients renew theirs every 20 s."""

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._locks: dict[str, dict[MessageQueue, _Lock]] = {}

    def lock(self, group: str, queues: Collection[MessageQueue], client_id: str) -> list[MessageQueue]:
        """Lock `queues` for a client, or renew its locks; gives back those that it holds now (tryLockBatch:117)."""
        now = self._clock()
        locks = self._locks.setdefault(group, {})
        held = []
        for queue in queues:
            lock = locks.get(queue)
            if lock is None or now - lock.renewed > LOCK_LIFETIME_MS:
                _log.info("group %s: %s locks %s", group, client_id, queue)
                locks[queue] = _Lock(client_id, now)
            elif lock.client_id == client_id:
                lock.renewed = now
            else:
                _log.warning("group %s: %s wants %s, which %s holds", group, client_id, queue, lock.client_id)
                continue
            held.append(queue)
        return held

    def unlock(self, group: str, queues: Collection[MessageQueue], client_id: str) -> None:
        """Give up a client's locks; those of others stay (unlockBatch:191)."""
        locks = self._locks.get(group, {})
        for queue in queues:
            lock = locks.get(queue)
            if lock is not None and lock.client_id == client_id:
                del locks[queue]
                _log.info("group %s: %s unlocks %s", group, client_id, queue)
            else:
                _log.warning("group %s: %s unlocks %s, which it does not hold", group, client_id, queue)

    def expire(self) -> None:
        """Forget locks that nobody renews; Java keeps them for ever."""
        deadline = self._clock() - LOCK_LIFETIME_MS
        for group, locks in list(self._locks.items()):
            for queue, lock in list(locks.items()):
                if lock.renewed < deadline:
                    del locks[queue]
            if not locks:
                del self._locks[group]
