"""Accounts of a broker with ACL."""

from __future__ import annotations

from rocketpy.protocol.api.topic import DataVersion
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, reply, request


@request(RequestCode.UPDATE_AND_CREATE_ACL_CONFIG)
class UpdateAndCreateAclConfig(Header):
    """Create an account or change it (CreateAccessConfigRequestHeader.java:24). Lists of perms are comma separated."""

    access_key: str
    secret_key: str | None = None
    white_remote_address: str | None = None
    admin: bool = False
    default_topic_perm: str | None = None
    default_group_perm: str | None = None
    topic_perms: str | None = None
    group_perms: str | None = None


@request(RequestCode.DELETE_ACL_CONFIG)
class DeleteAclConfig(Header):
    """Delete an account (DeleteAccessConfigRequestHeader.java:24)."""

    access_key: str


@request(RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG)
class UpdateGlobalWhiteAddrsConfig(Header):
    """Set the addresses that need no account (UpdateGlobalWhiteAddrsConfigRequestHeader.java:23), comma separated."""

    global_white_addrs: str
    acl_file_full_path: str


@reply
class GetBrokerClusterAclInfoReply(Header):
    """The versions of a broker's account files (GetBrokerAclConfigResponseHeader.java:23).

    `version` is a DataVersion as JSON, `all_acl_file_version` a JSON map of them by file name.
    """

    version: str
    all_acl_file_version: str | None = None
    broker_name: str
    broker_addr: str
    cluster_name: str


@request(RequestCode.GET_BROKER_CLUSTER_ACL_INFO, reply=GetBrokerClusterAclInfoReply)
class GetBrokerClusterAclInfo(Header):
    """Which accounts does a broker know, by version? (AdminBrokerProcessor.getBrokerAclConfigVersion:439)."""


@body
class ClusterAclVersionInfo(Body):
    """GetBrokerClusterAclInfoReply as mqadmin keeps it (ClusterAclVersionInfo.java:24)."""

    broker_name: str | None = None
    broker_addr: str | None = None
    acl_config_data_version: DataVersion | None = None
    all_acl_config_data_version: dict[str, DataVersion] | None = None
    cluster_name: str | None = None


@body
class PlainAccessConfig(Body):
    """One account (PlainAccessConfig.java:21), its perms as `resource=PUB|SUB`."""

    access_key: str | None = None
    secret_key: str | None = None
    white_remote_address: str | None = None
    admin: bool = False
    default_topic_perm: str | None = None
    default_group_perm: str | None = None
    topic_perms: list[str] | None = None
    group_perms: list[str] | None = None


@body
class AclConfig(Body):
    """All accounts (AclConfig.java:21)."""

    global_white_addrs: list[str] | None = None
    plain_access_configs: list[PlainAccessConfig] | None = None
