from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rocketpy.broker import advertised
from rocketpy.broker.advertised import doubts, numeric_address
from rocketpy.errors import ConfigError


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
