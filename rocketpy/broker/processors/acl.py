"""Accounts, for administrators, at a broker that has none: aclEnable=false (AdminBrokerProcessor.java:328-462)."""

from __future__ import annotations

from rocketpy.errors import ReplyError
from rocketpy.protocol.api import acl as api
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles

_OFF = "ACL is off at this broker (aclEnable=false)"
"""In Java it is what the JVM says about a null: nothing in Java 8."""


class AclProcessor:
    """Refuses what would change accounts, as Java does without an access validator."""

    @handles(api.UpdateAndCreateAclConfig)
    def update(self, peer: Connection, request: api.UpdateAndCreateAclConfig, command: Command) -> Reply:
        """updateAndCreateAccessConfig:328."""
        raise ReplyError(ResponseCode.UPDATE_AND_CREATE_ACL_CONFIG_FAILED, _OFF)

    @handles(api.DeleteAclConfig)
    def delete(self, peer: Connection, request: api.DeleteAclConfig, command: Command) -> Reply:
        """deleteAccessConfig:370."""
        raise ReplyError(ResponseCode.DELETE_ACL_CONFIG_FAILED, _OFF)

    @handles(api.UpdateGlobalWhiteAddrsConfig)
    def update_white_addresses(
        self, peer: Connection, request: api.UpdateGlobalWhiteAddrsConfig, command: Command
    ) -> Reply:
        """updateGlobalWhiteAddrsConfig:405."""
        raise ReplyError(ResponseCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED, _OFF)

    @handles(api.GetBrokerClusterAclInfo)
    def get_versions(self, peer: Connection, request: api.GetBrokerClusterAclInfo, command: Command) -> None:
        """Java gives no answer at all, and its client runs into a time-out (getBrokerAclConfigVersion:439)."""
