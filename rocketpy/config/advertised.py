"""Two addresses of one broker: brokerIP1 for clients in its network, another one for those who come from outside.

As in a container with published ports, or behind address translation. Java has no such keys; while none is set,
everything that is sent is as Java sends it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv6Address

from rocketpy.config.key import Config, key, keys
from rocketpy.errors import ConfigError

_FORM = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<v6>[^]]+)\])(?::(?P<port>[0-9]{1,5}))?")
_NOBODY = ("0.0.0.0", "::")


class HostPort(str):
    """"host" or "host:port", an IPv6 address in brackets; "" is none. Raises ValueError, with the reason, for others.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> HostPort:
        if text:
            _check(text)
        return super().__new__(cls, text)

    def with_port(self, port: int) -> str:
        """The address, with `port` if it has none of its own."""
        return f"{self}:{port}" if self.endswith("]") or ":" not in self else str(self)


@keys
class AdvertisedConfig(Config):
    """What a broker tells name servers beside brokerIP1."""

    advertised_addr: HostPort | None = key(
        lambda: os.environ.get("ROCKETPY_ADVERTISED_ADDR"),
        "host or host:port that clients connect to who reach the name server from outside, "
        "$ROCKETPY_ADVERTISED_ADDR; listenPort if it has no port",
    )

    def settle(self, properties: Mapping[str, str]) -> None:
        """Checks what the environment or a file with these `properties` says; ConfigError if it is no address."""
        text = properties.get("advertisedAddr", self.advertised_addr)
        try:
            self.advertised_addr = None if text is None else HostPort(text)
        except ValueError as error:
            raise ConfigError(f"advertisedAddr={text}: {error}") from error


@keys
class InsideConfig(Config):
    """Whom a name server tells brokerIP1, although there is another address for clients from outside."""

    inside_networks: str | None = key(
        lambda: os.environ.get("ROCKETPY_INSIDE_NETWORKS"),
        "networks, address/bits separated by ';', whose clients get brokerIP1 of brokers that have an advertisedAddr, "
        "$ROCKETPY_INSIDE_NETWORKS; those of this machine without their gateways, if not set",
    )


def _check(text: str) -> None:
    found = _FORM.fullmatch(text)
    if found is None or (found["port"] and not 0 < int(found["port"]) < 1 << 16):
        raise ValueError("it must be host or host:port, an IPv6 address in brackets")
    host = found["name"]
    if found["v6"]:
        try:
            host = str(IPv6Address(found["v6"]))
        except AddressValueError as error:
            raise ValueError(f"{found['v6']} is no IPv6 address") from error
    if host in _NOBODY:
        raise ValueError(f"nobody can connect to {host}")
