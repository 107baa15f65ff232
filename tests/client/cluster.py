"""A name server and a broker that really run, for tests of the client."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rocketpy.client import ClientError, Message, Producer, PullConsumer, SendResult
from rocketpy.client.member import Member
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.topic import UpdateAndCreateTopic
from rocketpy.protocol.header import Header
from rocketpy.remoting.client import Client
from rocketpy.standalone import Standalone

T = TypeVar("T")

QUICK = {
    "brokerName": "b-0",
    "mappedFileSizeCommitLog": str(16 << 20),
    "mappedFileSizeConsumeQueue": "20000",
    "maxHashSlotNum": "100",
    "maxIndexNum": "400",
    "messageDelayLevel": "1s 1s 1s",
    "transactionTimeOut": "100",
    "transactionCheckInterval": "100",
    "transactionCheckMax": "100000",  # a producer may be late, on a busy machine
    "brokerClusterName": "TestCluster",
}


def standalone(root: Path, **keys: str) -> Standalone:
    """One with everything below `root`; `keys` are settings by Java's names."""
    made = Standalone.on_free_ports(str(root))
    for config in made.broker.settings.configs:
        config.update({**QUICK, **keys})
    return made


def wait_until(holds: Callable[[], T], seconds: float = 20) -> T:
    """Ask again and again until the answer is true; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.005)
    return answer


class Cluster:
    """The servers, and names that nobody else uses."""

    _numbers = itertools.count(1)

    def __init__(self, servers: Standalone) -> None:
        self.servers = servers

    @property
    def namesrv(self) -> str:
        return self.servers.namesrv.address

    @property
    def broker(self) -> str:
        return self.servers.broker.address

    def ask(self, header: Header, body: bytes = b"", timeout_ms: float = 5000) -> Any:
        """The broker's answer to a raw request."""

        def invoke() -> Any:
            client = Client()
            try:
                return client.invoke(self.broker, header, body, timeout_ms)
            finally:
                client.close()

        return self.servers.call(invoke)

    def unique(self, noun: str) -> str:
        return f"{noun}-{next(self._numbers)}"

    def topic(self, queues: int = 1, perm: int = 6, name: str | None = None) -> str:
        """A new topic, routed, or the one of that `name` with other queues."""
        name = name or self.unique("Topic")
        header = UpdateAndCreateTopic(
            topic=name, default_topic="TBW102", read_queue_nums=queues, write_queue_nums=queues, perm=perm,
            topic_filter_type="SINGLE_TAG", topic_sys_flag=0, order=False,
        )  # fmt: skip
        assert self.ask(header).code == 0
        return name

    def routed(self, member: Member, topic: str) -> list[MessageQueue]:
        """The queues of a topic, as soon as the name server knows them."""

        def ask() -> list[MessageQueue]:
            try:
                return member.publish_queues(topic)
            except ClientError:
                return []

        return wait_until(ask)

    def queue(self, topic: str, number: int = 0) -> MessageQueue:
        return MessageQueue(topic=topic, broker_name="b-0", queue_id=number)

    def producer(self, **options: Any) -> Producer:
        return Producer(self.unique("producer"), namesrv=self.namesrv, **options)

    def puller(self, **options: Any) -> PullConsumer:
        return PullConsumer(self.unique("puller"), namesrv=self.namesrv, **options)

    def send(self, topic: str, *bodies: bytes, **options: Any) -> list[SendResult]:
        """Send some messages with a producer of their own."""
        with self.producer() as producer:
            return [producer.send(Message(topic, body, **options)) for body in bodies]

    def stored(self, topic: str, count: int = 1) -> list[Any]:
        """All messages of the first queue, once there are `count`."""
        with self.puller() as puller:
            queue = self.queue(topic)
            wait_until(lambda: puller.max_offset(queue) >= count)
            return puller.pull(queue, 0, max_count=1000).messages
