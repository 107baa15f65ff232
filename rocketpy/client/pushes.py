"""What brokers ask of a client (ClientRemotingProcessor.java)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rocketpy.client.messages import ReceivedMessage, pushed_reply
from rocketpy.client.requests import Requests
from rocketpy.errors import ProtocolError, ReplyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.client import NotifyConsumerIdsChanged
from rocketpy.protocol.api.send import PushReplyMessage
from rocketpy.protocol.api.transaction import CheckTransactionState
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.record import decode
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
