"""What all consumers have in common: subscriptions, offsets, their share of the queues, sending back."""

from __future__ import annotations

import logging

from rocketpy.client.allocation import Strategy
from rocketpy.client.errors import BrokerError, ClientError, see_faq
from rocketpy.client.instance import Instance
from rocketpy.client.listening import QueuesChanged
from rocketpy.client.member import Member, State
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import queue_without_namespace, with_namespace, without_namespace
from rocketpy.client.offset_stores import LocalOffsets, OffsetStore, RemoteOffsets
from rocketpy.client.publish import queue_rank
from rocketpy.client.pulling import Puller
from rocketpy.client.sending import Sender, SendSettings
from rocketpy.client.settings import ClientSettings
from rocketpy.client.subscriptions import is_tags
from rocketpy.clock import now_ms
from rocketpy.errors import RemotingError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.client import (
    CheckClientConfig,
    CheckClientRequestBody,
    ConsumerData,
    GetConsumerListByGroup,
    GetConsumerListByGroupResponseBody,
    SubscriptionData,
)
from rocketpy.protocol.api.connection import ConsumerRunningInfo, ProcessQueueInfo
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.send import ConsumerSendMessageBack
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import ConsumeFromWhere, ConsumeType, MessageModel
from rocketpy.protocol.message import Message
from rocketpy.protocol.topic_names import retry_topic
from rocketpy.protocol.version import CURRENT_VERSION, version_name

log = logging.getLogger(__name__)

INNER_PRODUCER = "CLIENT_INNER_PRODUCER"
"""The group for which a client sends on its own behalf (MixAll.java:68)."""


