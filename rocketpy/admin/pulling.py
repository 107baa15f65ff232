"""Reading queues from one offset to another, as DefaultMQPullConsumer does it (DefaultMQPullConsumerImpl.java)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from rocketpy.admin.client import AdminClient, broker_address, queues_in_java_order
from rocketpy.admin.errors import BrokerError, ClientError, JavaError
from rocketpy.filter.tags import tags_of
from rocketpy.protocol import property_names
from rocketpy.protocol.api.offset import (
    GetMaxOffset,
    GetMaxOffsetReply,
    GetMinOffset,
    GetMinOffsetReply,
    SearchOffsetByTimestamp,
    SearchOffsetByTimestampReply,
)
from rocketpy.protocol.api.pull import PullMessage, PullMessageReply
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.flags import ExpressionType, Perm, PullSysFlag
from rocketpy.protocol.header import Header
from rocketpy.protocol.message import MessageExt, decode_messages

TOOLS_GROUP = "TOOLS_CONSUMER"
_PULL_TIMEOUT_MS = 10_000  # DefaultMQPullConsumer.java:62
_SUSPEND_MS = 20_000
_TIMEOUT_MS = 6000  # MQAdminImpl.java:57


class PullStatus(Enum):
    """What came of a pull (PullStatus.java)."""

    FOUND = ResponseCode.SUCCESS
    NO_NEW_MSG = ResponseCode.PULL_NOT_FOUND
    NO_MATCHED_MSG = ResponseCode.PULL_RETRY_IMMEDIATELY
    OFFSET_ILLEGAL = ResponseCode.PULL_OFFSET_MOVED


class Pulled(NamedTuple):
    """The messages found, and where to go on."""

    status: PullStatus
    next_offset: int
    messages: list[MessageExt]


class QueueReader:
    """Pulls for one consumer group, without a place in it."""

    def __init__(
        self, admin: AdminClient, group: str = TOOLS_GROUP, addresses: Mapping[str, str] | None = None
    ) -> None:
        """`addresses` are those of brokers by name, as far as they are known; others are asked of the name server."""
        self._admin = admin
        self._group = group
        self._addresses = dict(addresses or {})

    def queues(self, topic: str) -> list[MessageQueue]:
        """The queues of a topic that may be read (MQAdminImpl.fetchSubscribeMessageQueues:165). Raises JavaError."""
        nothing = f"Can not find Message Queue for this topic, {topic}"
        advice = f"{nothing}\nSee http://rocketmq.apache.org/docs/faq/ for further details."
        try:
            datas = self._admin.route(topic).queue_datas
        except JavaError as error:
            raise ClientError(advice, cause=error) from error
        queues = [
            MessageQueue(topic=topic, broker_name=data.broker_name, queue_id=queue_id)
            for data in datas
            if data.perm & Perm.READ
            for queue_id in range(data.read_queue_nums)
        ]
        if not queues:
            raise ClientError(advice, cause=ClientError(f"{nothing} Namesrv return empty"))
        return queues_in_java_order(queues_in_java_order(queues))

    def min_offset(self, queue: MessageQueue) -> int:
        """The first offset of a queue. Raises JavaError."""
        answer = self._ask(queue, GetMinOffset(topic=queue.topic, queue_id=queue.queue_id))
        return GetMinOffsetReply.decode(answer.ext_fields).queue_offset

    def max_offset(self, queue: MessageQueue) -> int:
        """The offset after its last message. Raises JavaError."""
        answer = self._ask(queue, GetMaxOffset(topic=queue.topic, queue_id=queue.queue_id))
        return GetMaxOffsetReply.decode(answer.ext_fields).queue_offset

    def offset_at(self, queue: MessageQueue, timestamp: int) -> int:
        """The offset of a time in ms. Raises JavaError."""
        header = SearchOffsetByTimestamp(topic=queue.topic, queue_id=queue.queue_id, timestamp=timestamp)
        return SearchOffsetByTimestampReply.decode(self._ask(queue, header).ext_fields).queue_offset

    def pull(self, queue: MessageQueue, expression: str, queue_offset: int, most: int) -> Pulled:
        """Up to `most` messages with the tags of `expression`; they get brokers' bounds as properties.

        See PullAPIWrapper.processPullResult:70. Raises JavaError.
        """
        try:
            tags = tags_of(expression)
        except ValueError as error:
            cause = JavaError("java.lang.Exception", str(error))
            raise ClientError("parse subscription error", cause=cause) from error
        if queue_offset < 0:
            raise ClientError("offset < 0")
        if most <= 0:
            raise ClientError("maxNums <= 0")
        header = PullMessage(
            consumer_group=self._group,
            topic=queue.topic,
            queue_id=queue.queue_id,
            queue_offset=queue_offset,
            max_msg_nums=most,
            sys_flag=PullSysFlag.SUBSCRIPTION,
            commit_offset=0,
            suspend_timeout_millis=_SUSPEND_MS,
            subscription="*" if tags is None else expression,
            sub_version=0,
            expression_type=ExpressionType.TAG,
        )
        address = self._address(queue)
        answer = self._admin.invoke(address, header, timeout_ms=_PULL_TIMEOUT_MS)
        try:
            status = PullStatus(answer.code)
        except ValueError:
            raise BrokerError(answer.code, answer.remark, address) from None
        bounds = PullMessageReply.decode(answer.ext_fields)
        found = decode_messages(answer.body) if status is PullStatus.FOUND else []
        wanted = [one for one in found if not tags or one.tags in tags]
        for message in wanted:
            message.properties[property_names.MIN_OFFSET] = str(bounds.min_offset)
            message.properties[property_names.MAX_OFFSET] = str(bounds.max_offset)
        return Pulled(status, bounds.next_begin_offset, wanted)

    def _ask(self, queue: MessageQueue, header: Header) -> Command:
        address = self._address(queue)
        try:
            return self._admin.ask(address, header, timeout_ms=_TIMEOUT_MS)
        except JavaError as error:
            raise ClientError(f"Invoke Broker[{address}] exception", cause=error) from error

    def _address(self, queue: MessageQueue) -> str:
        """Where the queue's broker is by the topic's route (MQClientInstance.findBrokerAddressInSubscribe:1060)."""
        if queue.broker_name not in self._addresses:
            try:
                brokers = self._admin.route(queue.topic).broker_datas
            except JavaError:
                brokers = []
            self._addresses |= {data.broker_name: broker_address(data) for data in brokers}
        address = self._addresses.get(queue.broker_name)
        if address is None:
            raise ClientError(f"The broker[{queue.broker_name}] not exist")
        return address
