"""What administrators ask about connected clients; some of it the broker hands on to the client."""

from __future__ import annotations

from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, request, wire


@body
class Connection(Body):
    """One client (Connection.java:22). `language` is a name of LanguageCode, `version` an ordinal of Version."""

    client_id: str | None = None
    client_addr: str | None = None
    language: str | None = None
    version: int = 0


@body
class ConsumerConnection(Body):
    """The clients of a group and what they subscribe to (ConsumerConnection.java:29)."""

    connection_set: list[Connection] = member(factory=list)
    subscription_table: dict[str, SubscriptionData] = member(factory=dict)
    consume_type: str | None = None
    message_model: str | None = None
    consume_from_where: str | None = None


@request(RequestCode.GET_CONSUMER_CONNECTION_LIST, reply_body=ConsumerConnection)
class GetConsumerConnectionList(Header):
    """Who consumes for a group (GetConsumerConnectionListRequestHeader.java:24)."""

    consumer_group: str


@body
class ProducerConnection(Body):
    """The clients of a group (ProducerConnection.java:23)."""

    connection_set: list[Connection] = member(factory=list)


@request(RequestCode.GET_PRODUCER_CONNECTION_LIST, reply_body=ProducerConnection)
class GetProducerConnectionList(Header):
    """Who produces for a group (GetProducerConnectionListRequestHeader.java:24)."""

    producer_group: str


@body
class ProducerInfo(Body):
    """One producer (ProducerInfo.java:24). `last_update_timestamp` is in ms."""

    client_id: str | None = None
    remote_ip: str | None = member("remoteIP", default=None)
    language: str | None = None
    version: int = 0
    last_update_timestamp: int = 0


@body
class ProducerTableInfo(Body):
    """Producers by group (ProducerTableInfo.java:25)."""

    data: dict[str, list[ProducerInfo]] | None = None


@request(RequestCode.GET_ALL_PRODUCER_INFO, reply_body=ProducerTableInfo)
class GetAllProducerInfo(Header):
    """All producers of a broker (GetAllProducerInfoRequestHeader.java:23)."""


@body
class ProcessQueueInfo(Body):
    """What a consumer holds of a queue (ProcessQueueInfo.java:22). Timestamps are in ms."""

    commit_offset: int = 0
    cached_msg_min_offset: int = 0
    cached_msg_max_offset: int = 0
    cached_msg_count: int = 0
    cached_msg_size_in_mib: int = member("cachedMsgSizeInMiB", default=0)
    transaction_msg_min_offset: int = 0
    transaction_msg_max_offset: int = 0
    transaction_msg_count: int = 0
    locked: bool = False
    try_unlock_times: int = 0
    last_lock_timestamp: int = 0
    droped: bool = False
    last_pull_timestamp: int = 0
    last_consume_timestamp: int = 0


@body
class ConsumeStatus(Body):
    """How fast a consumer gets through a topic (ConsumeStatus.java:20). Times in ms, rates a second."""

    pull_rt: float = member("pullRT", default=0.0)
    pull_tps: float = member("pullTPS", default=0.0)
    consume_rt: float = member("consumeRT", default=0.0)
    consume_ok_tps: float = member("consumeOKTPS", default=0.0)
    consume_failed_tps: float = member("consumeFailedTPS", default=0.0)
    consume_failed_msgs: int = 0


@body
class ConsumerRunningInfo(Body):
    """What a consumer tells about itself (ConsumerRunningInfo.java:30)."""

    properties: dict[str, str] = member(factory=dict)
    subscription_set: list[SubscriptionData] = member(factory=list)
    mq_table: dict[MessageQueue, ProcessQueueInfo] = member(factory=dict)
    status_table: dict[str, ConsumeStatus] = member(factory=dict)
    jstack: str | None = None


@request(RequestCode.GET_CONSUMER_RUNNING_INFO, reply_body=ConsumerRunningInfo)
class GetConsumerRunningInfo(Header):
    """Handed on to the client: how is it doing? (GetConsumerRunningInfoRequestHeader.java:25)."""

    consumer_group: str
    client_id: str = wire(missing="null")
    jstack_enable: bool = False


@body
class ConsumeMessageDirectlyResult(Body):
    """What came of it (ConsumeMessageDirectlyResult.java:22).

    `consume_result` is CR_SUCCESS, CR_LATER, CR_ROLLBACK, CR_COMMIT, CR_THROW_EXCEPTION or CR_RETURN_NULL.
    """

    order: bool = False
    auto_commit: bool = True
    consume_result: str | None = None
    remark: str | None = None
    spent_time_mills: int = 0


@request(RequestCode.CONSUME_MESSAGE_DIRECTLY, reply_body=ConsumeMessageDirectlyResult)
class ConsumeMessageDirectly(Header):
    """Handed on to the client with the message: consume it now (ConsumeMessageDirectlyResultRequestHeader.java:25)."""

    consumer_group: str
    client_id: str | None = None
    msg_id: str | None = None
    broker_name: str | None = None
