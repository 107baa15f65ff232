"""The entries of a ConsumeQueue, for administrators (AdminBrokerProcessor.queryConsumeQueue:1526)."""

from __future__ import annotations

from rocketpy.broker.consumer_filters import ConsumerFilters
from rocketpy.broker.consumers import ConsumerTable
from rocketpy.errors import ReplyError
from rocketpy.protocol.api.query import ConsumeQueueData, QueryConsumeQueue, QueryConsumeQueueResponseBody
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE
from rocketpy.store.message_store import MessageStore


class QueueProcessor:
    """Shows what stands in the files of queues."""

    def __init__(self, store: MessageStore, consumers: ConsumerTable, filters: ConsumerFilters) -> None:
        self._store = store
        self._consumers = consumers
        self._filters = filters

    @handles(QueryConsumeQueue)
    def query(self, peer: Connection, request: QueryConsumeQueue, command: Command) -> Reply:
        """Entries of one file of a queue, and what the group asked about subscribes to."""
        topic, queue_id = request.topic or "", request.queue_id
        queue = self._store.queues.find(topic, queue_id)
        if queue is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"{queue_id}@{topic} is not exist!")
        entries = queue.entries(request.index)
        if entries is None:
            return Reply(remark=f"Index {request.index} of {queue_id}@{topic} is not exist!")
        body = QueryConsumeQueueResponseBody(
            max_queue_index=queue.next_offset,
            min_queue_index=queue.min_offset,
            queue_data=[
                ConsumeQueueData(physic_offset=physical_offset, physic_size=size, tags_code=tags_code)
                for physical_offset, size, tags_code in ENTRY.iter_unpack(entries[: max(0, request.count) * ENTRY_SIZE])
            ],
        )
        group = request.consumer_group
        if group is not None:
            body.subscription_data = self._consumers.subscription(group, topic)
            online = body.subscription_data is not None
            known = self._filters.get(topic, group) if online else None
            shown = "null" if known is None else known.to_json(pretty=True).decode()
            body.filter_data = shown if online else f"{group}@{topic} is not online!"
        return Reply(body=body.to_json(), remark="not set any response code")
