"""Log files as the Java distribution lays them out, and what happens where they cannot be written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rocketpy import logfiles
from rocketpy.logfiles import log_to_files


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    logger = logging.getLogger()
    before = logger.handlers[:]
    yield
    for handler in [one for one in logger.handlers if one not in before]:
        logger.removeHandler(handler)
        with suppress(OSError):  # what a full disk did not take
            handler.close()


def say(name: str, text: str) -> None:
    logging.getLogger(name).warning(text)


def test_each_file_gets_its_own_and_one_the_rest(tmp_path: Path) -> None:
    log_to_files(str(tmp_path / "logs"), "namesrv", "store", rest="broker")
    say("rocketpy.namesrv", "路由")
    say("rocketpy.store.progress", "recovering")
    say("rocketpy.broker", "registered")
    say("rocketpy.remoting.server", "accepted")
    texts = {path.name: path.read_text("utf-8") for path in (tmp_path / "logs").glob("*.log")}
    assert {name: [line.partition(" - ")[2] for line in text.splitlines()] for name, text in texts.items()} == {
        "namesrv.log": ["路由"],
        "store.log": ["recovering"],
        "broker.log": ["registered", "accepted"],
    }


def test_full_files_are_kept_in_otherdays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "FILE_SIZE", 200)
    monkeypatch.setattr(logfiles, "KEPT_FILES", 2)
    log_to_files(str(tmp_path), rest="broker")
    for number in range(20):
        say("rocketpy.broker", f"line {number} {'.' * 60}")
    assert sorted(path.name for path in (tmp_path / "otherdays").iterdir()) == ["broker.1.log", "broker.2.log"]
    assert "line 19" in (tmp_path / "broker.log").read_text()


def test_tilde_is_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "user_home", lambda: str(tmp_path))
    log_to_files("~/logs/rocketmqlogs", rest="namesrv")
    assert (tmp_path / "logs" / "rocketmqlogs" / "namesrv.log").exists()


def test_directory_that_cannot_be_made_costs_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    log_to_files(str(tmp_path / "file" / "logs"), rest="broker")
    say("rocketpy.broker", "still here")
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if "no log is written" in line] == [
        f"no log is written to {tmp_path}/file/logs: Not a directory; the console has it"
    ]


def test_file_that_cannot_be_written_any_more_is_told_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broker.log").symlink_to("/dev/full")
    log_to_files(str(tmp_path), rest="broker")
    say("rocketpy.broker", "one")
    say("rocketpy.broker", "two")
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if "no log is written" in line] == [
        f"no log is written to {tmp_path}/broker.log: No space left on device; the console has it"
    ]
