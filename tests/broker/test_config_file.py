from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest

from rocketpy.broker.config_file import ConfigFile
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.kv import KVTable


class Table:
    """A table that counts how often it is saved."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.saved = 0

    def freeze(self) -> Callable[[], KVTable]:
        entries = dict(self.entries)
        self.saved += 1
        return lambda: KVTable(table=entries)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def file(tmp_path: Path, table: Table) -> ConfigFile:
    return ConfigFile(str(tmp_path / "config" / "table.json"), table.freeze)


def on_disk(file: ConfigFile) -> dict[str, str]:
    entries: dict[str, str] = json.loads(Path(file.path).read_text())["table"]
    return entries


def test_change_is_saved_in_the_background(file: ConfigFile, table: Table) -> None:
    table.entries["k"] = "wért"
    file.changed()
    assert not Path(file.path).exists()
    file.close()
    assert on_disk(file) == {"k": "wért"}


def test_many_changes_cost_few_writes_and_the_last_state_wins(file: ConfigFile, table: Table) -> None:
    for number in range(100):
        table.entries["k"] = str(number)
        file.changed()
    gevent.sleep(0)
    table.entries["k"] = "last"
    file.changed()
    file.close()
    assert on_disk(file) == {"k": "last"}
    assert table.saved == 2


def test_close_without_change_writes_nothing(file: ConfigFile) -> None:
    file.close()
    assert not Path(file.path).exists()


def test_what_was_saved_is_loaded(file: ConfigFile, table: Table) -> None:
    assert file.load(KVTable) is None
    table.entries["k"] = "v"
    file.changed()
    file.close()
    assert file.load(KVTable) == KVTable(table={"k": "v"})


def test_file_that_cannot_be_read_is_an_error_that_names_it(file: ConfigFile) -> None:
    Path(file.path).parent.mkdir()
    Path(file.path).write_text('{"table":')
    with pytest.raises(ConfigError, match=r"table\.json"):
        file.load(KVTable)


def test_file_that_cannot_be_written_is_logged(
    file: ConfigFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "config").write_text("no directory")
    with caplog.at_level(logging.ERROR):
        file.changed()
        file.close()
    assert str(tmp_path / "config") in caplog.text


def test_what_could_not_be_written_is_written_later(
    file: ConfigFile, table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text("no directory")
    table.entries["k"] = "v"
    file.changed()
    gevent.sleep(0)
    file.retry()
    file.close()
    (tmp_path / "config").unlink()
    file.retry()
    file.close()
    assert on_disk(file) == {"k": "v"}
    assert "Traceback" not in capsys.readouterr().err
    table.entries["k"] = "not told"
    file.retry()
    file.close()
    assert on_disk(file) == {"k": "v"}
