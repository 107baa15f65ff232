"""What the machine is called, where it is reached and how large it is, as Java finds it out.

What is chosen here becomes brokerIP1: clients connect to it, so it has to be the address Java would have advertised
(RemotingUtil.getLocalAddress:91-134), down to the order in which the JDK lists interfaces on Linux: IPv4 interfaces
from SIOCGIFCONF, then those of /proc/net/if_inet6; each newly met interface, and each address of one, comes first.
"""

from __future__ import annotations

import array
import fcntl
import os
import pwd
import socket
import struct
from collections.abc import Iterable

_SIOCGIFCONF = 0x8912
_IFREQ = 40  # bytes of a struct ifreq on 64-bit Linux: a name of 16, then a sockaddr


def user_home() -> str:
    """Java's user.home: the home directory in the user database, not $HOME."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # an arbitrary uid, as some container platforms assign
        return os.path.expanduser("~")


def processors() -> int:
    """The processors this process may run on, which sizes Java's thread pools."""
    return len(os.sched_getaffinity(0))


def host_name() -> str:
    """This host's name, "DEFAULT_BROKER" if it does not resolve (Java BrokerConfig.localHostName:197-205)."""
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return "DEFAULT_BROKER"
    return name


def local_address() -> str | None:
    """The address to advertise when the configuration names none; None if the host has none at all."""
    try:
        return choose_address(ipv4_addresses(), ipv6_addresses()) or socket.gethostbyname(socket.gethostname())
    except OSError:
        return None


def choose_address(ipv4: Iterable[tuple[str, str]], ipv6: Iterable[tuple[str, str]]) -> str | None:
    """Java's choice among (interface, address) pairs in kernel order; IPv6 addresses come back in brackets.

    The first IPv4 address that is neither 127.0.* nor 192.168.*, else the last IPv4 address, else the first IPv6 one.
    Bridges (docker0) and loopback addresses do not count.
    """
    found4: list[str] = []
    found6: list[str] = []
    for interface, addresses in _as_java_lists(ipv4, ipv6).items():
        if os.path.exists(f"/sys/class/net/{interface}/bridge"):
            continue
        for address in reversed(addresses):
            if address.startswith(("127.", "0:0:0:0:0:0:0:1%")):
                continue
            if ":" in address:
                found6.append(f"[{address}]")
            else:
                found4.append(address)
    for address in found4:
        if not address.startswith(("127.0", "192.168")):
            return address
    if found4:
        return found4[-1]
    return found6[0] if found6 else None


def _as_java_lists(ipv4: Iterable[tuple[str, str]], ipv6: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The interfaces, last met first, each with its addresses in kernel order."""
    interfaces: dict[str, list[str]] = {}
    for label, address in (*ipv4, *ipv6):
        interfaces.setdefault(label.partition(":")[0], []).append(address)
    return dict(reversed(interfaces.items()))


def ipv4_addresses() -> list[tuple[str, str]]:
    """(interface or alias, address) of every configured IPv4 address, in kernel order."""
    room = 128 * _IFREQ
    while True:
        buffer = array.array("B", bytes(room))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            request = struct.pack("iP", room, buffer.buffer_info()[0])
            used: int = struct.unpack("iP", fcntl.ioctl(probe.fileno(), _SIOCGIFCONF, request))[0]
        if used < room:  # a full buffer may have cut the list short
            break
        room *= 2
    data = buffer.tobytes()[:used]
    entries = (data[at : at + _IFREQ] for at in range(0, used, _IFREQ))
    return [(entry[:16].rstrip(b"\0").decode(), socket.inet_ntoa(entry[20:24])) for entry in entries]


def ipv6_addresses(path: str = "/proc/net/if_inet6") -> list[tuple[str, str]]:
    """(interface, address) of every IPv6 address, written as Java does: no `::`, and with the interface's name."""
    try:
        with open(path) as table:
            rows = [line.split() for line in table]
    except OSError:
        return []
    return [(row[5], f"{_java_ipv6(bytes.fromhex(row[0]))}%{row[5]}") for row in rows]


def _java_ipv6(address: bytes) -> str:
    return ":".join(f"{group:x}" for group in struct.unpack(">8H", address))
