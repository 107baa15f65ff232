"""A slave takes its master's topics, groups and offsets over (SlaveSynchronize.java)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from rocketpy.broker.delay import DelayedMessages
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.topics import TopicTable
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.group import GetAllSubscriptionGroupConfig, SubscriptionGroupWrapper
from rocketpy.protocol.api.offset import (
    ConsumerOffsetSerializeWrapper,
    DelayOffsetSerializeWrapper,
    GetAllConsumerOffset,
    GetAllDelayOffset,
)
from rocketpy.protocol.api.topic import GetAllTopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.body import Body
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.header import Header
from rocketpy.remoting.client import Client

EVERY_MS, FIRST_MS = 10_000, 3_000
"""BrokerController.handleSlaveSynchronize:1128."""
B = TypeVar("B", bound=Body)
_log = logging.getLogger("rocketpy.broker")


class TableCopies:
    """Keeps a slave's tables like those of its master."""

    def __init__(
        self, client: Client, topics: TopicTable, groups: GroupTable, offsets: OffsetTable, delayed: DelayedMessages
    ) -> None:
        self._client = client
        self._topics = topics
        self._groups = groups
        self._offsets = offsets
        self._delayed = delayed
        self.master: str | None = None
        """Where the master is asked, "host:port"; None while no name server knows one."""

    def step(self) -> None:
        """Ask for all four; waits for the answers. One that fails does not keep the others from being taken."""
        if self.master is None:
            return
        self._take(GetAllTopicConfig(), TopicConfigSerializeWrapper, self._take_topics)
        self._take(GetAllConsumerOffset(), ConsumerOffsetSerializeWrapper, self._offsets.merge)
        self._take(GetAllDelayOffset(), DelayOffsetSerializeWrapper, self._delayed.replace)
        self._take(GetAllSubscriptionGroupConfig(), SubscriptionGroupWrapper, self._take_groups)

    def _take(self, question: Header, body: type[B], take: Callable[[B], None]) -> None:
        assert self.master is not None
        try:
            answer = self._client.invoke(self.master, question)
            if answer.code == ResponseCode.SUCCESS:
                take(body.from_json(answer.body))
                return
            reason = f"code {answer.code}, {answer.remark}"
        except RocketpyError as error:
            reason = str(error)
        _log.error("%s of the master %s: %s", type(question).__name__, self.master, reason)

    def _take_topics(self, table: TopicConfigSerializeWrapper) -> None:
        if table.data_version != self._topics.data_version:
            self._topics.replace(table)

    def _take_groups(self, table: SubscriptionGroupWrapper) -> None:
        if table.data_version != self._groups.data_version:
            self._groups.replace(table)
