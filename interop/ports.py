"""Free ports: the official programs cannot be started on port 0 and asked afterwards."""

from __future__ import annotations

import random
import socket

_CANDIDATES = range(20_000, 32_000)  # below the ports that systems hand out by themselves
_taken: set[int] = set()


def free_port(*neighbours: int) -> int:
    """A port P that nobody listens on, nor on P plus each of `neighbours`; never the same twice in one process."""
    for _ in range(1000):
        port = random.choice(_CANDIDATES)
        wanted = {port, *(port + neighbour for neighbour in neighbours)}
        if not wanted & _taken and all(map(_is_free, wanted)):
            _taken.update(wanted)
            return port
    raise OSError("no free port found")


def broker_port() -> int:
    """A port for a broker, which also listens on the one two below (VIP) and on the next one (HA)."""
    return free_port(-2, 1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
