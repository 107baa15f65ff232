"""Which clients are inside: they can reach brokers by brokerIP1. The others came by a published port.

A broker that has an advertisedAddr (config/advertised.py) is told to both kinds by different addresses, as Kafka's
brokers are by the listener that a client uses. Here there is one port only, but who comes from outside shows by his
address: the engine hands over connections from its own machine in the name of the network's gateway, and those from
other machines in their own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from weakref import WeakKeyDictionary

from rocketpy.config.advertised import InsideConfig
from rocketpy.errors import ConfigError
from rocketpy.remoting.connection import Connection

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GATEWAY = 0x2
_REJECT = 0x200


class Insiders:
    """Clients in the networks of this machine, their gateways left out, or in those that are configured."""

    def __init__(self, config: InsideConfig) -> None:
        """Raises ConfigError for networks that are none."""
        text = config.inside_networks
        try:
            self._configured = None if not text else [ip_network(name.strip()) for name in text.split(";")]
        except ValueError as error:
            raise ConfigError(f"insideNetworks={text}: {error}") from error
        self._known: WeakKeyDictionary[Connection, bool] = WeakKeyDictionary()

    def __contains__(self, peer: Connection) -> bool:
        """Decided once for each connection."""
        known = self._known.get(peer)
        if known is None:
            address = ip_address(peer.remote_address.rpartition(":")[0].strip("[]").partition("%")[0])
            known = self._known[peer] = address.is_loopback or self._has(address)
        return known

    def _has(self, address: Address) -> bool:
        if self._configured is not None:
            return any(address in network for network in self._configured)
        return is_neighbour(address, list(routes()))


def is_neighbour(address: Address, table: list[tuple[Network, Address | None]]) -> bool:
    """Whether `address` is in a network that is reached without a gateway, and is no gateway itself."""
    if any(gateway == address for _, gateway in table):
        return False
    return any(gateway is None and network.prefixlen and address in network for network, gateway in table)


def routes(directory: str = "/proc/net") -> Iterator[tuple[Network, Address | None]]:
    """Where this machine sends packets: networks, each with its gateway if it has one. None where there is no Linux."""
    for row in _rows(f"{directory}/route")[1:]:
        destination, gateway, mask = (IPv4Address(_in_order(row[at])) for at in (1, 2, 7))
        yield IPv4Network(f"{destination}/{mask}"), gateway if int(row[3], 16) & _GATEWAY else None
    for row in _rows(f"{directory}/ipv6_route"):
        flags = int(row[8], 16)
        if not flags & _REJECT:
            network = IPv6Network((bytes.fromhex(row[0]), int(row[1], 16)))
            yield network, IPv6Address(bytes.fromhex(row[4])) if flags & _GATEWAY else None


def _rows(path: str) -> list[list[str]]:
    try:
        with open(path) as table:
            return [line.split() for line in table]
    except OSError:
        return []


def _in_order(word: str) -> bytes:
    """The four bytes of an address that the kernel writes as a number of this machine."""
    return int(word, 16).to_bytes(4, sys.byteorder)
