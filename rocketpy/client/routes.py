"""Where topics and brokers are, as far as this client knows (MQClientInstance.java:590-1050)."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from gevent.lock import RLock

from rocketpy.client.errors import ClientError, TopicNotFound
from rocketpy.client.name_servers import NameServers
from rocketpy.client.publish import MASTER_ID, Publish, subscribe_queues
from rocketpy.errors import ProtocolError, RemotingError
from rocketpy.protocol.api.route import MessageQueue, TopicRouteData
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC, RETRY_PREFIX

log = logging.getLogger(__name__)


class Routes:
    """Routes by topic and addresses by broker; names have their namespace.

    `on_new_broker` is called, in the greenlet that found it, when a broker's address was not known before.
    """

    def __init__(self, name_servers: NameServers, on_new_broker: Callable[[], None] = lambda: None) -> None:
        self.name_servers = name_servers
        self.topics: dict[str, TopicRouteData] = {}
        self.brokers: dict[str, dict[int, str]] = {}
        self._published: dict[str, Publish] = {}
        self._asking = RLock()
        self._on_new_broker = on_new_broker

    def update(self, topic: str, model: str | None = None, most_queues: int = 0) -> bool:
        """Ask for the route of `topic`, or take that of `model` with at most `most_queues` a broker.

        False if there is none, or it is what it was. Raises RemotingError when no name server answers.
        """
        with self._asking:
            try:
                route = self.name_servers.route(model or topic)
            except (ClientError, ProtocolError) as error:
                if not topic.startswith(RETRY_PREFIX) and topic != AUTO_CREATE_TOPIC:
                    log.warning("no route of %s: %s", topic, error)
                return False
            if route is None:
                return False
            for data in route.queue_datas if model else ():
                data.read_queue_nums = data.write_queue_nums = min(most_queues, data.read_queue_nums)
            return self._take(topic, route)

    def publish(self, topic: str, model: str = AUTO_CREATE_TOPIC, most_queues: int = 4) -> Publish:
        """The queues of `topic` to send to; one that does not exist is taken to become like `model`.

        (tryToFindTopicPublishInfo:690.) Raises TopicNotFound with the reason, or ClientError without a name server.
        """
        known = self.published(topic)
        if known is not None:
            return known
        self.name_servers.check()
        with self._asking:
            known = self._published.get(topic)  # found meanwhile by somebody else
            if known is None or not known.queues:
                try:
                    self.update(topic)
                    if topic not in self._published:
                        self.update(topic, model, most_queues)
                except RemotingError as error:
                    raise TopicNotFound(topic, f"No name server answers: {error}") from error
                known = self._published.get(topic)
        if known is None or not known.queues:
            raise TopicNotFound(topic, self._why_not(topic, model))
        return known

    def published(self, topic: str) -> Publish | None:
        """The queues of `topic` to send to, if they are known already."""
        known = self._published.get(topic)
        return known if known is not None and known.queues else None

    def subscribed(self, topic: str) -> list[MessageQueue] | None:
        """The queues of `topic` to read from; None while there is no route."""
        route = self.topics.get(topic)
        return None if route is None else subscribe_queues(topic, route)

    def master(self, broker_name: str, topic: str | None = None) -> str:
        """The address of a broker's master; if it is not known, the route of `topic` is asked for once.

        Raises ClientError where Java says that the broker does not exist.
        """
        address = self.brokers.get(broker_name, {}).get(MASTER_ID)
        if address is None and topic is not None:
            self.update(topic)
            address = self.brokers.get(broker_name, {}).get(MASTER_ID)
        if address is None:
            raise ClientError(f"The broker[{broker_name}] not exist")
        return address

    def readable(self, broker_name: str, broker_id: int, *, only: bool = False) -> tuple[str, bool] | None:
        """An address to pull from and whether it is a slave's: that of `broker_id`, of the next, or of any.

        `only` rules out the last (findBrokerAddressInSubscribe:1060).
        """
        addresses = self.brokers.get(broker_name)
        if not addresses:
            return None
        for number in (broker_id, broker_id + 1) if broker_id != MASTER_ID else (broker_id,):
            if number in addresses:
                return addresses[number], broker_id != MASTER_ID
        if only:
            return None
        number = min(addresses)
        return addresses[number], number != MASTER_ID

    def some_broker(self, topic: str) -> str | None:
        """The address of one broker that has `topic`, at random (findBrokerAddrByTopic:1100)."""
        route = self.topics.get(topic)
        brokers = [data for data in route.broker_datas if data.broker_addrs] if route else []
        if not brokers:
            return None
        return some_address(random.choice(brokers).broker_addrs)

    def forget_offline(self) -> None:
        """Forget addresses that are in no route any more (cleanOfflineBroker:399)."""
        routed = {
            address for route in self.topics.values() for data in route.broker_datas
            for address in data.broker_addrs.values()
        }  # fmt: skip
        for name, addresses in list(self.brokers.items()):
            left = {number: address for number, address in addresses.items() if address in routed}
            if left:
                self.brokers[name] = left
            else:
                log.info("broker %s %s is offline", name, addresses)
                del self.brokers[name]

    def _take(self, topic: str, route: TopicRouteData) -> bool:
        route.queue_datas.sort(key=lambda one: one.broker_name)
        route.broker_datas.sort(key=lambda one: one.broker_name)
        if self.topics.get(topic) == route:
            return False
        log.info("route of %s is %s", topic, route)
        known = {address for addresses in self.brokers.values() for address in addresses.values()}
        for data in route.broker_datas:
            self.brokers[data.broker_name] = dict(data.broker_addrs)
        self.topics[topic] = route
        self._published[topic] = Publish(topic, route)
        if any(address not in known for data in route.broker_datas for address in data.broker_addrs.values()):
            self._on_new_broker()
        return True

    def _why_not(self, topic: str, model: str) -> str:
        """Which of the four reasons holds."""
        route = self.topics.get(topic)
        if route is not None:
            perms = {data.broker_name: data.perm for data in route.queue_datas}
            masters = {data.broker_name for data in route.broker_datas if MASTER_ID in data.broker_addrs}
            if not any(perm & Perm.WRITE for perm in perms.values()):
                return f"The topic exists, but nobody may write to it: its perm is {perms}."
            if not masters & {name for name, perm in perms.items() if perm & Perm.WRITE}:
                return f"The topic exists, but no master of {sorted(perms)} is alive."
            return f"The topic exists, but has no queue to write to: {route}"
        addresses = ";".join(self.name_servers.addresses)
        try:
            brokers = self.name_servers.cluster().broker_addr_table
        except (RemotingError, ClientError, ProtocolError) as error:
            return f"No name server answers: {error}"
        if not brokers:
            return f"No broker is registered at the name server {addresses}: is it that of your cluster?"
        return (
            f"The topic does not exist at the name server {addresses}, and its brokers {sorted(brokers)} do not create"
            f" topics by sending (autoCreateTopicEnable; there is no route of {model})."
        )


def some_address(addresses: dict[int, str]) -> str:
    """That of the master, or of any slave (BrokerData.selectBrokerAddr:62)."""
    return addresses.get(MASTER_ID) or random.choice(list(addresses.values()))
