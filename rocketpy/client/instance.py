"""One client of a cluster: its connections, its routes, its heartbeats and its members (MQClientInstance.java).

Producers and consumers of one process with the same client id are members of one instance; an instance lives as long
as it has members.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container
from threading import Lock
from time import monotonic
from typing import Protocol

import gevent
from gevent.event import Event
from gevent.hub import get_hub

from rocketpy.client.errors import ClientError, see_faq
from rocketpy.client.hub import Hub
from rocketpy.client.inbox import Inbox
from rocketpy.client.name_servers import NameServers
from rocketpy.client.publish import MASTER_ID
from rocketpy.client.pushes import Pushes
from rocketpy.client.routes import Routes
from rocketpy.client.settings import ClientSettings
from rocketpy.config.remoting import RemotingClientConfig
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.client import ConsumerData, Heartbeat, HeartbeatData, ProducerData, UnregisterClient
from rocketpy.protocol.codes import LanguageCode, ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.signature import signer
from rocketpy.remoting.address_server import DOMAIN, fetch_namesrv_addr
from rocketpy.remoting.client import Client
from rocketpy.remoting.connection import Connection, Sign
from rocketpy.remoting.router import Router

log = logging.getLogger(__name__)

REBALANCE_INTERVAL = 20.0
"""Seconds (RebalanceService.java:26)."""
_FETCH_INTERVAL = 120.0
_STREAM = {"ReqT": "0"}
_LOOK_AGAIN = 1.0
"""Seconds until a lost connection is noticed."""


class ProducerMember(Protocol):
    """What an instance wants of a producer."""

    group: str

    def topics(self) -> list[str]:
        """Those whose routes are to be kept fresh."""
        ...


class ConsumerMember(Protocol):
    """What an instance wants of a consumer."""

    group: str

    def topics(self) -> list[str]:
        """Those whose routes are to be kept fresh."""
        ...

    def data(self) -> ConsumerData:
        """What the heartbeat says of it."""
        ...

    def rebalance(self) -> None:
        """Take its share of the queues."""
        ...

    def persist(self) -> None:
        """Store how far it has come."""
        ...


class Instance(Hub):
    """A client with an id; everything but `attach` and `detach` is to be used in its hub."""

    client: Client
    name_servers: NameServers
    routes: Routes
    inbox: Inbox

    def __init__(self, client_id: str, settings: ClientSettings, *, streams: bool = False) -> None:
        """`streams`: its requests say that they are of a stream (StreamTypeRPCHook.java:25)."""
        self._streams = streams
        self.client_id = client_id
        self.settings = settings
        self.producers: dict[str, ProducerMember] = {}
        self.consumers: dict[str, ConsumerMember] = {}
        self.broker_versions: dict[str, int] = {}
        self._told: dict[str, Connection | None] = {}
        self.pushes = Pushes(self)

    @property
    def timeout_ms(self) -> float:
        """Of requests other than sends and pulls."""
        return self.settings.request_timeout * 1000

    def start(self) -> None:
        """Start the loops; it does not wait, and connects to nobody yet."""
        settings = self.settings
        self.client = Client(
            RemotingClientConfig(),
            Router(self.pushes),
            serialization=settings.header_serialization,
            language=LanguageCode.PYTHON,
            sign=_completing(None if settings.credentials is None else signer(settings.credentials), self._streams),
            tls=settings.tls_context,
        )
        self.inbox = Inbox()
        self._rebalance_due = Event()
        self._heartbeat_due = Event()
        addresses = settings.addresses
        persist = settings.persist_offset_interval
        fetch = self._fetch_name_servers if addresses is None else None
        self.name_servers = NameServers(self.client, addresses or (), self.timeout_ms, fetch)
        self.routes = Routes(self.name_servers, self._heartbeat_due.set)
        self._loops = [
            gevent.spawn(self._every, settings.poll_namesrv_interval, 0.01, self.update_routes),
            gevent.spawn(self._beat),
            gevent.spawn(self._every, persist, persist * 2, self._persist),
            gevent.spawn(self._rebalance),
        ]
        if fetch is not None:
            self._loops.append(gevent.spawn(self._every, _FETCH_INTERVAL, 10.0, fetch))

    def stop(self) -> None:
        """Stop everything; harmless when `start` failed half-way."""
        gevent.killall(getattr(self, "_loops", []))
        if hasattr(self, "client"):
            self.client.close()
        if hasattr(self, "inbox"):
            self.inbox.close()

    # -- members

    def join(self, producer: ProducerMember | None = None, consumer: ConsumerMember | None = None) -> None:
        """Take in a member. Raises ClientError if there is one of its group already."""
        if producer is not None:
            if producer.group in self.producers:
                raise _created_before("producer", producer.group)
            self.producers[producer.group] = producer
        if consumer is not None:
            if consumer.group in self.consumers:
                raise _created_before("consumer", consumer.group)
            self.consumers[consumer.group] = consumer

    def leave(self, producer: ProducerMember | None = None, consumer: ConsumerMember | None = None) -> None:
        """Forget a member and tell the brokers."""
        header = UnregisterClient(client_id=self.client_id)
        if producer is not None and self.producers.get(producer.group) is producer:
            del self.producers[producer.group]
            header.producer_group = producer.group
        if consumer is not None and self.consumers.get(consumer.group) is consumer:
            del self.consumers[consumer.group]
            header.consumer_group = consumer.group
        if header.producer_group is None and header.consumer_group is None:
            return
        for addresses in list(self.routes.brokers.values()):
            for address in list(addresses.values()):
                if self.client.is_connected(address):
                    self._tell(address, header)

    def heartbeat(self, only: Container[str] | None = None) -> None:
        """Tell every broker what this client does; slaves, too, if it consumes (sendHeartbeatToAllBroker:525).

        `only` are the addresses of those to be told.
        """
        data = HeartbeatData(
            client_id=self.client_id,
            producer_data_set=[ProducerData(group_name=group) for group in self.producers],
            consumer_data_set=[consumer.data() for consumer in self.consumers.values()],
        )
        if not data.producer_data_set and not data.consumer_data_set:
            return
        body = data.to_json()
        for addresses in list(self.routes.brokers.values()):
            for number, address in list(addresses.items()):
                if (number != 0 and not data.consumer_data_set) or (only is not None and address not in only):
                    continue
                try:
                    answer = self.client.invoke(address, Heartbeat(), body, self.timeout_ms)
                    self.broker_versions[address] = answer.version
                    self._told[address] = self.client.connection(address)
                    if answer.code != ResponseCode.SUCCESS:
                        log.warning("heartbeat to %s: CODE: %d  DESC: %s", address, answer.code, answer.remark)
                except RocketpyError as error:
                    log.info("heartbeat to %s: %s", address, error)

    def broker_address(self, broker_name: str, topic: str) -> str:
        """Where a broker's master is asked, on the VIP port if that is wanted. Raises ClientError, RemotingError."""
        return self.at_port(self.routes.master(broker_name, topic))

    def known_address(self, broker_name: str) -> str | None:
        """The same without waiting; None if it is not known."""
        address = self.routes.brokers.get(broker_name, {}).get(MASTER_ID)
        return None if address is None else self.at_port(address)

    def at_port(self, address: str) -> str:
        """The address, or that of the VIP port two below (MixAll.brokerVIPChannel:121)."""
        if not self.settings.vip_channel:
            return address
        host, _, port = address.rpartition(":")
        return f"{host}:{int(port) - 2}"

    def rebalance_soon(self) -> None:
        """Share the queues out anew, without waiting for the next turn."""
        self._rebalance_due.set()

    def update_routes(self) -> None:
        """Ask for the routes of all topics that members are interested in."""
        members = [*self.producers.values(), *self.consumers.values()]
        for topic in sorted({topic for member in members for topic in member.topics()}):
            self.routes.update(topic)

    # -- loops

    def _every(self, interval: float, first: float, job: Callable[[], None]) -> None:
        """Do it after `first` seconds, then again and again, whatever comes of it."""
        gevent.sleep(first)
        while True:
            _survive(job)
            gevent.sleep(interval)

    def _beat(self) -> None:
        """Heartbeats: after 1 s, each interval, when a broker turns up, and when a connection was lost.

        Java's client waits for the next turn after the last.
        """
        self._heartbeat_due.wait(timeout=1.0)
        while True:
            self._heartbeat_due.clear()
            _survive(self.routes.forget_offline)
            _survive(self.heartbeat)
            until = monotonic() + self.settings.heartbeat_interval
            while (left := until - monotonic()) > 0 and not self._heartbeat_due.wait(timeout=min(left, _LOOK_AGAIN)):
                _survive(self._beat_anew)

    def _beat_anew(self) -> None:
        """Tell the brokers whose connection is not that of the last time: to them this client is nobody now."""
        known = {address for addresses in self.routes.brokers.values() for address in addresses.values()}
        self._told = {address: one for address, one in self._told.items() if address in known}
        lost = {address for address, one in self._told.items() if one is not self.client.connection(address)}
        if lost:
            self.heartbeat(lost)

    def _persist(self) -> None:
        for consumer in list(self.consumers.values()):
            consumer.persist()

    def _rebalance(self) -> None:
        while True:
            self._rebalance_due.wait(timeout=REBALANCE_INTERVAL)
            self._rebalance_due.clear()
            for consumer in list(self.consumers.values()):
                _survive(consumer.rebalance)

    def _fetch_name_servers(self) -> None:
        """Ask the HTTP server that knows them (MQClientAPIImpl.fetchNameServerAddr:225)."""
        domain = self.settings.address_server or DOMAIN
        unit = self.settings.unit_name or ""
        found = get_hub().threadpool.apply(_fetched, (domain, unit))
        if isinstance(found, RocketpyError):
            log.error("%s", found)
        elif found.strip():
            self.name_servers.update(found.strip().split(";"))

    def _tell(self, address: str, header: UnregisterClient) -> None:
        try:
            self.client.invoke(address, header, timeout_ms=self.timeout_ms)
        except RocketpyError as error:
            log.warning("unregister client from %s: %s", address, error)


