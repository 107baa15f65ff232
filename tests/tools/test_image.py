"""What the image is made of, as far as no container engine is needed (interop/test_container_image.py has the rest)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from rocketpy import JAVA_VERSION

TREE = Path(__file__).parent.parent.parent
SCRIPTS = TREE / "tools" / "image"
DOCKERFILE = (TREE / "Dockerfile").read_text()
COMPOSE_FILES = sorted((TREE / "conf" / "compose").glob("*.yml"))


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with programs that tell how they were called."""
    for name in ("mqnamesrv", "mqbroker", "rocketpy", "other"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name}($*) $ROCKETPY_ADVERTISED_ADDR"\n')
        program.chmod(0o755)
    return tmp_path


def enter(programs: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = f"{programs}:{os.environ['PATH']}"
    command = [str(SCRIPTS / "docker-entrypoint.sh"), *arguments]
    return subprocess.run(command, env={"PATH": path, **variables}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "variables", "called"),
    [
        (["rocketpy"], {}, "rocketpy() 127.0.0.1"),
        (["rocketpy", "-c", "my file"], {"ROCKETPY_ADVERTISED_ADDR": "host:1"}, "rocketpy(-c my file) host:1"),
        (["rocketpy"], {"ROCKETPY_ADVERTISED_ADDR": ""}, "rocketpy() "),
        (["broker", "-n", "a:1"], {}, "mqbroker(-n a:1) "),
        (["nameserver"], {}, "mqnamesrv() "),
        (["rocketpy"], {"NODE_ROLE": "broker"}, "mqbroker() "),
        (["rocketpy"], {"NODE_ROLE": "nameserver"}, "mqnamesrv() "),
        (["other", "a  b"], {}, "other(a  b) "),
    ],
)
def test_entry_point_runs_what_it_is_told(
    programs: Path, arguments: list[str], variables: dict[str, str], called: str
) -> None:
    assert enter(programs, *arguments, **variables).stdout == f"{called}\n"


def test_entry_point_names_a_command_that_is_none(programs: Path) -> None:
    done = enter(programs, "mqproxy")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.startswith("mqproxy: no such command; try: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["mqnamesrv", "mqbroker", "mqadmin"])
def test_programs_become_the_process_that_gets_the_signals(name: str) -> None:
    script = SCRIPTS / name
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == f'exec /opt/rocketpy/bin/{name} "$@"'


def test_image_says_everywhere_which_version_it_stands_for() -> None:
    assert {*re.findall(r"rocketmq-(\d[\d.]+\d)", DOCKERFILE)} == {JAVA_VERSION}
    assert f"ROCKETMQ_VERSION={JAVA_VERSION} " in DOCKERFILE


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=lambda path: path.name)
def test_compose_file_names_files_and_volumes_that_are_there(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    mounted = {volume.partition(":")[0] for one in content["services"].values() for volume in one["volumes"]}
    assert mounted == set(content["volumes"])
    for service in content["services"].values():
        for name in re.findall(r"-c \.\./(\S+)", service["command"]):
            assert (TREE / name).is_file(), name


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=lambda path: path.name)
def test_compose_file_advertises_the_ports_that_it_publishes(path: Path) -> None:
    """The VIP port, which clients compute, has to be published two below."""
    for service in yaml.safe_load(path.read_text())["services"].values():
        advertised = service.get("environment", {}).get("ROCKETPY_ADVERTISED_ADDR")
        if advertised is not None:
            port = int((re.findall(r":(\d+)$", advertised) or ["10911"])[0])
            assert {f"{port}:10911", f"{port - 2}:10909"} <= set(service["ports"])
