"""What a broker says about its directory before it recovers it."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from rocketpy.config.store import StoreConfig
from rocketpy.store.message_store import MessageStore
from tools.record_golden.stores import unpack


def said(caplog: pytest.LogCaptureFixture, directory: Path, settings: dict[str, str]) -> list[str]:
    config = StoreConfig(store_path_root_dir=str(directory))
    config.update(settings)
    store = MessageStore(config)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        store.open(0)
    store._lock.release()
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith(f"{directory}: ")]


@pytest.mark.parametrize(
    ("name", "files", "end"),
    [("rolled", 6, "the last broker closed it cleanly"), ("killed", 2, "it was not closed: a Java broker was killed")],
)
def test_a_directory_of_javas_is_described(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, name: str, files: int, end: str
) -> None:
    known = unpack(name, tmp_path)
    first, second = said(caplog, tmp_path, known["settings"])
    size = known["settings"]["mappedFileSizeCommitLog"]
    assert re.search(
        rf"found {files} CommitLog files of {size} bytes from 0 on, "
        r"stored from 2026-\S+ \S+ until 2026-\S+ \S+ or later; \d topics with \d queues; \d index files",
        first,
    )
    assert end in second


def test_one_of_ours_that_died_is_told_apart(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    assert said(caplog, tmp_path, {}) == []     # new
    assert said(caplog, tmp_path, {}) == []     # nothing was written
    known = unpack("plain", tmp_path)
    (tmp_path / "abort").write_text("boot")
    assert "it was not closed: a broker was killed here" in said(caplog, tmp_path, known["settings"])[1]
