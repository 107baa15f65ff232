"""Offsets of queues and of groups (ConsumerManageProcessor.java, AdminBrokerProcessor.java)."""

from __future__ import annotations

from typing import Final

from rocketpy.broker.offsets import OffsetTable
from rocketpy.errors import ReplyError
from rocketpy.protocol.api import offset as api
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.off_hub import off_hub
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore

LONG_MAX: Final = (1 << 63) - 1


class OffsetProcessor:
    """Where groups are, and where queues begin and end."""

    def __init__(self, store: MessageStore, offsets: OffsetTable) -> None:
        self._store = store
        self._offsets = offsets

    @handles(api.QueryConsumerOffset)
    def query(self, peer: Connection, request: api.QueryConsumerOffset, command: Command) -> Reply:
        """Where a group goes on reading.

        A group that never committed reads a queue from 0 on as long as its beginning is still there and not yet only
        on disk; for older queues the client decides, by its consumeFromWhere (queryConsumerOffset:122).
        """
        topic, queue_id = request.topic, request.queue_id
        queue_offset = self._offsets.query(request.consumer_group, topic, queue_id)
        if queue_offset < 0:
            if self._store.min_offset(topic, queue_id) > 0 or self._store.is_cold(topic, queue_id, 0):
                raise ReplyError(
                    ResponseCode.QUERY_NOT_FOUND, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"
                )
            queue_offset = 0
        return Reply(header=api.QueryConsumerOffsetReply(queue_offset=queue_offset))

    @handles(api.UpdateConsumerOffset)
    def update(self, peer: Connection, request: api.UpdateConsumerOffset, command: Command) -> Reply:
        """Remember where a group goes on reading."""
        self._offsets.commit(
            peer.remote_address, request.consumer_group, request.topic, request.queue_id, request.commit_offset
        )
        return Reply(header=api.UpdateConsumerOffsetReply())

    @handles(api.GetMaxOffset)
    def get_max(self, peer: Connection, request: api.GetMaxOffset, command: Command) -> Reply:
        """Where a queue ends; 0 for one that does not exist."""
        queue_offset = self._store.max_offset(request.topic, request.queue_id)
        return Reply(header=api.GetMaxOffsetReply(queue_offset=queue_offset))

    @handles(api.GetMinOffset)
    def get_min(self, peer: Connection, request: api.GetMinOffset, command: Command) -> Reply:
        """Where a queue begins."""
        queue_offset = self._store.min_offset(request.topic, request.queue_id)
        return Reply(header=api.GetMinOffsetReply(queue_offset=queue_offset))

    @handles(api.SearchOffsetByTimestamp)
    def search(self, peer: Connection, request: api.SearchOffsetByTimestamp, command: Command) -> Reply:
        """The message of a queue that was stored nearest to a time."""
        queue_offset = self._store.offset_by_time(request.topic, request.queue_id, request.timestamp)
        return Reply(header=api.SearchOffsetByTimestampReply(queue_offset=queue_offset))

    @handles(api.GetEarliestMsgStoretime)
    def get_earliest_time(self, peer: Connection, request: api.GetEarliestMsgStoretime, command: Command) -> Reply:
        """When the first message of a queue was stored, in ms; -1 for an empty one."""
        timestamp = self._store.earliest_time(request.topic, request.queue_id)
        return Reply(header=api.GetEarliestMsgStoretimeReply(timestamp=timestamp))

    @handles(api.GetAllConsumerOffset, spawn=True)
    def get_all(self, peer: Connection, request: api.GetAllConsumerOffset, command: Command) -> Reply:
        """The whole table, for a slave."""
        snapshot = self._offsets.freeze()
        return Reply(body=off_hub(lambda: snapshot().to_json()))

    @handles(api.QueryCorrectionOffset)
    def query_correction(self, peer: Connection, request: api.QueryCorrectionOffset, command: Command) -> Reply:
        """The smallest offset that any group has in each queue of a topic, or the largest number there is where the
        group compared is behind it. `filter_groups` lose all their offsets, as in Java (queryCorrectionOffset:1206).
        """
        for group in filter(None, (request.filter_groups or "").split(",")):
            self._offsets.remove_group(group)
        smallest = {}
        for queue_id, queue_offsets in sorted(self._offsets.of_all_groups(request.topic).items()):
            begin = self._store.min_offset(request.topic, queue_id)
            if valid := [one for one in queue_offsets if one >= begin]:
                smallest[queue_id] = min(valid)
        compared = self._offsets.queues(request.topic, request.compare_group)  # in this order in Java, too
        for queue_id, queue_offset in (compared or {}).items():
            if smallest[queue_id] > queue_offset:
                smallest[queue_id] = LONG_MAX
        return Reply(body=api.QueryCorrectionOffsetBody(correction_offsets=smallest).to_json())
