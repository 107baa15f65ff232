"""A cluster of ours, and mqadmin pointed at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rocketpy.admin.startup import main
from rocketpy.standalone import Standalone

Admin = Callable[..., tuple[str, str]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """Name server and broker on free ports."""
    with Standalone.on_free_ports(str(tmp_path_factory.mktemp("store"))) as cluster:
        yield cluster


@pytest.fixture
def admin(cluster: Standalone, capsys: pytest.CaptureFixture[str]) -> Admin:
    """Runs a sub-command and gives what it prints on stdout and stderr; BROKER stands for the broker's address."""

    def run(line: str) -> tuple[str, str]:
        words = line.replace("BROKER", cluster.broker.address).split()
        assert main([*words, "-n", cluster.namesrv.address]) == 0
        return capsys.readouterr()

    return run
