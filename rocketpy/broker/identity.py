"""How the broker calls itself towards name servers and clients."""

from __future__ import annotations

from dataclasses import dataclass

from rocketpy.broker.ports import Ports
from rocketpy.config.startup import BrokerSettings


@dataclass(slots=True, frozen=True)
class Identity:
    """A broker in its cluster, as it is to be known now: updateBrokerConfig changes it, without new ports."""

    cluster: str
    name: str
    broker_id: int
    address: str
    """brokerIP1 and the listen port: what clients connect to."""
    ha_address: str
    """brokerIP2 and the HA port: what slaves connect to."""
    advertised_address: str | None = None
    """What clients connect to who come from outside, if that is something else."""


def identity(settings: BrokerSettings, ports: Ports) -> Identity:
    """By the configuration of this moment: behind a port mapping the broker is told another listenPort."""
    config, advertised = settings.broker, settings.advertised.advertised_addr
    port = ports.known_port
    return Identity(
        cluster=config.broker_cluster_name,
        name=config.broker_name,
        broker_id=config.broker_id,
        address=f"{config.broker_ip1}:{port}",
        ha_address=f"{config.broker_ip2}:{ports.known_ha_port(settings.store.ha_listen_port)}",
        advertised_address=advertised.with_port(port) if advertised else None,
    )
