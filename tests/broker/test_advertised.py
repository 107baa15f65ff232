from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.broker import advertised
from rocketpy.broker.advertised import doubts, numeric_address
from rocketpy.errors import ConfigError
from rocketpy.namesrv.insiders import Insiders
from rocketpy.protocol.api.broker import UpdateBrokerConfig
from rocketpy.protocol.api.route import ClusterInfo, GetBrokerClusterInfo
from tests.broker.live import Live, standalone


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port(port: int) -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


def test_loopback_is_worth_a_word_unless_it_was_chosen(port: int) -> None:
    (said,) = doubts("127.0.0.1", port, chosen=False)
    assert "127.0.0.1 is advertised" in said
    assert "brokerIP1" in said
    assert doubts("127.0.0.1", port, chosen=True) == []


def test_address_that_answers_is_fine(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(advertised, "_is_loopback", lambda host: False)
    monkeypatch.setattr(advertised, "_in_container", lambda: False)
    assert doubts("127.0.0.1", port, chosen=False) == []


def test_address_of_a_container_is_doubted_unless_it_was_chosen(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(advertised, "_is_loopback", lambda host: False)
    monkeypatch.setattr(advertised, "_in_container", lambda: True)
    (said,) = doubts("127.0.0.1", port, chosen=False)
    assert "container" in said
    assert doubts("127.0.0.1", port, chosen=True) == []


def test_address_that_leads_nowhere_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setattr(advertised, "_is_loopback", lambda host: False)
    (said,) = doubts("127.0.0.1", closed_port, chosen=True)
    assert f"127.0.0.1:{closed_port} is advertised but cannot be reached from here: " in said


def test_machine_without_address_is_told(port: int) -> None:
    assert doubts(None, port, chosen=False) == [
        "this machine has no address that could be advertised; set brokerIP1 to an address that clients can reach"
    ]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("[fe80:0:0:0:0:0:0:1%eth0]", "fe80::1"),
        ("localhost", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
def test_messages_carry_a_number(host: str | None, address: str) -> None:
    assert numeric_address(host) == address


def test_name_that_does_not_resolve_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"brokerIP1=no\.such\.host\.invalid does not resolve"):
        numeric_address("no.such.host.invalid")


@pytest.mark.parametrize("host", ["192..7", "x" * 64, "a\0b", "größe..de"])
def test_what_cannot_be_a_name_is_an_error(host: str) -> None:
    with pytest.raises(ConfigError, match=r"^brokerIP1=.* does not resolve to an address: it cannot be a name$"):
        numeric_address(host)


def test_address_of_no_interface_is_doubted_even_if_it_was_chosen(port: int) -> None:
    (said,) = doubts("0.0.0.0", port, chosen=True)
    assert said.startswith("0.0.0.0 is advertised: clients on other machines")


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """Servers for which every client comes from outside."""
    monkeypatch.setenv("ROCKETPY_ADVERTISED_ADDR", "outside.example")
    monkeypatch.setattr(Insiders, "__contains__", lambda self, peer: False)
    with standalone(tmp_path) as servers:
        live = Live(servers)
        yield live
        live.client.close()


def told_address(live: Live) -> str:
    answer = live.client.invoke(live.servers.namesrv.address, GetBrokerClusterInfo())
    return ClusterInfo.from_json(answer.body).broker_addr_table["b-0"].broker_addrs[0]


def test_broker_tells_name_servers_the_address_for_outside(live: Live) -> None:
    assert told_address(live) == f"outside.example:{live.broker.rpartition(':')[2]}"


def test_update_of_the_address_is_told_at_once(live: Live) -> None:
    live.ask(UpdateBrokerConfig(), b"advertisedAddr=127.0.0.1:20911")
    assert told_address(live) == "127.0.0.1:20911"
    live.ask(UpdateBrokerConfig(), b"advertisedAddr=")
    assert told_address(live) == live.broker


def test_update_of_a_mapped_port_is_told_without_a_new_listener(live: Live) -> None:
    """What is done with the official image: brokerPermission makes the broker register again."""
    live.ask(UpdateBrokerConfig(), b"advertisedAddr=\nbrokerIP1=192.0.2.7\nlistenPort=33333\nbrokerPermission=6")
    assert told_address(live) == "192.0.2.7:33333"


def test_strict_broker_does_not_start_with_a_doubtful_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCKETPY_STRICT", "1")
    monkeypatch.setattr(advertised, "_PROBE_TIMEOUT", 0.05)
    servers = standalone(tmp_path, brokerIP1="198.51.100.1")
    with pytest.raises(ConfigError, match=r"^198\.51\.100\.1:\d+ is advertised but cannot be"), servers:
        pass
