"""Free ports: the official programs cannot be started on port 0 and asked afterwards."""

from __future__ import annotations

import os
import random
import socket

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4
_CANDIDATES = range(20_000, 32_000)[_worker * 3000 : (_worker + 1) * 3000]
"""Below the ports that systems hand out by themselves; test runs side by side keep to their own quarter, since a port
that one of them has chosen is free until its server is up."""
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
