"""A name server and a broker that belong together, and the directions in which ours and Java's are mixed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from interop.java_servers import JavaBroker, JavaNameServer
from interop.our_servers import OurBroker, OurNameServer
from interop.raw_client import RawClient
from interop.server import BrokerProcess, NameServerProcess
from rocketpy.protocol.codes import RequestCode

DIRECTIONS: dict[str, tuple[type[NameServerProcess], type[BrokerProcess]]] = {
    "java": (JavaNameServer, JavaBroker),
    "ours": (OurNameServer, OurBroker),
    "our-broker-at-java-namesrv": (JavaNameServer, OurBroker),
    "java-broker-at-our-namesrv": (OurNameServer, JavaBroker),
}
"""Whose name server and whose broker; "java" is the reference: what does not hold there is no fact."""

PURE = ("java", "ours")
"""Those of one make."""

QUICK = {
    "transactionCheckInterval": "1000",
    "transactionTimeOut": "1500",
    "transactionCheckMax": "5",
    "messageDelayLevel": "1s 2s " + 15 * "1s " + "2h",
    "enablePropertyFilter": "true",
    "traceTopicEnable": "true",
}
"""Settings of a broker whose checks of transactions and retries scenarios can wait for, and that offers everything."""


@dataclass(frozen=True)
class Cluster:
    """What scenarios are pointed at; `broker_process` is there when the broker is a child of ours."""

    namesrv: str
    brokers: dict[str, str] = field(default_factory=dict)
    broker_process: BrokerProcess | None = None

    @property
    def broker_name(self) -> str:
        return min(self.brokers)

    @property
    def broker(self) -> str:
        """The address of one master."""
        return self.brokers[self.broker_name]


def running_cluster(namesrv: str, broker_process: BrokerProcess | None = None) -> Cluster:
    """The cluster that `namesrv` knows. Raises LookupError when it knows no master."""
    with RawClient(namesrv) as client:
        table = client.ask_json(RequestCode.GET_BROKER_CLUSTER_INFO)["brokerAddrTable"]
    masters = {}
    for name, broker in table.items():
        addresses = {int(number): address for number, address in broker["brokerAddrs"].items()}
        if 0 in addresses:
            masters[name] = addresses[0]
    if not masters:
        raise LookupError(f"the name server at {namesrv} knows no master broker")
    return Cluster(namesrv, masters, broker_process)


@contextmanager
def started_cluster(direction: str, directory: Path, **settings: str) -> Iterator[Cluster]:
    """The two servers of `direction`, new and empty; `settings` are keys of the broker's configuration."""
    name_server_type, broker_type = DIRECTIONS[direction]
    with (
        name_server_type(directory / "namesrv") as name_server,
        broker_type(directory / "broker", name_server.address, **settings) as broker,
    ):
        yield running_cluster(name_server.address, broker)
