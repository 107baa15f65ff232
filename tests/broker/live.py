"""A name server and a broker that really run, on ports of their own, and a client to ask them with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rocketpy.protocol.api.client import ConsumerData, Heartbeat, HeartbeatData, ProducerData, SubscriptionData
from rocketpy.protocol.api.route import GetRouteInfo, TopicRouteData
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.command import Command
from rocketpy.protocol.header import Header
from rocketpy.remoting.client import Client
from rocketpy.standalone import Standalone

T = TypeVar("T")

SMALL_FILES = {
    "mappedFileSizeCommitLog": str(1 << 20),
    "mappedFileSizeConsumeQueue": "20000",
    "maxHashSlotNum": "100",
    "maxIndexNum": "400",
}


def standalone(root: Path, **keys: str) -> Standalone:
    """One with everything below `root`, small files, and `keys` by Java's names."""
    made = Standalone.on_free_ports(str(root))
    settings = made.broker.settings
    settings.broker.broker_name = "b-0"
    settings.path = str(root / "broker.conf")
    settings.store.update(SMALL_FILES)
    for config in settings.configs:
        config.update(keys)
    return made


def wait_until(holds: Callable[[], T]) -> T:
    """Ask again and again until the answer is true; AssertionError after 20 s."""
    deadline = time.monotonic() + 20
    while not (answer := holds()):
        assert time.monotonic() < deadline, "it never held"
    return answer


class Live:
    """Both servers, running, and what tests ask of them."""

    def __init__(self, servers: Standalone) -> None:
        self.servers = servers
        self.client = Client()

    @property
    def broker(self) -> str:
        return self.servers.broker.address

    def ask(self, header: Header, body: bytes = b"") -> Command:
        """The broker's answer."""
        return self.client.invoke(self.broker, header, body)

    def route(self, topic: str) -> TopicRouteData | None:
        """What the name server says of a topic."""
        answer = self.client.invoke(self.servers.namesrv.address, GetRouteInfo(topic=topic))
        return TopicRouteData.from_json(answer.body) if answer.code == 0 else None

    def send(self, topic: str, body: bytes = b"x", queue_id: int = 0, properties: str | None = None) -> Command:
        """The answer to one message."""
        header = SendMessage(
            producer_group="P", topic=topic, default_topic="TBW102", default_topic_queue_nums=4, queue_id=queue_id,
            sys_flag=0, born_timestamp=1, flag=0, properties=properties,
        )  # fmt: skip
        return self.ask(header, body)

    def beat(self, client_id: str, *, consumes: dict[str, list[str]] | None = None, produces: str = "") -> Command:
        """The answer to a heartbeat of a consumer of topics by group, or of a producer."""
        data = HeartbeatData(
            client_id=client_id,
            consumer_data_set=[consumer_data(group, topics) for group, topics in (consumes or {}).items()],
            producer_data_set=[ProducerData(group_name=produces)] if produces else [],
        )
        return self.ask(Heartbeat(), data.to_json())


def consumer_data(group: str, topics: list[str], **fields: Any) -> ConsumerData:
    """What a push consumer says of one of its groups."""
    return ConsumerData(
        group_name=group,
        consume_type="CONSUME_PASSIVELY",
        message_model="CLUSTERING",
        consume_from_where="CONSUME_FROM_LAST_OFFSET",
        subscription_data_set=[SubscriptionData(topic=topic, sub_string="*", sub_version=1) for topic in topics],
        **fields,
    )
