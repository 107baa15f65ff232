"""Locks on queues that are consumed in order (AdminBrokerProcessor.lockBatchMQ:668)."""

from __future__ import annotations

from rocketpy.broker.queue_locks import QueueLocks
from rocketpy.errors import FieldError
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
        if not wanted.mq_set:
            return Reply(body=LockBatchResponseBody().to_json())
        group, client_id = _named(wanted)
        held = self._locks.lock(group, wanted.mq_set, client_id)
        return Reply(body=LockBatchResponseBody(lock_ok_mq_set=held).to_json())

    @handles(UnlockBatchMq)
    def unlock(self, peer: Connection, request: UnlockBatchMq, command: Command) -> Reply:
        """Give locks up."""
        given_up = UnlockBatchRequestBody.from_json(command.body)
        group, client_id = _named(given_up)
        self._locks.unlock(group, given_up.mq_set, client_id)
        return Reply()


def _named(asked: LockBatchRequestBody | UnlockBatchRequestBody) -> tuple[str, str]:
    """Who asks; raises FieldError for nobody, who could neither renew a lock nor give it up."""
    if asked.consumer_group is None:
        raise FieldError("consumerGroup", None)
    if asked.client_id is None:
        raise FieldError("clientId", None)
    return asked.consumer_group, asked.client_id
