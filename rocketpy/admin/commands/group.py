"""Subscription groups: updateSubGroup, deleteSubGroup, getConsumerConfig (tools/command/consumer)."""

from __future__ import annotations

import time

from rocketpy.admin.client import broker_address
from rocketpy.admin.clusters import masters
from rocketpy.admin.commands.topic_config import delete
from rocketpy.admin.errors import JavaError
from rocketpy.admin.format import java_text
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.protocol.api.group import (
    DeleteSubscriptionGroup,
    GetAllSubscriptionGroupConfig,
    SubscriptionGroupConfig,
    SubscriptionGroupWrapper,
    UpdateAndCreateSubscriptionGroup,
)
from rocketpy.protocol.topic_names import dlq_topic, retry_topic

_FIELDS = {
    "groupName": "group_name",
    "consumeEnable": "consume_enable",
    "consumeFromMinEnable": "consume_from_min_enable",
    "consumeBroadcastEnable": "consume_broadcast_enable",
    "retryQueueNums": "retry_queue_nums",
    "retryMaxTimes": "retry_max_times",
    "brokerId": "broker_id",
    "whichBrokerWhenConsumeSlowly": "which_broker_when_consume_slowly",
    "notifyConsumerIdsChangedEnable": "notify_consumer_ids_changed_enable",
}
"""In the order in which Java declares and prints them (SubscriptionGroupConfig.java:24)."""


@Command(
    "updateSubGroup",
    "Update or create subscription group",
    "UpdateSubGroupSubCommand",
    Option("b", "brokerAddr", "create subscription group to which broker"),
    Option("c", "clusterName", "create subscription group to which cluster"),
    Option("g", "groupName", "consumer group name", required=True),
    Option("s", "consumeEnable", "consume enable"),
    Option("m", "consumeFromMinEnable", "from min offset"),
    Option("d", "consumeBroadcastEnable", "broadcast"),
    Option("q", "retryQueueNums", "retry queue nums"),
    Option("r", "retryMaxTimes", "retry max times"),
    Option("i", "brokerId", "consumer from which broker id"),
    Option("w", "whichBrokerWhenConsumeSlowly", "which broker id when consume slowly"),
    Option("a", "notifyConsumerIdsChanged", "notify consumerId changed"),
)
def update_sub_group(run: Invocation) -> None:
    """At one broker, or at all masters of a cluster (UpdateSubGroupSubCommand.java:97)."""
    config = SubscriptionGroupConfig(
        group_name=run.text("g"),
        consume_enable=run.flag("s", True),
        consume_from_min_enable=run.flag("m"),
        consume_broadcast_enable=run.flag("d"),
        retry_queue_nums=run.integer("q", 1),
        retry_max_times=run.integer("r", 16),
        broker_id=run.long("i", 0),
        which_broker_when_consume_slowly=run.long("w", 1),
        notify_consumer_ids_changed_enable=run.flag("a", True),
    )
    if run.has("b"):
        _send(run, run.text("b"), config)
    elif run.has("c"):
        for address in masters(run, run.text("c")):
            try:
                _send(run, address, config)
            except JavaError as error:
                run.trace(error)
                time.sleep(1)
    else:
        run.usage()
        return
    run.print("SubscriptionGroupConfig [%s]", ", ".join(f"{name}={value}" for name, value in _shown(config)))


def _send(run: Invocation, address: str, config: SubscriptionGroupConfig) -> None:
    run.admin.ask(address, UpdateAndCreateSubscriptionGroup(), config.to_json())
    run.print("create subscription group to %s success.%n", address)


def _shown(config: SubscriptionGroupConfig) -> list[tuple[str, str]]:
    return [(name, java_text(getattr(config, attribute))) for name, attribute in _FIELDS.items()]


@Command(
    "deleteSubGroup",
    "Delete subscription group from broker.",
    "DeleteSubscriptionGroupCommand",
    Option("b", "brokerAddr", "delete subscription group from which broker"),
    Option("c", "clusterName", "delete subscription group from which cluster"),
    Option("g", "groupName", "subscription group name", required=True),
    Option("r", "removeOffset", "remove offset"),
)
def delete_sub_group(run: Invocation) -> None:
    """With -c its retry and dead letter topics as well (DeleteSubscriptionGroupCommand.java:66)."""
    group = run.text("g")
    header = DeleteSubscriptionGroup(group_name=group, remove_offset=run.flag("r"))
    if run.has("b"):
        address = run.text("b")
        run.admin.ask(address, header)
        run.print("delete subscription group [%s] from broker [%s] success.%n", group, address)
    elif run.has("c"):
        cluster = run.text("c")
        for address in masters(run, cluster):
            run.admin.ask(address, header)
            text = "delete subscription group [%s] from broker [%s] in cluster [%s] success.%n"
            run.print(text, group, address, cluster)
        try:
            delete(run, cluster, retry_topic(group))
            delete(run, cluster, dlq_topic(group))
        except JavaError as error:
            run.trace(error)
    else:
        run.usage()


@Command(
    "getConsumerConfig",
    "Get consumer config by subscription group name!",
    "GetConsumerConfigSubCommand",
    Option("g", "groupName", "subscription group name", required=True),
    has_json=True,
)
def get_consumer_config(run: Invocation) -> None:
    """At each broker that has the group (GetConsumerConfigSubCommand.java:59)."""
    group, found = run.text("g"), []
    info = run.admin.cluster_info()
    for name, data in info.broker_addr_table.items():
        cluster = next((one for one, names in info.cluster_addr_table.items() if name in names), None)
        header = GetAllSubscriptionGroupConfig()
        table = run.admin.fetch(broker_address(data), header, SubscriptionGroupWrapper).subscription_group_table
        if group in table:
            found.append((cluster, name, table[group]))
    for cluster, name, config in found:
        run.report.fact(name, config.to_value())
        run.print("=============================%s:%s=============================\n", cluster, name)
        for key, value in _shown(config):
            run.print("%-40s=  %s\n", key, "" if value == "null" else value)
