"""Clients at the broker: heartbeats, who is connected, and what the broker asks of them."""

from __future__ import annotations

from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.flags import ExpressionType
from rocketpy.protocol.header import Header, reply, request, wire


@body
class SubscriptionData(Body):
    """What a group wants of a topic (SubscriptionData.java:29). `sub_version` is in ms, by the client's clock."""

    class_filter_mode: bool = False
    topic: str = ""
    sub_string: str | None = None
    tags_set: list[str] = member(factory=list)
    code_set: list[int] = member(factory=list)
    sub_version: int = 0
    expression_type: str | None = ExpressionType.TAG


@body
class ProducerData(Body):
    """A group that a client produces for (ProducerData.java:23)."""

    group_name: str = ""


@body
class ConsumerData(Body):
    """A group that a client consumes for (ConsumerData.java:27): see ConsumeType, MessageModel, ConsumeFromWhere."""

    group_name: str = ""
    consume_type: str | None = None
    message_model: str | None = None
    consume_from_where: str | None = None
    subscription_data_set: list[SubscriptionData] = member(factory=list)
    unit_mode: bool = False


@body
class HeartbeatData(Body):
    """All that a client does (HeartbeatData.java:27)."""

    client_id: str = member("clientID", default="")
    producer_data_set: list[ProducerData] = member(factory=list)
    consumer_data_set: list[ConsumerData] = member(factory=list)


@request(RequestCode.HEART_BEAT, body=HeartbeatData)
class Heartbeat(Header):
    """A client is alive; sent each 30 s (ClientManageProcessor.heartBeat:74).

    Clients read the broker's version off the answer.
    """


@reply
class UnregisterClientReply(Header):
    """Nothing (UnregisterClientResponseHeader.java:23)."""


@request(RequestCode.UNREGISTER_CLIENT, reply=UnregisterClientReply)
class UnregisterClient(Header):
    """A client leaves a group (UnregisterClientRequestHeader.java:25)."""

    client_id: str = wire("clientID")
    producer_group: str | None = None
    consumer_group: str | None = None


@body
class CheckClientRequestBody(Body):
    """A subscription to be checked (CheckClientRequestBody.java:23)."""

    client_id: str | None = None
    group: str | None = None
    subscription_data: SubscriptionData | None = None


@request(RequestCode.CHECK_CLIENT_CONFIG, body=CheckClientRequestBody)
class CheckClientConfig(Header):
    """Does the broker understand this filter? (ClientManageProcessor.checkClientConfig:167)."""


@reply
class GetConsumerListByGroupReply(Header):
    """Nothing (GetConsumerListByGroupResponseHeader.java:23)."""


@body
class GetConsumerListByGroupResponseBody(Body):
    """The ids of a group's clients (GetConsumerListByGroupResponseBody.java:23)."""

    consumer_id_list: list[str] | None = None


@request(
    RequestCode.GET_CONSUMER_LIST_BY_GROUP,
    reply=GetConsumerListByGroupReply,
    reply_body=GetConsumerListByGroupResponseBody,
)
class GetConsumerListByGroup(Header):
    """Who consumes for a group; asked before queues are shared out (GetConsumerListByGroupRequestHeader.java:24)."""

    consumer_group: str


@request(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED)
class NotifyConsumerIdsChanged(Header):
    """Pushed by the broker: share the queues out anew (NotifyConsumerIdsChangedRequestHeader.java:24)."""

    consumer_group: str


@body
class LockBatchRequestBody(Body):
    """Queues that a client wants for itself (LockBatchRequestBody.java:25)."""

    consumer_group: str | None = None
    client_id: str | None = None
    mq_set: list[MessageQueue] = member(factory=list)


@body
class LockBatchResponseBody(Body):
    """The queues that are locked now (LockBatchResponseBody.java:25)."""

    lock_ok_mq_set: list[MessageQueue] = member("lockOKMQSet", factory=list)


@request(RequestCode.LOCK_BATCH_MQ, body=LockBatchRequestBody, reply_body=LockBatchResponseBody)
class LockBatchMq(Header):
    """Lock queues for orderly consumption, for 60 s (AdminBrokerProcessor.lockBatchMQ:655)."""


@body
class UnlockBatchRequestBody(Body):
    """Queues that a client gives back (UnlockBatchRequestBody.java:25)."""

    consumer_group: str | None = None
    client_id: str | None = None
    mq_set: list[MessageQueue] = member(factory=list)


@request(RequestCode.UNLOCK_BATCH_MQ, body=UnlockBatchRequestBody)
class UnlockBatchMq(Header):
    """Unlock queues (AdminBrokerProcessor.unlockBatchMQ:674)."""
