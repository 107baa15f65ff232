"""Pulls that found nothing and wait for a message (PullRequestHoldService.java).

A held pull ends in one of three ways: a message that its filter lets through arrives in its queue, the sweep finds
that there is one, or the sweep finds that its time is over. Each time the pull is asked once more and answered with
what there is, be it nothing. Peers that have gone are forgotten by the next sweep.

An arrival does not answer anything itself: it happens inside an append, and a queue that takes ten messages in one
turn of the hub should answer its consumer once, with ten. What it wakes is answered when that turn is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.command import Command
from rocketpy.remoting.connection import Connection
from rocketpy.store.entry_filter import RecordFilter
from rocketpy.store.message_store import MessageStore

log = logging.getLogger(__name__)

_SWEEP_INTERVAL_MS: Final = 5_000
"""How often held pulls are looked through while longPollingEnable (PullRequestHoldService:72)."""

Soon = Callable[[Callable[[], None]], object]
"""Runs a function once this turn of the hub is over."""


@dataclass(slots=True, eq=False)
class HeldPull:
    """A pull that waits, and all that is needed to ask it again."""

    peer: Connection
    command: Command
    request: PullMessage
    codes: frozenset[int] | RecordFilter | None
    """Hashes of the tags that may wake it, or what looks at the message; None for any."""
    expires: int
    """When it is answered though nothing came, in ms."""


class LongPolling:
    """The pulls that are held, by queue."""

    def __init__(self, store: MessageStore, soon: Soon) -> None:
        self._store = store
        self._soon = soon
        self._held: dict[tuple[str, int], list[HeldPull]] = {}
        self._woken: list[HeldPull] = []
        self.answer: Callable[[HeldPull], None] = lambda pull: None
        """Asks a pull again, without holding it; set by the pull processor."""

    def hold(self, pull: HeldPull) -> None:
        """Keep a pull until a message comes or its time is over."""
        request = pull.request
        self._held.setdefault((request.topic, request.queue_id), []).append(pull)

    def messages_arrived(
        self, topic: str, queue_id: int, next_queue_offset: int, tags_codes: list[int], store_timestamp: int
    ) -> None:
        """A listener of the store: wake the pulls that wait for one of these messages."""
        queue_offset = next_queue_offset - len(tags_codes)
        for tags_code in tags_codes:
            held = self._held.get((topic, queue_id))
            if held is None:
                return
            queue_offset += 1
            self._wake_for(held, topic, queue_id, queue_offset, tags_code)

    def _wake_for(
        self, held: list[HeldPull], topic: str, queue_id: int, next_queue_offset: int, tags_code: int
    ) -> None:
        waiting = []
        for pull in held:
            codes = pull.codes
            if next_queue_offset > pull.request.queue_offset and (
                codes is None
                or (
                    self._matches(codes, topic, queue_id, next_queue_offset - 1, tags_code)
                    if isinstance(codes, RecordFilter)
                    else tags_code in codes
                )
            ):
                self._wake(pull)
            else:
                waiting.append(pull)
        self._keep((topic, queue_id), waiting)

    def _matches(self, wanted: RecordFilter, topic: str, queue_id: int, queue_offset: int, tags_code: int) -> bool:
        """Whether a message that has just arrived is let through; one that cannot be read is."""
        if wanted.codes is not None and tags_code not in wanted.codes:
            return False
        queue = self._store.queues.find(topic, queue_id)
        entry = None if queue is None else queue.entry(queue_offset)
        view = None if entry is None else self._store.message_at(entry[0])
        return view is None or wanted.matches(view)

    def sweep(self, now: int) -> None:
        """Wake what has something to read or has waited long enough; forget the pulls of closed peers."""
        for queue, held in list(self._held.items()):
            max_offset = self._store.max_offset(*queue)
            waiting = []
            for pull in held:
                if pull.peer.closed:
                    continue
                if max_offset > pull.request.queue_offset or now >= pull.expires:
                    self._wake(pull)
                else:
                    waiting.append(pull)
            self._keep(queue, waiting)

    def stats(self) -> dict[str, int]:
        """How many pulls are held and in how many queues."""
        return {"held_pulls": sum(map(len, self._held.values())), "held_queues": len(self._held)}

    def _keep(self, queue: tuple[str, int], waiting: list[HeldPull]) -> None:
        if waiting:
            self._held[queue] = waiting
        else:
            del self._held[queue]

    def _wake(self, pull: HeldPull) -> None:
        if not self._woken:
            self._soon(self._answer_woken)
        self._woken.append(pull)

    def _answer_woken(self) -> None:
        woken, self._woken = self._woken, []
        for pull in woken:
            if pull.peer.closed:
                continue
            try:
                self.answer(pull)
            except Exception:
                log.exception("%s: a held pull could not be answered", pull.peer.remote_address)


def sweep_interval(config: BrokerConfig) -> int:
    """How many ms are between two sweeps (PullRequestHoldService:72)."""
    return _SWEEP_INTERVAL_MS if config.long_polling_enable else config.short_polling_time_mills
