"""Accounts, for administrators (AdminBrokerProcessor.java:328-462)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson

from rocketpy.broker.acl.account_files import AccountFiles
from rocketpy.broker.acl.errors import AclError
from rocketpy.broker.identity import Identity
from rocketpy.errors import ReplyError
from rocketpy.protocol.api import acl as api
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles

_OFF = "ACL is off at this broker (aclEnable=false)"
"""In Java it is what the JVM says about a null: nothing in Java 8."""


class AclProcessor:
    """Changes the accounts; without any, aclEnable=false, it refuses as Java does without an access validator."""

    def __init__(self, accounts: AccountFiles | None, identity: Callable[[], Identity]) -> None:
        self._accounts = accounts
        self._identity = identity

    @handles(api.UpdateAndCreateAclConfig)
    def update(self, peer: Connection, request: api.UpdateAndCreateAclConfig, command: Command) -> Reply:
        """updateAndCreateAccessConfig:328."""
        refused = ResponseCode.UPDATE_AND_CREATE_ACL_CONFIG_FAILED
        accounts = self._known(refused)
        config = api.PlainAccessConfig(
            access_key=request.access_key,
            secret_key=request.secret_key,
            white_remote_address=request.white_remote_address,
            admin=request.admin,
            default_topic_perm=request.default_topic_perm,
            default_group_perm=request.default_group_perm,
            topic_perms=_split(request.topic_perms),
            group_perms=_split(request.group_perms),
        )
        with _refusing(refused):
            accounts.update(config)
        return Reply()

    @handles(api.DeleteAclConfig)
    def delete(self, peer: Connection, request: api.DeleteAclConfig, command: Command) -> Reply:
        """deleteAccessConfig:370."""
        refused = ResponseCode.DELETE_ACL_CONFIG_FAILED
        accounts = self._known(refused)
        with _refusing(refused):
            found = accounts.delete(request.access_key)
        if not found:
            said = f"The accesskey[{request.access_key}] corresponding to accessConfig has been deleted failed."
            raise ReplyError(refused, said)
        return Reply()

    @handles(api.UpdateGlobalWhiteAddrsConfig)
    def update_white_addresses(
        self, peer: Connection, request: api.UpdateGlobalWhiteAddrsConfig, command: Command
    ) -> Reply:
        """updateGlobalWhiteAddrsConfig:405."""
        refused = ResponseCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED
        accounts = self._known(refused)
        with _refusing(refused):
            done = accounts.trust(_split(request.global_white_addrs) or [], request.acl_file_full_path)
        if not done:
            said = f"The globalWhiteAddresses[{request.global_white_addrs}] has been updated failed."
            raise ReplyError(refused, said)
        return Reply()

    @handles(api.GetBrokerClusterAclInfo)
    def get_versions(
        self, peer: Connection, request: api.GetBrokerClusterAclInfo, command: Command
    ) -> Reply | None:
        """getBrokerAclConfigVersion:439. Without accounts Java gives no answer, and its client runs into a time-out."""
        if self._accounts is None:
            return None
        identity = self._identity()
        versions = {path: orjson.loads(version.to_json()) for path, version in self._accounts.versions.items()}
        header = api.GetBrokerClusterAclInfoReply(
            version=self._accounts.version.to_json().decode(),
            all_acl_file_version=orjson.dumps(versions).decode(),
            broker_name=identity.name,
            broker_addr=identity.address,
            cluster_name=identity.cluster,
        )
        return Reply(header=header)

    def _known(self, refused: int) -> AccountFiles:
        if self._accounts is None:
            raise ReplyError(refused, _OFF)
        return self._accounts


@contextmanager
def _refusing(code: int) -> Iterator[None]:
    """What is wrong with an account is answered with `code`."""
    try:
        yield
    except AclError as error:
        raise ReplyError(code, str(error)) from error


def _split(text: str | None) -> list[str] | None:
    """UtilAll.split:609, which forgets empty texts at the end, but not the only one."""
    if text is None:
        return None
    parts = text.split(",")
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts if text.strip(",") or not text else []
