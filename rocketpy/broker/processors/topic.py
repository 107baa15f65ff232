"""Topics, for administrators (AdminBrokerProcessor.java:277-345, 762, 1135)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rocketpy.broker.namesrv_link import NamesrvLink
from rocketpy.broker.queue_order import queues_of
from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol import fastjson
from rocketpy.protocol.api import topic as api
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.stats import GetTopicStatsInfo, TopicOffset, TopicStatsTable
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.flags import TopicFilterType
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC, TRANS_OP_HALF_TOPIC, is_light, topic_fault
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.loops import in_slices
from rocketpy.remoting.off_hub import off_hub
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore

_KEPT = {SCHEDULE_TOPIC, TRANS_OP_HALF_TOPIC}
"""Topics whose queues are in use whether there is a configuration or not."""

_INVALID_FILTER_TYPE = (
    "org.apache.rocketmq.remoting.exception.RemotingCommandException: topicFilterType = [{}] value invalid, "
    "org.apache.rocketmq.common.protocol.header.CreateTopicRequestHeader.checkFields(CreateTopicRequestHeader.java:50)"
)

_log = logging.getLogger("rocketpy.broker")


class TopicProcessor:
    """Creates, changes, deletes and describes topics."""

    def __init__(
        self,
        config: BrokerConfig,
        store_config: StoreConfig,
        store: MessageStore,
        topics: TopicTable,
        stats: BrokerStats,
        namesrv_link: NamesrvLink,
        wait_saved: Callable[[], None],
    ) -> None:
        """`wait_saved` waits until all topics are on disk."""
        self._config = config
        self._store_config = store_config
        self._store = store
        self._topics = topics
        self._stats = stats
        self._namesrv_link = namesrv_link
        self._wait_saved = wait_saved

    @handles(api.UpdateAndCreateTopic, spawn=True)
    def update(self, peer: Connection, request: api.UpdateAndCreateTopic, command: Command) -> Reply:
        """Create a topic or change it; answered when the name servers have heard of it and it will outlive a kill.

        The request's order flag is not kept: name servers decide what is ordered (updateAndCreateTopic:277).
        """
        self._check_may_change(request.topic)
        _log.info("%s sets topic %s", peer.remote_address, request.topic)
        if request.topic_filter_type not in TopicFilterType.__members__:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR, _INVALID_FILTER_TYPE.format(request.topic_filter_type or "null")
            )
        topic = api.TopicConfig(
            topic_name=request.topic,
            read_queue_nums=request.read_queue_nums,
            write_queue_nums=request.write_queue_nums,
            topic_filter_type=request.topic_filter_type,
            perm=request.perm,
            topic_sys_flag=request.topic_sys_flag or 0,
        )
        self._topics.update(topic)
        self._namesrv_link.register_topic(topic)
        self._wait_saved()
        return Reply(remark="not set any response code")

    @handles(api.DeleteTopicInBroker, spawn=True)
    def delete(self, peer: Connection, request: api.DeleteTopicInBroker, command: Command) -> Reply:
        """Forget a topic and its queues; name servers go on routing it until they are told (deleteTopic:311)."""
        self._check_may_change(request.topic)
        _log.info("%s deletes topic %s", peer.remote_address, request.topic)
        if is_light(request.topic):
            self._store.delete_topic(request.topic)
            return Reply()
        self._topics.delete(request.topic)
        self._delete_unused_queues()
        if self._config.auto_delete_unused_stats:
            self._stats.forget_topic(request.topic)
        self._wait_saved()
        return Reply()

    @handles(api.CleanUnusedTopic)
    def clean_unused(self, peer: Connection, request: api.CleanUnusedTopic, command: Command) -> Reply:
        """Delete the queues of topics that exist no more (cleanUnusedTopic:1172)."""
        self._delete_unused_queues()
        return Reply()

    @handles(api.GetAllTopicConfig, spawn=True)
    def get_all(self, peer: Connection, request: api.GetAllTopicConfig, command: Command) -> Reply:
        """Every topic and the table's version."""
        snapshot = self._topics.freeze()
        return Reply(header=api.GetAllTopicConfigReply(), body=off_hub(lambda: snapshot().to_json()))

    @handles(api.GetTopicConfig)
    def get(self, peer: Connection, request: api.GetTopicConfig, command: Command) -> Reply:
        """One topic, as 5.x answers: today's dashboard asks for it (AdminBrokerProcessor.getTopicConfig of 5.x)."""
        topic = self._topics.get(request.topic)
        if topic is None:
            raise ReplyError(ResponseCode.TOPIC_NOT_EXIST, f"No topic in this broker. topic: {request.topic}")
        return Reply(body=fastjson.dumps({"attributes": {}} | topic.to_value()))

    @handles(api.GetSystemTopicListFromBroker)
    def get_system_topics(
        self, peer: Connection, request: api.GetSystemTopicListFromBroker, command: Command
    ) -> Reply:
        """The names that are reserved, whether there is such a topic or not."""
        return Reply(body=api.TopicList(topic_list=hash_map_order(self._topics.system_topics)).to_json())

    @handles(GetTopicStatsInfo, spawn=True)
    def get_stats(self, peer: Connection, request: GetTopicStatsInfo, command: Command) -> Reply:
        """Where each queue of a topic begins and ends, and when its last message came (getTopicStatsInfo:762)."""
        topic = self._topics.get(request.topic)
        if topic is None:
            raise ReplyError(ResponseCode.TOPIC_NOT_EXIST, f"topic[{request.topic}] not exist")
        stats = TopicStatsTable()

        def add(queue: MessageQueue) -> None:
            stats.offset_table[queue] = self._queue_stats(request.topic, queue.queue_id)

        in_slices(queues_of(request.topic, self._config.broker_name, topic.write_queue_nums), add)
        return Reply(body=off_hub(stats.to_json))

    def _delete_unused_queues(self) -> None:
        """Delete the queues of topics that exist no more (DefaultMessageStore.cleanUnusedTopic:1010)."""
        for topic in {topic for topic, _ in self._store.queues.table} - _KEPT:
            if self._topics.get(topic) is None and not is_light(topic):
                _log.info("%d queues of topic %s are deleted", self._store.delete_topic(topic), topic)

    def _queue_stats(self, topic: str, queue_id: int) -> TopicOffset:
        max_offset = max(0, self._store.max_offset(topic, queue_id))
        return TopicOffset(
            min_offset=max(0, self._store.min_offset(topic, queue_id)),
            max_offset=max_offset,
            last_update_timestamp=self._store.store_time(topic, queue_id, max_offset - 1) if max_offset else 0,
        )

    def _check_may_change(self, topic: str) -> None:
        refuse_on_slave(self._store_config)
        fault = topic_fault(topic)
        if fault is None and self._topics.is_system_topic(topic):
            fault = f"The topic[{topic}] is conflict with system topic."
        if fault is not None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, fault)


def refuse_on_slave(config: StoreConfig) -> None:
    """Raise ReplyError on a slave, which gets its tables from its master (validateSlave:1737)."""
    if config.broker_role is BrokerRole.SLAVE:
        raise ReplyError(
            ResponseCode.SYSTEM_ERROR,
            "Can't modify topic or subscription group from slave broker, please execute it from master broker.",
        )
