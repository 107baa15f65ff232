"""What administrators have consumers do: the broker hands it on over the consumers' own connections.

Java has it in Broker2Client.java and AdminBrokerProcessor.callConsumer:1486.
"""

from __future__ import annotations

import logging

from rocketpy.broker.consumers import ConsumerGroup, ConsumerTable
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.producers import ClientConnection
from rocketpy.broker.queue_order import queues_of
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import FieldError, RemotingError, RemotingTimeout, ReplyError
from rocketpy.protocol.api import connection as api
from rocketpy.protocol.api import offset
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.codes import LanguageCode, ResponseCode
from rocketpy.protocol.command import ONEWAY_FLAG, RESPONSE_FLAG, Command, Reply
from rocketpy.protocol.header import Header
from rocketpy.protocol.message_id import OffsetMessageId
from rocketpy.protocol.remarks import NEVER_SET
from rocketpy.protocol.version import Version, version_name
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore

CALL_TIMEOUT_MS = 10_000
STATUS_TIMEOUT_MS = 5_000

_log = logging.getLogger("rocketpy.broker")


class ConsumerProcessor:
    """Resets the offsets of consumers, and asks them about themselves."""

    def __init__(
        self,
        config: BrokerConfig,
        store: MessageStore,
        topics: TopicTable,
        offsets: OffsetTable,
        consumers: ConsumerTable,
    ) -> None:
        self._config = config
        self._store = store
        self._topics = topics
        self._offsets = offsets
        self._consumers = consumers

    @handles(offset.InvokeBrokerToResetOffset)
    def reset_offset(self, peer: Connection, request: offset.InvokeBrokerToResetOffset, command: Command) -> Reply:
        """Tell all members of a group to go to a time; the broker's own table follows when they commit."""
        table = self._new_offsets(request)
        _log.info("%s resets group %s in %s to %d", peer.remote_address, request.group, request.topic,
                  request.timestamp)  # fmt: skip
        group = self._consumers.get(request.group)
        if group is None:
            raise ReplyError(
                ResponseCode.CONSUMER_NOT_ONLINE,
                f"Consumer not online, so can not reset offset, Group: {request.group} Topic: {request.topic} "
                f"Timestamp: {request.timestamp}",
            )
        told = offset.ResetConsumerClientOffset(
            topic=request.topic, group=request.group, timestamp=request.timestamp, is_force=False
        )
        body = offset.ResetOffsetBody(offset_table=table).to_json()
        pushed = _for_cpp(table) if command.language == LanguageCode.CPP else body
        for member in group.members.values():
            _check_version(member, Version.V3_0_7_SNAPSHOT)
            member.peer.push(told, pushed)
        return Reply(body=body, remark=NEVER_SET)

    @handles(offset.InvokeBrokerToGetConsumerStatus, spawn=True)
    def get_status(
        self, peer: Connection, request: offset.InvokeBrokerToGetConsumerStatus, command: Command
    ) -> Reply:
        """The offsets that the members of a group have in memory, or one of them."""
        group = self._consumers.get(request.group)
        if group is None:
            raise FieldError("consumerGroupInfo", None)  # getConsumeStatus:191 takes it for granted
        asked = offset.GetConsumerStatusFromClient(topic=request.topic, group=request.group)
        table = {}
        for member in _asked_members(group, request.client_addr):
            _check_version(member, Version.V3_0_7_SNAPSHOT)
            try:
                answer = member.peer.invoke(asked, timeout_ms=STATUS_TIMEOUT_MS)
            except RemotingError as error:
                _log.error("no status of %s: %s", member, error)
                continue
            if answer.code == ResponseCode.SUCCESS and answer.body:
                table[member.client_id] = offset.GetConsumerStatusBody.from_json(answer.body).message_queue_table
        return Reply(body=offset.GetConsumerStatusBody(consumer_table=table).to_json(), remark=NEVER_SET)

    @handles(api.GetConsumerRunningInfo, spawn=True)
    def get_running_info(self, peer: Connection, request: api.GetConsumerRunningInfo, command: Command) -> None:
        """What a member says of itself."""
        self._call(peer, command, request, b"", request.consumer_group, request.client_id)

    @handles(api.ConsumeMessageDirectly, spawn=True)
    def consume_directly(self, peer: Connection, request: api.ConsumeMessageDirectly, command: Command) -> None:
        """Hand a member a message of the store and say what it did with it."""
        request.broker_name = self._config.broker_name
        try:
            physical_offset = OffsetMessageId.decode(request.msg_id or "").physical_offset
        except ValueError as error:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, str(error)) from error
        message = self._store.message_at(physical_offset)
        if message is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"can not find message by the offset, {physical_offset}")
        self._call(peer, command, request, bytes(message), request.consumer_group, request.client_id or "")

    def _new_offsets(self, request: offset.InvokeBrokerToResetOffset) -> dict[MessageQueue, int]:
        """Where each queue is at that time; without force not further than the group has come (resetOffset:105)."""
        topic = self._topics.get(request.topic)
        if topic is None:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR,
                f"[reset-offset] reset offset failed, no topic in this broker. topic={request.topic}",
            )
        table = {}
        for queue in queues_of(request.topic, self._config.broker_name, topic.write_queue_nums):
            at = (request.topic, queue.queue_id)
            consumer_offset = self._offsets.query(request.group, *at)
            if consumer_offset == -1:
                raise ReplyError(ResponseCode.SYSTEM_ERROR, f"THe consumer group <{request.group}> not exist")
            at_end = request.timestamp == -1
            found = self._store.max_offset(*at) if at_end else self._store.offset_by_time(*at, request.timestamp)
            found = max(0, found)
            table[queue] = found if request.is_force else min(found, consumer_offset)
        return table

    def _call(
        self, peer: Connection, command: Command, header: Header, body: bytes, group: str, client_id: str
    ) -> None:
        """Ask a member, and pass its answer on as it is, language and version included."""
        member = self._consumers.find_member(group, client_id)
        if member is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"The Consumer <{group}> <{client_id}> not online")
        if member.version < Version.V3_1_8_SNAPSHOT:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR,
                f"The Consumer <{client_id}> Version <{version_name(member.version)}> too low to finish, "
                "please upgrade it to V3_1_8_SNAPSHOT",
            )
        try:
            answer = member.peer.invoke(header, body, CALL_TIMEOUT_MS)
        except RemotingTimeout as error:
            raise ReplyError(
                ResponseCode.CONSUME_MSG_TIMEOUT, f"consumer <{group}> <{client_id}> Timeout: {error}"
            ) from error
        except RemotingError as error:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR, f"invoke consumer <{group}> <{client_id}> Exception: {error}"
            ) from error
        answer.opaque, answer.serialization, answer.flag = command.opaque, command.serialization, RESPONSE_FLAG
        if not command.flag & ONEWAY_FLAG:
            peer.write([answer.encode()])


def _asked_members(group: ConsumerGroup, client_id: str | None) -> list[ClientConnection]:
    members = group.members.values()
    return [one for one in members if not client_id or client_id.isspace() or one.client_id == client_id]


def _check_version(member: ClientConnection, oldest: Version) -> None:
    if member.version < oldest:
        name = version_name(member.version)
        raise ReplyError(ResponseCode.SYSTEM_ERROR, f"the client does not support this feature. version={name}")


def _for_cpp(table: dict[MessageQueue, int]) -> bytes:
    """Clients in C++ read no maps whose keys are objects."""
    return offset.ResetOffsetBodyForC(
        offset_table=[
            offset.MessageQueueForC(
                topic=queue.topic, broker_name=queue.broker_name, queue_id=queue.queue_id, queue_offset=queue_offset
            )
            for queue, queue_offset in table.items()
        ]
    ).to_json()
