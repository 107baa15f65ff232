"""Locks on queues that are consumed in order (AdminBrokerProcessor.lockBatchMQ:668)."""

from __future__ import annotations

from rocketpy.broker.queue_locks import QueueLocks
from rocketpy.protocol.api.client import (
    LockBatchMq,
    LockBatchRequestBody,
    LockBatchResponseBody,
    UnlockBatchMq,
    UnlockBatchRequestBody,
)
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles


class LockProcessor:
    """Locks and unlocks queues for clients."""

    def __init__(self, locks: QueueLocks) -> None:
        self._locks = locks

    @handles(LockBatchMq)
    def lock(self, peer: Connection, request: LockBatchMq, command: Command) -> Reply:
        """Lock or renew; the answer names the queues that the client may consume."""
        wanted = LockBatchRequestBody.from_json(command.body)
        held = self._locks.lock(wanted.consumer_group or "", wanted.mq_set, wanted.client_id or "")
        return Reply(body=LockBatchResponseBody(lock_ok_mq_set=held).to_json())

    @handles(UnlockBatchMq)
    def unlock(self, peer: Connection, request: UnlockBatchMq, command: Command) -> Reply:
        """Give locks up."""
        given_up = UnlockBatchRequestBody.from_json(command.body)
        self._locks.unlock(given_up.consumer_group or "", given_up.mq_set, given_up.client_id or "")
        return Reply()
