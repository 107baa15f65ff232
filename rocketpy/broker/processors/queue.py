"""The entries of a ConsumeQueue, for administrators (AdminBrokerProcessor.queryConsumeQueue:1526)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from rocketpy.broker.consumer_filters import ConsumerFilters, is_tag_type
from rocketpy.broker.consumers import ConsumerTable
from rocketpy.errors import FieldError, ReplyError
from rocketpy.filter.tags import ALL
from rocketpy.protocol.api.query import ConsumeQueueData, QueryConsumeQueue, QueryConsumeQueueResponseBody
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.fastjson import dumps
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.consume_queue import ENTRY, ENTRY_SIZE
from rocketpy.store.consume_queue_ext import HIGHEST_ADDRESS, UNIT, ConsumeQueueExt, Unit
from rocketpy.store.message_store import MessageStore

IsWanted = Callable[[Unit], bool]
"""Whether a group's filter lets a message through, as far as its unit tells (isMatchedByConsumeQueue)."""


class QueueProcessor:
    """Shows what stands in the files of queues."""

    def __init__(self, store: MessageStore, consumers: ConsumerTable, filters: ConsumerFilters) -> None:
        self._store = store
        self._consumers = consumers
        self._filters = filters

    @handles(QueryConsumeQueue)
    def query(self, peer: Connection, request: QueryConsumeQueue, command: Command) -> Reply:
        """Entries of one file of a queue, and what the group asked about subscribes to."""
        topic, queue_id = request.topic, request.queue_id
        if topic is None:
            raise FieldError("topic", None)
        queue = self._store.queues.find(topic, queue_id)
        if queue is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"{queue_id}@{topic} is not exist!")
        entries = queue.entries(request.index)
        if entries is None:
            return Reply(remark=f"Index {request.index} of {queue_id}@{topic} is not exist!")
        body = QueryConsumeQueueResponseBody(
            max_queue_index=queue.next_offset,
            min_queue_index=queue.min_offset,
        )
        is_wanted = self._describe_group(request, body)
        body.queue_data = [
            _entry(queue.ext, row, is_wanted)
            for row in ENTRY.iter_unpack(entries[: max(0, request.count) * ENTRY_SIZE])
        ]
        return Reply(body=body.to_json(), remark="not set any response code")

    def _describe_group(self, request: QueryConsumeQueue, body: QueryConsumeQueueResponseBody) -> IsWanted | None:
        """Put into `body` what the group asked about subscribes to; what it makes of units, None if nothing."""
        group, topic = request.consumer_group, request.topic or ""
        if group is None:
            return None
        subscription = body.subscription_data = self._consumers.subscription(group, topic)
        if subscription is None:
            body.filter_data = f"{group}@{topic} is not online!"
            return None
        known = self._filters.get(topic, group)
        body.filter_data = "null" if known is None else known.to_json(pretty=True).decode()
        if is_tag_type(subscription.expression_type):
            codes = None if subscription.sub_string == ALL else frozenset(subscription.code_set)
            return lambda unit: codes is None or unit[0] in codes
        may_match = None if known is None else self._filters.may_match(known)
        return lambda unit: may_match is None or may_match(unit[1], unit[2])


def _entry(ext: ConsumeQueueExt | None, row: tuple[int, ...], is_wanted: IsWanted | None) -> ConsumeQueueData:
    """What can be said about an entry, and about its unit if it has one."""
    physical_offset, size, tags_code = row
    entry = ConsumeQueueData(physic_offset=physical_offset, physic_size=size, tags_code=tags_code)
    if tags_code <= HIGHEST_ADDRESS:
        unit = None if ext is None else ext.unit(tags_code)
        if unit is None:
            entry.msg = f"Cq extend not exist!addr: {tags_code}"
            return entry
        code, store_timestamp, bit_map = unit
        shown: dict[str, object] = {"filterBitMap": b64encode(bit_map).decode()} if bit_map else {}
        shown |= {"msgStoreTime": store_timestamp, "size": UNIT.size + len(bit_map), "tagsCode": code}
        entry.extend_data_json = dumps(shown).decode()
        if bit_map:
            entry.bit_map = _shown(bit_map)
        entry.eval = is_wanted is not None and is_wanted(unit)
    return entry


def _shown(bit_map: bytes) -> str:
    """The bits from the last to the first, a line for each eight bytes (BitsArray.toString:231)."""
    return "".join(
        f"{bit_map[at]:08b}" + ("" if at % 8 else "\n") for at in range(len(bit_map) - 1, -1, -1)
    )
