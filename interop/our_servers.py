"""Our name server and broker, run as an operator would: by their console scripts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from interop.server import BrokerProcess, NameServerProcess, Server


def _command(server: Server, script: str) -> list[str]:
    return [str(Path(sys.executable).with_name(script)), "-c", str(server.config_file)]


def _environment(server: Server) -> dict[str, str]:
    return {**os.environ, "ROCKETMQ_HOME": str(server.directory), "HOME": str(server.directory)}


class OurNameServer(NameServerProcess):
    """`mqnamesrv -c FILE`."""

    def __init__(self, directory: Path, **settings: str) -> None:
        # by itself it keeps them below the home directory of the user database, as Java does, whatever HOME says
        kept = {"kvConfigPath": str(directory / "kvConfig.json")}
        super().__init__(directory, **{**kept, **settings})

    def command(self) -> list[str]:
        return _command(self, "mqnamesrv")

    def environment(self) -> dict[str, str]:
        return _environment(self)


class OurBroker(BrokerProcess):
    """`mqbroker -c FILE`."""

    def command(self) -> list[str]:
        return _command(self, "mqbroker")

    def environment(self) -> dict[str, str]:
        return _environment(self)
