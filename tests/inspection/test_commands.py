"""`rocketpy inspect` and `rocketpy verify`, run as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inspection.conftest import Unpack


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "rocketpy", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def test_inspect_prints_a_table(found: Unpack) -> None:
    result = run("inspect", str(found("plain").directory))
    assert (result.returncode, result.stderr) == (0, "")
    assert "closed cleanly" in result.stdout
    (row,) = (line for line in result.stdout.splitlines() if line.split()[:2] == ["StoreT", "0"])
    assert row.split()[2:5] == ["0", "15", "15"]


def test_verify_ends_with_1_when_there_is_damage(found: Unpack) -> None:
    store = found("rolled")
    whole = run("verify", str(store.directory))
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.startswith("no damage, no notes\n60 records")
    path = store.files("commitlog/*")[0]
    store.flip(path, 95)
    damaged = run("verify", "--json", str(store.directory))
    assert damaged.returncode == 1
    told = json.loads(damaged.stdout)
    assert (told["findings"][0]["path"], told["findings"][0]["position"]) == ("commitlog/00000000000000000000", 0)


def test_directory_and_sizes_are_taken_from_the_brokers_file(found: Unpack, tmp_path: Path) -> None:
    store = found("rolled")
    config = tmp_path / "broker.conf"
    config.write_text(f"storePathRootDir={store.directory}\nmappedFileSizeCommitLog=16384\n")
    result = run("verify", "-c", str(config))
    assert result.returncode == 1
    assert "damage: commitlog/00000000000000000000: has 8192 bytes, not 16384" in result.stdout


@pytest.mark.parametrize("what", ["inspect", "verify"])
def test_what_cannot_be_looked_into_is_one_line_and_2(what: str, tmp_path: Path) -> None:
    result = run(what, str(tmp_path / "nowhere"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"rocketpy {what}: {tmp_path}/nowhere is no directory\n"


def test_a_configuration_that_cannot_be_read_is_one_line_and_2(tmp_path: Path) -> None:
    result = run("verify", "-c", str(tmp_path / "none.conf"))
    assert (result.returncode, result.stdout) == (2, "")
    assert "none.conf" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("tool", ["inspect", "verify"])
def test_tools_are_the_same_commands(tool: str, found: Unpack) -> None:
    directory = str(found("plain").directory)
    line = [sys.executable, "-m", f"tools.{tool}", directory]
    root = Path(__file__).parent.parent.parent
    result = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, cwd=root)
    assert (result.returncode, result.stdout) == (0, run(tool, directory).stdout)
