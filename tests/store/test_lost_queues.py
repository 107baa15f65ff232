"""Queues that lose their files while others keep theirs."""

import os
import shutil
from pathlib import Path

import pytest

from rocketpy.store import lost_queues
from rocketpy.store.lost_queues import LostQueues


@pytest.fixture(params=["close", "kill", "crash"])
def end(request, stores):
    """Ends the life of a store in one of three ways."""

    def end(store):
        if request.param == "close":
            store.close(0)
            stores.opened.remove(store)
        else:
            getattr(stores, request.param)(store)

    return end


@pytest.fixture
def searched(monkeypatch):
    """How often stores were searched."""
    calls = []
    search = LostQueues._find
    monkeypatch.setattr(LostQueues, "_find", lambda self: calls.append(self) or search(self))
    return calls


def queue_directory(config, name):
    return Path(config.store_path_root_dir, "consumequeue", name)


@pytest.mark.parametrize("lost", ["Topic0/1", "Topic0", "Topic1/2", ""])
def test_lost_queue_beside_living_ones_is_made_again(stores, fill_store, check_store, config, end, lost):
    store = stores.open()
    records = fill_store(store, 150)
    end(store)
    shutil.rmtree(queue_directory(config, lost))
    store = stores.open()
    check_store(store, records)
    records += fill_store(store, 50)
    check_store(stores.reopen(store), records)


@pytest.mark.parametrize("number", [0, 1, -1])
def test_queue_that_lost_one_of_its_files_is_made_again(stores, fill_store, check_store, config, end, number):
    store = stores.open()
    records = fill_store(store, 150, topics=1, queues=2)
    end(store)
    sorted(queue_directory(config, "Topic0/1").iterdir())[number].unlink()
    check_store(stores.open(), records)


def test_messages_of_a_lost_queue_that_have_expired_stay_away(stores, fill_store, config, end):
    store = stores.open()
    records = fill_store(store, 200, topics=1, queues=2)
    store.log.files.delete_first()
    first = store.log.min_offset
    end(store)
    shutil.rmtree(queue_directory(config, "Topic0/1"))
    store = stores.open()
    queue = store.queues.find("Topic0", 1)
    left = [record for record in records if record.queue_id == 1 and record.physical_offset >= first]
    assert (queue.min_offset, queue.next_offset) == (left[0].queue_offset, left[-1].queue_offset + 1)
    for record in left:
        assert queue.entry(record.queue_offset)[0] == record.physical_offset


@pytest.mark.parametrize("how", ["close", "kill"])
def test_queues_of_a_deleted_topic_stay_away(stores, fill_store, config, how):
    store = stores.open()
    fill_store(store, 151)
    store.delete_topic("Topic1")
    Path(config.store_path_root_dir, "config").mkdir()
    Path(config.store_path_root_dir, "config", "topics.json").write_text('{"topicConfigTable":{"Topic0":{}}}')
    if how == "close":
        store.close(0)
        stores.opened.remove(store)
    else:
        stores.kill(store)
    shutil.rmtree(queue_directory(config, "Topic0/1"))
    store = stores.open()
    assert {topic for (topic, _), queue in store.queues.table.items() if queue.next_offset} == {"Topic0"}
    assert store.max_offset("Topic0", 1) == 25


def test_closed_store_is_not_searched(stores, fill_store, searched):
    store = stores.open()
    fill_store(store, 100)
    assert len(searched) <= 1       # the directories were made when it was opened, without a checkpoint
    searched.clear()
    store.close(0)
    os.utime(store.paths.checkpoint, (1 << 32, 1 << 32))
    stores.opened.remove(store)
    stores.open()
    assert not searched


def test_whole_store_is_searched_without_reading_its_log(stores, fill_store, monkeypatch, check_store):
    read = []
    monkeypatch.setattr(lost_queues, "intact_size", lambda *arguments, **options: read.append(arguments) or 0)
    store = stores.open()
    records = fill_store(store, 150)
    stores.kill(store)
    check_store(stores.open(), records)
    assert not read


def test_records_without_an_entry_do_no_harm(stores, fill_store, check_store, make_record, now, end):
    store = stores.open()
    records = fill_store(store, 20)
    store.append(make_record("Topic0", 0, sys_flag=4), now)
    records += fill_store(store, 20)
    entries = {key: queue.next_offset for key, queue in store.queues.table.items()}
    end(store)
    store = stores.open()
    assert {key: queue.next_offset for key, queue in store.queues.table.items()} == entries


def test_index_that_was_lost_is_made_again(stores, fill_store, check_store, config, end):
    store = stores.open()
    records = fill_store(store, 100)
    end(store)
    shutil.rmtree(Path(config.store_path_root_dir, "index"))
    check_store(stores.open(), records)


def test_store_that_was_not_indexed_is_when_that_is_wanted(stores, fill_store, check_store):
    store = stores.open(message_index_enable=False)
    records = fill_store(store, 100)
    store.close(0)
    stores.opened.remove(store)
    check_store(stores.open(message_index_enable=True), records)
