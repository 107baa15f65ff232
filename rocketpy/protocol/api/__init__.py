"""Every request, reply and body of RocketMQ 4.9.8, one module a subject; importing this fills `header.API`.

Each docstring names the Java class that has the same fields on the wire, or the method that serves the code where
there is no header. Left out are header classes that Java has but never sends: CheckTransactionStateResponseHeader,
EndTransactionResponseHeader and RegisterOrderTopicRequestHeader.

`bname` is the broker's name, which clients add for a proxy's sake (RpcRequestHeader.java:22); brokers ignore it.
"""

from rocketpy.protocol.api import (
    acl,
    broker,
    client,
    connection,
    group,
    kv,
    offset,
    pull,
    query,
    route,
    send,
    stats,
    topic,
    transaction,
    unserved,
)

__all__ = [
    "acl",
    "broker",
    "client",
    "connection",
    "group",
    "kv",
    "offset",
    "pull",
    "query",
    "route",
    "send",
    "stats",
    "topic",
    "transaction",
    "unserved",
]
