"""What brokers tell the name server, and what an operator tells it about one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from zlib import crc32

from rocketpy.errors import ProtocolError, ReplyError
from rocketpy.namesrv.kv import ORDER_TOPIC_CONFIG, KVConfigTable
from rocketpy.namesrv.route_table import RouteTable
from rocketpy.protocol.api.route import (
    AddWritePermOfBroker,
    AddWritePermOfBrokerReply,
    QueryDataVersion,
    QueryDataVersionReply,
    RegisterBroker,
    RegisterBrokerBody,
    UnregisterBroker,
    WipeWritePermOfBroker,
    WipeWritePermOfBrokerReply,
)
from rocketpy.protocol.api.topic import DataVersion, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.registration import read_registration
from rocketpy.protocol.version import Version
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles

_log = logging.getLogger("rocketpy.namesrv")


class BrokerProcessor:
    """Registration, and the permission to send to a broker."""

    def __init__(self, routes: RouteTable, kv: KVConfigTable, clock: Callable[[], int]) -> None:
        self._routes = routes
        self._kv = kv
        self._clock = clock

    @handles(RegisterBroker)
    def register(self, peer: Connection, request: RegisterBroker, command: Command) -> Reply:
        """Takes over a broker and its topics; the answer's body is what is known of ordered topics."""
        if request.body_crc32 and request.body_crc32 != crc32(command.body) & 0x7FFFFFFF:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "crc32 not match")
        body = _registration(request, command)
        if self._routes.disconnect not in peer.on_close:
            peer.on_close.append(self._routes.disconnect)
        header = self._routes.register(request, body, peer, self._clock())
        order_topics = self._kv.namespace(ORDER_TOPIC_CONFIG)
        return Reply(header=header, body=b"" if order_topics is None else order_topics.to_json())

    @handles(UnregisterBroker)
    def unregister(self, peer: Connection, request: UnregisterBroker, command: Command) -> Reply:
        """Drops a broker that goes away."""
        self._routes.unregister(request.cluster_name, request.broker_addr, request.broker_name, request.broker_id)
        return Reply()

    @handles(QueryDataVersion)
    def query_data_version(self, peer: Connection, request: QueryDataVersion, command: Command) -> Reply:
        """Whether the broker has topics that were not registered; if not, it counts as alive."""
        changed = self._routes.is_changed(request.broker_addr, DataVersion.from_json(command.body))
        if not changed:
            self._routes.touch(request.broker_addr, self._clock())
        known = self._routes.data_version(request.broker_addr)
        return Reply(header=QueryDataVersionReply(changed=changed), body=b"" if known is None else known.to_json())

    @handles(WipeWritePermOfBroker)
    def wipe_write_perm(self, peer: Connection, request: WipeWritePermOfBroker, command: Command) -> Reply:
        """Routes no more sends to a broker, until its topics change or the permission is added again."""
        count = self._routes.wipe_write_perm(request.broker_name)
        _log.info("%s wipes the write permission of broker %s", peer.remote_address, request.broker_name)
        return Reply(header=WipeWritePermOfBrokerReply(wipe_topic_count=count))

    @handles(AddWritePermOfBroker)
    def add_write_perm(self, peer: Connection, request: AddWritePermOfBroker, command: Command) -> Reply:
        """Routes sends to a broker again."""
        count = self._routes.add_write_perm(request.broker_name)
        _log.info("%s adds the write permission of broker %s", peer.remote_address, request.broker_name)
        return Reply(header=AddWritePermOfBrokerReply(add_topic_count=count))


def _registration(request: RegisterBroker, command: Command) -> RegisterBrokerBody:
    """The body in the form that the broker's version has; brokers before 3.0.11 send their topics only."""
    if not command.body:
        return RegisterBrokerBody()
    if command.version < Version.V3_0_11:
        topics = TopicConfigSerializeWrapper.from_json(command.body)
        return RegisterBrokerBody(topic_config_serialize_wrapper=topics)
    try:
        return read_registration(command.body, request.compressed)
    except ProtocolError as error:
        raise ProtocolError("Failed to decode RegisterBrokerBody") from error
