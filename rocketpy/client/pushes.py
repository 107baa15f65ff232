"""What brokers ask of a client (ClientRemotingProcessor.java)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rocketpy.client.messages import ReceivedMessage, pushed_reply
from rocketpy.client.requests import Requests
from rocketpy.client.stacks import stacks
from rocketpy.errors import ProtocolError, ReplyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.client import NotifyConsumerIdsChanged
from rocketpy.protocol.api.connection import ConsumeMessageDirectly, GetConsumerRunningInfo
from rocketpy.protocol.api.offset import (
    GetConsumerStatusBody,
    GetConsumerStatusFromClient,
    ResetConsumerClientOffset,
    ResetOffsetBody,
)
from rocketpy.protocol.api.send import PushReplyMessage
from rocketpy.protocol.api.transaction import CheckTransactionState
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.record import decode
from rocketpy.protocol.remarks import NEVER_SET
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles

if TYPE_CHECKING:
    from rocketpy.client.instance import Instance

log = logging.getLogger(__name__)


class Pushes:
    """Answers for one instance, in its hub."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.requests = Requests()

    @handles(CheckTransactionState, spawn=True)
    def check_transaction(self, peer: Connection, request: CheckTransactionState, command: Command) -> None:
        """A half message waits for its end: ask its producer (checkTransactionState:93)."""
        message = ReceivedMessage(decode(command.body), request.bname or "")
        group = message.properties.get(names.PRODUCER_GROUP)
        producer: Any = self._instance.producers.get(group or "")
        if producer is None:
            log.warning("check of a transaction of group %s, which is not here", group)
            return
        producer.check_transaction(peer.remote_address, message, request)

    @handles(NotifyConsumerIdsChanged)
    def consumers_changed(self, peer: Connection, request: NotifyConsumerIdsChanged, command: Command) -> None:
        """A consumer came or went (notifyConsumerIdsChanged:129)."""
        log.info("%s: the consumers of %s changed", peer.remote_address, request.consumer_group)
        self._instance.rebalance_soon()

    @handles(PushReplyMessage)
    def reply_arrived(self, peer: Connection, request: PushReplyMessage, command: Command) -> Reply:
        """The reply to a request of this client (receiveReplyMessage:215)."""
        try:
            self.requests.settle(pushed_reply(request, command.body))
        except (ProtocolError, ValueError, OSError) as error:
            log.warning("a reply that cannot be read: %s", error)
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "process reply message fail") from error
        return Reply()

    @handles(ResetConsumerClientOffset, spawn=True)
    def reset_offset(self, peer: Connection, request: ResetConsumerClientOffset, command: Command) -> None:
        """An administrator sets a group's offsets (resetOffset:146)."""
        log.info("%s: reset the offsets of %s in %s", peer.remote_address, request.group, request.topic)
        offsets = ResetOffsetBody.from_json(command.body).offset_table if command.body else None
        reset = getattr(self._instance.consumers.get(request.group), "reset_offsets", None)
        if reset is None:
            log.info("there is no push consumer of group %s", request.group)
        else:
            reset(request.topic, offsets or {})

    @handles(GetConsumerStatusFromClient)
    def consumer_status(self, peer: Connection, request: GetConsumerStatusFromClient, command: Command) -> Reply:
        """The offsets that a consumer has in memory (getConsumeStatus:165)."""
        consumer: Any = self._instance.consumers.get(request.group)
        table = {} if consumer is None else consumer.offsets.table
        found = {queue: at for queue, at in table.items() if not request.topic or queue.topic == request.topic}
        return Reply(body=GetConsumerStatusBody(message_queue_table=found).to_json(), remark=NEVER_SET)

    @handles(GetConsumerRunningInfo)
    def running_info(self, peer: Connection, request: GetConsumerRunningInfo, command: Command) -> Reply:
        """How a consumer is doing (getConsumerRunningInfo:178)."""
        consumer: Any = self._instance.consumers.get(request.consumer_group)
        if consumer is None:
            raise _not_here(request.consumer_group)
        info = consumer.running_info()
        if request.jstack_enable:
            info.jstack = stacks()
        return Reply(body=info.to_json(), remark=NEVER_SET)

    @handles(ConsumeMessageDirectly, spawn=True)
    def consume_directly(self, peer: Connection, request: ConsumeMessageDirectly, command: Command) -> Reply:
        """Have a consumer's listener take one message now (consumeMessageDirectly:202)."""
        consume = getattr(self._instance.consumers.get(request.consumer_group), "consume_directly", None)
        if consume is None:
            raise _not_here(request.consumer_group)
        result = consume(ReceivedMessage(decode(command.body)), request.broker_name)
        return Reply(body=result.to_json(), remark=NEVER_SET)


def _not_here(group: str) -> ReplyError:
    return ReplyError(ResponseCode.SYSTEM_ERROR, f"The Consumer Group <{group}> not exist in this consumer")
