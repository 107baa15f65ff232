from enum import StrEnum

import pytest

from rocketpy.config.key import Config, Long, key, keys


class Colour(StrEnum):
    RED = "RED"
    GREEN = "GREEN"


@keys
class Sample(Config):
    """One key of every type."""

    listen_port: int = key(9876, "a port", important=True)
    mapped_size: Long = key(1 << 40, "bytes", java="mapedSize")
    cluster_test: bool = key(False, "a switch")
    broker_name: str = key(lambda: "computed", "a name")
    ha_master_address: str | None = key(None, "maybe an address", important=True)
    colour: Colour = key(Colour.RED, "a colour")
    batch_push: bool = key(False, "loaded by another name", java="isBatchPush", setter="batchPush")
    path: str = key(None, "derived", read=lambda config, path: path or f"/{config.broker_name}")


def test_defaults():
    sample = Sample()
    assert (sample.listen_port, sample.broker_name, sample.ha_master_address) == (9876, "computed", None)


def test_constructed_by_name():
    sample = Sample(listen_port=0, path="/x")
    assert (sample.listen_port, sample.path) == (0, "/x")


def test_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="Sample has no key prot"):
        Sample(prot=1)


def test_misspelt_attribute_is_refused():
    with pytest.raises(AttributeError):
        Sample().prot = 1


def test_java_names():
    assert [each.java for each in Sample.KEYS][:3] == ["listenPort", "mapedSize", "clusterTest"]


@pytest.mark.parametrize(
    ("attribute", "name", "text", "value"),
    [
        ("listen_port", "listenPort", "+1", 1),
        ("listen_port", "listenPort", "-2147483648", -2147483648),
        ("listen_port", "listenPort", "2147483648", 9876),
        ("listen_port", "listenPort", "1 ", 9876),
        ("listen_port", "listenPort", "1_000", 9876),
        ("listen_port", "listenPort", "0x10", 9876),
        ("listen_port", "listenPort", "", 9876),
        ("listen_port", "listen_port", "1", 9876),
        ("mapped_size", "mapedSize", "9223372036854775807", 9223372036854775807),
        ("mapped_size", "mapedSize", "9223372036854775808", 1 << 40),
        ("mapped_size", "mappedSize", "1", 1 << 40),
        ("cluster_test", "clusterTest", "TRUE", True),
        ("cluster_test", "clusterTest", "true ", False),
        ("cluster_test", "clusterTest", "yes", False),
        ("cluster_test", "clusterTest", "1", False),
        ("broker_name", "brokerName", " 经纪人 ", " 经纪人 "),
        ("ha_master_address", "haMasterAddress", "", ""),
        ("colour", "colour", "GREEN", Colour.GREEN),
        ("colour", "colour", "green", Colour.RED),
        ("batch_push", "batchPush", "true", True),
        ("batch_push", "isBatchPush", "true", False),
    ],
)
def test_loaded_as_java_loads(attribute, name, text, value):
    sample = Sample()
    sample.update({name: text})
    assert getattr(sample, attribute) == value


def test_a_bad_value_is_reported_and_changes_nothing(caplog):
    sample = Sample(listen_port=7)
    assert sample.update({"listenPort": "x"}) == []
    assert sample.listen_port == 7
    assert "listenPort=x is not usable, 7 stays" in caplog.text


def test_unknown_keys_are_returned():
    assert Sample().update({"listenPort": "1", "bogus": "2", "isBatchPush": "true"}) == ["bogus", "isBatchPush"]


def test_dump_is_in_order_of_declaration_without_nulls():
    assert Sample(colour=Colour.GREEN, cluster_test=True).dump() == {
        "listenPort": "9876",
        "mapedSize": "1099511627776",
        "clusterTest": "true",
        "brokerName": "computed",
        "colour": "GREEN",
        "isBatchPush": "false",
    }


def test_describe_prints_nulls_as_nothing():
    assert Sample().describe(important=True) == ["listenPort=9876", "haMasterAddress="]
    assert Sample().describe()[-1] == "path="


def test_derived_value_is_read_but_not_dumped():
    sample = Sample(broker_name="b")
    assert sample.path == "/b"
    assert "path" not in sample.dump()
    sample.update({"path": "/y"})
    assert (sample.path, sample.dump()["path"]) == ("/y", "/y")
