"""What topics hold and how far groups are, asked of the servers as any administrator may.

Hence it makes no difference whether they run in this process, in another one, or are Java's. It takes part in no group
and moves no offset. How far a consumer is, is asked of the consumer itself as well: what it has told the broker is
seconds old.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rocketpy.admin.client import AdminClient
from rocketpy.admin.errors import BrokerError, JavaError
from rocketpy.admin.pulling import PullStatus, QueueReader
from rocketpy.broker.transaction_checks import READER_GROUP
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.connection import ConsumerConnection, ConsumerRunningInfo, GetConsumerRunningInfo
from rocketpy.protocol.api.offset import DelayOffsetSerializeWrapper, GetAllDelayOffset
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.stats import ConsumeStats, GetConsumeStats, GetTopicStatsInfo, TopicOffset, TopicStatsTable
from rocketpy.protocol.api.topic import GetSystemTopicListFromBroker, TopicList
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import MessageModel
from rocketpy.protocol.message import MessageExt
from rocketpy.protocol.topic_names import (
    SCHEDULE_TOPIC,
    SYSTEM_TOPIC_PREFIX,
    TRANS_HALF_TOPIC,
    TRANS_OP_HALF_TOPIC,
    dlq_topic,
    retry_topic,
)
from rocketpy.testing.errors import NoSuchTopic, Refused

_MOST_A_PULL = 1000
_CONSUMER_TIMEOUT_MS = 2000
"""How long a consumer may take to tell how far it is, before what the broker knows has to do."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueueProgress:
    """How far a group is in a queue: it goes on at `consumed`, the next message gets `end`; both are queue offsets.

    `clients` are the ids of the consumers that have the queue.
    """

    queue: MessageQueue
    consumed: int
    end: int
    clients: tuple[str, ...] = ()

    @property
    def lag(self) -> int:
        """Messages that the group has yet to consume."""
        return max(0, self.end - self.consumed)


