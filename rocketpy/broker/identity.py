"""How the broker calls itself towards name servers and clients."""

from __future__ import annotations

from dataclasses import dataclass


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
