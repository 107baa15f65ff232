"""CONSUMER_SEND_MSG_BACK: a message that could not be consumed comes again later (SendMessageProcessor:116-251).

The message is stored anew, in the retry topic of its group, and waits there for the delay of its level; after too many
tries, or when the consumer says so, it goes to the dead letter topic.
"""

from __future__ import annotations

from random import randrange
from typing import Final

from rocketpy.broker.appender import Appender
from rocketpy.broker.groups import GroupTable, most_retries
from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.topics import TopicTable
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.send import ConsumerSendMessageBack
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.flags import Perm, TopicSysFlag
from rocketpy.protocol.properties import java_order, split_stored
from rocketpy.protocol.record import Record, offset_message_id
from rocketpy.protocol.remarks import SEE_FAQ
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC, dlq_topic, retry_topic
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutStatus

_FIRST_LEVEL: Final = 3


class SendBackProcessor:
    """Takes back what consumers failed to consume."""

    def __init__(
        self,
        config: BrokerConfig,
        store: MessageStore,
        topics: TopicTable,
        groups: GroupTable,
        appender: Appender,
        stats: BrokerStats,
        clock: Clock,
    ) -> None:
        self._config = config
        self._store = store
        self._topics = topics
        self._groups = groups
        self._appender = appender
        self._stats = stats
        self._clock = clock

    @handles(ConsumerSendMessageBack)
    def send_back(self, peer: Connection, request: ConsumerSendMessageBack, command: Command) -> Reply:
        """Store the message at a physical offset once more, for later."""
        group = self._group(request)
        if group.retry_queue_nums <= 0:
            return Reply()
        topic = self._retry_topic(request, group)
        record = self._message_at(request.physical_offset)
        properties = split_stored(record.properties)
        properties.setdefault(names.RETRY_TOPIC, record.topic)
        properties[names.WAIT_STORE_MSG_OK] = "false"
        queue_id = randrange(group.retry_queue_nums)
        level = request.delay_level
        most = most_retries(group, command.version, request.max_reconsume_times)
        if level < 0 or record.reconsume_times >= most:
            topic = dlq_topic(request.group)
            self._topics.create_on_send_back(topic, 1, Perm.READ | Perm.WRITE)
            queue_id = 0
            level = 0
        elif level == 0:
            level = _FIRST_LEVEL + record.reconsume_times
        properties[names.DELAY_TIME_LEVEL] = str(level)
        if not properties.get(names.ORIGIN_MESSAGE_ID, "").strip():
            message_id = offset_message_id(record.store_host, record.physical_offset)
            properties[names.ORIGIN_MESSAGE_ID] = message_id
        return self._store_again(request, record, topic, queue_id, properties)

    def _store_again(
        self, request: ConsumerSendMessageBack, record: Record, topic: str, queue_id: int, properties: dict[str, str]
    ) -> Reply:
        record.topic = topic
        record.queue_id = queue_id
        record.reconsume_times += 1
        record.prepared_transaction_offset = 0
        record.properties = java_order(properties).encode()
        record.read_properties()
        result = self._appender.append(record, properties, self._clock(), counted=False)
        if result.status is not PutStatus.PUT_OK:
            return Reply(ResponseCode.SYSTEM_ERROR, remark=result.status.name)
        if record.topic == SCHEDULE_TOPIC:
            self._stats.delayed_retry_put(record.queue_id, result.size)
        self._stats.message_sent_back(request.group, properties[names.RETRY_TOPIC])
        return Reply()

    def _group(self, request: ConsumerSendMessageBack) -> SubscriptionGroupConfig:
        group = self._groups.find(request.group)
        if group is None:
            raise ReplyError(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group not exist, {request.group} {SEE_FAQ}",
            )
        if not self._config.broker_permission & Perm.WRITE:
            raise ReplyError(
                ResponseCode.NO_PERMISSION, f"the broker[{self._config.broker_ip1}] sending message is forbidden"
            )
        return group

    def _retry_topic(self, request: ConsumerSendMessageBack, group: SubscriptionGroupConfig) -> str:
        name = retry_topic(request.group)
        sys_flag = TopicSysFlag.UNIT_SUB if request.unit_mode else 0
        topic = self._topics.create_on_send_back(name, group.retry_queue_nums, Perm.READ | Perm.WRITE, sys_flag)
        if not topic.perm & Perm.WRITE:
            raise ReplyError(ResponseCode.NO_PERMISSION, f"the topic[{name}] sending message is forbidden")
        return name

    def _message_at(self, physical_offset: int) -> Record:
        record = self._store.record_at(physical_offset)
        if record is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"look message by offset failed, {physical_offset}")
        return record
