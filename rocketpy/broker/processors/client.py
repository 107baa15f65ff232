"""What clients tell the broker about themselves (ClientManageProcessor.java, ConsumerManageProcessor.java)."""

from __future__ import annotations

import logging

from rocketpy.broker.consumer_filters import is_tag_type
from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.producers import ClientConnection, ProducerTable
from rocketpy.broker.topics import TopicTable
from rocketpy.clock import Clock, now_ms
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ReplyError
from rocketpy.filter.sql92 import FilterError, compile_filter
from rocketpy.protocol.api.client import (
    CheckClientConfig,
    CheckClientRequestBody,
    ConsumerData,
    GetConsumerListByGroup,
    GetConsumerListByGroupReply,
    GetConsumerListByGroupResponseBody,
    Heartbeat,
    HeartbeatData,
    UnregisterClient,
    UnregisterClientReply,
)
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.flags import ExpressionType, Perm, TopicSysFlag
from rocketpy.protocol.topic_names import retry_topic
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles

_log = logging.getLogger("rocketpy.broker")


class ClientProcessor:
    """Heartbeats and goodbyes, and the members of a group."""

    def __init__(
        self,
        config: BrokerConfig,
        topics: TopicTable,
        groups: GroupTable,
        producers: ProducerTable,
        consumers: ConsumerTable,
        clock: Clock = now_ms,
    ) -> None:
        self._config = config
        self._topics = topics
        self._groups = groups
        self._producers = producers
        self._consumers = consumers
        self._clock = clock

    @handles(Heartbeat)
    def heartbeat(self, peer: Connection, request: Heartbeat, command: Command) -> Reply:
        """Register the groups of a client; each consumer group gets its retry topic (heartBeat:74)."""
        data = HeartbeatData.from_json(command.body)
        client = (peer, data.client_id, command.language, command.version, self._clock())
        for consumer in data.consumer_data_set:
            notify = self._prepare_group(consumer)
            if self._consumers.register(consumer, ClientConnection(*client), notify):
                _log.info("consumer group %s changed by %s", consumer.group_name, peer.remote_address)
        for producer in data.producer_data_set:
            self._producers.register(producer.group_name, ClientConnection(*client))
        return Reply()

    @handles(UnregisterClient)
    def unregister(self, peer: Connection, request: UnregisterClient, command: Command) -> Reply:
        """Take a client out of the groups it names (unregisterClient:126)."""
        if request.producer_group is not None:
            self._producers.unregister(request.producer_group, peer)
        if request.consumer_group is not None:
            group = self._groups.find(request.consumer_group)
            notify = group is None or group.notify_consumer_ids_changed_enable
            self._consumers.unregister(request.consumer_group, peer, notify)
        return Reply(header=UnregisterClientReply())

    @handles(CheckClientConfig)
    def check_config(self, peer: Connection, request: CheckClientConfig, command: Command) -> Reply:
        """Refuse a subscription that this broker cannot filter by (checkClientConfig:166)."""
        subscription = CheckClientRequestBody.from_json(command.body).subscription_data
        if subscription is None or is_tag_type(subscription.expression_type):
            return Reply()
        if not self._config.enable_property_filter:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR,
                f"The broker does not support consumer to filter message by {subscription.expression_type}",
            )
        if subscription.expression_type != ExpressionType.SQL92 or subscription.sub_string is None:
            raise ReplyError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, None)
        try:
            compile_filter(subscription.sub_string)
        except FilterError as error:
            raise ReplyError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, str(error)) from None
        return Reply()

    @handles(GetConsumerListByGroup)
    def list_consumers(self, peer: Connection, request: GetConsumerListByGroup, command: Command) -> Reply:
        """The ids of a group's members, by which each of them computes its share (getConsumerListByGroup:70)."""
        group = self._consumers.get(request.consumer_group)
        if group is None:
            _log.warning("%s asks for the members of group %s: none", peer.remote_address, request.consumer_group)
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"no consumer for this group, {request.consumer_group}")
        body = GetConsumerListByGroupResponseBody(consumer_id_list=group.client_ids())
        return Reply(header=GetConsumerListByGroupReply(), body=body.to_json())

    def _prepare_group(self, consumer: ConsumerData) -> bool:
        """Make sure the group and its retry topic exist; whether its members want to be told of each other."""
        group = self._groups.find(consumer.group_name)
        if group is None:
            return True
        self._topics.create_on_send_back(
            retry_topic(consumer.group_name),
            group.retry_queue_nums,
            Perm.READ | Perm.WRITE,
            TopicSysFlag.UNIT_SUB if consumer.unit_mode else 0,
        )
        return group.notify_consumer_ids_changed_enable
