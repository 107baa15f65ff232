"""The frames that official servers answered (compat/frames.json5), played to ours: the same answers, field by field.

Both sides are read by the dissector, an independent notation. Left out of the comparison is only what differs from run
to run (times, ports) and the version, since the recorded servers are 4.9.7; sets are compared as sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import compat
from rocketpy.broker.app import Broker
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.remoting import ServerConfig
from rocketpy.config.startup import BrokerSettings, NamesrvSettings
from rocketpy.namesrv.app import NameServer
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command
from tools.dissect.frames import frame
from tools.record_golden.exchange import Outcome, Player
from tools.record_golden.frames import load, runtime_info

GOLDEN = load()
RUN_TIMES = ("length", "header_length", "body_length", "version", "store_timestamp")
"""What is of one run, or of one version, in every frame."""
REMARK_OR_FIELDS = re.compile(r"\[0\]\.(remark|ext_fields)")
ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
STORE_HOST = re.compile(r"\b7F000001[0-9A-F]{8}(?=[0-9A-F]{16}\b)")
EXCEPTION = re.compile(
    r"(?:java|org\.apache|com\.alibaba)\.[\w.]+(?:Exception|Error)[:,].*|\w+: .*\(\w+\.py:\d+\)", re.DOTALL
)
"""Java names the line that threw. Where it threw, only the code of our answer has to be the same."""
DEVIATIONS: dict[str, str] = {}
"""Answers that are not Java's on purpose, and why."""


def comparable(outcome: Outcome) -> Any:
    """What came of a step, without what differs from run to run."""
    if not isinstance(outcome.response, bytes):
        return outcome.response
    asked = {}
    if outcome.step.answer != "closed":
        request = Command.decode(outcome.request[4:])
        asked[request.opaque] = request.code
    response = frame(outcome.response, asked)
    ext_fields = response["ext_fields"] or {}
    if "msgId" in ext_fields:
        ext_fields["msgId"] = STORE_HOST.sub("HOST", ext_fields["msgId"])
    for record in response["body"] if response.get("body_class") == "records" else ():
        origin = record["properties"].get("ORIGIN_MESSAGE_ID", "")
        record["properties"]["ORIGIN_MESSAGE_ID"] = STORE_HOST.sub("HOST", origin)
    pushes = [frame(push) | {"opaque": "*"} for push in outcome.pushes]
    return masked([response, *pushes], {*RUN_TIMES, *outcome.step.mask})


def masked(value: Any, mask: set[str]) -> Any:
    """`value` with "*" for the fields in `mask`; lists in an order of their own, since most are sets in Java."""
    if isinstance(value, dict):
        return {masked(name, mask): "*" if name in mask else masked(one, mask) for name, one in value.items()}
    if isinstance(value, list):
        return sorted((masked(one, mask) for one in value), key=repr)
    if isinstance(value, str):
        return EXCEPTION.sub("an exception", ADDRESS.sub("ADDRESS", value))
    return value


def threw(compared: Any) -> bool:
    return isinstance(compared, list) and compared[0]["remark"] == "an exception"


def is_refused(outcome: Outcome) -> bool:
    """Whether we have no handler for a request that Java has one for."""
    if not isinstance(outcome.response, bytes):
        return False
    return Command.decode(outcome.response[4:]).code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED


def differences(ours: Any, java: Any, path: str = "") -> Iterator[str]:
    """What differs, each with its path: easier to read than two long values."""
    if isinstance(ours, dict) and isinstance(java, dict):
        for name in {**java, **ours}:
            yield from differences(ours.get(name, "nothing"), java.get(name, "nothing"), f"{path}.{name}")
    elif isinstance(ours, list) and isinstance(java, list) and len(ours) == len(java):
        for at, (one, other) in enumerate(zip(ours, java, strict=True)):
            yield from differences(one, other, f"{path}[{at}]")
    elif ours != java:
        yield f"{path}: ours {ours!r}, Java's {java!r}"


def names(*servers: str) -> list[str]:
    return [outcome.step.name for outcome in GOLDEN if outcome.step.to in servers]


def play(addresses: dict[str, str]) -> dict[str, Outcome]:
    steps = [outcome.step for outcome in GOLDEN if outcome.step.to in addresses]
    with Player(addresses, timeout=3.0) as player:
        return {outcome.step.name: outcome for outcome in player.play(steps)}


def compare(name: str, to: tuple[str, ...], played: dict[str, Outcome]) -> None:
    (wanted,) = (outcome for outcome in GOLDEN if outcome.step.to in to and outcome.step.name == name)
    ours, java = comparable(played[name]), comparable(wanted)
    found = [one for one in differences(ours, java) if not (threw(java) and REMARK_OR_FIELDS.match(one))]
    if found and (name in DEVIATIONS or is_refused(played[name])):
        pytest.xfail(DEVIATIONS.get(name, "this request has no handler yet"))
    assert found == []
    assert name not in DEVIATIONS


@pytest.fixture(scope="module")
def namesrv(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every step for the name server, played to ours."""
    directory = tmp_path_factory.mktemp("namesrv")
    config = NamesrvConfig(
        kv_config_path=str(directory / "kvConfig.json"), config_store_path=str(directory / "namesrv.properties")
    )
    with NameServer(NamesrvSettings(config, ServerConfig(listen_port=0))) as server:
        return play({"namesrv": server.address})


@pytest.mark.parametrize("name", names("namesrv"))
def test_namesrv_answers_as_java_does(name: str, namesrv: dict[str, Outcome]) -> None:
    compare(name, ("namesrv",), namesrv)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A fresh broker, named as the recorded one."""
    settings = BrokerSettings()
    settings.broker.broker_name = "golden"
    settings.broker.broker_cluster_name = "GoldenCluster"
    settings.broker.broker_ip1 = settings.broker.broker_ip2 = "127.0.0.1"
    settings.server.listen_port = 0
    settings.store.store_path_root_dir = str(tmp_path_factory.mktemp("broker"))
    with Broker(settings) as server:
        yield server


@pytest.fixture(scope="module")
def broker(running: Broker) -> dict[str, Outcome]:
    """Every step for the broker, played to ours."""
    return play({"broker": running.address, "vip": running.vip_address})


@pytest.mark.parametrize("name", names("broker", "vip"))
def test_broker_answers_as_java_does(name: str, broker: dict[str, Outcome]) -> None:
    compare(name, ("broker", "vip"), broker)


NUMBER = re.compile(r"-?\d+(\.\d+)?( [KMGT]i)?")


def shape(name: str, value: str) -> str:
    """A value of the runtime info with N for numbers; rates are of three, two, one or no time."""
    return NUMBER.sub("N", value) if not name.endswith("Tps") else NUMBER.sub("", value).strip()


@pytest.mark.usefixtures("broker")
def test_runtime_info_reads_as_that_of_java(running: Broker) -> None:
    ours = runtime_info(running.address, Path(running.settings.store.store_path_root_dir))
    java = {row["name"]: row["example"] for row in compat.table("runtime_info")}
    assert set(ours) == set(java)
    assert {name: shape(name, value) for name, value in ours.items()} == {
        name: shape(name, value) for name, value in java.items()
    }
