"""Official clients as child processes that do what they are told, in one line of JSON each way.

    {"id": 1, "verb": "send", ...}  ->  {"id": 1, "ok": ...}  or  {"id": 1, "error": {"type", "code", "text"}}

The programs stand in java/ and go/; they are compiled once and kept in the cache by the hash of their sources.
One driver serves any number of clusters: a request names the name server where it matters.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from interop import artifacts
from interop.java_servers import FLAGS, environment, make_home
from interop.process import Process, Program

ANSWER_TIMEOUT = 120.0
SOURCES = Path(__file__).parent
REBALANCING = (
    "-Drocketmq.client.rebalance.waitInterval=1000",
    "-Drocketmq.client.rebalance.lockInterval=1000",
    "-Drocketmq.client.unlockDelayTimeMills=1000",
)
"""What consumers wait for when others come or go; 20 s each by themselves."""


class DriverError(Exception):
    """What the official client threw: its class, RocketMQ's code where it has one, and its text."""

    def __init__(self, kind: str, code: int | None, text: str) -> None:
        super().__init__(f"{kind}: {text}" if code is None else f"{kind} {code}: {text}")
        self.kind = kind
        self.code = code
        self.text = text


class Driver:
    """One client program; `ask` may be called from any thread."""

    def __init__(self, name: str, process: Program) -> None:
        self.name = name
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._writing = Lock()
        self._reader = Thread(target=self._read, name=f"{name} driver", daemon=True)
        self._reader.start()

    def ask(self, verb: str, **request: Any) -> Any:
        """What the program answers. Raises DriverError with what the client threw, or when the program is gone."""
        number = next(self._ids)
        future: Future[Any] = Future()
        self._waiting[number] = future
        line = json.dumps({"id": number, "verb": verb, **request}, ensure_ascii=False).encode() + b"\n"
        with self._writing:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        return future.result(ANSWER_TIMEOUT)

    def stop(self) -> None:
        """End the program."""
        self._process.stdin.close()
        self._reader.join()
        self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            future = self._waiting.pop(answer["id"])
            error = answer.get("error")
            if error:
                future.set_exception(DriverError(error["type"], error.get("code"), error["text"]))
            else:
                future.set_result(answer["ok"])
        for future in list(self._waiting.values()):
            future.set_exception(DriverError("gone", None, f"the {self.name} driver ended:\n{self._process.tail()}"))


def java_driver(directory: Path) -> Driver:
    """The Java client 4.9.8 and mqadmin, with JSON headers. Raises MissingToolError."""
    return _java_driver("java", directory, "JSON")


def binary_java_driver(directory: Path) -> Driver:
    """The Java client 4.9.8 with binary headers. Raises MissingToolError."""
    return _java_driver("java-binary", directory, "ROCKETMQ")


def go_driver(directory: Path) -> Driver:
    """The Go client v2.1.2. Raises MissingToolError."""
    directory.mkdir(parents=True, exist_ok=True)
    return Driver("go", Process([str(go_program())], directory / "driver.log", environment=environment(), pipe=True))


DRIVERS: dict[str, Callable[[Path], Driver]] = {
    "java": java_driver,
    "java-binary": binary_java_driver,
    "go": go_driver,
}
"""Who can be told to do things; each is given a directory for its logs."""


def _java_driver(name: str, directory: Path, serialization: str) -> Driver:
    make_home(directory)
    class_path = os.pathsep.join((str(java_classes()), artifacts.classpath("client")))
    command = java_command(artifacts.java(), str(directory), class_path, serialization)
    return Driver(name, Process(command, directory / "driver.log", environment=environment(), pipe=True))


def java_command(java: str, directory: str, class_path: str, serialization: str) -> list[str]:
    """What runs the Java client; `directory` has its home (see make_home) and gets its logs and offsets."""
    home = f"{directory}/home"
    return [
        java,
        "-Xmx384m",
        *FLAGS,
        f"-Drocketmq.serialize.type={serialization}",
        *REBALANCING,
        f"-Drocketmq.home.dir={home}",
        f"-Duser.home={directory}",
        "-Djava.security.manager=allow",  # mqadmin is kept from ending the driver
        f"-Drocketmq.client.logRoot={directory}/logs",
        f"-Drocketmq.client.localOffsetStoreDir={directory}/offsets",
        f"-Dlogback.configurationFile={home}/conf/logback_tools.xml",
        "-cp",
        class_path,
        "Driver",
    ]


def java_classes() -> Path:
    """The directory of the compiled Java client. Raises MissingToolError."""
    return compiled_java("java-driver", SOURCES / "java", "client")


def compiled_java(name: str, folder: Path, kind: str) -> Path:
    """The directory of the classes of all programs in `folder`, made with a class path. Raises MissingToolError."""
    class_path = artifacts.classpath(kind)
    sources = sorted(folder.glob("*.java"))

    def compile_into(directory: Path) -> None:
        _run(artifacts.javac(), "-nowarn", "-proc:none", "-cp", class_path, "-d", str(directory), *map(str, sources))

    return _built(name, sources, compile_into)


def go_program() -> Path:
    """The compiled Go client. Raises MissingToolError."""
    return compiled_go("go-driver-static", SOURCES / "go")


def compiled_go(name: str, folder: Path) -> Path:
    """The compiled program in `folder`, which needs no library of the system. Raises MissingToolError."""
    sources = sorted(folder.glob("*.*"))

    def compile_into(directory: Path) -> None:
        go = artifacts.go()
        try:
            _run(go, "mod", "download", cwd=folder)
        except RuntimeError as error:
            raise artifacts.MissingToolError(f"what {folder.name} needs cannot be fetched: {error}") from None
        static = {**os.environ, "CGO_ENABLED": "0"}
        _run(go, "build", "-o", str(directory / "driver"), ".", cwd=folder, environment=static)

    return _built(name, sources, compile_into) / "driver"


def _built(name: str, sources: list[Path], compile_into: Callable[[Path], None]) -> Path:
    """The directory in the cache that holds what `sources` compile to; older ones are removed."""
    content = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    directory = artifacts.cache_directory(name)
    stamp = directory / "sources"
    with artifacts.locked(directory):
        if not stamp.exists() or stamp.read_text() != content:
            shutil.rmtree(directory)
            directory.mkdir()
            compile_into(directory)
            stamp.write_text(content)
    return directory


def _run(*command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:2])} failed: {(done.stdout + done.stderr)[-2000:]}")
