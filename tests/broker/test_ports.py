from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator

import pytest

from rocketpy.broker.ports import Ports
from rocketpy.config.remoting import ServerConfig
from rocketpy.errors import RemotingError
from rocketpy.remoting.router import Router

HOST = "127.0.0.1"


@pytest.fixture
def make() -> Iterator[Callable[[int], Ports]]:
    made: list[Ports] = []

    def make(port: int) -> Ports:
        made.append(Ports(Router(), HOST, ServerConfig(listen_port=port)))
        return made[-1]

    yield make
    for ports in made:
        ports.stop()


def taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """A port whose neighbours are free, too, and not among those that the system gives to anybody."""
    rng = random.Random()
    while True:
        port = rng.randrange(12_000, 30_000)
        if not any(map(taken, (port - 2, port, port + 1))):
            return port


def test_ports_stand_beside_each_other(make: Callable[[int], Ports]) -> None:
    port = free_port()
    ports = make(port)
    ports.listen(0)
    assert (ports.port, ports.vip_port, ports.ha_port) == (port, port - 2, port + 1)


def test_any_port_gets_its_usual_neighbours_if_they_are_free(make: Callable[[int], Ports]) -> None:
    for _ in range(50):
        ports = make(0)
        ports.listen(0)
        assert 0 not in (ports.port, ports.vip_port, ports.ha_port)
        if (ports.vip_port, ports.ha_port) == (ports.port - 2, ports.port + 1):
            return
    pytest.fail("never")


def test_neighbour_that_is_taken_is_replaced_beside_any_port(make: Callable[[int], Ports]) -> None:
    ports = make(0)
    with socket.create_server((HOST, 0)) as busy:
        ports.listen(busy.getsockname()[1])
        assert ports.ha_port not in (0, busy.getsockname()[1])


def test_neighbour_that_is_taken_is_an_error_beside_a_given_port(make: Callable[[int], Ports]) -> None:
    port = free_port()
    with socket.create_server((HOST, port - 2)):
        ports = make(port)
        with pytest.raises(RemotingError, match=f"cannot listen on {HOST}:{port - 2}"):
            ports.listen(0)
        ports.stop()
    with socket.create_server((HOST, port + 1)):
        ports = make(port)
        with pytest.raises(RemotingError, match=f"cannot listen on {HOST}:{port + 1}"):
            ports.listen(0)


def test_ports_are_free_after_stop_also_half_way(make: Callable[[int], Ports]) -> None:
    ports = make(0)
    ports.listen(0)
    ports.serve()
    numbers = (ports.port, ports.vip_port)
    assert all(map(taken, numbers))
    ports.stop()
    assert not any(map(taken, numbers))
    ports.stop()
    make(0).stop()


def test_port_that_is_none_is_an_error(make: Callable[[int], Ports]) -> None:
    with pytest.raises(RemotingError, match="cannot listen on"):
        make(70_000).listen(0)
