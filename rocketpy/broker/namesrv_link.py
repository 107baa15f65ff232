"""What the broker tells the name servers (BrokerOuterAPI.java, BrokerController.registerBrokerAll:1017).

All of them are told at the same time, and none is waited for longer than registerBrokerTimeoutMills: a name server that
is down costs one line in the log and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from zlib import crc32

import gevent
from gevent import Greenlet
from gevent.lock import BoundedSemaphore

from rocketpy.broker.identity import Identity
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import RemotingError, RocketpyError
from rocketpy.protocol.api.kv import KVTable
from rocketpy.protocol.api.route import (
    QueryDataVersion,
    QueryDataVersionReply,
    RegisterBroker,
    RegisterBrokerBody,
    RegisterBrokerReply,
    UnregisterBroker,
)
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.registration import write_registration
from rocketpy.remoting.address_server import DOMAIN, SUBGROUP, fetch_namesrv_addr
from rocketpy.remoting.client import Client
from rocketpy.remoting.off_hub import off_hub

UNREGISTER_TIMEOUT_MS = 3000

Snapshot = Callable[[], TopicConfigSerializeWrapper]
_READ_WRITE = Perm.READ | Perm.WRITE
_log = logging.getLogger("rocketpy.broker")


class NamesrvLink:
    """Registers the broker and its topics with every name server of `namesrvAddr`."""

    def __init__(
        self, config: BrokerConfig, identity: Callable[[], Identity], topics: TopicTable, client: Client
    ) -> None:
        self._config = config
        self._identity = identity
        self._topics = topics
        self._client = client
        self._fetched = ""
        self._deaf: set[str] = set()
        self._writing = BoundedSemaphore()
        self._soon: Greenlet[[], None] | None = None
        self._again = False
        self.answered: list[Callable[[RegisterBrokerReply], None]] = []
        """Are told what a name server says of the master, each time that all topics are registered."""

    @property
    def addresses(self) -> list[str]:
        """The name servers, read from the configuration each time: it may be changed while the broker runs."""
        return [address for address in (self._config.namesrv_addr or self._fetched).split(";") if address]

    @property
    def asks_address_server(self) -> bool:
        """Whether it finds the name servers by asking an address server."""
        return self._config.fetch_namesrv_addr_by_address_server and not self._config.namesrv_addr

    def refresh_addresses(self, properties: Mapping[str, str]) -> None:
        """Ask the address server that the configuration file names, and register if the answer is another one."""
        known = self.addresses
        self.fetch_addresses(
            properties.get("rmqAddressServerDomain", DOMAIN), properties.get("rmqAddressServerSubGroup", SUBGROUP)
        )
        if self.addresses != known:
            self.register_all()

    def fetch_addresses(self, domain: str, subgroup: str) -> None:
        """Ask an address server for the name servers, for a broker that is not told any (fetchNameServerAddr:92)."""
        try:
            fetched = off_hub(lambda: fetch_namesrv_addr(domain, subgroup))
        except RemotingError as error:
            _log.warning("%s", error)
            return
        if fetched and fetched != self._fetched:
            _log.info("the name servers are %s, they were %s", fetched, self._fetched or "unknown")
            self._fetched = fetched

    def register_all(self, *, force: bool = True) -> None:
        """Register with all topics and take over what is an ordered topic; waits for the answers.

        Without `force` only if a name server has another version of the topics, or cannot be asked
        (needRegister:1070).
        """
        if force or self._need_register():
            self._register(self._topics.freeze())

    def register_topic(self, topic: TopicConfig) -> None:
        """Register one new or changed topic; waits for the answers (registerIncrementBrokerData:999)."""
        assert topic.topic_name is not None
        one = TopicConfigSerializeWrapper(
            data_version=self._topics.data_version, topic_config_table={topic.topic_name: topic}
        )
        self._register(lambda: one)

    def register_soon(self) -> None:
        """Register with all topics without waiting, as when a send created one; several calls may become one."""
        self._again = True
        if self._soon is None:
            self._soon = gevent.spawn(self._register_oneway)

    def unregister(self) -> None:
        """Say goodbye to every name server, waiting at most 3 s."""
        if self._soon is not None:
            self._soon.kill()
        identity = self._identity()
        header = UnregisterBroker(
            broker_name=identity.name,
            broker_addr=identity.address,
            cluster_name=identity.cluster,
            broker_id=identity.broker_id,
        )
        asking = self._start_asking(
            lambda address: self._client.invoke(address, header, timeout_ms=UNREGISTER_TIMEOUT_MS)
        )
        gevent.joinall(asking)

    def _register(self, snapshot: Snapshot) -> None:
        timeout = self._config.register_broker_timeout_mills
        answers: list[Command] = []

        def ask(address: str, header: RegisterBroker, body: bytes) -> None:
            answer = _checked(self._client.invoke(address, header, body, timeout))
            answers.append(answer)
            self._check_advertised(address, header, answer)

        gevent.joinall(self._start_registering(snapshot, ask), timeout=timeout / 1000)
        for answer in answers[:1]:
            for listener in self.answered:
                listener(RegisterBrokerReply.decode(answer.ext_fields))
            if answer.body:
                self._topics.set_order_topics(KVTable.from_json(answer.body).table)

    def _check_advertised(self, address: str, header: RegisterBroker, answer: Command) -> None:
        """Say once of a name server that it has no second address for clients from outside: Java's has not."""
        understood = RegisterBrokerReply.decode(answer.ext_fields).advertised_addr == header.advertised_addr
        if header.advertised_addr is not None and not understood and address not in self._deaf:
            self._deaf.add(address)
            _log.warning("name server %s does not know advertisedAddr: all clients get %s", address, header.broker_addr)

    def _register_oneway(self) -> None:
        timeout = self._config.register_broker_timeout_mills

        def tell(address: str, header: RegisterBroker, body: bytes) -> None:
            self._client.invoke_oneway(address, header, body, timeout)

        while self._again:
            self._again = False
            gevent.joinall(self._start_registering(self._topics.freeze(), tell), timeout=timeout / 1000)
        self._soon = None

    def _start_registering(
        self, snapshot: Snapshot, ask: Callable[[str, RegisterBroker, bytes], None]
    ) -> list[Greenlet[..., None]]:
        """Have `ask` called for each name server; an earlier registration is sent before a later one."""
        with self._writing:
            header, body = off_hub(lambda: self._request(snapshot()))
            return self._start_asking(lambda address: ask(address, header, body))

    def _request(self, topics: TopicConfigSerializeWrapper) -> tuple[RegisterBroker, bytes]:
        if self._config.broker_permission & _READ_WRITE != _READ_WRITE:
            topics = self._with_broker_permission(topics)
        compressed = self._config.compressed_register
        body = write_registration(RegisterBrokerBody(topic_config_serialize_wrapper=topics), compressed)
        identity = self._identity()
        header = RegisterBroker(
            broker_name=identity.name,
            broker_addr=identity.address,
            cluster_name=identity.cluster,
            ha_server_addr=identity.ha_address,
            broker_id=identity.broker_id,
            compressed=compressed,
            body_crc32=crc32(body) & 0x7FFFFFFF,
            advertised_addr=identity.advertised_address,
        )
        return header, body

    def _with_broker_permission(self, topics: TopicConfigSerializeWrapper) -> TopicConfigSerializeWrapper:
        """The broker's permission takes the place of every topic's (registerBrokerAll:1022)."""
        return TopicConfigSerializeWrapper(
            data_version=topics.data_version,
            topic_config_table={
                name: TopicConfig(
                    topic_name=name,
                    read_queue_nums=topic.read_queue_nums,
                    write_queue_nums=topic.write_queue_nums,
                    perm=self._config.broker_permission,
                )
                for name, topic in topics.topic_config_table.items()
            },
        )

    def _need_register(self) -> bool:
        identity = self._identity()
        header = QueryDataVersion(
            broker_name=identity.name,
            broker_addr=identity.address,
            cluster_name=identity.cluster,
            broker_id=identity.broker_id,
        )
        version = self._topics.data_version
        timeout = self._config.register_broker_timeout_mills

        current: list[bool] = []

        def ask(address: str) -> None:
            answer = self._client.invoke(address, header, version.to_json(), timeout)
            if answer.code != ResponseCode.SUCCESS:
                current.append(True)  # a name server that does not know the question; Java lets it be, too
                return
            known = DataVersion.from_json(answer.body) if answer.body else version
            current.append(known == version and not QueryDataVersionReply.decode(answer.ext_fields).changed)

        asking = self._start_asking(ask)
        gevent.joinall(asking, timeout=timeout / 1000)
        return len(current) < len(asking) or not all(current)

    def _start_asking(self, ask: Callable[[str], object]) -> list[Greenlet[..., None]]:
        """Call `ask` with each name server's address, all at the same time; what fails is logged."""

        def ask_one(address: str) -> None:
            try:
                ask(address)
            except RocketpyError as error:
                _log.warning("name server %s: %s", address, error)

        return [gevent.spawn(ask_one, address) for address in self.addresses]


def _checked(answer: Command) -> Command:
    if answer.code != ResponseCode.SUCCESS:
        raise RocketpyError(f"registration refused, CODE: {answer.code}  DESC: {answer.remark}")
    return answer
