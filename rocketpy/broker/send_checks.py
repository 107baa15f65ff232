"""Whether a message may be sent: all that AbstractSendMessageProcessor.msgCheck:165 and preSend refuse."""

from __future__ import annotations

import logging
import time
from random import randrange

from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.flags import Perm, TopicSysFlag, perm_string
from rocketpy.protocol.remarks import SEE_FAQ
from rocketpy.protocol.topic_names import FORBIDDEN_TO_SEND, RETRY_PREFIX, topic_fault
from rocketpy.remoting.connection import Connection

log = logging.getLogger(__name__)

_MOST_CHECKED = 100_000


class SendChecks:
    """Refuses sends by ReplyError, in Java's order and words; creates topics that may be created."""

    def __init__(self, config: BrokerConfig, topics: TopicTable) -> None:
        self._config = config
        self._topics = topics
        self._checked: set[str] = set()
        """Names of topics that were found legal, so that each is looked at once."""

    def topic(self, peer: Connection, request: SendMessage, now: int) -> TopicConfig:
        """The topic that `request` goes to, whose queue id is one it has."""
        config = self._config
        if now < config.start_accept_send_request_time_stamp:
            raise _too_early(config.start_accept_send_request_time_stamp)
        name = request.topic
        topic = self._topics.get(name)
        if topic is not None and topic.order and not config.broker_permission & Perm.WRITE:
            raise ReplyError(
                ResponseCode.NO_PERMISSION, f"the broker[{config.broker_ip1}] sending message is forbidden"
            )
        if name not in self._checked:
            self._check_name(name)
        if topic is None:
            topic = self._create(peer, request)
        queue_id = request.queue_id
        if queue_id >= topic.write_queue_nums and queue_id >= topic.read_queue_nums:
            remark = (
                f"request queueId[{queue_id}] is illegal, {_topic_text(topic)} Producer: {peer.remote_address}"
            )
            log.warning("%s", remark)
            raise ReplyError(ResponseCode.SYSTEM_ERROR, remark)
        return topic

    def _check_name(self, topic: str) -> None:
        fault = topic_fault(topic)
        if fault is not None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, fault)
        if topic in FORBIDDEN_TO_SEND:
            raise ReplyError(ResponseCode.NO_PERMISSION, f"Sending message to topic[{topic}] is forbidden.")
        if len(self._checked) >= _MOST_CHECKED:
            self._checked.clear()
        self._checked.add(topic)

    def _create(self, peer: Connection, request: SendMessage) -> TopicConfig:
        name = request.topic
        is_retry = name.startswith(RETRY_PREFIX)
        sys_flag = 0
        if request.unit_mode:
            sys_flag = TopicSysFlag.UNIT_SUB if is_retry else TopicSysFlag.UNIT
        topic = self._topics.create_on_send(
            name, request.default_topic, peer.remote_address, request.default_topic_queue_nums, sys_flag
        )
        if topic is None and is_retry:
            topic = self._topics.create_on_send_back(name, 1, Perm.READ | Perm.WRITE, sys_flag)
        if topic is None:
            raise ReplyError(ResponseCode.TOPIC_NOT_EXIST, f"topic[{name}] not exist, apply first please!{SEE_FAQ}")
        return topic


def random_queue(topic: TopicConfig) -> int:
    """One of the queues that may be written to, for who leaves the choice to the broker."""
    if topic.write_queue_nums <= 0:
        raise ReplyError(ResponseCode.SYSTEM_ERROR, "java.lang.ArithmeticException: / by zero")
    return randrange(topic.write_queue_nums)


def _too_early(start: int) -> ReplyError:
    seconds, ms = divmod(start, 1000)
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    return ReplyError(ResponseCode.SYSTEM_ERROR, f"broker unable to service, until {moment},{ms:03d}")


def _topic_text(topic: TopicConfig) -> str:
    """A topic as Java's TopicConfig.toString shows it."""
    return (
        f"TopicConfig [topicName={topic.topic_name}, readQueueNums={topic.read_queue_nums}, "
        f"writeQueueNums={topic.write_queue_nums}, perm={perm_string(topic.perm)}, "
        f"topicFilterType={topic.topic_filter_type}, topicSysFlag={topic.topic_sys_flag}, "
        f"order={str(topic.order).lower()}]"
    )
