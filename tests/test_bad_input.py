"""What a server finds when it starts and cannot use: it says so in a line, and loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = ("--namesrv-port", "0", "--port", "0", "--host", "127.0.0.1")


def start(*arguments: str, stdout: int | None = subprocess.PIPE) -> subprocess.Popen[str]:
    """`python -m rocketpy`, as the console scripts do."""
    command = [sys.executable, "-m", "rocketpy", *arguments]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("topics.json", '{"topicConfigTable":', "topics.json: not JSON"),
        ("topics.json", '{"topicConfigTable":{"T":null}}', "topicConfigTable: null"),
        ("subscriptionGroup.json", '{"subscriptionGroupTable":[]}', "dict expected, not list"),
        ("consumerOffset.json", '{"offsetTable":{"T@G":{0:1e999}}}', "offsetTable: cannot convert"),
    ],
)
def test_table_that_is_corrupt_stops_it_and_stays(tmp_path: Path, file: str, content: str, what: str) -> None:
    path = tmp_path / "config" / file
    path.parent.mkdir()
    path.write_text(content)
    server = start(*HERE, "--store", str(tmp_path))
    errors = server.communicate(timeout=20)[1]
    assert server.returncode == 1
    last = errors.splitlines()[-1]
    assert last.startswith("rocketpy: ")
    assert what in last
    assert "Traceback" not in errors
    assert path.read_text() == content


def test_nobody_has_to_read_what_it_prints(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    server = start(*HERE, "--host", "255.255.255.255", "--store", str(tmp_path), stdout=writer)
    os.close(writer)
    assert server.stderr is not None
    while "is advertised" not in (line := server.stderr.readline()):  # said once it serves
        assert line
    server.terminate()
    assert "Traceback" not in server.communicate(timeout=10)[1]
