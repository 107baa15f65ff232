"""Topics: their configuration at the broker, and the lists that the name server keeps."""

from __future__ import annotations

from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.flags import Perm, TopicFilterType
from rocketpy.protocol.header import Header, Int, reply, request, wire


@body
class DataVersion(Body):
    """Tells whether a table has changed: ms of the last change and how many there were (DataVersion.java:22)."""

    timestamp: int = 0
    counter: int = 0


@body
class TopicConfig(Body):
    """A topic as its broker sees it (TopicConfig.java:21). `perm` is of Perm, `topic_sys_flag` of TopicSysFlag."""

    topic_name: str | None = None
    read_queue_nums: int = 16
    write_queue_nums: int = 16
    perm: int = Perm.READ | Perm.WRITE
    topic_filter_type: str = TopicFilterType.SINGLE_TAG
    topic_sys_flag: int = 0
    order: bool = False


@body
class TopicConfigSerializeWrapper(Body):
    """All topics of a broker (TopicConfigSerializeWrapper.java:26); also what topics.json holds."""

    topic_config_table: dict[str, TopicConfig] = member(factory=dict)
    data_version: DataVersion = member(factory=DataVersion)


@body
class TopicList(Body):
    """Names of topics (TopicList.java:23)."""

    topic_list: list[str] = member(factory=list)
    broker_addr: str | None = None


@request(RequestCode.UPDATE_AND_CREATE_TOPIC)
class UpdateAndCreateTopic(Header):
    """Create a topic at a broker or change it (CreateTopicRequestHeader.java:28)."""

    topic: str = wire(missing="")
    default_topic: str
    read_queue_nums: Int
    write_queue_nums: Int
    perm: Int
    topic_filter_type: str = wire(missing="null")
    topic_sys_flag: Int | None = None
    order: bool = False


@request(RequestCode.DELETE_TOPIC_IN_BROKER)
class DeleteTopicInBroker(Header):
    """Forget a topic and its queues (DeleteTopicRequestHeader.java:27)."""

    topic: str = wire(missing="")


@request(RequestCode.DELETE_TOPIC_IN_NAMESRV)
class DeleteTopicInNamesrv(Header):
    """Forget a topic's route, of one cluster or of all (DeleteTopicFromNamesrvRequestHeader.java:23)."""

    topic: str = wire(missing="")
    cluster_name: str | None = None


@reply
class GetAllTopicConfigReply(Header):
    """Nothing (GetAllTopicConfigResponseHeader.java:26)."""


@request(RequestCode.GET_ALL_TOPIC_CONFIG, reply=GetAllTopicConfigReply, reply_body=TopicConfigSerializeWrapper)
class GetAllTopicConfig(Header):
    """All topics of a broker; slaves ask for it too (AdminBrokerProcessor.getAllTopicConfig:471)."""


@request(RequestCode.GET_TOPIC_CONFIG)
class GetTopicConfig(Header):
    """One topic of a broker; from 5.x (GetTopicConfigRequestHeader.java there). The answer is a TopicConfig."""

    topic: str


@request(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, reply_body=TopicList)
class GetAllTopicListFromNameserver(Header):
    """All topics that have a route (DefaultRequestProcessor.getAllTopicListFromNameserver:456)."""


@request(RequestCode.GET_TOPICS_BY_CLUSTER, reply_body=TopicList)
class GetTopicsByCluster(Header):
    """The topics of a cluster (GetTopicsByClusterRequestHeader.java:24)."""

    cluster: str = wire(missing="")


@request(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS, reply_body=TopicList)
class GetSystemTopicListFromNamesrv(Header):
    """Topics named after clusters and brokers (DefaultRequestProcessor.getSystemTopicListFromNs:521).

    The answer also has the address of one broker.
    """


@request(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER, reply_body=TopicList)
class GetSystemTopicListFromBroker(Header):
    """The topics that a broker keeps for itself (AdminBrokerProcessor.getSystemTopicListFromBroker:1149)."""


@request(RequestCode.GET_UNIT_TOPIC_LIST, reply_body=TopicList)
class GetUnitTopicList(Header):
    """Topics with TopicSysFlag.UNIT (DefaultRequestProcessor.getUnitTopicList:534)."""


@request(RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST, reply_body=TopicList)
class GetHasUnitSubTopicList(Header):
    """Topics with TopicSysFlag.UNIT_SUB (DefaultRequestProcessor.getHasUnitSubTopicList:547)."""


@request(RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, reply_body=TopicList)
class GetHasUnitSubUnunitTopicList(Header):
    """Topics with UNIT_SUB and without UNIT (DefaultRequestProcessor.getHasUnitSubUnUnitTopicList:560)."""


@request(RequestCode.CLEAN_UNUSED_TOPIC)
class CleanUnusedTopic(Header):
    """Delete the queues of topics that have no configuration any more (AdminBrokerProcessor.cleanUnusedTopic:1182)."""
