"""What a message must look like when it comes back: compared byte for byte with what was sent and answered."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from interop.cluster import Cluster
from interop.expect import equal, holds
from interop.messages import Message, Sent, Stored
from interop.raw_client import RawClient
from rocketpy.protocol.codes import RequestCode

COMPRESSED = 0x1
FIXED_SIZE = 91
"""Bytes of a record with two IPv4 hosts beside body, topic and properties."""


def cluster_name(cluster: Cluster) -> str:
    """The name of the cluster that the broker belongs to."""
    with RawClient(cluster.namesrv) as namesrv:
        table = namesrv.ask_json(RequestCode.GET_BROKER_CLUSTER_INFO)["brokerAddrTable"]
    return str(table[cluster.broker_name]["cluster"])


def expect_sent(cluster: Cluster, sent: Sequence[Sent], topic: str, first_offset: int = 0) -> None:
    """Each message was accepted into the only queue of `topic`, one after the other."""
    for number, result in enumerate(sent):
        equal("send status", result.status, "SEND_OK")
        equal("queue sent to", (result.queue.topic, result.queue.broker), (topic, cluster.broker_name))
        equal("queue offset", result.queue_offset, first_offset + number)
        equal("region", result.region, "DefaultRegion")
    offsets = [physical_offset(result.offset_msg_id) for result in sent]
    equal("order in the CommitLog", offsets, sorted(set(offsets)))


def expect_delivered(
    cluster: Cluster, message: Message, stored: Stored, sent: Sent | None, *, batch: Mapping[str, str] | None = None
) -> None:
    """`stored` is what was sent as `message` and answered with `sent` (None: one way, or in a batch).

    `batch`: the properties of the batch as a whole, which the broker appends also to messages that have them.
    """
    equal("topic", stored.topic, message.topic)
    equal("body", stored.body, message.body)
    equal("flag", stored.flag, message.flag)
    unique_key = stored.properties.get("UNIQ_KEY")
    added = {"CLUSTER": cluster_name(cluster), **(batch or {})}
    if unique_key is not None or sent is not None:
        added["UNIQ_KEY"] = sent.msg_id if sent is not None else unique_key or ""
    equal("properties", stored.stored_properties(), message.own_properties() | added)
    equal("store host", stored.store_host, cluster.broker)
    equal("offset message id", stored.offset_msg_id, offset_message_id(stored.store_host, stored.physical_offset))
    equal("message id", stored.msg_id, unique_key or stored.offset_msg_id)
    equal("times consumed again", stored.reconsume_times, 0)
    equal("prepared transaction offset", stored.prepared_transaction_offset, 0)
    holds("born before stored", stored.born_timestamp <= stored.store_timestamp + 1000)
    if stored.sys_flag & COMPRESSED == 0:
        equal("body crc", stored.body_crc, zlib.crc32(message.body) & 0x7FFF_FFFF)
        equal("store size", stored.store_size, record_size(stored, batch or {}))
    if sent is not None:
        equal("offset message id answered", stored.offset_msg_id, sent.offset_msg_id)
        equal("queue and offset", (stored.queue_id, stored.queue_offset), (sent.queue.id, sent.queue_offset))


def record_size(stored: Stored, batch: Mapping[str, str]) -> int:
    """Bytes that the message takes in the CommitLog, its body not being compressed."""
    pairs = (*stored.stored_properties().items(), *batch.items())
    texts = (stored.topic, "\2".join(f"{name}\1{value}" for name, value in pairs))
    return FIXED_SIZE + len(stored.body) + sum(len(text.encode()) for text in texts)


def offset_message_id(store_host: str, offset: int) -> str:
    """The id that holds the place of a message: address, port, physical offset, in upper case hex."""
    host, _, port = store_host.rpartition(":")
    return f"{bytes(map(int, host.split('.'))).hex()}{int(port):08x}{offset:016x}".upper()


def physical_offset(offset_msg_id: str) -> int:
    """The physical offset inside the id."""
    return int(offset_msg_id[-16:], 16)
