"""Which brokers are alive, and which topics they have: Java's RouteInfoManager.

Nobody else's clock: time comes as an argument, in ms. Names come back in the order of Java's hash maps, which clients
see. One hub, no locks: no method here switches greenlets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rocketpy.protocol.api.route import (
    BrokerData,
    ClusterInfo,
    QueueData,
    RegisterBroker,
    RegisterBrokerBody,
    RegisterBrokerReply,
    TopicRouteData,
)
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicList
from rocketpy.protocol.flags import Perm, TopicSysFlag
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.remoting.connection import Connection

EXPIRY_MS = 120_000
"""A broker that did not register for longer is dropped (RouteInfoManager:55)."""
_MASTER = 0

_log = logging.getLogger("rocketpy.namesrv")


@dataclass(slots=True)
class LiveBroker:
    """One address that registered, and when."""

    last_update: int
    data_version: DataVersion
    peer: Connection
    ha_server_addr: str
    advertised_addr: str | None
    """For clients from outside, if the broker has another address for them."""


class RouteTable:
    """Brokers by name, by cluster and by address; topics with their queues at each broker.

    `changes` counts up with everything that may change an answer.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._topics: dict[str, dict[str, QueueData]] = {}
        self._brokers: dict[str, BrokerData] = {}
        self._clusters: dict[str, dict[str, None]] = {}
        self._live: dict[str, LiveBroker] = {}
        self._filter_servers: dict[str, list[str]] = {}

    def register(
        self, request: RegisterBroker, body: RegisterBrokerBody, peer: Connection, now: int
    ) -> RegisterBrokerReply:
        """Takes over what a broker says of itself; a slave gets its master's addresses (registerBroker:137-236).

        Only a master's topics count, and only if its data version is another than last time or the address is new.
        Topics that it no longer names stay.
        """
        self.changes += 1
        address = request.broker_addr
        is_new = self._place(request)
        topics = body.topic_config_serialize_wrapper
        if request.broker_id == _MASTER and (is_new or self.is_changed(address, topics.data_version)):
            for topic in topics.topic_config_table.values():
                self._put_topic(request.broker_name, topic)
        if address not in self._live:
            _log.info("new broker registered, %s HA server %s", address, request.ha_server_addr)
        self._live[address] = LiveBroker(
            now, topics.data_version, peer, request.ha_server_addr, request.advertised_addr or None
        )
        if body.filter_server_list:
            self._filter_servers[address] = body.filter_server_list
        else:
            self._filter_servers.pop(address, None)
        master_addr = self._brokers[request.broker_name].broker_addrs.get(_MASTER)
        master = self._live.get(master_addr) if master_addr is not None else None
        if request.broker_id == _MASTER or master is None:
            return RegisterBrokerReply(advertised_addr=request.advertised_addr)
        return RegisterBrokerReply(
            ha_server_addr=master.ha_server_addr, master_addr=master_addr, advertised_addr=request.advertised_addr
        )

    def _place(self, request: RegisterBroker) -> bool:
        """Puts the address under its name and id; True if there was none. An address has one id only."""
        name, address = request.broker_name, request.broker_addr
        self._clusters.setdefault(request.cluster_name, {})[name] = None
        broker = self._brokers.get(name)
        if broker is None:
            broker = self._brokers[name] = BrokerData(cluster=request.cluster_name, broker_name=name)
        former = broker.broker_addrs.get(request.broker_id)
        addresses = {id: at for id, at in broker.broker_addrs.items() if at != address or id == request.broker_id}
        addresses[request.broker_id] = address
        broker.broker_addrs = dict(sorted(addresses.items(), key=_bucket))
        if former != address and request.broker_id == _MASTER:
            _log.info("the master of %s changes from %s to %s", name, former, address)
        return former is None

    def _put_topic(self, broker_name: str, topic: TopicConfig) -> None:
        if topic.topic_name is None:
            return
        queues = self._topics.setdefault(topic.topic_name, {})
        queues[broker_name] = QueueData(
            broker_name=broker_name,
            read_queue_nums=topic.read_queue_nums,
            write_queue_nums=topic.write_queue_nums,
            perm=topic.perm,
            topic_sys_flag=topic.topic_sys_flag,
        )

    def is_changed(self, address: str, version: DataVersion) -> bool:
        """Whether `version` is another one than the broker at `address` registered with; True if it did not."""
        return self.data_version(address) != version

    def data_version(self, address: str) -> DataVersion | None:
        """The version that the broker at `address` registered with."""
        live = self._live.get(address)
        return None if live is None else live.data_version

    def touch(self, address: str, now: int) -> None:
        """The broker at `address` is alive, as it asks about its data version."""
        live = self._live.get(address)
        if live is not None:
            live.last_update = now

    def unregister(self, cluster: str, address: str, name: str, broker_id: int) -> None:
        """Drops an address; with the last one of a name also the name and its topics (unregisterBroker:336-389)."""
        self.changes += 1
        self._live.pop(address, None)
        self._filter_servers.pop(address, None)
        broker = self._brokers.get(name)
        if broker is None:
            return
        broker.broker_addrs.pop(broker_id, None)
        if not broker.broker_addrs:
            self._remove_broker(name, [cluster])
        _log.info("broker %s at %s unregistered", name, address)

    def disconnect(self, peer: Connection) -> None:
        """Drops what registered on a connection that is closed now (onChannelDestroy:482-591)."""
        for address in [address for address, live in self._live.items() if live.peer is peer]:
            _log.info("broker at %s dropped, its connection is closed", address)
            self._drop(address)

    def expire(self, now: int) -> list[Connection]:
        """Drops who did not register for 120 s; returns the connections to close (scanNotActiveBroker:464-480)."""
        expired = [(address, live.peer) for address, live in self._live.items() if live.last_update + EXPIRY_MS < now]
        for address, _ in expired:
            _log.warning("broker at %s dropped, it did not register for %d ms", address, EXPIRY_MS)
            self._drop(address)
        return [peer for _, peer in expired]

    def _drop(self, address: str) -> None:
        self.changes += 1
        del self._live[address]
        self._filter_servers.pop(address, None)
        for name, broker in self._brokers.items():
            ids = [broker_id for broker_id, at in broker.broker_addrs.items() if at == address]
            if ids:
                del broker.broker_addrs[ids[0]]
                if not broker.broker_addrs:
                    self._remove_broker(name, self._clusters)
                return

    def _remove_broker(self, name: str, clusters: Iterable[str]) -> None:
        """Forgets a name that has no address, in the first of `clusters` that has it, and its queues."""
        del self._brokers[name]
        for cluster in clusters:
            names = self._clusters.get(cluster, {})
            if name in names:
                del names[name]
                if not names:
                    del self._clusters[cluster]
                break
        for topic in [topic for topic, queues in self._topics.items() if name in queues]:
            self._remove_queues(topic, [name])

    def _remove_queues(self, topic: str, brokers: Iterable[str]) -> None:
        queues = self._topics.get(topic, {})
        for name in brokers:
            queues.pop(name, None)
        if not queues:
            self._topics.pop(topic, None)

    def delete_topic(self, topic: str, cluster: str | None = None) -> None:
        """Forgets a topic, with `cluster` only at the brokers of that cluster (deleteTopic:82-127)."""
        self.changes += 1
        if not cluster:
            self._topics.pop(topic, None)
        elif cluster in self._clusters:
            self._remove_queues(topic, self._clusters[cluster])

    def wipe_write_perm(self, broker: str) -> int:
        """Takes the write bit from a broker's topics; returns how many it has."""
        return self._change_perm(broker, lambda perm: perm & ~Perm.WRITE)

    def add_write_perm(self, broker: str) -> int:
        """Makes all of a broker's topics readable and writable; returns how many it has."""
        return self._change_perm(broker, lambda perm: Perm.READ | Perm.WRITE)

    def _change_perm(self, broker: str, change: Callable[[int], int]) -> int:
        self.changes += 1
        of_broker = [queues[broker] for queues in self._topics.values() if broker in queues]
        for queue in of_broker:
            queue.perm = change(queue.perm)
        return len(of_broker)

    @property
    def tells_apart(self) -> bool:
        """Whether clients from outside are told another address of any broker."""
        return any(live.advertised_addr is not None for live in self._live.values())

    def _address(self, address: str, outside: bool) -> str:
        """What clients are told instead of the address by which a broker registered."""
        live = self._live.get(address) if outside else None
        return address if live is None else live.advertised_addr or address

    def _as_told(self, broker: BrokerData, outside: bool) -> BrokerData:
        if not outside:
            return broker
        addresses = {id: self._address(at, outside) for id, at in broker.broker_addrs.items()}
        return BrokerData(cluster=broker.cluster, broker_name=broker.broker_name, broker_addrs=addresses)

    def route(self, topic: str, *, outside: bool = False) -> TopicRouteData | None:
        """Where the queues of `topic` are; None if no broker that has it is alive (pickupTopicRouteData:409-462).

        With `outside` the addresses are those for clients from outside, as everywhere here.
        """
        queues = self._topics.get(topic)
        if queues is None:
            return None
        names = hash_map_order(queues)
        brokers = [self._brokers[name] for name in names if name in self._brokers]
        if not brokers:
            return None
        addresses = [address for broker in brokers for address in broker.broker_addrs.values()]
        return TopicRouteData(
            queue_datas=[queues[name] for name in names],
            broker_datas=[self._as_told(broker, outside) for broker in brokers],
            filter_server_table={
                self._address(at, outside): self._filter_servers[at] for at in addresses if at in self._filter_servers
            },
        )

    def cluster_info(self, *, outside: bool = False) -> ClusterInfo:
        """All brokers and clusters."""
        return ClusterInfo(
            broker_addr_table={
                name: self._as_told(self._brokers[name], outside) for name in hash_map_order(self._brokers, 128)
            },
            cluster_addr_table={
                cluster: hash_map_order(self._clusters[cluster]) for cluster in hash_map_order(self._clusters, 32)
            },
        )

    def topics(self) -> TopicList:
        """All topics."""
        return TopicList(topic_list=hash_map_order(self._topics_in_order()))

    def topics_of_cluster(self, cluster: str) -> TopicList:
        """The topics that any broker of `cluster` has; none for an unknown cluster."""
        names = hash_map_order(self._clusters.get(cluster, {}))
        topics = self._topics_in_order()
        return TopicList(
            topic_list=hash_map_order(topic for name in names for topic in topics if name in self._topics[topic])
        )

    def system_topics(self, *, outside: bool = False) -> TopicList:
        """The topics named as clusters and brokers, and the address of some broker (getSystemTopicList:640-674)."""
        names: list[str] = []
        for cluster in hash_map_order(self._clusters, 32):
            names += [cluster, *hash_map_order(self._clusters[cluster])]
        first = next(iter(hash_map_order(self._brokers, 128)), None)
        address = None if first is None else next(iter(self._brokers[first].broker_addrs.values()))
        told = None if address is None else self._address(address, outside)
        return TopicList(topic_list=hash_map_order(names), broker_addr=told)

    def unit_topics(self) -> TopicList:
        """Topics with the UNIT flag."""
        return self._topics_with(lambda flag: bool(flag & TopicSysFlag.UNIT))

    def unit_sub_topics(self) -> TopicList:
        """Topics with the UNIT_SUB flag."""
        return self._topics_with(lambda flag: bool(flag & TopicSysFlag.UNIT_SUB))

    def unit_sub_ununit_topics(self) -> TopicList:
        """Topics with UNIT_SUB and without UNIT."""
        return self._topics_with(lambda flag: bool(flag & TopicSysFlag.UNIT_SUB and not flag & TopicSysFlag.UNIT))

    def _topics_with(self, holds: Callable[[int], bool]) -> TopicList:
        """Topics whose first broker's flag `holds` (topicQueueTableIter:711-737)."""
        first = ((topic, next(iter(hash_map_order(self._topics[topic])))) for topic in self._topics_in_order())
        chosen = (topic for topic, name in first if holds(self._topics[topic][name].topic_sys_flag))
        return TopicList(topic_list=hash_map_order(chosen))

    def _topics_in_order(self) -> list[str]:
        return hash_map_order(self._topics, 1024)


def _bucket(entry: tuple[int, str]) -> int:
    """Where java.util.HashMap, with its table of 16, puts a broker id: 0, 16, 1, 2 is an order of Java's."""
    value = entry[0] & 0xFFFF_FFFF_FFFF_FFFF
    value = (value ^ value >> 32) & 0xFFFF_FFFF
    return (value ^ value >> 16) & 15
