"""One account: its key, and what it may do (PlainAccessResource.java, Permission.java)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

from rocketpy.broker.acl.addresses import Matcher, matcher
from rocketpy.broker.acl.errors import AclError
from rocketpy.protocol.api.acl import PlainAccessConfig
from rocketpy.protocol.topic_names import retry_topic

_SHORTEST = 7
"""Characters of an access or secret key (AclConstants.java)."""


class Permission(IntFlag):
    """What may be done with a topic; with a group there is only SUB."""

    DENY = 1
    PUB = 1 << 2
    SUB = 1 << 3

    def allows(self, needed: Permission) -> bool:
        """Whether who has this may do what needs `needed` (checkPermission:49)."""
        return not self & Permission.DENY and bool(self & needed)


_PERMISSIONS = {
    "PUB": Permission.PUB,
    "SUB": Permission.SUB,
    "PUB|SUB": Permission.PUB | Permission.SUB,
    "SUB|PUB": Permission.PUB | Permission.SUB,
    "DENY": Permission.DENY,
}


@dataclass(frozen=True, slots=True)
class Account:
    """What an access key stands for. `resources` has topics, and groups by their retry topics."""

    access_key: str
    secret: bytes
    is_admin: bool
    topic_permission: Permission
    group_permission: Permission
    resources: Mapping[str, Permission]
    is_trusted: Matcher
    """Whether requests from an address need no signature."""


def account_of(config: PlainAccessConfig) -> Account:
    """The account that is configured so (buildPlainAccessResource:634). Raises AclError."""
    access_key, secret_key = check_keys(config)
    resources = {retry_topic(name): value for name, value in _resources("group", config.group_perms)}
    return Account(
        access_key=access_key,
        secret=secret_key.encode(),
        is_admin=config.admin,
        topic_permission=_permission(config.default_topic_perm),
        group_permission=_permission(config.default_group_perm),
        resources=resources | dict(_resources("topic", config.topic_perms)),
        is_trusted=matcher(config.white_remote_address),
    )


def check_keys(config: PlainAccessConfig) -> tuple[str, str]:
    """Access and secret key (checkPlainAccessConfig:622). Raises AclError unless both are long enough."""
    keys = config.access_key, config.secret_key
    if keys[0] is None or keys[1] is None or min(map(len, (keys[0], keys[1]))) < _SHORTEST:
        null = tuple("null" if one is None else one for one in keys)
        raise AclError(
            f"The accessKey={null[0]} and secretKey={null[1]} cannot be null and length should longer than 6"
        )
    return keys[0], keys[1]


def check_resources(texts: Iterable[str] | None) -> None:
    """Raises AclError unless each is `name=permission` (Permission.checkResourcePerms:92)."""
    for text in texts or ():
        parts = [part for part in text.split("=") if part]
        if len(parts) != 2:
            raise AclError(
                f"Parse Resource format error for {text}.\n"
                "The expected resource format is 'Res=Perm'. For example: topicA=SUB"
            )
        if parts[1].strip() not in _PERMISSIONS:
            raise AclError(
                f"Parse resource permission error for {text}.\n"
                "The expected permissions are 'SUB' or 'PUB' or 'SUB|PUB' or 'PUB|SUB'."
            )


def config_of(fields: Any) -> PlainAccessConfig:
    """An entry of a file's `accounts`, whatever its values are: a number is as good as a text. Raises AclError."""
    if not isinstance(fields, dict):
        raise AclError(f"an account is a map of its settings, not {fields!r}")
    return PlainAccessConfig(
        access_key=_text(fields.get("accessKey")),
        secret_key=_text(fields.get("secretKey")),
        white_remote_address=_text(fields.get("whiteRemoteAddress")),
        admin=_text(fields.get("admin")) in ("true", "1"),
        default_topic_perm=_text(fields.get("defaultTopicPerm")),
        default_group_perm=_text(fields.get("defaultGroupPerm")),
        topic_perms=_texts(fields.get("topicPerms")),
        group_perms=_texts(fields.get("groupPerms")),
    )


def _resources(kind: str, texts: Iterable[str] | None) -> Iterable[tuple[str, Permission]]:
    for text in texts or ():
        parts = [part for part in text.split("=") if part]
        if len(parts) != 2:
            raise AclError(f"Parse resource permission failed for {kind}:{text}")
        yield parts[0].strip(), _permission(parts[1])


def _permission(text: str | None) -> Permission:
    return _PERMISSIONS.get((text or "").strip(), Permission.DENY)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _texts(values: Any) -> list[str] | None:
    if values is None:
        return None
    if not isinstance(values, list):
        raise AclError(f"permissions are a list, not {values!r}")
    return [_text(value) or "" for value in values]
