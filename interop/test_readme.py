"""README's Java and Go programs send what they say, as they stand there but for the port."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import artifacts
from rocketpy.standalone import Standalone
from tests.readme import program


@pytest.fixture(scope="module")
def rocketmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with Standalone.on_free_ports(str(tmp_path_factory.mktemp("store"))) as running:
        yield running


def run(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_java_program_sends(rocketmq: Standalone, tmp_path: Path) -> None:
    text = program("java").replace("127.0.0.1:9876", rocketmq.namesrv.address)
    (tmp_path / "Hello.java").write_text(text)
    home = f"-Duser.home={tmp_path}"
    assert "sendStatus=SEND_OK" in run(
        tmp_path, artifacts.java(), home, "-cp", artifacts.classpath("client"), "Hello.java"
    )


def test_the_go_program_sends(rocketmq: Standalone, tmp_path: Path) -> None:
    text = program("go").replace("127.0.0.1:9876", rocketmq.namesrv.address)
    (tmp_path / "main.go").write_text(text)
    for name in ("go.mod", "go.sum"):
        shutil.copy(Path(__file__).parent / "go" / name, tmp_path)
    assert "sendStatus=0" in run(tmp_path, artifacts.go(), "run", ".")
