"""Changing topics: updateTopic, deleteTopic, updateTopicPerm, updateOrderConf, and allocateMQ (tools/command/topic)."""

from __future__ import annotations

from rocketpy.admin.client import in_java_order, queues_in_java_order
from rocketpy.admin.clusters import broker_name_at, broker_names, masters
from rocketpy.admin.errors import JavaError, null_pointer
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.protocol.api.kv import DeleteKVConfig, PutKVConfig
from rocketpy.protocol.api.route import MessageQueue, TopicRouteData
from rocketpy.protocol.api.topic import DeleteTopicInBroker, DeleteTopicInNamesrv, TopicConfig, UpdateAndCreateTopic
from rocketpy.protocol.fastjson import dumps
from rocketpy.protocol.flags import Perm, TopicSysFlag, perm_string
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC

_ORDER_NAMESPACE = "ORDER_TOPIC_CONFIG"
_TOPIC = Option("t", "topic", "topic name", required=True)


@Command(
    "updateTopic",
    "Update or create topic",
    "UpdateTopicSubCommand",
    Option("b", "brokerAddr", "create topic to which broker", either=True),
    Option("c", "clusterName", "create topic to which cluster", either=True),
    _TOPIC,
    Option("r", "readQueueNums", "set read queue nums"),
    Option("w", "writeQueueNums", "set write queue nums"),
    Option("p", "perm", "set topic's permission(2|4|6), intro[2:W 4:R; 6:RW]"),
    Option("o", "order", "set topic's order(true|false)"),
    Option("u", "unit", "is unit topic (true|false)"),
    Option("s", "hasUnitSub", "has unit sub (true|false)"),
)
def update_topic(run: Invocation) -> None:
    """At one broker, or at all masters of a cluster (UpdateTopicSubCommand.java:91)."""
    config = TopicConfig(
        topic_name=run.text("t"),
        read_queue_nums=run.integer("r", 8),
        write_queue_nums=run.integer("w", 8),
        perm=run.integer("p", Perm.READ | Perm.WRITE),
    )
    config.topic_sys_flag = run.flag("u") * TopicSysFlag.UNIT | run.flag("s") * TopicSysFlag.UNIT_SUB
    config.order = run.flag("o")
    if run.has("b"):
        address = run.text("b")
        _send(run, address, config)
        if config.order:
            conf = f"{broker_name_at(run, address)}:{config.write_queue_nums}"
            _add_order_conf(run, run.text("t"), conf)
            run.print("set broker orderConf. isOrder=%s, orderConf=[%s]", True, conf)
        run.print("create topic to %s success.%n", address)
    else:
        _update_cluster(run, config)
    run.print("%s", _shown(config))


def _update_cluster(run: Invocation, config: TopicConfig) -> None:
    cluster = run.text("c")
    for address in masters(run, cluster):
        _send(run, address, config)
        run.print("create topic to %s success.%n", address)
    if config.order:
        conf = ";".join(f"{name}:{config.write_queue_nums}" for name in broker_names(run, cluster))
        run.admin.ask_namesrvs(PutKVConfig(namespace=_ORDER_NAMESPACE, key=run.text("t"), value=conf))
        run.print("set cluster orderConf. isOrder=%s, orderConf=[%s]", True, conf)


def _send(run: Invocation, address: str, config: TopicConfig) -> None:
    header = UpdateAndCreateTopic(
        topic=config.topic_name or "",
        default_topic=AUTO_CREATE_TOPIC,
        read_queue_nums=config.read_queue_nums,
        write_queue_nums=config.write_queue_nums,
        perm=config.perm,
        topic_filter_type=config.topic_filter_type,
        topic_sys_flag=config.topic_sys_flag,
        order=config.order,
    )
    run.admin.ask(address, header)


def _add_order_conf(run: Invocation, topic: str, conf: str) -> None:
    """Put one broker's part into a topic's order conf (DefaultMQAdminExtImpl.createOrUpdateOrderConf:637)."""
    old = None
    try:
        old = run.admin.kv_config(_ORDER_NAMESPACE, topic)
    except JavaError as error:
        run.trace(error)
    parts = {part.split(":")[0]: part for part in (old or "").split(";") if part}
    parts[conf.split(":")[0]] = conf
    value = ";".join(in_java_order(parts).values())
    run.admin.ask_namesrvs(PutKVConfig(namespace=_ORDER_NAMESPACE, key=topic, value=value))


def _shown(config: TopicConfig) -> str:
    """TopicConfig.toString:197."""
    order = "true" if config.order else "false"
    return (
        f"TopicConfig [topicName={config.topic_name}, readQueueNums={config.read_queue_nums}, "
        f"writeQueueNums={config.write_queue_nums}, perm={perm_string(config.perm)}, "
        f"topicFilterType={config.topic_filter_type}, topicSysFlag={config.topic_sys_flag}, order={order}]"
    )


@Command(
    "deleteTopic",
    "Delete topic from broker and NameServer.",
    "DeleteTopicSubCommand",
    _TOPIC,
    Option("c", "clusterName", "delete topic from which cluster", required=True),
)
def delete_topic(run: Invocation) -> None:
    """At all masters of a cluster, then at the name servers (DeleteTopicSubCommand.java:80)."""
    delete(run, run.text("c"), run.text("t"))


