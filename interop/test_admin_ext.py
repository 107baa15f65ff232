"""DefaultMQAdminExt, which dashboards and exporters are built on, gets the same of our cluster as of Java's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from interop.cluster import started_cluster
from interop.driver import Driver, DriverError
from interop.expect import becomes_same_text
from interop.messages import Message, Queue
from interop.stage import Stage
from interop.test_mqadmin import TOPIC, Printer
from interop.troupe import Troupe
from rocketpy.protocol.fastjson import dumps, loads

BROKER, NAMESRV, CLUSTER, GROUP = "{broker}", "{namesrv}", "DefaultCluster", "printed-group"
LIVE_TOPIC, LIVE_GROUP, CLIENT = "{topic}", "{group}", "{client}"
_QUEUE = {"topic": TOPIC, "brokerName": "broker-a", "queueId": 0}
_CONFIG = {"topicName": "Made", "readQueueNums": 3, "writeQueueNums": 2, "perm": 6}
_GROUP_CONFIG = {"groupName": "made-group", "retryMaxTimes": 3, "consumeEnable": False}
_KEY = f"{1:032X}"


class Call(NamedTuple):
    """A method, and its arguments with the simple names of their Java classes."""

    method: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.method}({', '.join(str(value) for _, value in self.arguments)})"


def call(method: str, **arguments: Any) -> Call:
    """`arguments` by name; the part of a name after the last underscore pair is its Java class."""
    return Call(method, tuple((name.rpartition("__")[2], value) for name, value in arguments.items()))


def texts(*values: str) -> dict[str, str]:
    """Arguments that are Strings."""
    return {f"a{at}__String": value for at, value in enumerate(values)}


CALLS = (
    call("createTopic", **texts("TBW102", "Created"), n__int=2),
    call("createTopic", **texts("Unknown", "Created2"), n__int=2),
    call("searchOffset", q__MessageQueue=_QUEUE, t__long=0),
    call("maxOffset", q__MessageQueue=_QUEUE),
    call("minOffset", q__MessageQueue=_QUEUE),
    call("minOffset", q__MessageQueue=_QUEUE | {"brokerName": "broker-x"}),
    call("earliestMsgStoreTime", q__MessageQueue=_QUEUE),
    call("viewMessage", **texts("{message}")),
    call("viewMessage", **texts("0000")),
    call("viewMessage", **texts(TOPIC, _KEY)),
    call("queryMessage", **texts(TOPIC, "key1"), n__int=8, b__long=0, e__long=1 << 62),
    call("queryMessage", **texts(TOPIC, "nothing"), n__int=8, b__long=0, e__long=1 << 62),
    call("queryMessageByUniqKey", **texts(TOPIC, _KEY), n__int=8, b__long=0, e__long=1 << 62),
    call("updateBrokerConfig", **texts(BROKER), p__Properties={"fileReservedTime": "71"}),
    call("getBrokerConfig", **texts(BROKER)),
    call("createAndUpdateTopicConfig", **texts(BROKER), c__TopicConfig=_CONFIG),
    call("createAndUpdateTopicConfig", **texts(BROKER), c__TopicConfig=_CONFIG | {"topicName": "TBW102"}),
    call("createAndUpdatePlainAccessConfig", **texts(BROKER), c__PlainAccessConfig={"accessKey": "a"}),
    call("deletePlainAccessConfig", **texts(BROKER, "a")),
    call("updateGlobalWhiteAddrConfig", **texts(BROKER, "*")),
    call("updateGlobalWhiteAddrConfig", **texts(BROKER, "*", "file")),
    call("createAndUpdateSubscriptionGroupConfig", **texts(BROKER), c__SubscriptionGroupConfig=_GROUP_CONFIG),
    call("examineSubscriptionGroupConfig", **texts(BROKER, "made-group")),
    call("examineSubscriptionGroupConfig", **texts(BROKER, "unknown")),
    call("examineTopicConfig", **texts(BROKER, "Made")),
    call("examineTopicConfig", **texts(BROKER, "Unknown")),
    call("examineTopicStats", **texts(TOPIC)),
    call("examineTopicStats", **texts("Unknown")),
    call("fetchAllTopicList"),
    call("fetchTopicsByCLuster", **texts(CLUSTER)),
    call("fetchBrokerRuntimeStats", **texts(BROKER)),
    call("examineConsumeStats", **texts(GROUP)),
    call("examineConsumeStats", **texts(GROUP, TOPIC)),
    call("examineConsumeStats", **texts("unknown")),
    call("examineBrokerClusterInfo"),
    call("examineTopicRouteInfo", **texts(TOPIC)),
    call("examineTopicRouteInfo", **texts("Unknown")),
    call("examineConsumerConnectionInfo", **texts(GROUP)),
    call("examineConsumerConnectionInfo", **texts(GROUP, BROKER)),
    call("examineProducerConnectionInfo", **texts("nobody", TOPIC)),
    call("wipeWritePermOfBroker", **texts(NAMESRV, "broker-a")),
    call("addWritePermOfBroker", **texts(NAMESRV, "broker-a")),
    call("wipeWritePermOfBroker", **texts(NAMESRV, "broker-x")),
    call("getKVConfig", **texts("Space", "key")),
    call("createAndUpdateKvConfig", **texts("Space", "key", "value")),
    call("getKVConfig", **texts("Space", "key")),
    call("getKVListByNamespace", **texts("Space")),
    call("getKVListByNamespace", **texts("Nowhere")),
    call("deleteKvConfig", **texts("Space", "key")),
    call("createOrUpdateOrderConf", **texts("Made", "broker-a:4"), b__boolean=False),
    call("createOrUpdateOrderConf", **texts("Made", "broker-b:4"), b__boolean=True),
    call("getKVListByNamespace", **texts("ORDER_TOPIC_CONFIG")),
    call("resetOffsetByTimestampOld", **texts(GROUP, TOPIC), t__long=0, f__boolean=True),
    call("resetOffsetByTimestamp", **texts(TOPIC, GROUP), t__long=0, f__boolean=True),
    call("resetOffsetByTimestamp", **texts(TOPIC, GROUP), t__long=0, f__boolean=True, c__boolean=True),
    call("resetOffsetNew", **texts(GROUP, TOPIC), t__long=0),
    call("getConsumeStatus", **texts(TOPIC, GROUP, "")),
    call("queryTopicConsumeByWho", **texts(TOPIC)),
    call("queryTopicConsumeByWho", **texts("Unknown")),
    call("queryConsumeTimeSpan", **texts(TOPIC, GROUP)),
    call("queryConsumeTimeSpan", **texts("Unknown", GROUP)),
    call("cleanExpiredConsumerQueue", **texts(CLUSTER)),
    call("cleanExpiredConsumerQueueByAddr", **texts(BROKER)),
    call("deleteExpiredCommitLog", **texts(CLUSTER)),
    call("deleteExpiredCommitLogByAddr", **texts(BROKER)),
    call("cleanUnusedTopic", **texts(CLUSTER)),
    call("cleanUnusedTopicByAddr", **texts(BROKER)),
    call("getConsumerRunningInfo", **texts(GROUP, "nobody"), j__boolean=False),
    call("consumeMessageDirectly", **texts(GROUP, "nobody", "{message}")),
    call("cloneGroupOffset", **texts(GROUP, "cloned-group", TOPIC), o__boolean=True),
    call("cloneGroupOffset", **texts("unknown", "cloned-group", TOPIC), o__boolean=True),
    call("examineConsumeStats", **texts("cloned-group")),
    call("viewBrokerStatsData", **texts(BROKER, "TOPIC_PUT_NUMS", TOPIC)),
    call("viewBrokerStatsData", **texts(BROKER, "TOPIC_PUT_NUMS", "Unknown")),
    call("getClusterList", **texts(TOPIC)),
    call("getTopicClusterList", **texts(TOPIC)),
    call("fetchConsumeStatsInBroker", **texts(BROKER), o__boolean=False, t__long=5000),
    call("getAllSubscriptionGroup", **texts(BROKER), t__long=5000),
    call("getUserSubscriptionGroup", **texts(BROKER), t__long=5000),
    call("getAllTopicConfig", **texts(BROKER), t__long=5000),
    call("getUserTopicConfig", **texts(BROKER), s__boolean=True, t__long=5000),
    call("getUserTopicConfig", **texts(BROKER), s__boolean=False, t__long=5000),
    call("updateConsumeOffset", **texts(BROKER, GROUP), q__MessageQueue=_QUEUE, o__long=1),
    call("queryConsumeQueue", **texts(BROKER, TOPIC), i__int=0, x__long=0, c__int=4, g__String=GROUP),
    call("queryConsumeQueue", **texts(BROKER, "Unknown"), i__int=0, x__long=0, c__int=4, g__String=GROUP),
    call("getNameServerConfig", l__List=[NAMESRV]),
    call("updateNameServerConfig", p__Properties={"serverWorkerThreads": "9"}, l__List=[NAMESRV]),
    call("updateNameServerConfig", p__Properties={"kvConfigPath": "/x"}, l__List=[NAMESRV]),
    call("resumeCheckHalfMessage", **texts("{message}")),
    call("resumeCheckHalfMessage", **texts(TOPIC, _KEY)),
    call("deleteTopicInBroker", s__Set=[BROKER], **texts("Made")),
    call("deleteTopicInNameServer", s__Set=[NAMESRV], **texts("Made")),
    call("deleteSubscriptionGroup", **texts(BROKER, "made-group")),
    call("deleteSubscriptionGroup", **texts(BROKER, "cloned-group"), r__boolean=True),
    call("getAllSubscriptionGroup", **texts(BROKER), t__long=5000),
)
"""Made one after the other; some depend on what those before have done."""
LIVE = (
    call("examineConsumerConnectionInfo", **texts(LIVE_GROUP)),
    call("examineConsumeStats", **texts(LIVE_GROUP)),
    call("queryTopicConsumeByWho", **texts(LIVE_TOPIC)),
    call("queryConsumeTimeSpan", **texts(LIVE_TOPIC, LIVE_GROUP)),
    call("getConsumerRunningInfo", **texts(LIVE_GROUP, CLIENT), j__boolean=False),
    call("getConsumeStatus", **texts(LIVE_TOPIC, LIVE_GROUP, CLIENT)),
    call("consumeMessageDirectly", **texts(LIVE_GROUP, CLIENT, "{sent}")),
    call("consumeMessageDirectly", **texts(LIVE_GROUP, CLIENT, LIVE_TOPIC, "{sent}")),
    call("examineProducerConnectionInfo", **texts("{producer}", LIVE_TOPIC)),
    call("getAllProducerInfo", **texts(BROKER)),
    call("resetOffsetByTimestamp", **texts(LIVE_TOPIC, LIVE_GROUP), t__long=0, f__boolean=True),
    call("cloneGroupOffset", **texts(LIVE_GROUP, "other", LIVE_TOPIC), o__boolean=False),
)
"""Made while a producer and a consumer are at work."""
UNORDERED = {
    "fetchAllTopicList",
    "fetchTopicsByCLuster",
    "fetchConsumeStatsInBroker",
    "getAllTopicConfig",
    "getUserTopicConfig",
    "getAllProducerInfo",
}
"""What hash tables hold, among it names that are new in each run."""
FIGURES = {"fetchBrokerRuntimeStats", "viewBrokerStatsData", "getConsumerRunningInfo", "getAllProducerInfo"}
MASKS = (
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"[\d.]+@[\w#-]+", "CLIENT"),
    (r"(?:Topic|group|producer)_\d+_\d+_\d+", "NAME"),
    (r"7F000001[0-9A-F]{24}", "ID"),
    (r"(?<![\w.])1[67]\d{11}\b", "MS"),
    (r'("(?:storeHost|bornHost)":)\{[^}]*\}', r"\1HOST"),
    (r'("(?:storePath\w*|rocketmqHome|brokerConfigPath|kvConfigPath|configStorePath|listenPort|haListenPort)":)"[^"]*"',
     r"\1OWN"),
    (r'"(?:configBlackList)":"[^"]*",?', ""),  # came with 4.9.8, of which no server was published
    (r'("(?:counter|version|spentTimeMills)":)\d+', r"\1N"),
    (r'("(?:storeHostBytes|bornHostBytes)":\{"array":)"[^"]*"', r"\1HOST"),
    (r'("(?:delayTime|consumeTps)":)[\d.]+', r"\1N"),
    (r"\d{4}-\d\d-\d\d#\d\d:\d\d:\d\d:\d{3}", "TIME"),
    (r"commitLogDiskRatio_/[^\"]*", "commitLogDiskRatio_PATH"),
    (r"Can not update config path|Can not update config in black list\.", "BLACK LIST"),  # of 4.9.7 and of 4.9.8
    (r"Cannot invoke [^\n]*|ACL is off at this broker[^\n]*", "NO ACL"),  # new JVMs tell what was null
    (r"java\.lang\.NullPointerException[^\n]*|No Any Consumer online in the consumer group: \S+", "NOBODY"),
    (r'("putMessageDistributeTime":)"[^"]*"', r"\1TIMES"),  # null in the first minute
    (r'("earliestMessageTimeStamp":)"[^"]*"', r"\1MS"),  # -1 until something is asked for
    (r"(org\.apache\.rocketmq\.[\w.$]+@)[0-9a-f]+", r"\1HASH"),
)  # fmt: skip


class Asked:
    """One cluster, a DefaultMQAdminExt for it, and a producer and a consumer that are at work there."""

    def __init__(self, printer: Printer, admin: Driver, ends: ExitStack) -> None:
        self._cluster = printer.cluster
        self._admin = admin
        stage = ends.enter_context(Stage(printer.cluster, admin))
        topic = stage.topic()
        group = stage.group()
        producer, consumer = stage.producer(), stage.consumer(topic, group=group)
        (sent,) = producer.send(Message(topic, b"text"))
        consumer.received(1)
        stage.wait_committed(group, Queue(topic, "broker-a", 0), 1)
        rows = stage.mqadmin("consumerConnection", "-g", group).splitlines()
        self._words = {
            "broker": printer.cluster.broker,
            "namesrv": printer.cluster.namesrv,
            "message": printer.message,
            "topic": topic,
            "group": group,
            "producer": producer.group,
            "client": rows[1].split()[0],
            "sent": sent.offset_msg_id,
        }

    def answer(self, wanted: Call) -> str:
        """What the method returns or throws, masked."""
        arguments = [self._filled(value) for _, value in wanted.arguments]
        types = [kind for kind, _ in wanted.arguments]
        try:
            text = self._admin.ask(
                "admin_ext", namesrv=self._cluster.namesrv, method=wanted.method, types=types, arguments=arguments
            )
            text = dumps(loads(text), standard=True).decode().replace("\\/", "/")
        except DriverError as error:
            text = str(error)
        for pattern, mask in MASKS:
            text = re.sub(pattern, mask, text)
        if wanted.method in FIGURES:
            text = re.sub(r"-?\d[\d., /]*(?:E-?\d+)?", "N", text)
        lines = re.findall(r"[^,{}\[\]]+|[,{}\[\]]", text)
        return "\n".join(sorted(lines) if wanted.method in UNORDERED else lines)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.format(**self._words)
        return [self._filled(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, troupe: Troupe) -> Iterator[tuple[Asked, Asked]]:
    """Java's cluster and ours, in the same state."""
    with ExitStack() as ends:
        admin = troupe.client("java")
        javas, ours = (
            Printer(ends.enter_context(started_cluster(direction, tmp_path_factory.mktemp(direction))), troupe)
            for direction in ("java", "ours")
        )
        yield Asked(javas, admin, ends), Asked(ours, admin, ends)


@pytest.mark.parametrize("wanted", [*CALLS, *LIVE], ids=str)
def test_same_is_answered(both: tuple[Asked, Asked], wanted: Call) -> None:
    javas, ours = both
    becomes_same_text(str(wanted), lambda: ours.answer(wanted), lambda: javas.answer(wanted))
