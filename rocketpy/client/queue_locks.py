"""Locks at the brokers: a group that consumes in order has each queue at one client (RebalanceImpl.java:68)."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rocketpy.client.instance import Instance
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.client import (
    LockBatchMq,
    LockBatchRequestBody,
    LockBatchResponseBody,
    UnlockBatchMq,
    UnlockBatchRequestBody,
)
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.codes import ResponseCode

log = logging.getLogger(__name__)

TIMEOUT_MS = 1000
RENEW_SECONDS = 20.0
"""Locks are renewed so often (ProcessQueue.REBALANCE_LOCK_INTERVAL:43)."""


class QueueLocks:
    """Locks and unlocks for one group of one instance; what fails is logged."""

    def __init__(self, instance: Instance, group: str) -> None:
        self._instance = instance
        self._group = group

    def lock(self, queues: Iterable[MessageQueue]) -> dict[MessageQueue, bool]:
        """Which of the queues are this client's now; those whose broker does not answer are left out."""
        outcome: dict[MessageQueue, bool] = {}
        for address, at_broker in self._by_broker(queues):
            body = LockBatchRequestBody(
                consumer_group=self._group, client_id=self._instance.client_id, mq_set=at_broker
            )
            try:
                answer = self._instance.client.invoke(address, LockBatchMq(), body.to_json(), TIMEOUT_MS)
                if answer.code != ResponseCode.SUCCESS:
                    log.warning("lock of %s refused: %s", at_broker, answer.remark)
                    continue
                locked = set(LockBatchResponseBody.from_json(answer.body).lock_ok_mq_set)
            except RocketpyError as error:
                log.warning("lock of %s: %s", at_broker, error)
                continue
            outcome |= {queue: queue in locked for queue in at_broker}
        return outcome

    def unlock(self, queues: Iterable[MessageQueue], *, oneway: bool) -> None:
        """Give the queues back."""
        for address, at_broker in self._by_broker(queues):
            body = UnlockBatchRequestBody(
                consumer_group=self._group, client_id=self._instance.client_id, mq_set=at_broker
            ).to_json()
            try:
                if oneway:
                    self._instance.client.invoke_oneway(address, UnlockBatchMq(), body, TIMEOUT_MS)
                else:
                    self._instance.client.invoke(address, UnlockBatchMq(), body, TIMEOUT_MS)
            except RocketpyError as error:
                log.warning("unlock of %s: %s", at_broker, error)

    def _by_broker(self, queues: Iterable[MessageQueue]) -> list[tuple[str, list[MessageQueue]]]:
        by_name: dict[str, list[MessageQueue]] = {}
        for queue in queues:
            by_name.setdefault(queue.broker_name, []).append(queue)
        found = []
        for name, at_broker in by_name.items():
            place = self._instance.routes.readable(name, 0, only=True)
            if place is not None:
                found.append((self._instance.at_port(place[0]), at_broker))
        return found
