"""Subscription groups at the broker."""

from __future__ import annotations

from rocketpy.protocol.api.topic import DataVersion
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, request


@body
class SubscriptionGroupConfig(Body):
    """How a group may consume (SubscriptionGroupConfig.java:22)."""

    group_name: str | None = None
    consume_enable: bool = True
    consume_from_min_enable: bool = True
    consume_broadcast_enable: bool = True
    retry_queue_nums: int = 1
    retry_max_times: int = 16
    broker_id: int = 0
    which_broker_when_consume_slowly: int = 1
    notify_consumer_ids_changed_enable: bool = True


@body
class SubscriptionGroupWrapper(Body):
    """All groups of a broker (SubscriptionGroupWrapper.java:26); also what subscriptionGroup.json holds."""

    subscription_group_table: dict[str, SubscriptionGroupConfig] = member(factory=dict)
    data_version: DataVersion = member(factory=DataVersion)


@request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=SubscriptionGroupConfig)
class UpdateAndCreateSubscriptionGroup(Header):
    """Create a group or change it (AdminBrokerProcessor.updateAndCreateSubscriptionGroup:689)."""


@request(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, reply_body=SubscriptionGroupWrapper)
class GetAllSubscriptionGroupConfig(Header):
    """All groups of a broker; slaves ask for it too (AdminBrokerProcessor.getAllSubscriptionGroup:708)."""


@request(RequestCode.DELETE_SUBSCRIPTIONGROUP)
class DeleteSubscriptionGroup(Header):
    """Forget a group, and its offsets if `remove_offset` (DeleteSubscriptionGroupRequestHeader.java:24)."""

    group_name: str
    remove_offset: bool = False


@body
class GroupList(Body):
    """Names of groups (GroupList.java:22)."""

    group_list: list[str] = member(factory=list)


@request(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, reply_body=GroupList)
class QueryTopicConsumeByWho(Header):
    """The groups that consume a topic or have an offset in it (QueryTopicConsumeByWhoRequestHeader.java:27)."""

    topic: str
