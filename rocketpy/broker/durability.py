"""Sends that are answered only when their message is on disk (GroupCommitService and FlushDiskWatcher in Java).

Group commit: one sync of the log answers everybody whose message came before it. Whoever waits is remembered with the
physical offset behind its message, in the order of the appends, which is also the order of those offsets; while a sync
is under way the next group gathers.

A SYNC_MASTER also owes its senders a slave that has the message: see `replication.slaves`. Both are waited for at the
same time, and what is missing of the slave is what the sender is told (CommitLog.asyncPutMessage:700).
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Final, NamedTuple

import gevent
from gevent import Greenlet

from rocketpy.broker.replication.slaves import Done, Slaves
from rocketpy.broker.stats import BrokerStats
from rocketpy.clock import Clock
from rocketpy.config.store import BrokerRole, FlushDiskType, StoreConfig
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutStatus

_SYNC_FLUSH: Final = FlushDiskType.SYNC_FLUSH
_SYNC_MASTER: Final = BrokerRole.SYNC_MASTER
_RETRY_S: Final = 0.001
"""How soon to look again when the flush that is due by schedule is under way."""


class _Waiter(NamedTuple):
    end: int
    since: int
    expires: int
    done: Done


class Durability:
    """Who waits for the log to be flushed, and the greenlet that has it flushed for them."""

    def __init__(
        self, config: StoreConfig, store: MessageStore, stats: BrokerStats, slaves: Slaves, clock: Clock
    ) -> None:
        self._config = config
        self._store = store
        self._stats = stats
        self._slaves = slaves
        self._clock = clock
        self._waiters: deque[_Waiter] = deque()
        self._committer: Greenlet[[], None] | None = None

    @property
    def synchronous(self) -> bool:
        """Whether senders are promised anything beyond the append (SYNC_FLUSH, SYNC_MASTER)."""
        config = self._config
        return config.flush_disk_type is _SYNC_FLUSH or config.broker_role is _SYNC_MASTER

    def wait_safe(self, end: int, now: int, done: Done) -> None:
        """Have `done` called with PUT_OK when everything before physical offset `end` is as safe as configured.

        With FLUSH_DISK_TIMEOUT when the flush takes longer than syncFlushTimeout, or fails (Java says PUT_OK then),
        with what `Slaves.wait` says, rather than any of the two, when a slave is missing. Does not wait itself.
        """
        if self._config.broker_role is _SYNC_MASTER:
            done = self._when_replicated(end, done)
        if self._config.flush_disk_type is not _SYNC_FLUSH:
            done(PutStatus.PUT_OK)
            return
        self._waiters.append(_Waiter(end, now, now + self._config.sync_flush_timeout, done))
        if self._committer is None:
            self._committer = gevent.spawn(self._commit)

    def stats(self) -> dict[str, int]:
        """How many wait."""
        return {"flush_waiters": len(self._waiters)}

    def _commit(self) -> None:
        """Flush until nobody waits."""
        store = self._store
        pool = gevent.get_hub().threadpool
        while self._waiters:
            job = store.flush_job()
            if job is not None:
                pool.apply(job.run)
                store.finish(job)
            elif store.flushed_offset < self._waiters[0].end:
                gevent.sleep(_RETRY_S)
            self._answer(store.flushed_offset, self._clock())
        self._committer = None

    def _answer(self, flushed: int, now: int) -> None:
        """Answer all whose flush is done, and those for whom it has become too late, or will never come."""
        waiters = self._waiters
        failed = self._store.has_failed
        while waiters and waiters[0].end <= flushed:
            self._settle(waiters.popleft(), PutStatus.PUT_OK, now)
        while waiters and (failed or waiters[0].expires <= now):
            self._settle(waiters.popleft(), PutStatus.FLUSH_DISK_TIMEOUT, now)

    def _settle(self, waiter: _Waiter, status: PutStatus, now: int) -> None:
        if now > waiter.since:
            self._stats.put_took(now - waiter.since)
        waiter.done(status)

    def _when_replicated(self, end: int, done: Done) -> Done:
        """What is to be told of the flush; `done` is called when both that and a slave's answer are there."""
        told: dict[str, PutStatus] = {}

        def tell(whose: str, status: PutStatus) -> None:
            told[whose] = status
            if len(told) == 2:
                done(told["disk"] if told["slave"] is PutStatus.PUT_OK else told["slave"])

        self._slaves.wait(end, partial(tell, "slave"))
        return partial(tell, "disk")
