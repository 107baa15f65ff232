"""The machine dies: what was synced is there again, and what was not leaves no trace but its absence.

`FaultyDisk` drops what was not synced, or, with a random generator, any part of it: sectors of files and names in
directories, as a real disk may have written them on its own.

`ROCKETPY_POWER_LOSSES=500 pytest tests/store/test_power_loss.py` tries more lives than the usual few.
"""

import os
import random

import pytest

from rocketpy import jsonfile
from rocketpy.config.store import FlushDiskType
from rocketpy.errors import ConfigError
from rocketpy.faulty_disk import FaultyDisk
from rocketpy.store.results import PutStatus

APPENDS = 60
SEEDS = range(int(os.environ.get("ROCKETPY_POWER_LOSSES", "2")))


@pytest.fixture
def disk(tmp_path):
    with FaultyDisk(str(tmp_path)) as disk:
        yield disk


class Life:
    """Generations of one store: messages, jobs at random, and the records as they were stored."""

    def __init__(self, stores, disk, make_record, now, seed):
        self.stores, self.disk, self.make_record = stores, disk, make_record
        self.rng = random.Random(seed)
        self.now = now
        self.records = []
        self.on_disk = 0
        self.store = stores.open()

    def append(self):
        """Store a message; topics and queues are many enough that some are silent for long."""
        number = self.rng.randrange(6)
        record = self.make_record(
            f"Topic{number % 2}", number % 3, tags="Tag", keys=f"key{len(self.records)}", uniq_key=f"U{self.now}"
        )
        self.now += self.rng.randrange(400)
        result = self.store.append(record, self.now)
        assert result.status is PutStatus.PUT_OK
        record.physical_offset, record.size, record.queue_offset, record.store_timestamp = (
            result.physical_offset, result.size, result.queue_offset, result.store_timestamp,
        )  # fmt: skip
        self.records.append(record)

    def step(self):
        """What is due, done or not."""
        for job in self.store.step(self.now):
            job.run()
            self.store.finish(job)

    def flush(self):
        """A group commit: everything so far is acknowledged."""
        job = self.store.flush_job()
        if job is not None:
            job.run()
            self.store.finish(job)

    def acknowledged(self):
        """The records of which the store says that they are on disk, and those that have outlived a power loss."""
        on_disk = max(self.store.flushed_offset, self.on_disk)
        return [record for record in self.records if record.physical_offset < on_disk]

    def lose_power(self, rng, check_store):
        """Die and come back; whatever is left is a beginning of what was, with queues and index to match."""
        promised = self.acknowledged()
        self.stores.kill(self.store)
        self.disk.lose_power(rng)
        self.open()
        self.on_disk = end = self.store.log.max_offset
        self.records = [record for record in self.records if record.physical_offset < end]
        assert self.records[: len(promised)] == promised
        check_store(self.store, self.records)
        return promised

    def open(self):
        """Come back."""
        self.store = self.stores.open()

    def die(self):
        """Only the process dies."""
        self.on_disk = max(self.on_disk, self.store.flushed_offset)
        self.stores.kill(self.store)
        self.open()

    def close(self):
        """End as one should."""
        self.store.close(self.now)
        self.stores.opened.remove(self.store)
        self.on_disk = self.store.flushed_offset
        self.open()


@pytest.fixture
def life(stores, disk, make_record, now, request):
    return Life(stores, disk, make_record, now, getattr(request, "param", 0))


@pytest.mark.parametrize("life", SEEDS, indirect=True)
@pytest.mark.parametrize("luck", ["nothing more", "some more"])
def test_acknowledged_messages_survive_synchronous_flush(life, luck, check_store):
    rng = life.rng if luck == "some more" else None
    for _ in range(4):
        life.store.config.flush_disk_type = FlushDiskType.SYNC_FLUSH
        for _ in range(APPENDS):
            life.append()
            if life.rng.random() < 0.5:
                life.flush()
            if life.rng.random() < 0.3:
                life.step()
        life.lose_power(rng, check_store)


@pytest.mark.parametrize("life", SEEDS, indirect=True)
def test_asynchronous_flush_loses_what_came_since_the_last_one_and_nothing_else(life, check_store):
    for _ in range(4):
        for _ in range(life.rng.randrange(1, 2 * APPENDS)):
            life.append()
            if life.rng.random() < 0.1:
                life.step()
        promised = life.lose_power(None, check_store)
        assert life.records == promised


@pytest.mark.parametrize("life", SEEDS, indirect=True)
@pytest.mark.parametrize("luck", ["nothing more", "some more"])
def test_what_a_dead_process_left_unsynced_is_synced_by_the_next(life, luck, check_store):
    """Recovery trusts the page cache if the machine has run on, but must not take what is in it for synced."""
    for _ in range(4):
        for _ in range(life.rng.randrange(1, 6)):
            for _ in range(life.rng.randrange(1, APPENDS)):
                life.append()
                if life.rng.random() < 0.1:
                    life.step()
            life.rng.choice((life.die, life.die, life.close))()
            check_store(life.store, life.records)
        life.now += 60_000
        life.step()
        life.append()
        life.lose_power(life.rng if luck == "some more" else None, check_store)


def test_config_file_is_the_last_one_saved_or_the_one_before(disk, tmp_path):
    path = str(tmp_path / "config" / "topics.json")
    rng = random.Random(5)
    for number in range(30):
        jsonfile.save(path, b"%d" % number * 400)
        disk.lose_power(rng)
        assert jsonfile.load(path, bytes) == b"%d" % number * 400
        disk.fail("sync")
        with pytest.raises(ConfigError):
            jsonfile.save(path, b"x" * 700)
        disk.heal()
        disk.lose_power(rng)
        assert jsonfile.load(path, bytes) in (b"%d" % number * 400, b"x" * 700)


@pytest.mark.parametrize("hours", [1, 1000])
def test_clock_that_goes_back_does_not_make_the_checkpoint_promise_too_much(life, check_store, hours):
    """Later records are older than the checkpoint then, and would count as synced."""
    for _ in range(3):
        for _ in range(APPENDS):
            life.append()
        life.now += 60_000
        life.step()
        life.now -= hours * 3_600_000
        life.step()
        for _ in range(APPENDS):
            life.append()
            life.flush()
        life.lose_power(life.rng, check_store)


def test_clock_that_was_put_back_while_the_store_was_closed(life, check_store):
    for _ in range(APPENDS):
        life.append()
    life.close()
    life.now -= 3_600_000
    life.close()
    for _ in range(2 * APPENDS):
        life.append()
        life.flush()
    life.lose_power(life.rng, check_store)


def test_checkpoint_from_the_future_is_not_believed(life, check_store, caplog):
    for _ in range(2 * APPENDS):
        life.append()
        life.flush()
    life.store.checkpoint.physical_timestamp = life.store.checkpoint.queue_timestamp = life.now + 9_000
    life.store.checkpoint.save()
    life.lose_power(None, check_store)
    assert "everything is checked" in caplog.text