class Consumer(Member):
    """A consumer of a group; names inside have their namespace."""

    consume_type = ConsumeType.CONSUME_ACTIVELY
    _kind = "consumer"
    _default_group = "DEFAULT_CONSUMER"

    def __init__(
        self,
        group: str,
        settings: ClientSettings,
        model: MessageModel,
        strategy: Strategy,
        offset_store: OffsetStore | None = None,
        local_offsets: str | None = None,
    ) -> None:
        """`local_offsets` is the directory of a broadcasting group's files. Raises ClientError."""
        super().__init__(group, settings)
        if model not in list(MessageModel):
            raise ClientError(f"messageModel is null{see_faq()}\n{model!r} is none")
        if not callable(strategy):
            raise ClientError(f"allocateMessageQueueStrategy is null{see_faq()}")
        self.model = MessageModel(model)
        self.subscriptions: dict[str, SubscriptionData] = {}
        self.start_timestamp = now_ms()
        self.max_reconsume_times = 16
        self._strategy = strategy
        self._given_store = offset_store
        self._local_offsets = local_offsets
        self._offsets: OffsetStore | None = None
        self._puller: Puller | None = None
        self._inner: Sender | None = None

    def send_back(self, message: ReceivedMessage, delay_level: int = 0) -> None:
        """Have a message delivered to the group again, later: after a delay of the broker's, or `delay_level`.

        A negative level means the dead letter topic. Raises ClientError or RemotingError.
        """
        self._run(self.give_back, message, delay_level)

    # -- in the instance's hub

    @property
    def offsets(self) -> OffsetStore:
        """Where the offsets are kept; there is one while the consumer runs."""
        assert self._offsets is not None
        return self._offsets

    @property
    def puller(self) -> Puller:
        """What pulls; there is one while the consumer runs."""
        assert self._puller is not None
        return self._puller

    @property
    def consume_from(self) -> ConsumeFromWhere:
        """Where a new group begins."""
        return ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET

    @property
    def is_leaving(self) -> bool:
        """Whether it is being stopped, so that nothing more is taken over."""
        return self._state == State.SHUTDOWN_ALREADY

    def topics(self) -> list[str]:
        """The topics subscribed to; for the instance."""
        return list(self.subscriptions)

    def data(self) -> ConsumerData:
        """What the heartbeat says of it; for the instance."""
        return ConsumerData(
            group_name=self.group,
            consume_type=self.consume_type,
            message_model=self.model,
            consume_from_where=self.consume_from,
            subscription_data_set=list(self.subscriptions.values()),
            unit_mode=self.settings.unit_mode,
        )

    def rebalance(self) -> None:
        """Take its share of the queues; for the instance."""

    def owned(self) -> list[MessageQueue]:
        """The queues that it reads at the moment."""
        return []

    def persist(self) -> None:
        """Store how far it has come; for the instance."""
        if self._state in (State.RUNNING, State.SHUTDOWN_ALREADY):
            self.offsets.persist_all(self.owned())

    def queue_infos(self) -> dict[MessageQueue, ProcessQueueInfo]:
        """What it holds of each queue; for the instance."""
        return {}

    def running_info(self) -> ConsumerRunningInfo:
        """What it tells about itself; for the instance."""
        return ConsumerRunningInfo(
            properties=self._properties(),
            subscription_set=sorted(self.subscriptions.values(), key=lambda one: one.topic),
            mq_table=self.queue_infos(),
        )

    def share(self, instance: Instance, topic: str) -> list[MessageQueue] | None:
        """The queues of `topic` that are this member's; None when that cannot be told now (rebalanceByTopic:258)."""
        clients = self._members(instance, topic)  # which asks for the route if there is none
        queues = instance.routes.subscribed(topic)
        if self.model == MessageModel.BROADCASTING:
            return queues
        if not queues or not clients:
            return None
        try:
            return self._strategy(self.group, instance.client_id, sorted(queues, key=queue_rank), sorted(clients))
        except Exception:
            log.exception("%s: the queues of %s could not be shared out", self.group, topic)
            return None

    def _tell_share(
        self, changed: QueuesChanged | None, topic: str, everything: list[MessageQueue], share: list[MessageQueue]
    ) -> None:
        """Tell the application which queues of a topic are this member's now; what that raises is logged."""
        if changed is None:
            return
        try:
            changed(without_namespace(self.settings.namespace, topic), self._outside(everything), self._outside(share))
        except Exception:
            log.exception("%s: %r failed", self.group, changed)

    def _outside(self, queues: list[MessageQueue]) -> list[MessageQueue]:
        """The queues as the application knows them, without namespace."""
        return [queue_without_namespace(self.settings.namespace, queue) for queue in queues]

    def give_back(self, message: ReceivedMessage, delay_level: int) -> None:
        """`send_back` in the hub: by its place in the log, or else as a new message (sendMessageBack:530)."""
        instance = self._instance
        assert instance is not None
        topic = with_namespace(self.settings.namespace, message.topic)
        try:
            if message.broker_name:
                address = instance.broker_address(message.broker_name, topic)
            else:
                host, port = message.store_host
                address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            header = ConsumerSendMessageBack(
                physical_offset=message.physical_offset, group=self.group, delay_level=delay_level,
                origin_msg_id=message.msg_id, origin_topic=topic, unit_mode=False,
                max_reconsume_times=self.max_reconsume_times, bname=message.broker_name or None,
            )  # fmt: skip
            answer = instance.client.invoke(address, header, timeout_ms=5000)
            if answer.code != ResponseCode.SUCCESS:
                raise BrokerError(answer.code, answer.remark, address)
        except (ClientError, RemotingError) as error:
            log.warning("%s is not taken back, it is sent anew: %s", message, error)
            self.send_anew(message, message.reconsume_times + 1, self.max_reconsume_times)

    def send_anew(self, message: ReceivedMessage, reconsume_times: int, most: int) -> None:
        """Send a message to the retry topic as a new one, which is given up after `most` tries.

        Raises ClientError or RemotingError.
        """
        instance = self._instance
        assert instance is not None
        properties = {name: value for name, value in message.properties.items() if name != names.TRANSACTION_PREPARED}
        properties[names.ORIGIN_MESSAGE_ID] = properties.get(names.ORIGIN_MESSAGE_ID) or message.msg_id
        properties[names.RETRY_TOPIC] = with_namespace(self.settings.namespace, message.topic)
        properties[names.RECONSUME_TIME] = str(reconsume_times)
        properties[names.MAX_RECONSUME_TIMES] = str(most)
        properties[names.DELAY_TIME_LEVEL] = str(3 + message.reconsume_times)
        if self._inner is None:
            self._inner = Sender(instance, INNER_PRODUCER, SendSettings())
        retried = Message(retry_topic(self.group), message.body, flag=message.flag, properties=properties)
        self._inner.send(self._inner.prepare(retried), "sync", 3000)

    def _enter(self, instance: Instance) -> None:
        if self._given_store is not None:
            self._offsets = self._given_store
        elif self.model == MessageModel.BROADCASTING:
            self._offsets = LocalOffsets(instance.client_id, self.group, self._local_offsets)
        else:
            self._offsets = RemoteOffsets(instance, self.group)
        self._offsets.load()
        self._puller = Puller(instance, self.group)
        instance.join(consumer=self)

    def _leave(self, instance: Instance) -> None:
        self.persist()
        instance.leave(consumer=self)

    def _unique(self) -> bool:
        """A broadcasting group's file is found by the client id, which must not change."""
        return self.model == MessageModel.CLUSTERING

    def _check_filters(self, instance: Instance) -> None:
        """Have a broker check what is no tag expression (checkClientInBroker:444). Raises ClientError."""
        for topic, wanted in list(self.subscriptions.items()):
            address = None if is_tags(wanted) else instance.routes.some_broker(topic)
            if address is None:
                continue
            body = CheckClientRequestBody(
                client_id=instance.client_id, group=self.group, subscription_data=wanted
            ).to_json()
            answer = instance.client.invoke(
                instance.at_port(address), CheckClientConfig(), body, timeout_ms=instance.timeout_ms
            )
            if answer.code != ResponseCode.SUCCESS:
                raise ClientError(answer.remark or "null", answer.code, show_code=True)

    def _members(self, instance: Instance, topic: str) -> list[str] | None:
        """The client ids of the group (MQClientInstance.findConsumerIdList:1080)."""
        address = instance.routes.some_broker(topic)
        if address is None:
            instance.routes.update(topic)
            address = instance.routes.some_broker(topic)
        if address is None or self.model == MessageModel.BROADCASTING:
            return None
        header = GetConsumerListByGroup(consumer_group=self.group)
        try:
            answer = instance.client.invoke(instance.at_port(address), header, timeout_ms=instance.timeout_ms)
        except RemotingError as error:
            log.warning("the members of %s are not known: %s", self.group, error)
            return None
        if answer.code != ResponseCode.SUCCESS or not answer.body:
            log.info("the members of %s are not known: %s", self.group, answer.remark)
            return None
        return GetConsumerListByGroupResponseBody.from_json(answer.body).consumer_id_list

    def _properties(self) -> dict[str, str]:
        """Settings by Java's names (ConsumerRunningInfo.java:31-38)."""
        instance = self._running()
        return {
            "PROP_NAMESERVER_ADDR": "".join(f"{address};" for address in instance.name_servers.addresses),
            "PROP_CONSUME_TYPE": str(self.consume_type),
            "PROP_CLIENT_VERSION": version_name(CURRENT_VERSION),
            "PROP_CONSUMER_START_TIMESTAMP": str(self.start_timestamp),
            "consumerGroup": self.group,
            "messageModel": str(self.model),
            "consumeFromWhere": str(self.consume_from),
            "instanceName": self.settings.instance_name,
            "unitMode": str(self.settings.unit_mode).lower(),
            "maxReconsumeTimes": str(self.max_reconsume_times),
        }

    def _renamed(self, messages: list[ReceivedMessage]) -> list[ReceivedMessage]:
        """The messages with the topics that the application knows."""
        if self.settings.namespace:
            for message in messages:
                message.topic = without_namespace(self.settings.namespace, message.topic)
        return messages