def _completing(sign: Sign | None, streams: bool) -> Sign | None:
    """What adds to each request: that it is of a stream, which is signed, too (MQClientAPIImpl.java:197)."""
    if not streams:
        return sign

    def complete(request: Command) -> None:
        request.add_fields(_STREAM)
        if sign is not None:
            sign(request)

    return complete


def _fetched(domain: str, unit: str) -> str | RocketpyError:
    try:
        return fetch_namesrv_addr(domain, unit=unit)
    except RocketpyError as error:
        return error


def _survive(job: Callable[[], None]) -> None:
    try:
        job()
    except RocketpyError as error:
        log.warning("%s: %s", getattr(job, "__name__", job), error)
    except Exception:
        log.exception("%r failed", job)


def _created_before(kind: str, group: str) -> ClientError:
    return ClientError(f"The {kind} group[{group}] has been created before, specify another name please.{see_faq()}")


_instances: dict[str, tuple[Instance, int]] = {}
_lock = Lock()


def attach(settings: ClientSettings, *, unique: bool = True, streams: bool = False) -> Instance:
    """The running instance for those settings, shared by all that ask for the same client id.

    Raises what starting it raises. Each `attach` is followed by one `detach`.
    """
    client_id = settings.client_id(unique=unique, streams=streams)
    with _lock:
        instance, members = _instances.get(client_id, (None, 0))
        if instance is None:
            instance = Instance(client_id, settings, streams=streams)
            instance.open(here=settings.in_callers_hub)
        _instances[client_id] = (instance, members + 1)
    return instance


def detach(instance: Instance) -> None:
    """Give an instance back; the last one to do so stops it."""
    with _lock:
        found, members = _instances.get(instance.client_id, (None, 0))
        if found is not instance:
            return
        if members > 1:
            _instances[instance.client_id] = (instance, members - 1)
            return
        del _instances[instance.client_id]
    instance.close()


def forget_instances() -> None:
    """Of a process that was forked: those of its parent do not run here, and who held the lock is not here."""
    global _lock
    _instances.clear()
    _lock = Lock()
