"""The official programs and their compilers: jars found in Maven Central by name, kept in a cache outside the tree.

4.9.8 was published without its servers, so there are several class paths, never mixed in one process: a client and an
mqadmin of 4.9.8, a name server and a broker of 4.9.7.

Environment: ROCKETPY_CACHE (default ~/.cache/rocketpy) is where the jars go; JAVA_HOME names the JDK.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLASS_PATHS = {
    "client": ("rocketmq-client:4.9.8", "rocketmq-tools:4.9.8"),
    "broker": ("rocketmq-broker:4.9.7", "rocketmq-namesrv:4.9.7"),
    "reference": ("rocketmq-tools:4.9.8", "rocketmq-store:4.9.8", "rocketmq-acl:4.9.8"),
    "recipe": ("rocketmq-client:4.9.8", "org.testcontainers:testcontainers:1.21.3"),
}
"""What each class path is made of, RocketMQ's own without their group; "reference" is all of 4.9.8 that describes
itself (tools/extract), "recipe" what recipes/java takes."""

OPEN_MODULES = tuple(
    f"--add-{verb}=java.base/{package}=ALL-UNNAMED"
    for package, verbs in (
        ("sun.nio.ch", ("exports", "opens")),
        ("jdk.internal.ref", ("exports", "opens")),
        ("java.nio", ("opens",)),
        ("java.lang", ("opens",)),
    )
    for verb in verbs
)
"""What a broker of 2023 wants to see of a JDK newer than 8."""

_DEPENDENCY = """
    <dependency>
      <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
    </dependency>"""
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>rocketpy</groupId><artifactId>{}</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{}
  </dependencies>
</project>
"""


class MissingToolError(Exception):
    """Java, Maven, Go or the registry is not there; the text says which and is fit for a skip."""


def cache_directory(kind: str = "java") -> Path:
    """Where the jars are kept, or with another `kind` what is compiled here."""
    return Path(os.environ.get("ROCKETPY_CACHE") or "~/.cache/rocketpy").expanduser() / kind


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Makes `directory`, and keeps other processes from filling it at the same time."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory.with_name(f"{directory.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def java_home() -> Path:
    """The JDK to use: JAVA_HOME, else the one that `java` on the PATH belongs to.

    Raises MissingToolError when there is none.
    """
    given = os.environ.get("JAVA_HOME")
    if given and Path(given, "bin", "java").exists():
        return Path(given)
    found = shutil.which("java")
    if found is None:
        raise MissingToolError("no java: neither JAVA_HOME nor the PATH has one")
    return Path(found).resolve().parent.parent


def java() -> str:
    """The path of the java launcher."""
    return str(java_home() / "bin" / "java")


def javac() -> str:
    """The path of the Java compiler. Raises MissingToolError when there is only a JRE, or nothing."""
    compiler = java_home() / "bin" / "javac"
    if not compiler.exists():
        raise MissingToolError(f"no javac in {compiler.parent}: a JDK is needed")
    return str(compiler)


def go() -> str:
    """The path of the go command. Raises MissingToolError when there is none."""
    found = shutil.which("go")
    if found is None:
        raise MissingToolError("no go on the PATH")
    return found


def classpath(kind: str) -> str:
    """The class path of one of CLASS_PATHS, resolved on first use.

    Raises MissingToolError when Maven is missing or cannot resolve it.
    """
    directory = cache_directory() / kind
    coordinates = [one if one.count(":") == 2 else f"org.apache.rocketmq:{one}" for one in CLASS_PATHS[kind]]
    wanted = ", ".join(coordinates)
    stamp = directory / "resolved"
    with locked(directory):
        if not stamp.exists() or stamp.read_text() != wanted:
            _resolve(kind, coordinates, directory)
            stamp.write_text(wanted)
    return os.pathsep.join(map(str, sorted(directory.glob("*.jar"))))


def _resolve(kind: str, coordinates: list[str], directory: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingToolError("no mvn: needed once to fetch the official jars")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    dependencies = "".join(_DEPENDENCY.format(*one.split(":")) for one in coordinates)
    pom = directory / "pom.xml"
    pom.write_text(_POM.format(kind, dependencies))
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={directory}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingToolError(f"mvn could not resolve {', '.join(coordinates)}: {(done.stdout + done.stderr)[-500:]}")
