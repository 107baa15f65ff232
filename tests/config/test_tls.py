"""TLS from the environment, from broker.conf and from its own file."""

from __future__ import annotations

import pytest

from rocketpy.config.jvm import system_properties
from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.config.tls import TlsConfig


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, {}),
        ({"JAVA_OPT": "-Xmx1g -Da=b -Dc"}, {"a": "b", "c": ""}),
        ({"JAVA_OPT": "-Da=b", "JAVA_OPT_EXT": "-Da=c=d '-De=f g'"}, {"a": "c=d", "e": "f g"}),
        ({"JAVA_OPT": "-Da=b 'open"}, {"a": "b"}),
    ],
)
def test_options_of_the_jvm_are_understood(environ: dict[str, str], found: dict[str, str]) -> None:
    assert system_properties(environ) == found


@pytest.mark.parametrize(
    ("text", "mode"),
    [("disabled", "disabled"), ("enforcing", "enforcing"), ("Enforcing", "permissive"), ("", "permissive")],
)
def test_mode_is_one_of_three(text: str, mode: str) -> None:
    config = TlsConfig()
    config.update({"tls.server.mode": text})
    assert config.mode == mode


@pytest.mark.parametrize(
    ("properties", "speaks"),
    [
        ({}, False),
        ({"tls.enable": "true"}, True),
        ({"tls.server.mode": "enforcing"}, True),
        ({"tls.server.mode": "enforcing", "useTLS": "false"}, False),
        ({"useTLS": "true"}, True),
    ],
)
def test_broker_speaks_tls_with_name_servers(properties: dict[str, str], speaks: bool) -> None:
    settings = BrokerSettings()
    assert settings.take_over(properties, "test") == []
    assert settings.client.use_tls == speaks
    assert not any(name.startswith("tls.") for config in settings.configs for name in config.dump())


def test_environment_counts_for_both_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_OPT", "-Dtls.server.mode=enforcing")
    settings = BrokerSettings()
    assert (settings.tls.mode, settings.client.use_tls) == ("enforcing", True)
    assert NamesrvSettings().tls.mode == "enforcing"
