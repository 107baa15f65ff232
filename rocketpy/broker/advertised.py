"""Whether clients can reach the address that the broker gives them: what users of RocketMQ ask most often.

A client learns brokerIP1 from the name server and connects to that, not to what somebody else calls this machine. An
address that leads nowhere shows only as time-outs at the client, so the broker says at boot what looks wrong.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket

from gevent import socket as gsocket

from rocketpy.config.address import local_address
from rocketpy.config.startup import BrokerSettings
from rocketpy.errors import ConfigError

_log = logging.getLogger("rocketpy.broker")
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_PROBE_TIMEOUT = 1.0
_REMEDY = "set brokerIP1 to an address that clients can reach"
_SECOND_REMEDY = f"{_REMEDY}, or advertisedAddr to one for those outside"


def all_doubts(settings: BrokerSettings, port: int) -> list[str]:
    """What may be wrong with brokerIP1, at which `port` is listened."""
    host = settings.broker.broker_ip1
    chosen = settings.advertised.advertised_addr or "brokerIP1" in settings.properties or host != local_address()
    return doubts(host, port, chosen=bool(chosen))


def log_doubts(settings: BrokerSettings, port: int) -> None:
    """Warn of that."""
    for doubt in all_doubts(settings, port):
        _log.warning("%s", doubt)


def doubts(host: str | None, port: int, *, chosen: bool) -> list[str]:
    """What may be wrong with the advertised address, each in one line; nothing if it looks right.

    `chosen`: the operator named it and knows for whom, be it for this machine alone; then only an address at which
    nobody answers is worth a word. Connects to the address once.
    """
    if not host:
        return [f"this machine has no address that could be advertised; {_REMEDY}"]
    said = []
    if host in ("0.0.0.0", "[::]") or (not chosen and _is_loopback(host)):
        said.append(f"{host} is advertised: clients on other machines and in containers cannot connect; {_REMEDY}")
    elif not chosen and _in_container():
        said.append(f"{host}, a container's address, is advertised: clients outside cannot connect; {_SECOND_REMEDY}")
    if (reason := _refusal(host, port)) is not None:
        said.append(f"{host}:{port} is advertised but cannot be reached from here: {reason}; {_REMEDY}")
    return said


def numeric_address(host: str | None) -> str:
    """The address that stands in messages for a host that may be a name. Raises ConfigError for an unknown one."""
    if not host:
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(_bare(host)))
    except ValueError:
        pass
    try:
        return socket.gethostbyname(host)
    except (OSError, UnicodeError, TypeError) as error:  # the last two for what cannot be a name
        reason = error.strerror if isinstance(error, OSError) else "it cannot be a name"
        raise ConfigError(f"brokerIP1={host} does not resolve to an address: {reason}") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(_bare(host)).is_loopback
    except ValueError:
        return False


def _in_container() -> bool:
    return any(os.path.exists(path) for path in _CONTAINER_FILES) or "KUBERNETES_SERVICE_HOST" in os.environ


def _refusal(host: str, port: int) -> str | None:
    """Why a connection to the address fails; None if it does not."""
    try:
        gsocket.create_connection((_bare(host), port), _PROBE_TIMEOUT).close()
    except (OSError, socket.gaierror) as error:
        return error.strerror or str(error)
    return None


def _bare(host: str) -> str:
    return host.removeprefix("[").removesuffix("]").partition("%")[0]
