"""What every producer and consumer may ask about topics, queues and messages (MQAdminImpl.java)."""

from __future__ import annotations

import logging

from rocketpy.client.checks import check_new_topic
from rocketpy.client.errors import BrokerError, ClientError, see_faq
from rocketpy.client.instance import Instance
from rocketpy.client.messages import ReceivedMessage, decode_received
from rocketpy.client.namespace import queue_with_namespace, queue_without_namespace, with_namespace, without_namespace
from rocketpy.client.publish import MASTER_ID, publish_queues, subscribe_queues
from rocketpy.client.results import QueryResult
from rocketpy.client.routes import some_address
from rocketpy.errors import RemotingError, RocketpyError
from rocketpy.protocol.api import offset, query, topic
from rocketpy.protocol.api.route import MessageQueue, TopicRouteData
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.header import Header
from rocketpy.protocol.message_id import OffsetMessageId
from rocketpy.protocol.property_names import KEY_SEPARATOR

log = logging.getLogger(__name__)

TIMEOUT_MS = 6000
"""MQAdminImpl.java:63."""
_MOST_TRIES = 5
_LONG_MAX = (1 << 63) - 1


class Queries:
    """Asks for one instance; to be used in its hub. Names are those of the application, without namespace."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    @property
    def _namespace(self) -> str | None:
        return self._instance.settings.namespace

    def create_topic(self, key: str, name: str, queues: int) -> None:
        """Make a topic at each master that has the topic `key`. Raises ClientError."""
        name = with_namespace(self._namespace, name)
        check_new_topic(name)
        route = self._route(key)
        if not route.broker_datas:
            raise ClientError("Not found broker, maybe key is wrong")
        header = topic.UpdateAndCreateTopic(
            topic=name, default_topic=key, read_queue_nums=queues, write_queue_nums=queues, perm=6,
            topic_filter_type="SINGLE_TAG", topic_sys_flag=0, order=False,
        )  # fmt: skip
        failure: RocketpyError | None = None
        created = False
        for data in sorted(route.broker_datas, key=lambda one: one.broker_name):
            for number in range(_MOST_TRIES if MASTER_ID in data.broker_addrs else 0):
                try:
                    self._ask(data.broker_addrs[MASTER_ID], header)
                    created = True
                    break
                except (BrokerError, RemotingError) as error:
                    failure = error if number == _MOST_TRIES - 1 else failure
        if failure is not None and not created:
            raise ClientError(f"create new topic failed: {failure}") from failure

    def publish_queues(self, name: str) -> list[MessageQueue]:
        """The queues to send to, in their order, asked of the name server. Raises ClientError or RemotingError."""
        name = with_namespace(self._namespace, name)
        queues = publish_queues(name, self._route(name))
        if not queues:
            raise ClientError(f"Unknow why, Can not find Message Queue for this topic, {name}")
        return [queue_without_namespace(self._namespace, queue) for queue in queues]

    def subscribe_queues(self, name: str) -> list[MessageQueue]:
        """The queues to read from, asked of the name server. Raises ClientError or RemotingError."""
        name = with_namespace(self._namespace, name)
        queues = subscribe_queues(name, self._route(name))
        if not queues:
            raise ClientError(f"Can not find Message Queue for this topic, {name} Namesrv return empty")
        return [queue_without_namespace(self._namespace, queue) for queue in queues]

    def max_offset(self, queue: MessageQueue) -> int:
        """The offset that the next message of `queue` gets."""
        name, number, address = self._place(queue)
        answer = self._ask(address, offset.GetMaxOffset(topic=name, queue_id=number, bname=queue.broker_name))
        return offset.GetMaxOffsetReply.decode(answer.ext_fields).queue_offset

    def min_offset(self, queue: MessageQueue) -> int:
        """The offset of the oldest message of `queue`."""
        name, number, address = self._place(queue)
        answer = self._ask(address, offset.GetMinOffset(topic=name, queue_id=number, bname=queue.broker_name))
        return offset.GetMinOffsetReply.decode(answer.ext_fields).queue_offset

    def offset_for_timestamp(self, queue: MessageQueue, timestamp: int) -> int:
        """The offset of the message of `queue` that was stored at `timestamp` ms, or nearest to it."""
        name, number, address = self._place(queue)
        header = offset.SearchOffsetByTimestamp(
            topic=name, queue_id=number, timestamp=timestamp, bname=queue.broker_name
        )
        return offset.SearchOffsetByTimestampReply.decode(self._ask(address, header).ext_fields).queue_offset

    def earliest_store_time(self, queue: MessageQueue) -> int:
        """When the oldest message of `queue` was stored, in ms; -1 if there is none."""
        name, number, address = self._place(queue)
        header = offset.GetEarliestMsgStoretime(topic=name, queue_id=number, bname=queue.broker_name)
        return offset.GetEarliestMsgStoretimeReply.decode(self._ask(address, header).ext_fields).timestamp

    def view(self, msg_id: str, name: str | None = None) -> ReceivedMessage:
        """The message with that offset id, or with that unique id if `name`, its topic, is given.

        Raises ClientError with NO_MESSAGE if there is none, BrokerError or RemotingError.
        """
        try:
            place = OffsetMessageId.decode(msg_id)
            host = f"[{place.address}]" if ":" in place.address else place.address
            address = self._instance.at_port(f"{host}:{place.port}")
            answer = self._ask(address, query.ViewMessageById(physical_offset=place.physical_offset))
            return self._renamed(decode_received(answer.body, ""))[0]
        except (ValueError, RemotingError, BrokerError, IndexError) as error:
            if name is None:
                if isinstance(error, (RemotingError, BrokerError)):
                    raise
                text = "query message by id finished, but no message."
                raise ClientError(text, ResponseCode.NO_MESSAGE, show_code=True) from error
        return self.query(name, msg_id, most=32, unique=True).messages[0]

    def query(
        self, name: str, key: str, *, most: int = 32, begin: int = 0, end: int = _LONG_MAX, unique: bool = False
    ) -> QueryResult:
        """Messages of a topic by one of their keys, or by their `unique` id, stored between two times in ms.

        Raises ClientError with NO_MESSAGE or TOPIC_NOT_EXIST.
        """
        name = with_namespace(self._namespace, name)
        routes = self._instance.routes
        if name not in routes.topics:
            routes.update(name)
        route = routes.topics.get(name)
        if route is None:
            text = f"The topic[{name}] not matched route info"
            raise ClientError(text, ResponseCode.TOPIC_NOT_EXIST, show_code=True)
        header = query.QueryMessage(
            topic=name, key=key, max_num=most, begin_timestamp=begin, end_timestamp=end,
            unique_key_query=True if unique else None,
        )  # fmt: skip
        latest = 0
        found: list[ReceivedMessage] = []
        for data in route.broker_datas:
            try:
                answer = self._ask(some_address(data.broker_addrs), header, TIMEOUT_MS * 3)
            except (BrokerError, RemotingError) as error:
                log.warning("query of %s at %s: %s", key, data.broker_name, error)
                continue
            reply = query.QueryMessageReply.decode(answer.ext_fields)
            latest = max(latest, reply.index_last_update_timestamp)
            found += [one for one in decode_received(answer.body, data.broker_name) if _matches(one, name, key, unique)]
        if unique:
            found = sorted(found, key=lambda one: one.store_timestamp)[:1]
        if not found:
            text = "query message by key finished, but no message."
            raise ClientError(text, ResponseCode.NO_MESSAGE, show_code=True)
        return QueryResult(latest, self._renamed(found))

    def _route(self, name: str) -> TopicRouteData:
        route = self._instance.name_servers.route(name, TIMEOUT_MS)
        if route is None:
            text = f"Can not find Message Queue for this topic, {name}{see_faq()}"
            raise ClientError(text, ResponseCode.TOPIC_NOT_EXIST)
        return route

    def _place(self, queue: MessageQueue) -> tuple[str, int, str]:
        """The queue's topic and number on the wire, and whom to ask."""
        queue = queue_with_namespace(self._namespace, queue)
        return queue.topic, queue.queue_id, self._instance.broker_address(queue.broker_name, queue.topic)

    def _ask(self, address: str, header: Header, timeout_ms: float = TIMEOUT_MS) -> Command:
        answer = self._instance.client.invoke(address, header, timeout_ms=timeout_ms)
        if answer.code != ResponseCode.SUCCESS:
            raise BrokerError(answer.code, answer.remark, address)
        return answer

    def _renamed(self, messages: list[ReceivedMessage]) -> list[ReceivedMessage]:
        for message in messages:
            message.topic = without_namespace(self._namespace, message.topic)
        return messages


def _matches(message: ReceivedMessage, name: str, key: str, unique: bool) -> bool:
    """Whether it is what was asked for: other keys may have the same hash."""
    if unique:
        return message.msg_id == key
    return message.topic == name and key in (message.keys or "").split(KEY_SEPARATOR)
