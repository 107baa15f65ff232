"""Files about clusters: exportMetadata and exportConfigs (tools/command/export)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rocketpy.admin.client import in_java_order
from rocketpy.admin.clusters import masters, slaves_by_master
from rocketpy.admin.errors import null_pointer
from rocketpy.admin.files import write_file
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.clock import now_ms
from rocketpy.config.properties import parse_properties
from rocketpy.protocol import fastjson
from rocketpy.protocol.api.broker import GetBrokerConfig
from rocketpy.protocol.api.group import (
    GetAllSubscriptionGroupConfig,
    SubscriptionGroupConfig,
    SubscriptionGroupWrapper,
)
from rocketpy.protocol.api.topic import (
    GetAllTopicConfig,
    GetSystemTopicListFromBroker,
    TopicConfig,
    TopicConfigSerializeWrapper,
    TopicList,
)
from rocketpy.protocol.java_hash import concurrent_hash_map_order
from rocketpy.protocol.topic_names import DLQ_PREFIX, RETRY_PREFIX, SYSTEM_GROUP_PREFIX

_FOLDER = "/tmp/rocketmq/export"  # fixed in Java, whatever TMPDIR is
_TIMEOUT_MS = 10_000
_SYSTEM_GROUPS = frozenset({
    "CID_ONS-HTTP-PROXY", "CID_ONSAPI_OWNER", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_PULL", "CLIENT_INNER_PRODUCER",
    "DEFAULT_CONSUMER", "DEFAULT_PRODUCER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "SELF_TEST_P_GROUP",
    "TOOLS_CONSUMER", "__MONITOR_CONSUMER",
})  # fmt: skip
_CONFIGS = (
    "brokerClusterName", "brokerId", "brokerName", "brokerRole", "fileReservedTime", "filterServerNums",
    "flushDiskType", "maxMessageSize", "messageDelayLevel", "msgTraceTopicName", "slaveReadEnable", "traceOn",
    "traceTopicEnable", "useTLS", "autoCreateTopicEnable", "autoCreateSubscriptionGroup",
)  # fmt: skip


@Command(
    "exportMetadata",
    "export metadata",
    "ExportMetadataCommand",
    Option("c", "clusterName", "choose a cluster to export"),
    Option("b", "brokerAddr", "choose a broker to export"),
    Option("f", "filePath", "export metadata.json path | default /tmp/rocketmq/export"),
    Option("t", "topic", "only export topic metadata", argument=False),
    Option("g", "subscriptionGroup", "only export subscriptionGroup metadata", argument=False),
    Option("s", "specialTopic", "need retryTopic and dlqTopic", argument=False),
)
def export_metadata(run: Invocation) -> None:
    """Topics and groups of users, of a broker or of a whole cluster (ExportMetadataCommand.java:82)."""
    if run.has("b"):
        address = run.text("b")
        if run.has("t"):
            path = write_json(run, "topic.json", user_topics(run, address, special=run.has("s")).to_value())
            run.print("export %s success", path)
        elif run.has("g"):
            path = write_json(run, "subscriptionGroup.json", user_groups(run, address).to_value())
            run.print("export %s success", path)
    elif run.has("c"):
        _export_cluster(run)
    else:
        run.usage()


def _export_cluster(run: Invocation) -> None:
    """What several masters have is counted together: the queues are summed up."""
    topics: dict[str, TopicConfig] = {}
    groups: dict[str, SubscriptionGroupConfig] = {}
    addresses = masters(run, run.text("c"))
    for number, address in enumerate(addresses, start=1):
        run.progress("brokers", number, len(addresses))
        found = user_topics(run, address, special=run.has("s")).topic_config_table
        for name, topic in found.items():
            if name in topics:
                topic.write_queue_nums += topics[name].write_queue_nums
                topic.read_queue_nums += topics[name].read_queue_nums
            topics[name] = topic
        for name, group in user_groups(run, address).subscription_group_table.items():
            if name in groups:
                group.retry_queue_nums += groups[name].retry_queue_nums
            groups[name] = group
    topic_part = {"topicConfigTable": {name: topic.to_value() for name, topic in in_java_order(topics).items()}}
    group_part = {"subscriptionGroupTable": {name: group.to_value() for name, group in in_java_order(groups).items()}}
    if run.has("t"):
        name, result = "topic.json", topic_part
    elif run.has("g"):
        name, result = "subscriptionGroup.json", group_part
    else:
        name, result = "metadata.json", topic_part | group_part
    path = write_json(run, name, in_java_order(result | {"exportTime": now_ms()}))
    run.print("export %s success%n", path)


def user_topics(run: Invocation, address: str, *, special: bool) -> TopicConfigSerializeWrapper:
    """A broker's topics but for its own; retry and dead letter topics only if `special` (getUserTopicConfig:1066)."""
    found = run.admin.fetch(address, GetAllTopicConfig(), TopicConfigSerializeWrapper, _TIMEOUT_MS)
    own = set(run.admin.fetch(address, GetSystemTopicListFromBroker(), TopicList, _TIMEOUT_MS).topic_list)
    found.topic_config_table = {
        name: found.topic_config_table[name]
        for name in concurrent_hash_map_order(found.topic_config_table)
        if name not in own and (special or not name.startswith((RETRY_PREFIX, DLQ_PREFIX)))
    }
    return found


def user_groups(run: Invocation, address: str) -> SubscriptionGroupWrapper:
    """A broker's groups but for its own (getUserSubscriptionGroup:1040)."""
    found = run.admin.fetch(address, GetAllSubscriptionGroupConfig(), SubscriptionGroupWrapper, _TIMEOUT_MS)
    found.subscription_group_table = {
        name: found.subscription_group_table[name]
        for name in concurrent_hash_map_order(found.subscription_group_table)
        if name not in _SYSTEM_GROUPS and not name.startswith(SYSTEM_GROUP_PREFIX)
    }
    return found


@Command(
    "exportConfigs",
    "export configs",
    "ExportConfigsCommand",
    Option("c", "clusterName", "choose a cluster to export", required=True),
    Option("f", "filePath", "export configs.json path | default /tmp/rocketmq/export"),
)
def export_configs(run: Invocation) -> None:
    """How the masters are configured, and the size of the cluster (ExportConfigsCommand.java:62)."""
    configs: dict[str, Any] = {}
    slaves = 0
    by_master = slaves_by_master(run, run.text("c"))
    for number, (master, its_slaves) in enumerate(by_master.items(), start=1):
        run.progress("brokers", number, len(by_master))
        properties = parse_properties(run.admin.ask(master, GetBrokerConfig()).body)
        if not properties.keys() >= set(_CONFIGS):
            raise null_pointer()
        slaves += len(its_slaves)
        configs[properties["brokerName"]] = {key: properties[key] for key in concurrent_hash_map_order(_CONFIGS, 8)}
    scale = {
        "namesrvSize": len(run.admin.namesrvs or ()),
        "masterBrokerSize": len(by_master),
        "slaveBrokerSize": slaves,
    }
    result = {"brokerConfigs": in_java_order(configs), "clusterScale": in_java_order(scale)}
    run.print("export %s success", write_json(run, "configs.json", in_java_order(result)))


def write_json(run: Invocation, name: str, value: dict[str, Any]) -> Path:
    """Write `value` as JSON into the folder of -f; the path of the file."""
    path = Path(run.maybe("f") or _FOLDER, name)
    write_file(path, fastjson.dumps(value, pretty=True))
    return path
