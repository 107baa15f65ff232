"""Who is connected: consumerConnection, producerConnection, producer (tools/command/connection and producer)."""

from __future__ import annotations

from rocketpy.admin.client import broker_address, in_java_order
from rocketpy.admin.errors import ClientError
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.protocol.api.connection import (
    GetAllProducerInfo,
    GetProducerConnectionList,
    ProducerConnection,
    ProducerInfo,
    ProducerTableInfo,
)
from rocketpy.protocol.java_hash import concurrent_hash_map_order
from rocketpy.protocol.version import version_name


@Command(
    "consumerConnection",
    "Query consumer's socket connection, client version and subscription",
    "ConsumerConnectionSubCommand",
    Option("g", "consumerGroup", "consumer group name", required=True),
    Option("b", "brokerAddr", "broker address"),
    has_json=True,
)
def consumer_connection(run: Invocation) -> None:
    """The clients of a group and what it subscribes to (ConsumerConnectionSubCommand.java:60)."""
    found = run.admin.consumer_connection(run.text("g"), run.maybe("b"))
    titles = ("#ClientId", "#ClientAddr", "#Language", "#Version")
    clients = run.report.table("%-36s %-22s %-10s %s%n", *titles, name="clients")
    for one in found.connection_set:
        clients.add(one.client_id, one.client_addr, one.language, version_name(one.version))
    run.print("%nBelow is subscription:\n")
    subscriptions = run.report.table("%-20s %s%n", "#Topic", "#SubExpression", name="subscriptions")
    for topic in concurrent_hash_map_order(found.subscription_table):
        subscription = found.subscription_table[topic]
        subscriptions.add(subscription.topic, subscription.sub_string)
    run.print("\n")
    for name, value in (
        ("ConsumeType", found.consume_type),
        ("MessageModel", found.message_model),
        ("ConsumeFromWhere", found.consume_from_where),
    ):
        run.print("%s: %s%n", name, value)
        run.report.fact(name[0].lower() + name[1:], value)


@Command(
    "producerConnection",
    "Query producer's socket connection and client version",
    "ProducerConnectionSubCommand",
    Option("g", "producerGroup", "producer group name", required=True),
    Option("t", "topic", "topic name", required=True),
    has_json=True,
)
def producer_connection(run: Invocation) -> None:
    """The clients of a group at a broker of the topic (ProducerConnectionSubCommand.java:55)."""
    data = run.admin.route(run.text("t")).broker_datas[0]
    header = GetProducerConnectionList(producer_group=run.text("g"))
    found = run.admin.fetch(broker_address(data), header, ProducerConnection)
    if not found.connection_set:
        raise ClientError("Not found the producer group connection")
    titles = ("number", "#ClientId", "#ClientAddr", "#Language", "#Version")
    table = run.report.table("%04d  %-32s %-22s %-8s %s%n", *titles, with_head=False)
    for number, one in enumerate(found.connection_set, start=1):
        table.add(number, one.client_id, one.client_addr, one.language, version_name(one.version))


@Command(
    "producer",
    "Query producer's instances, connection, status, etc.",
    "ProducerSubCommand",
    Option("b", "broker", "broker address", required=True),
    has_json=True,
)
def producer(run: Invocation) -> None:
    """All producers of a broker (ProducerSubCommand.java:58)."""
    table = run.admin.fetch(run.text("b"), GetAllProducerInfo(), ProducerTableInfo).data
    for group, instances in in_java_order(table or {}).items():
        run.report.fact(group, [one.to_value() for one in instances])
        if not instances:
            run.print("producer group (%s) instances are empty\n", group)
        for one in instances:
            run.print("producer group (%s) instance : %s\n", group, _shown(one))


def _shown(one: ProducerInfo) -> str:
    """ProducerInfo.toString:83."""
    return (
        f"clientId={one.client_id},remoteIP={one.remote_ip}, language={one.language}, version={one.version}, "
        f"lastUpdateTimestamp={one.last_update_timestamp}"
    )
