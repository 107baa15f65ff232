"""Accounts of brokers: updateAclConfig and its like (tools/command/acl)."""

from __future__ import annotations

from rocketpy.admin.client import in_java_order
from rocketpy.admin.clusters import masters, members
from rocketpy.admin.errors import null_pointer
from rocketpy.admin.format import date_time
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.protocol.api.acl import (
    DeleteAclConfig,
    GetBrokerClusterAclInfo,
    GetBrokerClusterAclInfoReply,
    UpdateAndCreateAclConfig,
    UpdateGlobalWhiteAddrsConfig,
)
from rocketpy.protocol.api.topic import DataVersion
from rocketpy.protocol.fastjson import loads
from rocketpy.protocol.header import Header

_VERSION_ROW = "%-16s  %-22s  %-22s  %-20s  %-22s  %-22s%n"


@Command(
    "updateAclConfig",
    "Update acl config yaml file in broker",
    "UpdateAccessConfigSubCommand",
    Option("b", "brokerAddr", "update acl config file to which broker", either=True),
    Option("c", "clusterName", "update acl config file to which cluster", either=True),
    Option("a", "accessKey", "set accessKey in acl config file", required=True),
    Option("s", "secretKey", "set secretKey in acl config file", required=True),
    Option("w", "whiteRemoteAddress", "set white ip Address for account in acl config file"),
    Option("i", "defaultTopicPerm", "set default topicPerm in acl config file"),
    Option("u", "defaultGroupPerm", "set default GroupPerm in acl config file"),
    Option("t", "topicPerms", "set topicPerms list,eg: topicA=DENY,topicD=SUB"),
    Option("g", "groupPerms", "set groupPerms list,eg: groupD=DENY,groupD=SUB"),
    Option("m", "admin", "set admin flag in acl config file"),
)
def update_acl_config(run: Invocation) -> None:
    """Create or change an account (UpdateAccessConfigSubCommand.java:93).

    The end is what Java makes of an object that has no words for itself: its class and a number without a meaning.
    """
    header = UpdateAndCreateAclConfig(
        access_key=run.text("a"),
        secret_key=run.text("s"),
        white_remote_address=run.maybe("w"),
        admin=run.flag("m"),
        default_topic_perm=run.maybe("i"),
        default_group_perm=run.maybe("u"),
        topic_perms=run.maybe("t"),
        group_perms=run.maybe("g"),
    )
    _tell(run, header, "create or update plain access config to %s success.%n")
    run.print("%s", f"org.apache.rocketmq.common.PlainAccessConfig@{id(header) & 0x7FFFFFFF:x}")


@Command(
    "deleteAclConfig",
    "Delete Acl Config Account in broker",
    "DeleteAccessConfigSubCommand",
    Option("b", "brokerAddr", "delete acl config account from which broker", either=True),
    Option("c", "clusterName", "delete acl config account from which cluster", either=True),
    Option("a", "accessKey", "set accessKey in acl config file for deleting which account", required=True),
    alias="deleteAccessConfig",
)
def delete_acl_config(run: Invocation) -> None:
    """Delete an account (DeleteAccessConfigSubCommand.java:70)."""
    key = run.text("a")
    _tell(run, DeleteAclConfig(access_key=key), "delete plain access config account from %s success.%n")
    run.print("account's accesskey is:%s", key)


@Command(
    "updateGlobalWhiteAddr",
    "Update global white address for acl Config File in broker",
    "UpdateGlobalWhiteAddrSubCommand",
    Option("b", "brokerAddr", "update global white address to which broker", either=True),
    Option("c", "clusterName", "update global white address to which cluster", either=True),
    Option(
        "g",
        "globalWhiteRemoteAddresses",
        "set globalWhiteRemoteAddress list,eg: 10.10.103.*,192.168.0.*",
        required=True,
    ),
    Option("p", "aclFileFullPath", "update global white address of specified acl file,eg: /xxx/plain_test.yml"),
)
def update_global_white_addr(run: Invocation) -> None:
    """Set the addresses that need no account (UpdateGlobalWhiteAddrSubCommand.java:66)."""
    header = UpdateGlobalWhiteAddrsConfig(
        global_white_addrs=run.text("g"),
        acl_file_full_path=run.maybe("p"),  # type: ignore[arg-type]  # Java leaves out what brokers require
    )
    _tell(run, header, "update global white remote addresses to %s success.%n")


def _tell(run: Invocation, header: Header, success: str) -> None:
    """Ask one broker, or all of a cluster."""
    for address in [run.text("b")] if run.has("b") else members(run, run.text("c")):
        run.admin.ask(address, header)
        run.print(success, address)


@Command(
    "clusterAclConfigVersion",
    "List all of acl config version information in cluster",
    "ClusterAclConfigVersionListSubCommand",
    Option("b", "brokerAddr", "query acl config version for which broker", either=True),
    Option("c", "clusterName", "query acl config version for specified cluster", either=True),
)
def cluster_acl_config_version(run: Invocation) -> None:
    """Of each file with accounts; the titles only with -c (ClusterAclConfigVersionListSubCommand.java:68)."""
    if run.has("b"):
        _print_versions(run, run.text("b"))
        run.print("get broker's plain access config version success.%n")
        return
    addresses = masters(run, run.text("c"))
    titles = ("#Cluster Name", "#Broker Name", "#Broker Addr", "#AclFilePath", "#AclConfigVersionNum")
    run.print(_VERSION_ROW, *titles, "#AclLastUpdateTime")
    for address in addresses:
        _print_versions(run, address)
    run.print("get cluster's plain access config version success.%n")


def _print_versions(run: Invocation, address: str) -> None:
    answer = run.admin.ask(address, GetBrokerClusterAclInfo())
    found = GetBrokerClusterAclInfoReply.decode(answer.ext_fields)
    if found.all_acl_file_version is None:
        raise null_pointer()
    for path, value in in_java_order(loads(found.all_acl_file_version)).items():
        version = DataVersion.from_value(value)
        place = (found.cluster_name, found.broker_name, found.broker_addr, path)
        run.print(_VERSION_ROW, *place, version.counter, date_time(version.timestamp))
