"""A name server and a broker whose clock and faults tests command, without what `RocketMQ` puts around them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rocketpy.standalone import Standalone
from rocketpy.testing.clock import MovableClock, ServerClock
from rocketpy.testing.fault_table import FaultTable
from rocketpy.testing.faults import Faults
from tests.client.cluster import Cluster

SMALL = {
    "brokerName": "b-0",
    "mappedFileSizeCommitLog": str(1 << 20),
    "mappedFileSizeConsumeQueue": "20000",
    "maxHashSlotNum": "100",
    "maxIndexNum": "400",
}


class Stage(Cluster):
    """The servers, names that nobody else uses, and the clock."""

    def __init__(self, servers: Standalone, clock: MovableClock) -> None:
        super().__init__(servers)
        self.clock = ServerClock(clock, servers)
        self.table = FaultTable(servers)
        self.faults = Faults(lambda verb, arguments: servers.call(self.table.obey, verb, plain(arguments)))


def plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same after a journey to another process and back."""
    sent: dict[str, Any] = json.loads(json.dumps(arguments))
    return sent


@contextmanager
def staged(root: Path, **keys: str) -> Iterator[Stage]:
    """Servers with Java's settings but for small files; `keys` are others, by Java's names."""
    clock = MovableClock()
    servers = Standalone.on_free_ports(str(root), clock=clock, peer_clock=clock.of_peers)
    settings = servers.broker.settings
    for config in (*settings.configs, settings.timer):
        config.update({**SMALL, **keys})
    with servers:
        yield Stage(servers, clock)
