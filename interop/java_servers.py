"""The official name server and broker."""

from __future__ import annotations

import os
from pathlib import Path

from interop.artifacts import OPEN_MODULES, classpath, java
from interop.server import BrokerProcess, NameServerProcess

FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8", *OPEN_MODULES)
"""For a small machine and a short life; the servers' own choice needs 8 GiB."""

_LOGBACK = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5p %t - %m%n</pattern></encoder>
  </appender>
  <root level="LEVEL"><appender-ref ref="out"/></root>
</configuration>
"""
_SILENT = '<configuration><root level="OFF"/></configuration>\n'  # mqadmin's stdout is what it prints


def make_home(directory: Path, *, level: str = "INFO") -> Path:
    """A ROCKETMQ_HOME in `directory`: the official programs refuse to start without their logging configuration.

    `level` is what the servers log.
    """
    server = _LOGBACK.replace("LEVEL", level)
    conf = directory / "home" / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    for program, text in (("namesrv", server), ("broker", server), ("tools", _SILENT)):
        (conf / f"logback_{program}.xml").write_text(text)
    return conf.parent


def environment() -> dict[str, str]:
    """Ours, without what would change the official programs."""
    unset = ("NAMESRV_ADDR", "ROCKETMQ_HOME", "JAVA_TOOL_OPTIONS")
    return {name: value for name, value in os.environ.items() if name not in unset}


def _command(main_class: str, heap: str, directory: Path, config_file: Path) -> list[str]:
    home = make_home(directory)
    places = (f"-Drocketmq.home.dir={home}", f"-Duser.home={directory}")
    return [java(), heap, *FLAGS, *places, "-cp", classpath("broker"), main_class, "-c", str(config_file)]


class JavaNameServer(NameServerProcess):
    """The official name server."""

    def command(self) -> list[str]:
        return _command("org.apache.rocketmq.namesrv.NamesrvStartup", "-Xmx256m", self.directory, self.config_file)

    def environment(self) -> dict[str, str]:
        return environment()


class JavaBroker(BrokerProcess):
    """The official broker."""

    def command(self) -> list[str]:
        return _command("org.apache.rocketmq.broker.BrokerStartup", "-Xmx512m", self.directory, self.config_file)

    def environment(self) -> dict[str, str]:
        return environment()
