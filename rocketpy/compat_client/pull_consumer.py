"""The consumer that is asked (`rocketmq.client.PullConsumer` up to 1.x and of the `rocketmq` distribution)."""

from __future__ import annotations

from collections.abc import Iterator

from rocketpy import client
from rocketpy.client.errors import NotRunning
from rocketpy.compat_client.arguments import as_int, as_text
from rocketpy.compat_client.exceptions import (
    PullConsumerFetchMessageFailed,
    PullConsumerFetchMQFailed,
    PullConsumerStartFailed,
    failing_as,
)
from rocketpy.compat_client.member import Member
from rocketpy.compat_client.messages import ReceivedMessage


class PullConsumer(Member[client.PullConsumer]):
    """Reads topics from their first message on; the offsets are known to this process alone, in `offset_table`."""

    _start_failure = PullConsumerStartFailed

    offset_table: dict[tuple[str, client.MessageQueue], int] = {}  # noqa: RUF012  of all, so that another goes on
    """Where the next pull begins, by group and queue."""

    def __init__(self, group_id: str | bytes) -> None:
        super().__init__(group_id)

    def set_group(self, group_id: str | bytes) -> None:
        """The group, instead of the one it was made with."""
        self._group = as_text(group_id)

    def get_message_queue_offset(self, mq: client.MessageQueue) -> int:
        """Where the next pull of a queue begins."""
        return self.offset_table.get((self._group, mq), 0)

    def set_message_queue_offset(self, mq: client.MessageQueue, offset: int) -> None:
        """Have the next pull of a queue begin elsewhere."""
        self.offset_table[self._group, mq] = as_int(offset)

    def pull(self, topic: str | bytes, expression: str | bytes = "*", max_num: int = 32) -> Iterator[ReceivedMessage]:
        """The messages of a topic that were not pulled yet, queue by queue, `max_num` a request; of all tags, or of
        those of an expression "a || b". A topic that nobody knows has none.

        Raises PullConsumerFetchMQFailed or PullConsumerFetchMessageFailed where nobody can be asked.
        """
        name, wanted, most = as_text(topic), as_text(expression), as_int(max_num)
        with failing_as(PullConsumerFetchMQFailed):
            consumer = self._member()
            queues = _queues(consumer, name)
        for queue in queues:
            status = None
            while status != client.PullStatus.NO_NEW_MSG:
                with failing_as(PullConsumerFetchMessageFailed):
                    result = consumer.pull(
                        queue, self.get_message_queue_offset(queue), expression=wanted, max_count=most
                    )
                self.set_message_queue_offset(queue, result.next_begin_offset)
                yield from map(ReceivedMessage, result.messages)
                status = result.status

    def _made(self) -> client.PullConsumer:
        return client.PullConsumer(self._group, **self._options)


def _queues(consumer: client.PullConsumer, topic: str) -> list[client.MessageQueue]:
    """Those to read; none where the name server knows no such topic. Raises ClientError or RemotingError."""
    try:
        return consumer.subscribe_queues(topic)
    except NotRunning:
        raise
    except client.ClientError:
        return []
