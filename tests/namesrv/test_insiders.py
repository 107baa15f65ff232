"""Who is inside: read off the kernel's tables, as a container sees them."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import pytest

from rocketpy.config.advertised import InsideConfig
from rocketpy.errors import ConfigError
from rocketpy.namesrv import insiders
from rocketpy.namesrv.insiders import Insiders, is_neighbour, routes

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def row4(to: str, mask: str, via: str, flags: str) -> str:
    return f"eth0\t{word(to)}\t{word(via)}\t{flags}\t0\t0\t0\t{word(mask)}\t0\t0\t0\n"


def row6(to: str, bits: int, via: str, flags: int) -> str:
    packed, next_hop = IPv6Address(to).packed.hex(), IPv6Address(via).packed.hex()
    return f"{packed} {bits:02x} {'0' * 32} 00 {next_hop} 00000100 00000001 00000000 {flags:08x}     eth0\n"


def word(address: str) -> str:
    return f"{int.from_bytes(IPv4Address(address).packed, sys.byteorder):08X}"


@pytest.fixture
def tables(tmp_path: Path) -> str:
    """A container with the address 172.18.0.2 in a network whose gateway is 172.18.0.1, and in a second one."""
    (tmp_path / "route").write_text(
        HEAD
        + row4("0.0.0.0", "0.0.0.0", "172.18.0.1", "0003")
        + row4("172.18.0.0", "255.255.0.0", "0.0.0.0", "0001")
        + row4("10.9.8.0", "255.255.255.0", "0.0.0.0", "0001")
    )
    (tmp_path / "ipv6_route").write_text(
        row6("fd00::", 64, "::", 1) + row6("::", 0, "fd00::1", 3) + row6("::", 0, "::", 0x200200)
    )
    return str(tmp_path)


def test_tables_of_the_kernel_are_read(tables: str) -> None:
    assert list(routes(tables)) == [
        (IPv4Network("0.0.0.0/0"), IPv4Address("172.18.0.1")),
        (IPv4Network("172.18.0.0/16"), None),
        (IPv4Network("10.9.8.0/24"), None),
        (IPv6Network("fd00::/64"), None),
        (IPv6Network("::/0"), IPv6Address("fd00::1")),
    ]


def test_tables_of_this_machine_can_be_read() -> None:
    assert all(gateway is None or network.version == gateway.version for network, gateway in routes())


def test_machine_without_tables_has_no_neighbours(tmp_path: Path) -> None:
    assert list(routes(str(tmp_path))) == []


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("172.18.0.2", True),
        ("172.18.255.254", True),
        ("10.9.8.7", True),
        ("172.18.0.1", False),
        ("192.168.1.5", False),
        ("10.9.9.1", False),
        ("fd00::5", True),
        ("fd00::1", False),
        ("fd01::5", False),
    ],
)
def test_gateways_and_strangers_are_outside(tables: str, address: str, inside: bool) -> None:
    assert is_neighbour(ip_address(address), list(routes(tables))) is inside


class FakePeer:
    def __init__(self, host: str) -> None:
        self.remote_address = f"{host}:4711"


@pytest.fixture
def decide(tables: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(insiders, "routes", lambda: routes(tables))
    return lambda host, networks=None: FakePeer(host) in Insiders(InsideConfig(inside_networks=networks))


def test_neighbours_and_this_machine_are_inside_by_themselves(decide) -> None:  # type: ignore[no-untyped-def]
    assert [decide(host) for host in ("127.0.0.1", "[::1]", "172.18.0.3", "[fd00::7]")] == [True] * 4
    assert [decide(host) for host in ("172.18.0.1", "192.0.2.1", "[2001:db8::1]", "[fe80::1%eth0]")] == [False] * 4


def test_configured_networks_take_their_place(decide) -> None:  # type: ignore[no-untyped-def]
    networks = "10.42.0.0/16; fd07::/16"
    assert [decide(host, networks) for host in ("10.42.7.7", "[fd07::1]", "127.0.0.1")] == [True] * 3
    assert [decide(host, networks) for host in ("172.18.0.3", "172.18.0.1")] == [False] * 2


def test_what_was_decided_for_a_connection_stays(decide, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    known, peer = Insiders(InsideConfig()), FakePeer("172.18.0.3")
    assert peer in known
    monkeypatch.setattr(insiders, "routes", lambda: iter(()))
    assert peer in known
    assert FakePeer("172.18.0.3") not in known


def test_network_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCKETPY_INSIDE_NETWORKS", "10.42.0.0/99")
    with pytest.raises(ConfigError, match=r"^insideNetworks=10\.42\.0\.0/99: '10\.42\.0\.0/99' does not appear"):
        Insiders(InsideConfig())
