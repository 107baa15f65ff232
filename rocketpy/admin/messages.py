"""Finding single messages, and who has consumed them (MQAdminImpl.java, DefaultMQAdminExtImpl.java)."""

from __future__ import annotations

import socket
from typing import NamedTuple

from rocketpy.admin.client import TIMEOUT_MS, AdminClient, broker_address
from rocketpy.admin.errors import BrokerError, ClientError, JavaError
from rocketpy.clock import now_ms
from rocketpy.protocol.api.connection import ConsumeMessageDirectly, ConsumeMessageDirectlyResult, ConsumerConnection
from rocketpy.protocol.api.query import QueryMessage, ViewMessageById
from rocketpy.protocol.api.route import TopicRouteData
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import ConsumeType
from rocketpy.protocol.message import MessageExt, decode_messages
from rocketpy.protocol.message_id import OffsetMessageId, UniqueId

_VIEW_TIMEOUT_MS = 6000  # MQAdminImpl.java:57
_FOREVER = 0x7FFF_FFFF_FFFF_FFFF


class Track(NamedTuple):
    """What a group did with a message (MessageTrack.java:19)."""

    group: str
    kind: str = "UNKNOWN"
    exception: str | None = None

    def __str__(self) -> str:
        exception = "null" if self.exception is None else self.exception
        return f"MessageTrack [consumerGroup={self.group}, trackType={self.kind}, exceptionDesc={exception}]"


def address_of(host: tuple[str, int]) -> str:
    """host:port."""
    return f"{host[0]}:{host[1]}"


def view(admin: AdminClient, message_id: str) -> MessageExt:
    """The message with an offset message id (MQAdminImpl.viewMessage:254)."""
    try:
        place = OffsetMessageId.decode(message_id)
    except ValueError:
        raise ClientError("query message by id finished, but no message.", ResponseCode.NO_MESSAGE) from None
    header = ViewMessageById(physical_offset=place.physical_offset)
    answer = admin.ask(address_of((place.address, place.port)), header, timeout_ms=_VIEW_TIMEOUT_MS)
    return decode_messages(answer.body)[0]


def view_any(admin: AdminClient, topic: str, message_id: str) -> MessageExt:
    """The same, or the message with a unique id (DefaultMQAdminExtImpl.viewMessage:354)."""
    try:
        return view(admin, message_id)
    except JavaError:
        try:
            begin = UniqueId.decode(message_id).born_timestamp(now_ms()) - 1000
        except ValueError:
            begin = 0
        return find(admin, topic, message_id, 32, unique=True, begin=begin)[0]


def find(
    admin: AdminClient, topic: str, key: str, most: int, *, unique: bool = False, begin: int = 0
) -> list[MessageExt]:
    """Messages with a key; with `unique` the oldest with that unique id (MQAdminImpl.queryMessage:302)."""
    found = []
    for data in _route_or_refuse(admin, topic).broker_datas:
        header = QueryMessage(
            topic=topic, key=key, max_num=most, begin_timestamp=begin, end_timestamp=_FOREVER, unique_key_query=unique
        )
        try:
            answer = admin.ask(broker_address(data), header, timeout_ms=_VIEW_TIMEOUT_MS * 3)
        except JavaError:
            continue  # what the other brokers have is still of use
        found += decode_messages(answer.body)
    if unique:
        found = sorted((one for one in found if one.msg_id == key), key=lambda one: one.store_timestamp)[:1]
    else:
        found = [one for one in found if key in (one.keys or "").split(" ") and one.topic == topic]
    if not found:
        raise ClientError("query message by key finished, but no message.", ResponseCode.NO_MESSAGE)
    return found


def _route_or_refuse(admin: AdminClient, topic: str) -> TopicRouteData:
    try:
        return admin.route(topic)
    except JavaError:
        raise ClientError(f"The topic[{topic}] not matched route info", ResponseCode.TOPIC_NOT_EXIST) from None


def consume_directly(
    admin: AdminClient, message: MessageExt, message_id: str, group: str, client_id: str
) -> ConsumeMessageDirectlyResult:
    """Have a client consume a message now (DefaultMQAdminExtImpl.consumeMessageDirectly:823)."""
    header = ConsumeMessageDirectly(consumer_group=group, client_id=client_id, msg_id=message_id)
    return admin.fetch(address_of(message.store_host), header, ConsumeMessageDirectlyResult, TIMEOUT_MS * 3)


def tracks(admin: AdminClient, message: MessageExt) -> list[Track]:
    """What each group of the topic did with the message (DefaultMQAdminExtImpl.messageTrackDetail:855)."""
    return [_track(admin, message, group) for group in admin.groups_of(message.topic) or ()]


def _track(admin: AdminClient, message: MessageExt, group: str) -> Track:
    try:
        online = admin.consumer_connection(group)
    except BrokerError as error:
        return _refused(group, error)
    except JavaError as error:
        return Track(group, exception=str(error))
    if online.consume_type == ConsumeType.CONSUME_ACTIVELY:
        return Track(group, "PULL")
    try:
        consumed = _is_consumed(admin, message, group)
    except (BrokerError, ClientError) as error:
        return _refused(group, error)
    except JavaError as error:
        return Track(group, exception=str(error))
    if not consumed:
        return Track(group, "NOT_CONSUME_YET")
    return Track(group, "CONSUMED" if _is_wanted(online, message) else "CONSUMED_BUT_FILTERED")


def _refused(group: str, error: BrokerError | ClientError) -> Track:
    kind = "NOT_ONLINE" if error.code == ResponseCode.CONSUMER_NOT_ONLINE else "UNKNOWN"
    return Track(group, kind, f"CODE:{error.code} DESC:{error.description}")


def _is_wanted(online: ConsumerConnection, message: MessageExt) -> bool:
    subscription = online.subscription_table.get(message.topic)
    if subscription is None or not subscription.tags_set:
        return True
    return message.tags in subscription.tags_set or "*" in subscription.tags_set


def _is_consumed(admin: AdminClient, message: MessageExt, group: str) -> bool:
    """Whether the group is beyond the message in its queue (DefaultMQAdminExtImpl.consumed:950)."""
    found = admin.consume_stats(group)
    brokers = admin.cluster_info().broker_addr_table
    for queue, offsets in found.offset_table.items():
        data = brokers.get(queue.broker_name)
        if (queue.topic, queue.queue_id) != (message.topic, message.queue_id) or data is None:
            continue
        master = data.broker_addrs.get(0)
        if (
            master is not None
            and _numeric(master) == address_of(message.store_host)
            and offsets.consumer_offset > message.queue_offset
        ):
            return True
    return False


def _numeric(address: str) -> str:
    """`address` with the host's IP address instead of its name (RemotingUtil.convert2IpString)."""
    host, _, port = address.rpartition(":")
    try:
        return f"{socket.gethostbyname(host)}:{port}"
    except OSError:
        return address
