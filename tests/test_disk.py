"""What the disk says when it refuses."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rocketpy.disk import refusal


def refused(number: int, path: object) -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize("below", ["", "commitlog", "commitlog/00000000000000000000"])
def test_somebody_elses_directory_is_named_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    owner = os.stat(tmp_path).st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 3000)
    assert refusal(refused(errno.EACCES, str(tmp_path / below))) == (
        f"Permission denied: {tmp_path} belongs to uid {owner}, this is uid {owner + 3000}"
    )


def test_own_files_and_other_reasons_are_told_as_the_system_does(tmp_path: Path) -> None:
    assert refusal(refused(errno.EACCES, str(tmp_path))) == "Permission denied"
    assert refusal(refused(errno.EROFS, str(tmp_path))) == "Read-only file system"
    assert refusal(OSError(errno.EACCES, "Permission denied")) == "Permission denied"
    assert refusal(OSError("strange")) == "strange"