def delete(run: Invocation, cluster: str, topic: str) -> None:
    """What deleteTopic does (DeleteTopicSubCommand.deleteTopic:36)."""
    for address in masters(run, cluster):
        run.admin.ask(address, DeleteTopicInBroker(topic=topic))
    run.print("delete topic [%s] from cluster [%s] success.%n", topic, cluster)
    if run.admin.namesrvs is None:
        raise null_pointer()
    for address in hash_map_order(run.admin.namesrvs):
        run.admin.ask(address, DeleteTopicInNamesrv(topic=topic, cluster_name=cluster))
    run.print("delete topic [%s] from NameServer success.%n", topic)


@Command(
    "updateTopicPerm",
    "Update topic perm",
    "UpdateTopicPermSubCommand",
    Option("b", "brokerAddr", "create topic to which broker"),
    Option("c", "clusterName", "create topic to which cluster"),
    _TOPIC,
    Option("p", "perm", "set topic's permission(2|4|6), intro[2:W; 4:R; 6:RW]", required=True),
)
def update_topic_perm(run: Invocation) -> None:
    """With the other settings of the route's first broker (UpdateTopicPermSubCommand.java:72)."""
    topic = run.text("t")
    route = run.admin.route(topic)
    queues = route.queue_datas[0]
    config = TopicConfig(
        topic_name=topic,
        write_queue_nums=queues.write_queue_nums,
        read_queue_nums=queues.read_queue_nums,
        topic_sys_flag=queues.topic_sys_flag,
        perm=run.integer("p", 0),
    )
    if run.has("b"):
        _update_perm_at(run, run.text("b"), route, config)
    elif run.has("c"):
        for address in masters(run, run.text("c")):
            _send(run, address, config)
            run.print("update topic perm from %s to %s in %s success.%n", queues.perm, config.perm, address)
    else:
        run.usage()


def _update_perm_at(run: Invocation, address: str, route: TopicRouteData, config: TopicConfig) -> None:
    name = next((data.broker_name for data in route.broker_datas if data.broker_addrs.get(0) == address), None)
    if name is None:
        run.print("updateTopicPerm error broker not exit or broker is not master!.%n")
        return
    old = next((data.perm for data in route.queue_datas if data.broker_name == name), 0)
    if old == config.perm:
        run.print("new perm equals to the old one!%n")
        return
    _send(run, address, config)
    run.print("update topic perm from %s to %s in %s success.%n", old, config.perm, address)
    run.print("%s.%n", _shown(config))


@Command(
    "updateOrderConf",
    "Create or update or delete order conf",
    "UpdateOrderConfCommand",
    _TOPIC,
    Option("v", "orderConf", "set order conf [eg. brokerName1:num;brokerName2:num]"),
    Option("m", "method", "option type [eg. put|get|delete", required=True),
)
def update_order_conf(run: Invocation) -> None:
    """What the name servers keep of an ordered topic (UpdateOrderConfCommand.java:59)."""
    topic, method = run.text("t"), run.text("m")
    if method == "get":
        conf = run.admin.kv_config(_ORDER_NAMESPACE, topic)
        run.print("get orderConf success. topic=[%s], orderConf=[%s] ", topic, conf)
    elif method == "put":
        conf = run.maybe("v")
        if not conf:
            raise JavaError("java.lang.Exception", "please set orderConf with option -v.")
        run.admin.ask_namesrvs(PutKVConfig(namespace=_ORDER_NAMESPACE, key=topic, value=conf))
        run.print("update orderConf success. topic=[%s], orderConf=[%s]", topic, conf)
    elif method == "delete":
        run.admin.ask_namesrvs(DeleteKVConfig(namespace=_ORDER_NAMESPACE, key=topic))
        run.print("delete orderConf success. topic=[%s]", topic)
    else:
        run.usage()


@Command("allocateMQ", "Allocate MQ", "AllocateMQSubCommand", _TOPIC, Option("i", "ipList", "ipList", required=True))
def allocate_mq(run: Invocation) -> None:
    """Which of several consumers would get which queues (AllocateMQSubCommand.java:58)."""
    topic, clients = run.text("t"), run.text("i").split(",")
    queues = queues_in_java_order(
        MessageQueue(topic=topic, broker_name=data.broker_name, queue_id=queue_id)
        for data in run.admin.route(topic).queue_datas
        if data.perm & Perm.READ
        for queue_id in range(data.read_queue_nums)
    )
    shares = {client: [queue.to_value() for queue in _share(queues, clients, client)] for client in clients}
    run.print("%s%n", dumps({"result": in_java_order(shares)}).decode())


def _share(queues: list[MessageQueue], clients: list[str], client: str) -> list[MessageQueue]:
    """AllocateMessageQueueAveragely.allocate:29."""
    if not client or not queues:
        text = "mqAll is null or mqAll empty" if client else "currentCID is empty"
        raise JavaError("java.lang.IllegalArgumentException", text)
    index = clients.index(client)
    share, rest = divmod(len(queues), len(clients))
    size = 1 if len(queues) <= len(clients) else share + (index < rest)
    begin = index * size if index < rest else index * size + rest
    return queues[begin : begin + max(min(size, len(queues) - begin), 0)]
