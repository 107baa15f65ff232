"""Where a consumer keeps how far it has come: at the brokers, or in a file of its own (RemoteBrokerOffsetStore.java,
LocalFileOffsetStore.java).

The file is Java's, at Java's place, so that a group can move from one client to the other.
"""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable

from rocketpy import jsonfile
from rocketpy.client.errors import BrokerError, ClientError
from rocketpy.client.instance import Instance
from rocketpy.config.address import user_home
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.offset import QueryConsumerOffset, QueryConsumerOffsetReply, UpdateConsumerOffset
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.codes import ResponseCode
from rocketpy.remoting.off_hub import off_hub

log = logging.getLogger(__name__)

TIMEOUT_MS = 5000
"""RemoteBrokerOffsetStore.java:219."""


@body
class OffsetTable(Body):
    """What the local file holds (OffsetSerializeWrapper.java:29)."""

    offset_table: dict[MessageQueue, int] = member(factory=dict)


class OffsetStore(ABC):
    """Queue offsets by queue, in memory and somewhere else; queues have their namespace."""

    def __init__(self) -> None:
        self.table: dict[MessageQueue, int] = {}

    @abstractmethod
    def load(self) -> None:
        """Read what there is, if it is read at once. Raises ConfigError for a file that cannot be used."""

    def update(self, queue: MessageQueue, queue_offset: int, *, increase_only: bool = False) -> None:
        """Note an offset in memory."""
        if not increase_only or queue_offset > self.table.get(queue, -1):
            self.table[queue] = queue_offset

    def known(self, queue: MessageQueue) -> int:
        """The offset in memory, -1 if there is none."""
        return self.table.get(queue, -1)

    def remove(self, queue: MessageQueue) -> None:
        """Forget it in memory."""
        self.table.pop(queue, None)

    @abstractmethod
    def read(self, queue: MessageQueue) -> int:
        """The offset that is stored, which is then in memory, too; -1 if there is none.

        Raises RocketpyError when it cannot be told.
        """

    @abstractmethod
    def persist(self, queues: Iterable[MessageQueue]) -> None:
        """Store the offsets of those queues; what fails is logged."""

    def persist_all(self, queues: Iterable[MessageQueue]) -> None:
        """Store the offsets of those queues and forget others."""
        self.persist(queues)


class RemoteOffsets(OffsetStore):
    """At the brokers, for a group that shares its queues."""

    def __init__(self, instance: Instance, group: str) -> None:
        super().__init__()
        self._instance = instance
        self._group = group

    def load(self) -> None:
        """Nothing: the brokers are asked queue by queue."""

    def read(self, queue: MessageQueue) -> int:
        """Asked of the queue's broker (fetchConsumeOffsetFromBroker:231)."""
        header = QueryConsumerOffset(
            consumer_group=self._group, topic=queue.topic, queue_id=queue.queue_id, bname=queue.broker_name
        )
        address = self._instance.at_port(self._address(queue))
        answer = self._instance.client.invoke(address, header, timeout_ms=TIMEOUT_MS)
        if answer.code != ResponseCode.SUCCESS:
            return -1
        queue_offset = QueryConsumerOffsetReply.decode(answer.ext_fields).queue_offset
        self.update(queue, queue_offset)
        return queue_offset

    def persist(self, queues: Iterable[MessageQueue]) -> None:
        """Told one way (updateConsumeOffsetToBroker:199)."""
        for queue in queues:
            queue_offset = self.table.get(queue)
            if queue_offset is None:
                continue
            try:
                self._instance.client.invoke_oneway(*self._update(queue, queue_offset), timeout_ms=TIMEOUT_MS)
            except RocketpyError as error:
                log.error("the offset of %s in %s is not stored: %s", self._group, queue, error)

    def persist_all(self, queues: Iterable[MessageQueue]) -> None:
        """Other queues belong to other members by now."""
        owned = set(queues)
        self.persist(owned)
        for queue in [queue for queue in self.table if queue not in owned]:
            del self.table[queue]

    def store(self, queue: MessageQueue, queue_offset: int) -> None:
        """Tell the broker and wait until it knows. Raises BrokerError, ClientError or RemotingError."""
        address, header = self._update(queue, queue_offset)
        answer = self._instance.client.invoke(address, header, timeout_ms=TIMEOUT_MS)
        if answer.code != ResponseCode.SUCCESS:
            raise BrokerError(answer.code, answer.remark, address)

    def _update(self, queue: MessageQueue, queue_offset: int) -> tuple[str, UpdateConsumerOffset]:
        header = UpdateConsumerOffset(
            consumer_group=self._group, topic=queue.topic, queue_id=queue.queue_id, commit_offset=queue_offset,
            bname=queue.broker_name,
        )  # fmt: skip
        return self._instance.at_port(self._address(queue)), header

    def _address(self, queue: MessageQueue) -> str:
        """The master; if there is none even after a look at the name server, a slave."""
        routes = self._instance.routes
        found = routes.readable(queue.broker_name, 0, only=True)
        if found is None:
            routes.update(queue.topic)
            found = routes.readable(queue.broker_name, 0)
        if found is None:
            raise ClientError(f"The broker[{queue.broker_name}] not exist")
        return found[0]


class LocalOffsets(OffsetStore):
    """In a file, for a consumer that gets everything: DIRECTORY/client id/group/offsets.json."""

    def __init__(self, client_id: str, group: str, directory: str | None = None) -> None:
        """`directory` is ~/.rocketmq_offsets by default."""
        super().__init__()
        home = directory or os.path.join(user_home(), ".rocketmq_offsets")
        self.path = os.path.join(home, client_id, group, "offsets.json")

    def load(self) -> None:
        """Raises ConfigError for a file that cannot be used."""
        self.table |= self._stored()

    def read(self, queue: MessageQueue) -> int:
        """Read from the file. Raises ConfigError if it cannot be used."""
        queue_offset = self._stored().get(queue, -1)
        if queue_offset >= 0:
            self.update(queue, queue_offset)
        return queue_offset

    def persist(self, queues: Iterable[MessageQueue]) -> None:
        """Written beside what is in the file already (persistAll:128)."""
        changed = {queue: self.table[queue] for queue in queues if queue in self.table}
        if not changed:
            return
        try:
            data = OffsetTable(offset_table=self._stored() | changed).to_json(pretty=True)
            off_hub(lambda: jsonfile.save(self.path, data))
        except RocketpyError as error:
            log.error("the offsets are not stored: %s", error)

    def _stored(self) -> dict[MessageQueue, int]:
        found = jsonfile.load(self.path, OffsetTable.from_json)
        return {} if found is None else found.offset_table
