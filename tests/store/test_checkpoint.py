"""The checkpoint and what it is worth."""

import struct

import pytest

from rocketpy.errors import StoreError
from rocketpy.store.checkpoint import Checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(str(tmp_path / "checkpoint"))


def test_file_is_as_java_writes_it(checkpoint, tmp_path):
    checkpoint.physical_timestamp, checkpoint.queue_timestamp, checkpoint.index_timestamp = 1, 2, 1 << 40
    checkpoint.save()
    data = (tmp_path / "checkpoint").read_bytes()
    assert data == struct.pack(">qqq", 1, 2, 1 << 40) + bytes(4072)
    again = Checkpoint(checkpoint.path)
    again.load()
    assert (again.physical_timestamp, again.queue_timestamp, again.index_timestamp) == (1, 2, 1 << 40)


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_without_a_checkpoint_nothing_is_safe(checkpoint, tmp_path, content):
    if content is not None:
        (tmp_path / "checkpoint").write_bytes(content)
    checkpoint.load()
    assert checkpoint.safe_timestamp() == 0


def test_three_seconds_are_allowed_for(checkpoint):
    checkpoint.physical_timestamp, checkpoint.queue_timestamp, checkpoint.index_timestamp = 10_000, 9_000, 5_000
    assert checkpoint.safe_timestamp() == 6_000
    assert checkpoint.safe_timestamp(with_index=True) == 5_000
    checkpoint.queue_timestamp = 2_000
    assert checkpoint.safe_timestamp() == 0


def test_checkpoint_that_cannot_be_is_named(tmp_path):
    checkpoint = Checkpoint(str(tmp_path))
    with pytest.raises(StoreError, match="cannot read"):
        checkpoint.load()
    with pytest.raises(StoreError, match="cannot write"):
        checkpoint.save()


def test_times_that_have_not_come_yet_are_forgotten(checkpoint):
    checkpoint.physical_timestamp, checkpoint.queue_timestamp, checkpoint.index_timestamp = 10_000, 9_000, 5_000
    assert checkpoint.lower(9_500)
    assert (checkpoint.physical_timestamp, checkpoint.queue_timestamp, checkpoint.index_timestamp) == (
        9_500, 9_000, 5_000,
    )  # fmt: skip
    assert not checkpoint.lower(9_500)