class Inspector:
    """Looks at topics and groups; to be used in the hub of its AdminClient. Everything raises JavaError or Refused."""

    def __init__(self, admin: AdminClient) -> None:
        self.admin = admin

    def masters(self) -> dict[str, str]:
        """The addresses of the master brokers, by name. Raises Refused if there are none."""
        table = self.admin.cluster_info().broker_addr_table
        found = {name: table[name].broker_addrs[0] for name in sorted(table) if 0 in table[name].broker_addrs}
        if not found:
            raise Refused("no master broker is registered at the name server")
        return found

    def topics(self) -> list[str]:
        """The topics that have a route, without those that RocketMQ makes for itself."""
        own = {name for address in self.masters().values() for name in self._system_topics(address)}
        names = sorted(set(self.admin.topics()) - own)
        return [name for name in names if not name.startswith(SYSTEM_TOPIC_PREFIX)]

    def _system_topics(self, address: str) -> list[str]:
        return self.admin.fetch(address, GetSystemTopicListFromBroker(), TopicList).topic_list

    def bounds(self, topic: str) -> dict[MessageQueue, TopicOffset]:
        """The queues of a topic and where they begin and end; none if no broker has the topic."""
        found: dict[MessageQueue, TopicOffset] = {}
        for address in self.masters().values():
            try:
                found |= self.admin.fetch(address, GetTopicStatsInfo(topic=topic), TopicStatsTable).offset_table
            except BrokerError as error:
                if error.code != ResponseCode.TOPIC_NOT_EXIST:
                    raise
        return dict(sorted(found.items(), key=lambda one: (one[0].broker_name, one[0].queue_id)))

    def existing(self, topic: str) -> dict[MessageQueue, TopicOffset]:
        """The same. Raises NoSuchTopic if no broker has the topic."""
        bounds = self.bounds(topic)
        if not bounds:
            raise NoSuchTopic(f"there is no topic {topic}; there are {', '.join(self.topics()) or 'none'}")
        return bounds

    def messages(self, topic: str) -> list[MessageExt]:
        """All messages of a topic, in the order in which they were stored. Raises NoSuchTopic."""
        bounds = self.existing(topic)
        return self._read({queue: (place.min_offset, place.max_offset) for queue, place in bounds.items()})

    def messages_if_any(self, topic: str) -> list[MessageExt]:
        """The same, none if there is no such topic."""
        try:
            return self.messages(topic)
        except NoSuchTopic:
            return []

    def _read(self, parts: dict[MessageQueue, tuple[int, int]]) -> list[MessageExt]:
        reader = QueueReader(self.admin, addresses=self.masters())
        found: list[MessageExt] = []
        for queue, (begin, end) in parts.items():
            while begin < end:
                pulled = reader.pull(queue, "*", begin, _MOST_A_PULL)
                if pulled.status is not PullStatus.FOUND:
                    break
                found += [one for one in pulled.messages if one.queue_offset < end]
                begin = pulled.next_offset
        for message in found:
            del message.properties[names.MIN_OFFSET], message.properties[names.MAX_OFFSET]  # of the pull
        return sorted(found, key=lambda one: (one.store_timestamp, one.physical_offset))

    # -- what waits

    def delayed(self, topic: str | None = None) -> list[MessageExt]:
        """Messages that wait for their delay level to be over, for `topic` or for any."""
        parts: dict[MessageQueue, tuple[int, int]] = {}
        bounds = self.bounds(SCHEDULE_TOPIC)
        for name, address in self.masters().items():
            done = self.admin.fetch(address, GetAllDelayOffset(), DelayOffsetSerializeWrapper).offset_table
            parts |= {
                queue: (max(place.min_offset, done.get(queue.queue_id + 1, 0)), place.max_offset)
                for queue, place in bounds.items()
                if queue.broker_name == name
            }
        return [one for one in _for_real_topics(self._read(parts)) if topic in (None, one.topic)]

    def retries(self, group: str) -> list[MessageExt]:
        """Messages that a group failed to consume and gets again later.

        `topic` is the one that they were sent to, as for the listener that gets them.
        """
        found = self.delayed(retry_topic(group))
        for message in found:
            message.topic = message.properties.get(names.RETRY_TOPIC, message.topic)
        return found

    def dead_letters(self, group: str) -> list[MessageExt]:
        """Messages that a group failed to consume too often."""
        return self.messages_if_any(dlq_topic(group))

    def half_messages(self) -> list[MessageExt]:
        """Messages of transactions that have neither been committed nor rolled back."""
        ended = {one.body.decode() for one in self.messages_if_any(TRANS_OP_HALF_TOPIC)}
        halves = [one for one in self._unread(READER_GROUP, TRANS_HALF_TOPIC) if not ended & _half_places(one)]
        return _for_real_topics(halves)

    def _unread(self, group: str, topic: str) -> list[MessageExt]:
        """What a group has yet to read; none if there is no such topic."""
        bounds = self.bounds(topic)
        progress = self._progress(group, topic, bounds) if bounds else []
        return self._read({one.queue: (one.consumed, one.end) for one in progress})

    # -- groups

    def consumers(self, group: str) -> list[str]:
        """The client ids of the consumers of a group that are on line."""
        found = {one.client_id for links in self.connections(group).values() for one in links.connection_set}
        return sorted(one for one in found if one is not None)

    def connections(self, group: str) -> dict[str, ConsumerConnection]:
        """Who consumes for a group, by broker address; only brokers that know somebody."""
        found = {}
        for address in self.masters().values():
            try:
                found[address] = self.admin.consumer_connection(group, address)
            except JavaError as error:
                if getattr(error, "code", None) != ResponseCode.CONSUMER_NOT_ONLINE:
                    raise
        return found

    def progress(self, group: str, topic: str) -> list[QueueProgress]:
        """How far a group is in each queue of a topic. Raises NoSuchTopic."""
        return self._progress(group, topic, self.existing(topic))

    def _progress(self, group: str, topic: str, bounds: dict[MessageQueue, TopicOffset]) -> list[QueueProgress]:
        stored: dict[MessageQueue, int] = {}
        for address in self.masters().values():
            stats = self.admin.fetch(address, GetConsumeStats(consumer_group=group, topic=topic), ConsumeStats)
            stored |= {queue: one.consumer_offset for queue, one in stats.offset_table.items()}
        connections = self.connections(group)
        told = self._told(group, connections)
        everyone = any(one.message_model == MessageModel.BROADCASTING for one in connections.values())
        result = []
        for queue, place in bounds.items():
            clients = told.get(queue, {})
            if everyone:  # each consumer has an account of its own, the broker has none
                consumed = min(clients.values(), default=0)
            else:
                consumed = max(stored.get(queue, 0), *clients.values(), 0)
            consumed = max(consumed, place.min_offset)
            result.append(QueueProgress(queue, consumed, place.max_offset, tuple(sorted(clients))))
        return result

    def _told(
        self, group: str, connections: dict[str, ConsumerConnection]
    ) -> dict[MessageQueue, dict[str, int]]:
        """How far the consumers themselves say that they are, by queue and client id."""
        told: dict[MessageQueue, dict[str, int]] = {}
        asked: set[str | None] = set()
        for address, links in connections.items():
            for client in links.connection_set:
                if client.client_id in asked:
                    continue
                asked.add(client.client_id)
                header = GetConsumerRunningInfo(consumer_group=group, client_id=client.client_id or "")
                try:
                    info = self.admin.fetch(address, header, ConsumerRunningInfo, _CONSUMER_TIMEOUT_MS)
                except JavaError as error:
                    log.info("consumer %s of %s does not tell how far it is: %s", client.client_id, group, error)
                    continue
                for queue, held in info.mq_table.items():
                    if not held.droped:
                        told.setdefault(queue, {})[client.client_id or ""] = held.commit_offset
        return told


def _for_real_topics(waiting: list[MessageExt]) -> list[MessageExt]:
    """Give messages the topic that they are for, instead of the one they wait in."""
    for message in waiting:
        message.topic = message.properties.get(names.REAL_TOPIC, message.topic)
    return waiting


def _half_places(half: MessageExt) -> set[str]:
    """The queue offsets by which the end of a half message may speak of it: its own, or the one it had at first."""
    first = half.properties.get(names.TRANSACTION_PREPARED_QUEUE_OFFSET)
    return {str(half.queue_offset)} | ({first} if first is not None else set())
