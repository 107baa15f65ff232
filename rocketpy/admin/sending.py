"""Sending single messages, as DefaultMQProducer does it with its defaults (DefaultMQProducerImpl.java)."""

from __future__ import annotations

import os
import random
import time
from typing import NamedTuple

from rocketpy.admin.client import AdminClient, queue_text
from rocketpy.admin.errors import BrokerError, ClientError, JavaError
from rocketpy.config.address import local_address
from rocketpy.protocol import property_names
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.send import SendMessage, SendMessageReply
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.message import Message
from rocketpy.protocol.message_id import UniqueIds
from rocketpy.protocol.properties import join_properties
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC

_TIMEOUT_MS = 3000  # DefaultMQProducer.java:93
_QUEUES = 4  # of a topic that is created by the send
_NO_ROUTE = "No route info of this topic: {}\nSee http://rocketmq.apache.org/docs/faq/ for further details."
_STATUS: dict[int, str] = {
    ResponseCode.SUCCESS: "SEND_OK",
    ResponseCode.FLUSH_DISK_TIMEOUT: "FLUSH_DISK_TIMEOUT",
    ResponseCode.FLUSH_SLAVE_TIMEOUT: "FLUSH_SLAVE_TIMEOUT",
    ResponseCode.SLAVE_NOT_AVAILABLE: "SLAVE_NOT_AVAILABLE",
}


class Sent(NamedTuple):
    """What came of a send (SendResult.java:20)."""

    status: str
    message_id: str
    offset_message_id: str
    queue: MessageQueue
    queue_offset: int

    def __str__(self) -> str:
        return (
            f"SendResult [sendStatus={self.status}, msgId={self.message_id}, offsetMsgId={self.offset_message_id}, "
            f"messageQueue={queue_text(self.queue)}, queueOffset={self.queue_offset}]"
        )


class Sender:
    """Sends for one producer group."""

    def __init__(self, admin: AdminClient, group: str) -> None:
        self._admin = admin
        self._group = group
        self._ids = UniqueIds(local_address() or "127.0.0.1", os.getpid(), id(self))

    def send(self, message: Message, queue: MessageQueue | None = None) -> Sent:
        """Send to `queue`, or else to any of the topic. Raises JavaError."""
        masters, queues = self._places(message.topic)
        chosen = queue or random.choice(queues)
        address = masters.get(chosen.broker_name)
        if address is None:
            raise ClientError(f"The broker[{chosen.broker_name}] not exist")
        now = time.time_ns() // 1_000_000
        message_id = message.properties.setdefault(property_names.UNIQ_KEY, self._ids.create(now))
        message.properties.setdefault(property_names.WAIT_STORE_MSG_OK, "true")
        header = SendMessage(
            producer_group=self._group,
            topic=message.topic,
            default_topic=AUTO_CREATE_TOPIC,
            default_topic_queue_nums=_QUEUES,
            queue_id=chosen.queue_id,
            sys_flag=0,
            born_timestamp=now,
            flag=message.flag,
            properties=join_properties(message.properties),
            reconsume_times=0,
        )
        answer = self._admin.invoke(address, header, message.body, _TIMEOUT_MS)
        status = _STATUS.get(answer.code)
        if status is None:
            raise BrokerError(answer.code, answer.remark, address)
        stored = SendMessageReply.decode(answer.ext_fields)
        place = MessageQueue(topic=message.topic, broker_name=chosen.broker_name, queue_id=stored.queue_id)
        return Sent(status, message_id, stored.msg_id, place, stored.queue_offset)

    def queues(self, topic: str) -> list[MessageQueue]:
        """The queues of a topic that may be written to. Raises JavaError if there is none."""
        return self._places(topic)[1]

    def _places(self, topic: str) -> tuple[dict[str, str], list[MessageQueue]]:
        """Masters by name, and the queues that may be written to (topicRouteData2TopicPublishInfo:158)."""
        try:
            route, most = self._admin.route(topic), None
        except ClientError:
            try:
                route, most = self._admin.route(AUTO_CREATE_TOPIC), _QUEUES
            except JavaError:
                raise ClientError(_NO_ROUTE.format(topic), 10005) from None
        masters = {data.broker_name: data.broker_addrs[0] for data in route.broker_datas if 0 in data.broker_addrs}
        queues = [
            MessageQueue(topic=topic, broker_name=data.broker_name, queue_id=queue_id)
            for data in route.queue_datas
            if data.perm & Perm.WRITE and data.broker_name in masters
            for queue_id in range(min(data.write_queue_nums, most or data.write_queue_nums))
        ]
        if not queues:
            raise ClientError(_NO_ROUTE.format(topic), 10005)
        return masters, queues
