"""The official clients in containers: the programs of interop.driver, each with an address of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from interop import artifacts, images
from interop.containers import Containers, Network
from interop.driver import Driver, go_program, java_classes, java_command
from interop.java_servers import make_home

PLACE = "/driver"
SERIALIZATIONS = {"java": "JSON", "java-binary": "ROCKETMQ"}


class ContainerDriver(Driver):
    """A client in a container of its own, and where that is."""

    def __init__(self, name: str, containers: Containers, *networks: Network) -> None:
        self.addresses = {network: network.new_address() for network in networks}
        with tempfile.TemporaryDirectory() as directory:
            if name in SERIALIZATIONS:
                files, command = _java(Path(directory), SERIALIZATIONS[name])
            else:
                files, command = {f"{PLACE}/driver": go_program()}, [f"{PLACE}/driver"]
            self.container = containers.container(images.jre(), command, self.addresses, files=files, pipe=True)
        self.container.start()
        super().__init__(name, self.container)


def _java(directory: Path, serialization: str) -> tuple[dict[str, Path], list[str]]:
    """What has to be in the container, and the command that runs it."""
    make_home(directory)
    files = {f"{PLACE}/home": directory / "home", f"{PLACE}/classes": java_classes()}
    for jar in artifacts.classpath("client").split(os.pathsep):
        files[f"{PLACE}/lib/{Path(jar).name}"] = Path(jar)
    return files, java_command("java", PLACE, f"{PLACE}/classes:{PLACE}/lib/*", serialization)
