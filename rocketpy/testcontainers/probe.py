"""What is asked of the servers in a container, from outside, until a client can work with them."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rocketpy.admin.client import AdminClient
from rocketpy.admin.errors import JavaError
from rocketpy.clock import now_ms
from rocketpy.config.properties import format_properties
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.broker import UpdateBrokerConfig
from rocketpy.protocol.api.route import ClusterInfo, GetBrokerClusterInfo, GetRouteInfo, UnregisterBroker
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.api.topic import UpdateAndCreateTopic
from rocketpy.protocol.command import Command
from rocketpy.protocol.flags import Perm, TopicFilterType
from rocketpy.protocol.header import Header
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC

_TIMEOUT_MS = 3000


class NotReady(RocketpyError):
    """Something is missing yet; the text says what."""


class Probe:
    """Asks the name server and the broker called `name`, at their addresses outside; a step that failed is repeated."""

    def __init__(self, namesrv: str, broker: str, name: str) -> None:
        self._broker = broker
        self._name = name
        self._namesrv = namesrv
        self._admin = AdminClient(namesrv)
        self._created: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admin.close()

    def advertise(self, address: str, permission: str) -> None:
        """Have the broker known by `address` to whoever asks from here. Raises NotReady.

        Ours has advertisedAddr for that, and goes on being known by its own address inside. A broker without it moves
        altogether.
        """
        cluster, registered = self._registered()
        if registered == address:
            return
        self._configure(advertisedAddr=address)
        if self._registered()[1] != address:
            self._move(cluster, registered, address, permission)

    def _move(self, cluster: str, old: str, new: str, permission: str) -> None:
        """Have the broker registered under another address, as people do it with mqadmin.

        It takes over brokerIP1 and listenPort at once, goes on listening where it does, and registers when it is told
        its brokerPermission (AdminBrokerProcessor.updateBrokerConfig:519). The name server would keep the old address
        for two minutes, then close the connection that both came by, and forget the new one as well until the broker
        registers again, up to 30 s later (RouteInfoManager.scanNotActiveBroker): so the old one is taken out first.
        """
        host, _, port = new.rpartition(":")
        self._configure(brokerIP1=host, listenPort=port)
        self._ask(
            self._namesrv,
            UnregisterBroker(broker_name=self._name, broker_addr=old, cluster_name=cluster, broker_id=0),
        )
        self._configure(brokerPermission=permission)
        if self._registered()[1] != new:
            raise NotReady(f"the broker is not yet registered as {new}")

    def create_topic(self, name: str, queues: int) -> None:
        """Have the topic at the broker, and its route at the name server. Raises NotReady."""
        if name not in self._created:
            self._ask(
                self._broker,
                UpdateAndCreateTopic(
                    topic=name,
                    default_topic=AUTO_CREATE_TOPIC,
                    read_queue_nums=queues,
                    write_queue_nums=queues,
                    perm=Perm.READ | Perm.WRITE,
                    topic_filter_type=TopicFilterType.SINGLE_TAG,
                ),
            )
            self._created.add(name)
        self._ask(self._namesrv, GetRouteInfo(topic=name))

    def send(self) -> None:
        """Send one message, to the topic that each broker has under its own name. Raises NotReady."""
        header = SendMessage(
            producer_group="rocketpy_testcontainers",
            topic=self._name,
            default_topic=AUTO_CREATE_TOPIC,
            default_topic_queue_nums=1,
            queue_id=0,
            sys_flag=0,
            born_timestamp=now_ms(),
            flag=0,
        )
        self._ask(self._broker, header, b"ready?")

    def _registered(self) -> tuple[str, str]:
        """The broker's cluster, and the address that the name server has of it."""
        info = ClusterInfo.from_json(self._ask(self._namesrv, GetBrokerClusterInfo()).body)
        found = info.broker_addr_table.get(self._name)
        if found is None or 0 not in found.broker_addrs:
            raise NotReady(f"the name server knows no broker {self._name} yet")
        return found.cluster or "", found.broker_addrs[0]

    def _configure(self, **settings: str) -> None:
        self._ask(self._broker, UpdateBrokerConfig(), format_properties(settings).encode())

    def _ask(self, address: str, header: Header, body: bytes = b"") -> Command:
        try:
            return self._admin.ask(address, header, body, _TIMEOUT_MS)
        except JavaError as error:
            raise NotReady(f"{type(header).__name__}: {error.summary}") from error
