"""Senders that work until their broker dies, and what they know afterwards: the other side of `test_kills`.

They are as light as can be, plain sockets in threads, so that a kill and what follows take a second.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from interop.raw_client import RawClient
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.query import QueryMessage
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.message import decode_messages

KILLS = int(os.environ.get("ROCKETPY_KILLS", "3"))
"""How many there are in a test."""
SMALL_FILES = {
    "mappedFileSizeCommitLog": str(128 << 10),
    "mappedFileSizeConsumeQueue": str(20 * 100),
    "maxHashSlotNum": "100",
    "maxIndexNum": "300",
}
"""So small that kills meet every moment of their lives."""
TOPIC = "Killed"
QUEUES = 4
SENDERS = 4
LONGEST_BODY = 3000


@dataclass
class History:
    """Everything that was sent to one store, over all its lives."""

    seed: int
    answered: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)
    """Body to queue id, queue offset and physical offset."""
    unanswered: set[bytes] = field(default_factory=set)
    """Sent when the broker died: they may be there, or not."""
    found: set[bytes] = field(default_factory=set)
    next_offsets: list[int] = field(default_factory=lambda: [0] * QUEUES)
    """How far each queue has been checked."""

    def send_until(self, address: str, stop: threading.Event) -> list[threading.Thread]:
        """Start senders, which end when `stop` is set or the connection breaks; join them."""
        self.seed += 1
        threads = [
            threading.Thread(target=self._send, args=(address, stop, self.seed * SENDERS + number))
            for number in range(SENDERS)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _send(self, address: str, stop: threading.Event, seed: int) -> None:
        rng = random.Random(seed)
        number = 0
        body = b""
        try:
            with RawClient(address, timeout=60) as client:
                while not stop.is_set():
                    number += 1
                    body = f"{seed} {number} ü ".encode() + rng.randbytes(rng.randrange(LONGEST_BODY))
                    self._send_one(client, body, rng.randrange(QUEUES), f"{seed}-{number}")
        except OSError:
            self.unanswered.add(body)

    def _send_one(self, client: RawClient, body: bytes, queue_id: int, key: str) -> None:
        header = SendMessage(
            producer_group="p", topic=TOPIC, default_topic="TBW102", default_topic_queue_nums=QUEUES,
            queue_id=queue_id, sys_flag=0, born_timestamp=int(time.time() * 1000), flag=0,
            properties=f"KEYS\x01{key}\x02TAGS\x01Tag",
        )  # fmt: skip
        answer = client.ask(RequestCode.SEND_MESSAGE_V2, header.encode(RequestCode.SEND_MESSAGE_V2), body)
        if answer.code == ResponseCode.SUCCESS:
            fields = answer.ext_fields or {}
            place = queue_id, int(fields["queueOffset"]), int(fields["msgId"][16:], 16)
            self.answered[body] = place
        else:
            self.unanswered.add(body)

    def check_new(self, client: RawClient) -> None:
        """What was sent since the last check is there, in its place, once; queues have no gaps."""
        for queue_id in range(QUEUES):
            for message in pull_all(client, queue_id, self.next_offsets[queue_id]):
                place = queue_id, message.queue_offset, message.physical_offset
                assert message.queue_offset == self.next_offsets[queue_id], (place, self.next_offsets)
                self.next_offsets[queue_id] += 1
                assert message.body not in self.found, f"twice: {place}"
                self.found.add(message.body)
                if message.body in self.answered:
                    assert self.answered[message.body] == place
                else:
                    assert message.body in self.unanswered, f"never sent: {place}"
        lost = self.answered.keys() - self.found
        assert not lost, f"{len(lost)} lost, at {[self.answered[body] for body in lost]}"

    def check_all(self, client: RawClient) -> None:
        """The same for everything that was ever sent, and keys lead to their messages."""
        self.next_offsets = [0] * QUEUES
        self.found = set()
        self.check_new(client)
        for body in random.Random(self.seed).sample(sorted(self.answered), min(200, len(self.answered))):
            seed, number, _ = body.split(b" ", 2)
            query = QueryMessage(
                topic=TOPIC, key=f"{int(seed)}-{int(number)}", max_num=32, begin_timestamp=0, end_timestamp=1 << 62
            )
            answer = client.ask(RequestCode.QUERY_MESSAGE, query.encode())
            assert [message.body for message in decode_messages(answer.body)].count(body) == 1, body[:20]


@dataclass(frozen=True)
class Pulled:
    """A message and its place."""

    queue_offset: int
    physical_offset: int
    body: bytes


def pull_all(client: RawClient, queue_id: int, queue_offset: int) -> Iterator[Pulled]:
    """The messages of a queue from an offset on."""
    while True:
        header = PullMessage(
            consumer_group="g", topic=TOPIC, queue_id=queue_id, queue_offset=queue_offset, max_msg_nums=32,
            sys_flag=PullSysFlag.SUBSCRIPTION, commit_offset=0, suspend_timeout_millis=0, subscription="*",
            sub_version=0,
        )  # fmt: skip
        answer = client.ask(RequestCode.PULL_MESSAGE, header.encode())
        if answer.code != ResponseCode.SUCCESS:
            return
        for message in decode_messages(answer.body):
            yield Pulled(message.queue_offset, message.physical_offset, message.body)
        queue_offset = int((answer.ext_fields or {})["nextBeginOffset"])
