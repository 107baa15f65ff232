"""Ports that stay the same while the servers on them are started again.

Between two starts a free port may become that of anybody's connection. A socket that is bound to it and does not
listen keeps it from them, and lets servers have it: on Linux sockets with SO_REUSEADDR share a port, if one listens.
"""

from __future__ import annotations

import socket

from rocketpy.errors import RemotingError

_TRIES = 50


class KeptPorts:
    """Takes free ports and keeps them until `release`."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def take(self, host: str, *neighbours: int) -> int:
        """A port P of the IPv4 address `host`, "" is every one, that is free, as is P plus each of `neighbours`.

        Raises RemotingError when there is none.
        """
        for _ in range(_TRIES):
            taken: list[socket.socket] = []
            try:
                taken.append(_bound(host, 0))
                port = int(taken[0].getsockname()[1])
                for neighbour in neighbours:
                    taken.append(_bound(host, port + neighbour))
            except (OSError, OverflowError):
                for one in taken:
                    one.close()
                continue
            self._sockets += taken
            return port
        raise RemotingError(f"no free port found on {host or '*'}")

    def release(self) -> None:
        """Give them back."""
        while self._sockets:
            self._sockets.pop().close()


def _bound(host: str, port: int) -> socket.socket:
    """Raises OSError or OverflowError."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
    except BaseException:
        one.close()
        raise
    return one
