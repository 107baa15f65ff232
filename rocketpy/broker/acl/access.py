"""What a request needs, and whether its sender may have it (PlainAccessValidator, PlainPermissionManager.java:651).

It is looked at before the request is, whatever its code. Nobody checks the topics of a batch, of an ended transaction
or of a lock: Java names the requests that are checked, and these are none of them.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from rocketpy.broker.acl.account import Account, Permission
from rocketpy.broker.acl.account_files import AccountFiles
from rocketpy.errors import AccessDenied, FieldError, RocketpyError
from rocketpy.protocol.api.client import HeartbeatData, UnregisterClient
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.signature import ACCESS_KEY, SIGNATURE, signature
from rocketpy.protocol.topic_names import RETRY_PREFIX, TRACE_TOPIC, retry_topic

Fields = dict[str, str]
Needs = dict[str, Permission]
"""By topic; a group is its retry topic."""

_UNSIGNED = "_UNIQUE_KEY_QUERY"
"""A field that Java's client adds after it has signed (MixAll.java:84)."""
_FOR_ADMINS = frozenset({
    RequestCode.UPDATE_AND_CREATE_TOPIC, RequestCode.UPDATE_BROKER_CONFIG, RequestCode.DELETE_TOPIC_IN_BROKER,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, RequestCode.DELETE_SUBSCRIPTIONGROUP,
})  # fmt: skip
"""Permission.java:35."""


class AccessCheck:
    """Refuses requests that the accounts do not allow."""

    def __init__(self, accounts: AccountFiles) -> None:
        self._accounts = accounts

    def __call__(self, remote_address: str, request: Command) -> None:
        """Raises AccessDenied; `remote_address` is "ip:port"."""
        address = remote_address.rpartition(":")[0]
        fields = request.ext_fields
        needs = {} if fields is None else _needs(request, fields)
        if self._accounts.is_trusted(address):
            return
        account = self._sender(fields or {})
        if account.is_trusted(address):
            return
        signed = {name: value for name, value in (fields or {}).items() if name != _UNSIGNED}
        expected = signature(signed, request.body, account.secret)
        if not hmac.compare_digest(expected.encode(), (fields or {}).get(SIGNATURE, "").encode()):
            raise _denied(f"Check signature failed for accessKey={account.access_key}", "validate", 684)
        if needs.get(TRACE_TOPIC) == Permission.PUB:
            return
        _check(account, request.code, needs)

    def _sender(self, fields: Fields) -> Account:
        access_key = fields.get(ACCESS_KEY)
        if access_key is None:
            raise _denied("No accessKey is configured", "validate", 664)
        account = self._accounts.find(access_key)
        if account is None:
            raise _denied(f"No acl config for {access_key}", "validate", 668)
        return account


def _check(account: Account, code: int, needs: Needs) -> None:
    """checkPerm:579."""
    if code in _FOR_ADMINS and not account.is_admin:
        raise _denied(
            f"Need admin permission for request code={code}, but accessKey={account.access_key} is not",
            "checkPerm",
            581,
        )
    if account.is_admin and not account.resources:
        return
    for resource in hash_map_order(needs):  # which is the first that is told of
        needed = needs[resource]
        is_group = resource.startswith(RETRY_PREFIX)
        usual = account.group_permission if is_group else account.topic_permission
        owned = account.resources.get(resource)
        if not (usual if owned is None else owned).allows(needed):
            name = f"group:{resource.removeprefix(RETRY_PREFIX)}" if is_group else f"topic:{resource}"
            raise _denied(f"No default permission for {name}", "checkPerm", 606 if owned is None else 611)


def _denied(text: str, method: str, line: int, of: str = "PlainPermissionManager") -> AccessDenied:
    """With Java's text, which ends with the place in the source that it comes from (exceptionSimpleDesc:43)."""
    place = f"org.apache.rocketmq.acl.plain.{of}.{method}({of}.java:{line})"
    return AccessDenied(f"org.apache.rocketmq.acl.common.AclException: {text}, {place}")


def _needs(request: Command, fields: Fields) -> Needs:
    """Raises AccessDenied for a request that cannot be read."""
    try:
        read = _READERS.get(request.code)
        return {} if read is None else dict(read(request, fields))
    except FieldError as error:
        text = f"the custom field <{error.name}> is null" if error.value is None else str(error)
    except RocketpyError as error:
        text = str(error)
    raise _denied(text, "parse", 134, of="PlainAccessValidator")


Found = Iterable[tuple[str, Permission]]


def _topic(fields: Fields, name: str, permission: Permission) -> Found:
    topic = fields.get(name)
    return [] if topic is None else [(topic, permission)]


def _group(group: str | None) -> Found:
    return [] if group is None else [(retry_topic(group), Permission.SUB)]


def _send(topic_field: str, group_field: str) -> Callable[[Command, Fields], Found]:
    def read(_: Command, fields: Fields) -> Found:
        if fields.get(topic_field, "").startswith(RETRY_PREFIX):
            return _group(fields.get(group_field))
        return _topic(fields, topic_field, Permission.PUB)

    return read


def _topic_of_group(_: Command, fields: Fields) -> Found:
    return [*_topic(fields, "topic", Permission.SUB), *_group(fields.get("consumerGroup"))]


def _heartbeat(request: Command, _: Fields) -> Found:
    for consumer in HeartbeatData.from_json(request.body).consumer_data_set or ():
        yield from _group(consumer.group_name)
        for subscription in consumer.subscription_data_set or ():
            if subscription.topic is not None:
                yield subscription.topic, Permission.SUB


def _unregister(_: Command, fields: Fields) -> Found:
    return _group(UnregisterClient.decode(fields).consumer_group)


_READERS: dict[int, Callable[[Command, Fields], Found]] = {
    RequestCode.SEND_MESSAGE: _send("topic", "group"),
    RequestCode.SEND_MESSAGE_V2: _send("b", "a"),
    RequestCode.CONSUMER_SEND_MSG_BACK: lambda _, fields: _group(fields.get("group")),
    RequestCode.PULL_MESSAGE: _topic_of_group,
    RequestCode.QUERY_MESSAGE: lambda _, fields: _topic(fields, "topic", Permission.SUB),
    RequestCode.HEART_BEAT: _heartbeat,
    RequestCode.UNREGISTER_CLIENT: _unregister,
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: lambda _, fields: _group(fields.get("consumerGroup")),
    RequestCode.UPDATE_CONSUMER_OFFSET: _topic_of_group,
}
"""PlainAccessValidator.parse:78."""
