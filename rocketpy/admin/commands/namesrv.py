"""The name servers' own: configuration, key-value store, write permissions (tools/command/namesrv)."""

from __future__ import annotations

from collections.abc import Callable

from rocketpy.admin.client import in_java_order
from rocketpy.admin.errors import ClientError, JavaError, null_pointer
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.config.properties import format_properties, parse_properties
from rocketpy.protocol.api.broker import GetNamesrvConfig, UpdateNamesrvConfig
from rocketpy.protocol.api.kv import DeleteKVConfig, PutKVConfig
from rocketpy.protocol.api.route import (
    AddWritePermOfBroker,
    AddWritePermOfBrokerReply,
    WipeWritePermOfBroker,
    WipeWritePermOfBrokerReply,
)
from rocketpy.protocol.java_hash import concurrent_hash_map_order

_NAMESPACE = Option("s", "namespace", "set the namespace", required=True)
_KEY = Option("k", "key", "set the key name", required=True)
_BROKER_NAME = Option("b", "brokerName", "broker name", required=True)


@Command(
    "updateKvConfig",
    "Create or update KV config.",
    "UpdateKvConfigCommand",
    _NAMESPACE,
    _KEY,
    Option("v", "value", "set the key value", required=True),
)
def update_kv_config(run: Invocation) -> None:
    """At all name servers (UpdateKvConfigCommand.java:54)."""
    run.admin.ask_namesrvs(PutKVConfig(namespace=run.text("s"), key=run.text("k"), value=run.text("v")))
    run.print("create or update kv config to namespace success.%n")


@Command("deleteKvConfig", "Delete KV config.", "DeleteKvConfigCommand", _NAMESPACE, _KEY)
def delete_kv_config(run: Invocation) -> None:
    """At all name servers (DeleteKvConfigCommand.java:50)."""
    run.admin.ask_namesrvs(DeleteKVConfig(namespace=run.text("s"), key=run.text("k")))
    run.print("delete kv config from namespace success.%n")


@Command(
    "wipeWritePerm",
    "Wipe write perm of broker in all name server you defined in the -n param",
    "WipeWritePermSubCommand",
    _BROKER_NAME,
)
def wipe_write_perm(run: Invocation) -> None:
    """Route no more sends to a broker (WipeWritePermSubCommand.java:47)."""

    def wipe(address: str, name: str) -> int:
        answer = run.admin.ask(address, WipeWritePermOfBroker(broker_name=name))
        return WipeWritePermOfBrokerReply.decode(answer.ext_fields).wipe_topic_count

    _change_write_perm(run, "wipe", wipe)


@Command(
    "addWritePerm",
    "Add write perm of broker in all name server you defined in the -n param",
    "AddWritePermSubCommand",
    _BROKER_NAME,
    failure="AddWritePermSubCommandcommand failed",
)
def add_write_perm(run: Invocation) -> None:
    """Route sends to a broker again (AddWritePermSubCommand.java:47)."""

    def add(address: str, name: str) -> int:
        answer = run.admin.ask(address, AddWritePermOfBroker(broker_name=name))
        return AddWritePermOfBrokerReply.decode(answer.ext_fields).add_topic_count

    _change_write_perm(run, "add", add)


def _change_write_perm(run: Invocation, verb: str, change: Callable[[str, str], int]) -> None:
    """At each name server by itself: `change` gives how many topics of the broker it met."""
    name = run.text("b")
    for address in run.admin.namesrvs or ():
        try:
            count = change(address, name)
        except JavaError as error:
            run.print(f"{verb} write perm of broker[%s] in name server[%s] Failed%n", name, address)
            run.trace(error)
            continue
        run.print(f"{verb} write perm of broker[%s] in name server[%s] OK, %d%n", name, address, count)


@Command("getNamesrvConfig", "Get configs of name server.", "GetNamesrvConfigCommand", has_json=True)
def get_namesrv_config(run: Invocation) -> None:
    """Of those given with -n, else of all (GetNamesrvConfigCommand.java:47)."""
    servers = _given(run) or run.admin.namesrvs
    if not servers:
        raise null_pointer()
    texts = {server: run.admin.ask(server, GetNamesrvConfig()).body for server in servers}
    for server, text in in_java_order(texts).items():
        run.print("============%s============\n", server)
        properties = parse_properties(text)
        run.report.fact(server, properties)
        for key in concurrent_hash_map_order(properties, 8):
            run.print("%-50s=  %s\n", key, properties[key])


@Command(
    "updateNamesrvConfig",
    "Update configs of name server.",
    "UpdateNamesrvConfigCommand",
    Option("k", "key", "config key", required=True),
    Option("v", "value", "config value", required=True),
)
def update_namesrv_config(run: Invocation) -> None:
    """At those given with -n, else at all (UpdateNamesrvConfigCommand.java:54)."""
    key, value, servers = run.text("k"), run.text("v"), _given(run)
    body = format_properties({key: value}).encode()
    refusal: ClientError | None = None
    for server in servers or run.admin.namesrvs or ():
        try:
            run.admin.ask(server, UpdateNamesrvConfig(), body)
        except ClientError as error:
            refusal = error
    if refusal is not None:
        raise refusal
    run.print("update name server config success!%s\n%s : %s\n", "" if servers is None else servers, key, value)


def _given(run: Invocation) -> list[str] | None:
    servers = run.raw("n")
    return servers.strip().split(";") if servers else None
