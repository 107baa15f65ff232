"""What a test has in the container engine: networks, volumes and containers, gone when its `with` ends."""

from __future__ import annotations

import io
import ipaddress
import itertools
import os
import secrets
import socket
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import docker
from docker.errors import APIError, NotFound
from docker.models import networks
from docker.models.containers import Container

from interop.artifacts import MissingToolError
from interop.container_program import ContainerProgram
from interop.engine import engine

TRIES = 10


class Network:
    """A bridge of its own; the addresses on it are ours to give, so that they outlast a restart."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.network = _own_network(name)
        pool = self.network.attrs["IPAM"]["Config"][0]
        self._free = itertools.islice(ipaddress.ip_network(pool["Subnet"]).hosts(), 9, None)

    def new_address(self) -> str:
        """One that nobody has."""
        return str(next(self._free))

    def connect(self, container: ContainerProgram, address: str) -> None:
        """Plug it in."""
        self.network.connect(container.name, ipv4_address=address)

    def disconnect(self, container: ContainerProgram) -> None:
        """Pull the plug: nobody is told, packets just do not arrive."""
        self.network.disconnect(container.name)


def _own_network(name: str) -> networks.Network:
    bridges = engine().networks
    for left in reversed(range(TRIES)):
        probe = bridges.create(name, driver="bridge")  # the engine knows which addresses are free
        try:
            probe.reload()
            configs = probe.attrs["IPAM"]["Config"]
            _check_reach(configs[0]["Gateway"])
        finally:
            probe.remove()
        pools = [docker.types.IPAMPool(subnet=config["Subnet"]) for config in configs]
        try:
            network = bridges.create(name, driver="bridge", ipam=docker.types.IPAMConfig(pool_configs=pools))
        except APIError:  # somebody else was given the same addresses, a moment ago
            if not left:
                raise
        else:
            network.reload()
            return network
    raise AssertionError("never reached")


def _check_reach(gateway: str) -> None:
    """Tests speak to containers directly. Raises MissingToolError where the bridges are on another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((gateway, 0))
        except OSError:
            raise MissingToolError(
                "the engine runs on another machine, whose containers are not reached from here"
            ) from None


class Containers:
    """Makes things under a prefix that nobody else has, and removes them all at the end, whatever happened."""

    def __init__(self) -> None:
        self.prefix = f"rocketpy-{os.getpid()}-{secrets.token_hex(3)}"
        self._numbers = itertools.count(1)
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        engine()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def network(self) -> Network:
        """A new one."""
        network = Network(self._name("network"))
        self._ends.callback(network.network.remove)
        return network

    def volume(self) -> str:
        """The name of a new and empty one."""
        name = self._name("volume")
        volume = engine().volumes.create(name)
        self._ends.callback(volume.remove, force=True)
        return name

    def container(
        self,
        image: str,
        command: Sequence[str],
        networks: Mapping[Network, str],
        *,
        volumes: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        files: Mapping[str, Path] | None = None,
        pipe: bool = False,
        **options: Any,
    ) -> ContainerProgram:
        """One that is ready to be started, with its address on each of `networks`.

        `volumes` says what is mounted where, `files` which directories and files of ours are copied to where.
        """
        (first, address), *others = networks.items()
        created = engine().containers.create(
            image,
            list(command),
            name=self._name("container"),
            network=first.name,
            networking_config={first.name: engine().api.create_endpoint_config(ipv4_address=address)},
            volumes={volume: {"bind": place, "mode": "rw"} for volume, place in (volumes or {}).items()},
            environment=dict(environment or {}),
            stdin_open=pipe,
            **options,
        )
        self._ends.callback(_remove, created)
        if files:
            created.put_archive("/", _archive(files))
        program = ContainerProgram(created, pipe=pipe)
        for network, other in others:
            network.connect(program, other)
        return program

    def _name(self, noun: str) -> str:
        return f"{self.prefix}-{noun}-{next(self._numbers)}"


def _remove(container: Container) -> None:
    with suppress(NotFound, APIError):
        container.remove(force=True, v=True)


def _archive(files: Mapping[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for place, source in files.items():
            archive.add(source, place.lstrip("/"))
    return buffer.getvalue()
