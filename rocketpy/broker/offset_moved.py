"""Messages that tell of groups whose offset was out of range (PullMessageProcessor.generateOffsetMovedEvent:523)."""

from __future__ import annotations

import logging

from rocketpy.broker.appender import Appender
from rocketpy.protocol.api.pull import OffsetMovedEvent, PullMessage
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.record import Record
from rocketpy.protocol.topic_names import OFFSET_MOVED_EVENT
from rocketpy.store.results import GetResult, PutStatus

log = logging.getLogger(__name__)


class OffsetMovedEvents:
    """Writes one message into OFFSET_MOVED_EVENT for each pull that is told to go on elsewhere.

    `host` is the broker's own address, which these messages are born at.
    """

    def __init__(self, appender: Appender, broker_name: str, host: bytes) -> None:
        self._appender = appender
        self._broker_name = broker_name
        self._host = host

    def append(self, request: PullMessage, found: GetResult, now: int) -> None:
        """Store the event of one pull; a store that does not take it is not the consumer's concern."""
        group = request.consumer_group
        queue = MessageQueue(topic=request.topic, broker_name=self._broker_name, queue_id=request.queue_id)
        event = OffsetMovedEvent(
            consumer_group=group,
            message_queue=queue,
            offset_request=request.queue_offset,
            offset_new=found.next_begin_offset,
        )
        log.warning("%s: offset %d of group %s in %s moves to %d", found.status.name, request.queue_offset, group,
                    queue, found.next_begin_offset)  # fmt: skip
        record = Record(
            OFFSET_MOVED_EVENT,
            0,
            event.to_json(),
            f"KEYS\x01{group}\x02DELAY\x010\x02TAGS\x01{group}".encode(),
            born_timestamp=now,
            born_host=self._host,
            store_host=self._host,
            tags_code=string_hash(group),
            keys=group,
        )
        status = self._appender.append(record, {}, now, counted=False).status
        if status is not PutStatus.PUT_OK:
            log.warning("the event of it is not stored: %s", status.name)
