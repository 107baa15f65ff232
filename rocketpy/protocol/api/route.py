"""Brokers at the name server: registering, and the routes that clients ask for."""

from __future__ import annotations

from rocketpy.protocol.api.topic import DataVersion, TopicConfigSerializeWrapper
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, reply, request, wire


@body
class MessageQueue(Body):
    """One queue of a topic at one broker (MessageQueue.java:21)."""

    topic: str = ""
    broker_name: str = ""
    queue_id: int = 0

    def java_text(self) -> str:
        """What MessageQueue.toString:92 gives."""
        return f"MessageQueue [topic={self.topic}, brokerName={self.broker_name}, queueId={self.queue_id}]"


@body
class QueueData(Body):
    """How many queues of a topic a broker has (QueueData.java:23): see Perm and TopicSysFlag."""

    broker_name: str = ""
    read_queue_nums: int = 0
    write_queue_nums: int = 0
    perm: int = 0
    topic_sys_flag: int = 0


@body
class BrokerData(Body):
    """A broker's name and its addresses by broker id, 0 being the master (BrokerData.java:28)."""

    cluster: str | None = None
    broker_name: str = ""
    broker_addrs: dict[int, str] = member(factory=dict)


@body
class TopicRouteData(Body):
    """Where a topic's queues are (TopicRouteData.java:28)."""

    order_topic_conf: str | None = None
    queue_datas: list[QueueData] = member(factory=list)
    broker_datas: list[BrokerData] = member(factory=list)
    filter_server_table: dict[str, list[str]] = member(factory=dict)


@body
class ClusterInfo(Body):
    """Brokers by name, and their names by cluster (ClusterInfo.java:27)."""

    broker_addr_table: dict[str, BrokerData] = member(factory=dict)
    cluster_addr_table: dict[str, list[str]] = member(factory=dict)


@body
class RegisterBrokerBody(Body):
    """All topics of a broker (RegisterBrokerBody.java:41). Sent as JSON, or compressed: see `protocol.registration`."""

    topic_config_serialize_wrapper: TopicConfigSerializeWrapper = member(factory=TopicConfigSerializeWrapper)
    filter_server_list: list[str] = member(factory=list)


@reply
class RegisterBrokerReply(Header):
    """For a slave: the master, and where to replicate from (RegisterBrokerResponseHeader.java:24).

    The body is a KVTable of the ordered topics. `advertised_addr`, which Java has not, says that it was understood.
    """

    ha_server_addr: str | None = None
    master_addr: str | None = None
    advertised_addr: str | None = None


@request(RequestCode.REGISTER_BROKER, reply=RegisterBrokerReply, body=RegisterBrokerBody)
class RegisterBroker(Header):
    """A broker's address and topics, renewed each 30 s (RegisterBrokerRequestHeader.java:27).

    `body_crc32` is that of the body with its top bit cleared; 0 means not to check it. `advertised_addr`, which Java
    has not, is for clients who come from outside.
    """

    broker_name: str = wire(missing="")
    broker_addr: str = wire(missing="")
    cluster_name: str = wire(missing="")
    ha_server_addr: str = wire(missing="")
    broker_id: Long
    compressed: bool = False
    body_crc32: Int | None = wire(default=0)
    advertised_addr: str | None = None


@request(RequestCode.UNREGISTER_BROKER)
class UnregisterBroker(Header):
    """A broker goes away (UnRegisterBrokerRequestHeader.java:27)."""

    broker_name: str = wire(missing="")
    broker_addr: str = wire(missing="")
    cluster_name: str = wire(missing="")
    broker_id: Long


@reply
class QueryDataVersionReply(Header):
    """Whether the broker's topics differ from what is known of them (QueryDataVersionResponseHeader.java:24)."""

    changed: bool


@request(RequestCode.QUERY_DATA_VERSION, reply=QueryDataVersionReply, body=DataVersion, reply_body=DataVersion)
class QueryDataVersion(Header):
    """Asked by a broker before it registers: is the body's version news? (QueryDataVersionRequestHeader.java:24)."""

    broker_name: str
    broker_addr: str = wire(missing="")
    cluster_name: str
    broker_id: Long


@request(RequestCode.GET_ROUTEINFO_BY_TOPIC, reply_body=TopicRouteData)
class GetRouteInfo(Header):
    """Where a topic's queues are (GetRouteInfoRequestHeader.java:28)."""

    topic: str = wire(missing="null")
    accept_standard_json_only: bool | None = None


@request(RequestCode.GET_BROKER_CLUSTER_INFO, reply_body=ClusterInfo)
class GetBrokerClusterInfo(Header):
    """All brokers and clusters (DefaultRequestProcessor.getBrokerClusterInfo:404)."""


@reply
class WipeWritePermOfBrokerReply(Header):
    """How many topics the broker has (WipeWritePermOfBrokerResponseHeader.java:23)."""

    wipe_topic_count: Int


@request(RequestCode.WIPE_WRITE_PERM_OF_BROKER, reply=WipeWritePermOfBrokerReply)
class WipeWritePermOfBroker(Header):
    """Route no more sends to a broker (WipeWritePermOfBrokerRequestHeader.java:23)."""

    broker_name: str = wire(missing="")


@reply
class AddWritePermOfBrokerReply(Header):
    """How many topics the broker has (AddWritePermOfBrokerResponseHeader.java:23)."""

    add_topic_count: Int


@request(RequestCode.ADD_WRITE_PERM_OF_BROKER, reply=AddWritePermOfBrokerReply)
class AddWritePermOfBroker(Header):
    """Route sends to a broker again (AddWritePermOfBrokerRequestHeader.java:23)."""

    broker_name: str = wire(missing="")
