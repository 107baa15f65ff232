"""The official Java client by TLS at Java's servers and ours, and our servers where nothing else is let in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.artifacts import classpath, java
from interop.cluster import Cluster
from interop.driver import Driver, java_classes, java_command
from interop.java_servers import environment, make_home
from interop.our_servers import OurBroker, OurNameServer
from interop.process import Process
from interop.scenario import Scenario, scenarios
from rocketpy.client import Message, Producer, SendResult, SendStatus
from rocketpy.config.tls import TlsConfig
from rocketpy.errors import RocketpyError
from rocketpy.remoting.certificates import client_context

PLAYED = [one for one in scenarios() if one.client == "java" and one.subject in ("sending", "pulling")]
BOTH = pytest.mark.parametrize("cluster", ["java", "ours"], indirect=True)


@pytest.fixture(scope="module")
def secure_java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The official client with tls.enable."""
    directory = tmp_path_factory.mktemp("tls")
    make_home(directory)
    program, *arguments = java_command(java(), str(directory), f"{java_classes()}:{classpath('client')}", "JSON")
    command = [program, "-Dtls.enable=true", *arguments]
    with Driver("java", Process(command, directory / "driver.log", environment=environment(), pipe=True)) as driver:
        yield driver


@BOTH
@pytest.mark.parametrize("scenario", PLAYED, ids=lambda scenario: scenario.name)
def test_scenario_holds(cluster: Cluster, secure_java: Driver, scenario: Scenario) -> None:
    scenario.play(cluster, secure_java)


class SecureNameServer(OurNameServer):
    """Lets nobody in without TLS, by an option of the JVM that it has never been."""

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "JAVA_OPT": "-Xmx1g -Dtls.server.mode=enforcing"}


class SecureBroker(OurBroker):
    """The same by its configuration file; ready when a message can be sent."""

    def is_ready(self) -> bool:
        try:
            return _send(self.namesrv).status == SendStatus.SEND_OK
        except RocketpyError as error:
            raise LookupError(str(error)) from error


def _send(namesrv: str, tls: bool = True) -> SendResult:
    with Producer("secure", namesrv=namesrv, retries=0, tls=client_context(TlsConfig()) if tls else False) as producer:
        return producer.send(Message("Secure", b"secret"))


def test_servers_that_let_only_tls_in_speak_it_with_each_other(tmp_path: Path, secure_java: Driver) -> None:
    with (
        SecureNameServer(tmp_path / "namesrv") as name_server,
        SecureBroker(tmp_path / "broker", name_server.address, **{"tls.server.mode": "enforcing"}),
    ):
        namesrv = name_server.address
        with pytest.raises(RocketpyError):
            _send(namesrv, tls=False)
        secure_java.ask("start_producer", namesrv=namesrv, group="secure-java")
        secure_java.ask("stop_producer", namesrv=namesrv, group="secure-java")
        printed = secure_java.ask("mqadmin", namesrv=namesrv, arguments=["topicRoute", "-t", "Secure", "-n", namesrv])
        assert '"brokerName":"broker-a"' in printed["out"], printed
        mqadmin = [str(Path(sys.executable).with_name("mqadmin")), "topicRoute", "-t", "Secure", "-n", namesrv]
        secure = {**environment(), "JAVA_OPT": "-Dtls.enable=true"}
        assert subprocess.run(mqadmin, env=secure, capture_output=True, text=True, check=True).stdout == printed["out"]
