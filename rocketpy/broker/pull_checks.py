"""Whether a pull is allowed, and which messages it may get: all that PullMessageProcessor:103-228 refuses."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Final

from rocketpy.broker.consumer_filters import ConsumerFilters, MayMatch, filter_of, is_tag_type
from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ReplyError
from rocketpy.filter.record_matcher import matcher_of
from rocketpy.filter.sql92 import Filter
from rocketpy.filter.tags import ALL, tag_codes
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import ExpressionType, MessageModel, Perm, PullSysFlag
from rocketpy.protocol.properties import property_value
from rocketpy.protocol.property_names import RETRY_TOPIC
from rocketpy.protocol.record import peek_properties
from rocketpy.protocol.remarks import SEE_FAQ
from rocketpy.protocol.topic_names import RETRY_PREFIX
from rocketpy.store.entry_filter import RecordFilter

log = logging.getLogger(__name__)

_RETRY_TOPIC: Final = f"{RETRY_TOPIC}\x01".encode()
_tag_codes = lru_cache(maxsize=4096)(tag_codes)

Codes = frozenset[int] | RecordFilter | None
"""Hashes of the tags that are wanted, or what looks at the messages; None for all messages."""


class PullChecks:
    """Refuses pulls by ReplyError, in Java's order and words."""

    def __init__(
        self,
        config: BrokerConfig,
        topics: TopicTable,
        groups: GroupTable,
        consumers: ConsumerTable,
        filters: ConsumerFilters,
    ) -> None:
        self._config = config
        self._topics = topics
        self._groups = groups
        self._consumers = consumers
        self._filters = filters

    def group(self, request: PullMessage) -> SubscriptionGroupConfig:
        """The group that pulls, if it and this broker's permission let it."""
        if not self._config.broker_permission & Perm.READ:
            raise ReplyError(
                ResponseCode.NO_PERMISSION, f"the broker[{self._config.broker_ip1}] pulling message is forbidden"
            )
        group = self._groups.find(request.consumer_group)
        if group is None:
            raise ReplyError(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group [{request.consumer_group}] does not exist, {SEE_FAQ}",
            )
        if not group.consume_enable:
            raise ReplyError(ResponseCode.NO_PERMISSION, f"subscription group no permission, {request.consumer_group}")
        return group

    def queue(self, request: PullMessage, remote_address: str) -> None:
        """That there is such a queue and it may be read."""
        topic = self._topics.get(request.topic)
        if topic is None:
            log.warning("the topic %s does not exist, consumer %s", request.topic, remote_address)
            raise ReplyError(
                ResponseCode.TOPIC_NOT_EXIST, f"topic[{request.topic}] not exist, apply first please! {SEE_FAQ}"
            )
        if not topic.perm & Perm.READ:
            raise ReplyError(ResponseCode.NO_PERMISSION, f"the topic[{request.topic}] pulling message is forbidden")
        if not 0 <= request.queue_id < topic.read_queue_nums:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR,
                f"queueId[{request.queue_id}] is illegal, topic:[{request.topic}] "
                f"topicConfig.readQueueNums:[{topic.read_queue_nums}] consumer:[/{remote_address}]",
            )

    def codes(self, request: PullMessage, group: SubscriptionGroupConfig) -> Codes:
        """The tags that the request, or else the group's heartbeat, subscribes to."""
        if self._config.filter_support_retry and request.topic.startswith(RETRY_PREFIX):
            return self._of_retry(request, self._plain_codes(request, group))
        return self._plain_codes(request, group)

    def _plain_codes(self, request: PullMessage, group: SubscriptionGroupConfig) -> Codes:
        if request.sys_flag & PullSysFlag.SUBSCRIPTION:
            return self._codes_of_request(request)
        subscription = self._subscription(request, group)
        if not is_tag_type(subscription.expression_type):
            return self._expression_of_group(request, subscription)
        return None if subscription.sub_string == ALL else frozenset(subscription.code_set)

    def _codes_of_request(self, request: PullMessage) -> Codes:
        """FilterAPI.build:66: an empty type is no tag type to it, so that nothing is read off the expression."""
        kind = request.expression_type
        if kind is None or kind == ExpressionType.TAG:
            try:
                return _tag_codes(request.subscription)
            except ValueError:
                raise self._unreadable(request) from None
        if not request.subscription:
            raise self._unreadable(request)
        if kind:
            if not self._config.enable_property_filter:
                raise self._unsupported(kind)
            return record_filter(filter_of(request.subscription, kind))
        return None if request.subscription == ALL else frozenset()

    def _expression_of_group(self, request: PullMessage, subscription: SubscriptionData) -> Codes:
        known = self._filters.get(request.topic, request.consumer_group)
        if known is None:
            raise ReplyError(
                ResponseCode.FILTER_DATA_NOT_EXIST,
                "The broker's consumer filter data is not exist!Your expression may be wrong!",
            )
        if known.client_version < request.sub_version:
            raise ReplyError(ResponseCode.FILTER_DATA_NOT_LATEST, "the consumer's consumer filter data not latest")
        if not self._config.enable_property_filter:
            raise self._unsupported(subscription.expression_type)
        return record_filter(filter_of(known.expression, known.expression_type), self._filters.may_match(known))

    def _of_retry(self, request: PullMessage, codes: Codes) -> Codes:
        """Messages that are tried again pass by the filter of the topic they came from, while the group has one."""
        group = request.topic.removeprefix(RETRY_PREFIX)

        def matches(view: bytes | memoryview) -> bool:
            topic = property_value(peek_properties(view), _RETRY_TOPIC) or ""
            known = self._filters.get(topic, group)
            found = None if known is None else filter_of(known.expression, known.expression_type)
            return found is None or matcher_of(found).matches(view)

        if isinstance(codes, RecordFilter):
            return RecordFilter(matches, may_match=codes.may_match)
        return RecordFilter(matches, codes)

    def _subscription(self, request: PullMessage, group: SubscriptionGroupConfig) -> SubscriptionData:
        """What the group's last heartbeat said about the topic."""
        members = self._consumers.get(request.consumer_group)
        if members is None:
            log.warning("group %s pulls, but nobody of it has sent a heartbeat", request.consumer_group)
            raise ReplyError(ResponseCode.SUBSCRIPTION_NOT_EXIST, f"the consumer's group info not exist{SEE_FAQ}")
        if not group.consume_broadcast_enable and members.message_model == MessageModel.BROADCASTING:
            raise ReplyError(
                ResponseCode.NO_PERMISSION,
                f"the consumer group[{request.consumer_group}] can not consume by broadcast way",
            )
        subscription = members.subscriptions.get(request.topic)
        if subscription is None:
            log.warning("group %s does not subscribe to %s, yet pulls it", request.consumer_group, request.topic)
            raise ReplyError(ResponseCode.SUBSCRIPTION_NOT_EXIST, f"the consumer's subscription not exist{SEE_FAQ}")
        if subscription.sub_version < request.sub_version:
            raise ReplyError(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest")
        return subscription

    def _unreadable(self, request: PullMessage) -> ReplyError:
        log.warning("group %s pulls with the filter %r", request.consumer_group, request.subscription)
        return ReplyError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed")

    def _unsupported(self, expression_type: str | None) -> ReplyError:
        return ReplyError(
            ResponseCode.SYSTEM_ERROR,
            f"The broker does not support consumer to filter message by {expression_type}",
        )


def record_filter(wanted: Filter | None, may_match: MayMatch | None = None) -> RecordFilter | None:
    """What asks a filter about the properties of records; None, for all of them, without one."""
    return None if wanted is None else RecordFilter(matcher_of(wanted).matches, None, may_match)
