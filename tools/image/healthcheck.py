"""Whether every port on which the servers of this container listen answers requests; one line and status 1 if not.

Stands alone and imports little, since it is run every few seconds. Finds the ports by the processes, so that it fits a
name server, a broker and both, on any port and in the network of the host.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Iterator

PROGRAMS = {b"mqnamesrv", b"mqbroker", b"rocketpy"}
TIMEOUT_S = 3.0
BROKER_TIMEOUT_S = 0.3
"""After which a port is asked what a name server answers; a broker would write a line about that into its log."""
_LISTEN = "0A"
_GET_MAX_OFFSET = 30
_GET_BROKER_CLUSTER_INFO = 106


def main() -> int:
    """The exit status; what is wrong goes to stdout, where `docker inspect` finds it."""
    addresses = set(listening(set(server_sockets())))
    if not addresses:
        print("no server is listening")
        return 1
    for host, port in without_ha_ports(addresses):
        try:
            ask(host, port)
        except (OSError, EOFError) as error:
            print(f"port {port} does not answer: {error}")
            return 1
    return 0


def without_ha_ports(addresses: set[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those that answer requests: a broker's HA port, one above its own and three above its VIP port, is for slaves."""
    ports = {port for _, port in addresses}
    return [(host, port) for host, port in sorted(addresses) if not {port - 1, port - 3} <= ports]


def server_sockets() -> Iterator[str]:
    """The inodes of all sockets of the servers' processes."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            if not any(os.path.basename(word) in PROGRAMS for word in words[:2]):
                continue
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if target.startswith("socket:["):
                    yield target[8:-1]
        except OSError:  # it has ended, or it is another user's
            continue


def listening(inodes: set[str]) -> Iterator[tuple[str, int]]:
    """Where those of the sockets listen that do: an address to connect to, and the port."""
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            with open(f"/proc/self/net/{table}") as file:
                rows = [line.split() for line in file][1:]
        except OSError:  # no IPv6 here
            continue
        for row in rows:
            if row[3] == _LISTEN and row[9] in inodes:
                host, _, port = row[1].partition(":")
                yield connectable(family, host), int(port, 16)


def connectable(family: int, text: str) -> str:
    """The address that /proc/net writes as 32-bit words of this machine; loopback for "any"."""
    if not int(text, 16):
        return "127.0.0.1"
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))


def ask(host: str, port: int) -> None:
    """Ask one thing and wait for the answer, whatever it is. Raises OSError or EOFError when there is none."""
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            converse(connection)
    except (EOFError, ConnectionError):
        if not speaks_tls(host, port):
            raise


def converse(connection: socket.socket) -> None:
    """The questions and the answer."""
    connection.sendall(request(_GET_MAX_OFFSET, {"topic": "TBW102", "queueId": "0"}))
    connection.settimeout(min(BROKER_TIMEOUT_S, TIMEOUT_S))
    try:
        read_frame(connection)
    except TimeoutError:  # a name server says nothing to that
        connection.settimeout(TIMEOUT_S)
        connection.sendall(request(_GET_BROKER_CLUSTER_INFO, {}))
        read_frame(connection)


def speaks_tls(host: str, port: int) -> bool:
    """Whether the server answers those who use TLS, or tells them that it wants a certificate of theirs."""
    import ssl  # rarely needed, and slow to import

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    has_shaken_hands = False
    try:
        with context.wrap_socket(socket.create_connection((host, port), TIMEOUT_S)) as connection:
            has_shaken_hands = True
            converse(connection)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except ConnectionResetError:  # it wants a certificate, and its alert was lost
        return has_shaken_hands
    except (OSError, EOFError):
        return False
    return True


def request(code: int, fields: dict[str, str]) -> bytes:
    """A frame without a body (rocketpy/protocol/frame.py)."""
    header = json.dumps({"code": code, "language": "JAVA", "version": 409, "opaque": 1, "flag": 0, "extFields": fields})
    return struct.pack(">II", len(header) + 4, len(header)) + header.encode()


def read_frame(connection: socket.socket) -> None:
    """Take a whole frame: what is left unread would make the end of the connection an error at the other side."""
    read(connection, int.from_bytes(read(connection, 4)))


def read(connection: socket.socket, size: int) -> bytes:
    """So many bytes. Raises EOFError when the connection ends before."""
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("the connection was closed")
        data += part
    return data


if __name__ == "__main__":
    sys.exit(main())
