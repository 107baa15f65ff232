"""Looking at topics: topicList, topicRoute, topicStatus, topicClusterList (tools/command/topic)."""

from __future__ import annotations

from rocketpy.admin.client import TIMEOUT_MS, broker_address, queue_rank
from rocketpy.admin.errors import ClientError, JavaError
from rocketpy.admin.format import cut, date_time_ms
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.protocol.api.route import ClusterInfo, MessageQueue, TopicRouteData
from rocketpy.protocol.api.stats import GetTopicStatsInfo, TopicOffset, TopicStatsTable
from rocketpy.protocol.topic_names import DLQ_PREFIX, RETRY_PREFIX

_TOPIC = Option("t", "topic", "topic name", required=True)
_ROUTE_ROW = "%-45s %-32s %-50s %-10s %-11s %-5s%n"
_STATUS_ROW = "%-32s  %-4s  %-20s  %-20s    %s%n"


@Command(
    "topicList",
    "Fetch all topic list from name server",
    "TopicListSubCommand",
    Option("c", "clusterModel", "clusterModel", argument=False),
    has_json=True,
)
def topic_list(run: Invocation) -> None:
    """Names, or with -c clusters and groups as well (TopicListSubCommand.java:56)."""
    if not run.has("c"):
        names = run.report.table("%s%n", "#Topic", with_head=False)
        for name in run.admin.topics():
            names.add(name)
        return
    info = run.admin.cluster_info()
    run.print("%-20s  %-48s  %-48s%n", "#Cluster Name", "#Topic", "#Consumer Group")
    titles = ("#Cluster Name", "#Topic", "#Consumer Group")
    table = run.report.table("%-20s  %-64s  %-64s%n", *titles, with_head=False)
    for name in run.admin.topics():
        if name.startswith((RETRY_PREFIX, DLQ_PREFIX)):
            continue
        cluster: str | None = ""
        groups: list[str] | None = None
        try:
            cluster = _cluster_of(run.admin.route(name), info)
            groups = run.admin.groups_of(name)
        except JavaError:
            pass  # Java prints what it has got so far
        for group in groups or [""]:
            table.add(cut(cluster, 20), cut(name, 64), cut(group, 64))


def _cluster_of(route: TopicRouteData, info: ClusterInfo) -> str | None:
    broker_name = route.broker_datas[0].broker_name
    return next((cluster for cluster, names in info.cluster_addr_table.items() if broker_name in names), None)


@Command(
    "topicRoute",
    "Examine topic route info",
    "TopicRouteSubCommand",
    Option("l", "list", "Use list format to print data", argument=False),
    _TOPIC,
    has_json=True,
)
def topic_route(run: Invocation) -> None:
    """The route as JSON, or with -l as a table (TopicRouteSubCommand.java:64)."""
    route = run.admin.route(run.text("t"))
    if not run.has("l"):
        run.print("%s%n", route.to_json(pretty=True).decode())
        for name, value in route.to_value().items():
            run.report.fact(name, value)
        return
    queues = {data.broker_name: data for data in route.queue_datas}
    titles = ("#ClusterName", "#BrokerName", "#BrokerAddrs", "#ReadQueue", "#WriteQueue", "#Perm")
    table = run.report.table(_ROUTE_ROW, *titles)
    readable = writable = 0
    for broker in sorted(route.broker_datas, key=lambda one: one.broker_name):
        data = queues[broker.broker_name]
        readable += data.read_queue_nums
        writable += data.write_queue_nums
        addresses = dict(sorted(broker.broker_addrs.items()))
        row = (broker.cluster, broker.broker_name, addresses, data.read_queue_nums, data.write_queue_nums, data.perm)
        table.add(*row)
    run.print("%s%n", "-" * 158)
    run.print(_ROUTE_ROW, "Total:", len(queues), "", readable, writable, "")


@Command("topicStatus", "Examine topic Status info", "TopicStatusSubCommand", _TOPIC, has_json=True)
def topic_status(run: Invocation) -> None:
    """The bounds of each queue (TopicStatusSubCommand.java:57)."""
    found = _topic_stats(run, run.text("t"))
    titles = ("#Broker Name", "#QID", "#Min Offset", "#Max Offset", "#Last Updated")
    table = run.report.table(_STATUS_ROW, *titles)
    for queue in sorted(found, key=queue_rank):
        bounds = found[queue]
        last = date_time_ms(bounds.last_update_timestamp) if bounds.last_update_timestamp > 0 else ""
        table.add(cut(queue.broker_name, 32), queue.queue_id, bounds.min_offset, bounds.max_offset, last)


def _topic_stats(run: Invocation, name: str) -> dict[MessageQueue, TopicOffset]:
    table: dict[MessageQueue, TopicOffset] = {}
    for data in run.admin.route(name).broker_datas:
        header = GetTopicStatsInfo(topic=name)
        table |= run.admin.fetch(broker_address(data), header, TopicStatsTable, TIMEOUT_MS).offset_table
    if not table:
        raise ClientError("Not found the topic stats info")
    return table


@Command("topicClusterList", "get cluster info for topic", "TopicClusterSubCommand", _TOPIC, has_json=True)
def topic_cluster_list(run: Invocation) -> None:
    """The clusters of a topic's first broker (TopicClusterSubCommand.java:48)."""
    info = run.admin.cluster_info()
    broker_name = run.admin.route(run.text("t")).broker_datas[0].broker_name
    table = run.report.table("%s%n", "#Cluster Name", with_head=False)
    for cluster, names in info.cluster_addr_table.items():
        if broker_name in names:
            table.add(cluster)
