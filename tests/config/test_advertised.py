"""The address for clients from outside: what is one, and where it is read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocketpy.config.advertised import AdvertisedConfig, HostPort
from rocketpy.config.startup import BrokerSettings
from rocketpy.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7:10911"),
        ("192.0.2.7:20911", "192.0.2.7:20911"),
        ("my-host_1.example", "my-host_1.example:10911"),
        ("localhost:1", "localhost:1"),
        ("[fd00::1]", "[fd00::1]:10911"),
        ("[fd00::1]:65535", "[fd00::1]:65535"),
    ],
)
def test_port_is_the_listen_port_unless_it_is_given(text: str, address: str) -> None:
    assert HostPort(text).with_port(10911) == address


@pytest.mark.parametrize(
    "text",
    ["a:0", "a:65536", "a:", ":1", "a:b", "a:-1", "a:²", "a b", "http://a", "::1", "[::1", "[::1]1", "[a]", "[]:1"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it must be host or host:port|is no IPv6 address"):
        HostPort(text)


@pytest.mark.parametrize("text", ["0.0.0.0", "0.0.0.0:10911", "[::]", "[0:0::0]:10911"])
def test_address_of_nobody_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nobody can connect to"):
        HostPort(text)


def test_environment_sets_it_and_the_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCKETPY_ADVERTISED_ADDR", "outside:20911")
    settings = BrokerSettings()
    settings.settle()
    assert settings.advertised.advertised_addr == "outside:20911"
    (tmp_path / "broker.conf").write_text("advertisedAddr = other\n")
    assert settings.load(str(tmp_path / "broker.conf")) == []
    settings.settle()
    assert settings.advertised.advertised_addr == "other"


def test_wrong_one_in_the_environment_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCKETPY_ADVERTISED_ADDR", "outside:port")
    with pytest.raises(ConfigError, match=r"^advertisedAddr=outside:port: it must be host or host:port"):
        BrokerSettings().settle()


def test_wrong_one_in_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broker.conf").write_text("advertisedAddr = 0.0.0.0\n")
    settings = BrokerSettings()
    settings.load(str(tmp_path / "broker.conf"))
    with pytest.raises(ConfigError, match=r"^advertisedAddr=0\.0\.0\.0: nobody can connect"):
        settings.settle()


def test_broker_without_one_prints_what_java_prints() -> None:
    settings = BrokerSettings()
    settings.settle()
    assert "advertised" not in settings.live(0).text()


def test_update_sets_and_prints_it_and_a_wrong_one_changes_nothing() -> None:
    settings = BrokerSettings()
    settings.settle()
    live = settings.live(0)
    live.update(b"advertisedAddr=outside:20911", 1)
    live.update(b"advertisedAddr=outside:x", 2)
    assert settings.advertised.advertised_addr == "outside:20911"
    assert "advertisedAddr=outside:20911\n" in live.text()
    live.update(b"advertisedAddr=", 3)
    assert not settings.advertised.advertised_addr


def test_none_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROCKETPY_ADVERTISED_ADDR", raising=False)
    assert AdvertisedConfig().dump() == {}
