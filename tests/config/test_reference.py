from pathlib import Path

import pytest

from rocketpy.config.properties import load_properties
from rocketpy.config.reference import references
from rocketpy.config.startup import BrokerSettings, NamesrvSettings

CONF = Path(__file__).parents[2] / "conf"
SAMPLES = sorted(path.relative_to(CONF) for path in CONF.rglob("*") if path.suffix in {".conf", ".properties"})


@pytest.mark.parametrize(("name", "text"), references().items())
def test_reference_is_up_to_date(name, text):
    assert (CONF / name).read_text() == text, "run `python -m rocketpy.config.reference conf`"


def test_reference_names_every_key():
    text = references()["broker-reference.conf"]
    assert all(f"\n#{key.setter}=" in text for config in BrokerSettings().configs for key in config.KEYS)


@pytest.mark.parametrize("name", references())
def test_reference_changes_nothing(name):
    assert load_properties(str(CONF / name)) == {}


@pytest.mark.parametrize("name", references())
def test_reference_with_every_default_taken_over_is_understood(name, tmp_path):
    lines = references()[name].splitlines()
    path = tmp_path / "all.conf"
    path.write_text(
        "\n".join(line[1:] for line in lines if line[:1] == "#" and line[1:2] not in " #" and line[-1] != "=")
    )
    settings = BrokerSettings() if name.startswith("broker") else NamesrvSettings()
    before = [config.dump() for config in settings.configs]
    assert settings.load(str(path)) == []
    after = [config.dump() for config in settings.configs]
    after[0].pop("configStorePath", None)
    before[0].pop("configStorePath", None)
    assert after == before


@pytest.mark.parametrize("name", SAMPLES, ids=str)
def test_every_sample_is_understood(name):
    settings = NamesrvSettings() if name.name.startswith("namesrv") else BrokerSettings()
    assert settings.load(str(CONF / name)) == []
    if isinstance(settings, BrokerSettings):
        settings.settle()


def test_samples_of_the_java_distribution_are_there():
    names = {str(name) for name in SAMPLES}
    assert {"broker.conf", "namesrv.conf", "2m-noslave/broker-trace.properties"} <= names
    for flavour in ("async", "sync"):
        assert {f"2m-2s-{flavour}/broker-{each}.properties" for each in ("a", "a-s", "b", "b-s")} <= names
