"""Fixtures of the broker's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.data_side import DataSide
from tests.broker.live import Live, standalone


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataSide]:
    """A broker's data side; there is no topic T yet."""
    side = DataSide(tmp_path)
    yield side
    side.store.close(side.clock())


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A name server and a broker that run."""
    with standalone(tmp_path) as servers:
        live = Live(servers)
        yield live
        live.client.close()
