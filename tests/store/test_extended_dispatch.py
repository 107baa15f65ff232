"""Messages that enter queues besides their own: numbers, light queues, notification, recovery."""

import os
import shutil

import pytest

from rocketpy.errors import StoreError
from rocketpy.store.dispatch import Dispatch
from rocketpy.store.results import GetStatus

LIGHT = "%LMQ%größe"


@pytest.fixture
def multi(config):
    config.enable_multi_dispatch = config.enable_lmq = True
    return config


def send(store, make_record, now, names, queue_id=1, **fields):
    """Append a message that names these queues, as a broker does."""
    record = make_record("Topic0", queue_id, **fields)
    numbers = store.next_offsets(names, queue_id)
    record.properties += f"\2INNER_MULTI_DISPATCH\1{names}\2INNER_MULTI_QUEUE_OFFSET\1{numbers}".encode()
    return store.append(record, now)


def ends(store):
    return {key: queue.next_offset for key, queue in store.queues.table.items()}


def test_ordinary_stores_do_without(store):
    assert type(store.dispatch) is Dispatch


def test_message_enters_the_queues_it_names(stores, multi, make_record, now):
    store = stores.open()
    for number in range(3):
        send(store, make_record, now + number, f"{LIGHT},Heavy", tags="A")
    send(store, make_record, now + 3, LIGHT)
    assert ends(store) == {("Topic0", 1): 4, (LIGHT, 0): 4, ("Heavy", 1): 3}
    assert store.next_offsets(f"Heavy,{LIGHT},%LMQ%new", 1) == "3,4,0"
    own = store.queues.find("Topic0", 1)
    for topic, queue_id in ((LIGHT, 0), ("Heavy", 1)):
        queue = store.queues.find(topic, queue_id)
        assert [queue.entry(number) for number in range(3)] == [own.entry(number) for number in range(3)]
    found = store.get(LIGHT, 0, 1, 32)
    assert (found.status, found.message_count) == (GetStatus.FOUND, 3)


def test_name_given_twice_counts_once(stores, multi, make_record, now):
    store = stores.open()
    send(store, make_record, now, "Q,Q,Topic0")
    send(store, make_record, now, "Q,Q,Topic0")
    assert ends(store) == {("Topic0", 1): 2, ("Q", 1): 2}


def test_light_names_are_ordinary_ones_without_lmq(stores, multi, make_record, now):
    multi.enable_lmq = False
    store = stores.open()
    send(store, make_record, now, LIGHT, queue_id=2)
    assert ends(store) == {("Topic0", 2): 1, (LIGHT, 2): 1}


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "../../out", "a\0b", "x" * 128])
def test_name_that_no_directory_can_have_is_refused(stores, multi, make_record, now, name):
    """Java makes directories wherever the name leads."""
    store = stores.open()
    assert store.next_offsets(f"good,{name},good", 0) is None
    record = make_record("Topic0", 0)
    record.properties += f"\2INNER_MULTI_DISPATCH\1{name},good\2INNER_MULTI_QUEUE_OFFSET\x010,0".encode()
    store.append(record, now)
    assert ends(store).get(("good", 0)) == 1
    assert len(store.queues.table) == 2


@pytest.mark.parametrize(
    "properties",
    [
        b"INNER_MULTI_DISPATCH\1Q",
        b"INNER_MULTI_DISPATCH\1Q\2INNER_MULTI_QUEUE_OFFSET\x011,2",
        b"INNER_MULTI_DISPATCH\1Q\2INNER_MULTI_QUEUE_OFFSET\1one",
        b"INNER_MULTI_DISPATCH\1 \2INNER_MULTI_QUEUE_OFFSET\x010",
        b"INNER_MULTI_DISPATCH\1,\2INNER_MULTI_QUEUE_OFFSET\x010",
        b"INNER_MULTI_QUEUE_OFFSET\x010",
    ],
)
def test_lists_that_do_not_fit_are_passed_over(stores, multi, make_record, now, properties):
    store = stores.open()
    record = make_record("Topic0", 0)
    record.properties = properties
    store.append(record, now)
    assert ends(store) == {("Topic0", 0): 1}


def test_number_that_is_taken_harms_no_entry(stores, multi, make_record, now):
    """In a batch numbers are what the client says."""
    store = stores.open()
    for _ in range(3):
        send(store, make_record, now, "Q", queue_id=0)
    before = [store.queues.find("Q", 0).entry(number) for number in range(3)]
    for number in (0, 1, 2):
        record = make_record("Topic0", 0)
        record.properties += f"\2INNER_MULTI_DISPATCH\1Q\2INNER_MULTI_QUEUE_OFFSET\1{number}".encode()
        store.append(record, now)
    assert [store.queues.find("Q", 0).entry(number) for number in range(3)] == before


def test_those_who_wait_are_told_of_each_queue(stores, multi, make_record, now):
    store = stores.open()
    told = []
    store.arrival_listeners.append(lambda *arrival: told.append(arrival[:3]))
    send(store, make_record, now, f"{LIGHT},Heavy")
    send(store, make_record, now, LIGHT)
    assert told == [("Topic0", 1, 1), (LIGHT, 0, 1), ("Heavy", 1, 1), ("Topic0", 1, 2), (LIGHT, 0, 2)]


@pytest.mark.parametrize("how", ["close", "kill", "crash"])
@pytest.mark.parametrize("ext", [False, True])
def test_numbers_go_on_where_they_ended(stores, multi, make_record, now, how, ext):
    multi.enable_consume_queue_ext = ext
    store = stores.open()
    for turn in range(3):
        for number in range(40):
            send(store, make_record, now + number, LIGHT if number % 2 else f"Heavy,{LIGHT}")
        assert ends(store) == {
            ("Topic0", 1): 40 * (turn + 1), (LIGHT, 0): 40 * (turn + 1), ("Heavy", 1): 20 * (turn + 1)
        }  # fmt: skip
        expected = ends(store)
        entries = [store.queues.find(LIGHT, 0).entry(number) for number in range(40)]
        if how == "close":
            store.close(0)
            stores.opened.remove(store)
        else:
            getattr(stores, how)(store)
        store = stores.open()
        assert ends(store) == expected
        assert [store.queues.find(LIGHT, 0).entry(number) for number in range(40)] == entries
        assert store.queues.light == 1


@pytest.mark.parametrize("lost", [f"{LIGHT}/0", "Heavy/1", "Topic0/1"])
def test_lost_queues_are_made_again_after_a_crash(stores, multi, make_record, now, lost):
    store = stores.open()
    for number in range(30):
        send(store, make_record, now + number, f"Heavy,{LIGHT}")
    expected = ends(store)
    stores.crash(store)
    shutil.rmtree(os.path.join(store.paths.consume_queue, lost))
    assert ends(stores.open()) == expected


def test_too_many_light_queues_cannot_be_read(stores, multi, make_record, now):
    multi.max_lmq_consume_queue_num = 2
    store = stores.open()
    send(store, make_record, now, "%LMQ%a,%LMQ%b")
    assert store.get("%LMQ%a", 0, 0, 1).message_count == 1
    send(store, make_record, now, "%LMQ%c")
    with pytest.raises(StoreError, match="3 light queues, more than maxLmqConsumeQueueNum"):
        store.get("%LMQ%a", 0, 0, 1)
    assert store.get("Topic0", 1, 0, 1).message_count == 1
    store.delete_topic("%LMQ%b")
    assert store.get("%LMQ%a", 0, 0, 1).message_count == 1
