"""The topics of this broker (TopicConfigManager.java), kept in config/topics.json."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from rocketpy.clock import Clock, now_ms
from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol import topic_names
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.java_hash import concurrent_hash_map_order

Listener = Callable[[], None]

_INITIAL_CAPACITY = 1024  # of Java's map: it decides the order in files and registrations
_log = logging.getLogger("rocketpy.broker")


class TopicTable:
    """Every topic by name, with a version that grows whenever one changes.

    `changed` is told of each change (it is to be saved), `created` of topics that appeared by a send or a heartbeat
    (name servers have to hear of them at once).
    """

    def __init__(self, config: BrokerConfig, clock: Clock = now_ms) -> None:
        self._config = config
        self._clock = clock
        self._topics: dict[str, TopicConfig] = {}
        self.data_version = DataVersion(timestamp=clock(), counter=0)
        self.system_topics: dict[str, None] = dict.fromkeys(topic_names.SYSTEM_TOPICS)
        """The names that are reserved, in Java's order; whether there is such a topic is another matter."""
        self.changed: list[Listener] = []
        self.created: list[Listener] = []
        self._add_system_topics()

    def _add_system_topics(self) -> None:
        """In Java's order (TopicConfigManager:60-149): what shares a bucket of its map is written in that order."""
        config = self._config
        inherit = Perm.INHERIT
        read_write = Perm.READ | Perm.WRITE
        self._add_system_topic(topic_names.SELF_TEST_TOPIC, 1)
        if config.auto_create_topic_enable:
            queues = config.default_topic_queue_nums
            self._add_system_topic(topic_names.AUTO_CREATE_TOPIC, queues, inherit | read_write)
        self._add_system_topic(topic_names.BENCHMARK_TOPIC, 1024)
        cluster_perm = inherit | (read_write if config.cluster_topic_enable else 0)
        self._add_system_topic(config.broker_cluster_name, 16, cluster_perm)
        broker_perm = inherit | (read_write if config.broker_topic_enable else 0)
        self._add_system_topic(config.broker_name, 1, broker_perm)
        self._add_system_topic(topic_names.OFFSET_MOVED_EVENT, 1)
        self._add_system_topic(topic_names.SCHEDULE_TOPIC, 18)
        if config.trace_topic_enable:
            self._add_system_topic(config.msg_trace_topic_name, 1)
        self._add_system_topic(topic_names.reply_topic(config.broker_cluster_name), 1)

    def _add_system_topic(self, topic: str, queue_nums: int, perm: int = Perm.READ | Perm.WRITE) -> None:
        self.system_topics[topic] = None
        self._topics[topic] = TopicConfig(
            topic_name=topic, read_queue_nums=queue_nums, write_queue_nums=queue_nums, perm=perm
        )

    def get(self, topic: str) -> TopicConfig | None:
        """The topic's configuration; None if there is no such topic."""
        return self._topics.get(topic)

    def is_system_topic(self, topic: str) -> bool:
        """Whether a topic is reserved, so that nobody may create or delete it (TopicValidator.isSystemTopic:137)."""
        return topic in self.system_topics or topic.startswith(topic_names.SYSTEM_TOPIC_PREFIX)

    def create_on_send(
        self, topic: str, default_topic: str, remote_address: str, queue_nums: int, sys_flag: int
    ) -> TopicConfig | None:
        """The topic that a producer sends to, made after `default_topic` if it is not there yet.

        It gets as many queues as the producer wants, at most as many as the template can be written to, and the
        template's perm without INHERIT. None if the template is missing or does not bequeath
        (createTopicInSendMessageMethod:156).
        """
        known = self._topics.get(topic)
        if known is not None:
            return known
        template = self._topics.get(default_topic)
        if template is None:
            _log.warning("no topic %s: its template %s does not exist; from %s", topic, default_topic, remote_address)
            return None
        if default_topic == topic_names.AUTO_CREATE_TOPIC and not self._config.auto_create_topic_enable:
            template.perm = Perm.READ | Perm.WRITE  # for good, as in Java: see wire.md on TBW102
        if not template.perm & Perm.INHERIT:
            _log.warning(
                "no topic %s: autoCreateTopicEnable is off or its template %s may not be inherited; from %s",
                topic, default_topic, remote_address,
            )  # fmt: skip
            return None
        queues = max(0, min(queue_nums, template.write_queue_nums))
        created = TopicConfig(
            topic_name=topic,
            read_queue_nums=queues,
            write_queue_nums=queues,
            perm=template.perm & ~Perm.INHERIT,
            topic_sys_flag=sys_flag,
            topic_filter_type=template.topic_filter_type,
        )
        _log.info("topic %s created after %s for %s: %s", topic, default_topic, remote_address, created)
        self._create(created)
        return created

    def create_on_send_back(self, topic: str, queue_nums: int, perm: int, sys_flag: int = 0) -> TopicConfig:
        """A retry or dead letter topic, or another that the broker needs for itself, made if it is not there yet.

        Java has it as createTopicInSendMessageBackMethod:238 and createTopicOfTranCheckMaxTime:279.
        """
        known = self._topics.get(topic)
        if known is not None:
            return known
        created = TopicConfig(
            topic_name=topic,
            read_queue_nums=queue_nums,
            write_queue_nums=queue_nums,
            perm=perm,
            topic_sys_flag=sys_flag,
        )
        _log.info("topic %s created: %s", topic, created)
        self._create(created)
        return created

    def update(self, topic: TopicConfig) -> None:
        """Put or replace a topic; the caller tells the name servers."""
        assert topic.topic_name is not None
        self._topics[topic.topic_name] = topic
        _log.info("topic %s set: %s", topic.topic_name, topic)
        self.next_version()
        self._tell_changed()

    def delete(self, topic: str) -> None:
        """Forget a topic, if there is one of that name; name servers hear of it with the next registration."""
        if self._topics.pop(topic, None) is None:
            _log.warning("topic %s is not deleted, there is none", topic)
            return
        _log.info("topic %s deleted", topic)
        self.next_version()
        self._tell_changed()

    def set_order_topics(self, topics: Collection[str]) -> None:
        """Mark the topics that a name server knows as ordered, and only them (updateOrderTopicConfig:384)."""
        touched = [config for name, config in self._topics.items() if config.order != (name in topics)]
        for config in touched:
            config.order = not config.order
        if touched:
            self.next_version()
            self._tell_changed()

    def next_version(self) -> None:
        """Mark that something changed, so that name servers read the topics again."""
        self.data_version = DataVersion(timestamp=self._clock(), counter=self.data_version.counter + 1)

    def snapshot(self) -> TopicConfigSerializeWrapper:
        """All topics in the order of Java's ConcurrentHashMap, and their version."""
        return self.freeze()()

    def freeze(self) -> Callable[[], TopicConfigSerializeWrapper]:
        """The work of a snapshot of now that may be done later, and by another thread."""
        topics, version = dict(self._topics), self.data_version

        def snapshot() -> TopicConfigSerializeWrapper:
            names = concurrent_hash_map_order(topics, _INITIAL_CAPACITY)
            return TopicConfigSerializeWrapper(
                data_version=version, topic_config_table={name: topics[name] for name in names}
            )

        return snapshot

    def restore(self, saved: TopicConfigSerializeWrapper) -> None:
        """Take over what `snapshot` gave in an earlier life; system topics that are not in it stay."""
        self._topics.update(saved.topic_config_table)
        self.data_version = saved.data_version

    def replace(self, master: TopicConfigSerializeWrapper) -> None:
        """Take over exactly what a master has (SlaveSynchronize.syncTopicConfig:55)."""
        self._topics = dict(master.topic_config_table)
        self.data_version = master.data_version
        _log.info("topics are the master's: %d", len(self._topics))
        self._tell_changed()

    def _create(self, topic: TopicConfig) -> None:
        assert topic.topic_name is not None
        self._topics[topic.topic_name] = topic
        self.next_version()
        self._tell_changed()
        for listener in self.created:
            listener()

    def _tell_changed(self) -> None:
        for listener in self.changed:
            listener()
