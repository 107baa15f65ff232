"""The name server's key-value store."""

from __future__ import annotations

from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, reply, request


@body
class KVTable(Body):
    """Texts by name (KVTable.java:22)."""

    table: dict[str, str] = member(factory=dict)


@request(RequestCode.PUT_KV_CONFIG)
class PutKVConfig(Header):
    """Set a key (PutKVConfigRequestHeader.java:24)."""

    namespace: str
    key: str
    value: str


@reply
class GetKVConfigReply(Header):
    """A key's value (GetKVConfigResponseHeader.java:24)."""

    value: str | None = None


@request(RequestCode.GET_KV_CONFIG, reply=GetKVConfigReply)
class GetKVConfig(Header):
    """Ask for a key (GetKVConfigRequestHeader.java:24)."""

    namespace: str
    key: str


@request(RequestCode.DELETE_KV_CONFIG)
class DeleteKVConfig(Header):
    """Delete a key (DeleteKVConfigRequestHeader.java:24)."""

    namespace: str
    key: str


@request(RequestCode.GET_KVLIST_BY_NAMESPACE, reply_body=KVTable)
class GetKVListByNamespace(Header):
    """All keys of a namespace (GetKVListByNamespaceRequestHeader.java:24)."""

    namespace: str
