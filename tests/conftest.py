"""What all tests share: nothing that they write is synced, unless they are about that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.disk import Disk, mount, unmount
from tests.fakes import QuickDisk

pytest_plugins = ["pytester"]   # tests of rocketpy.testing.plugin run suites of their own


@pytest.fixture(autouse=True, scope="session")
def quick_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """See `QuickDisk`: a fifth of the time on a busy machine."""
    root = str(tmp_path_factory.getbasetemp())
    mount(root, QuickDisk())
    yield
    unmount(root)


@pytest.fixture
def real_disk(tmp_path: Path) -> Iterator[None]:
    """For a test of what is synced when."""
    mount(str(tmp_path), Disk())
    yield
    unmount(str(tmp_path))
