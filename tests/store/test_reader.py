"""What a get, a search by time and a query by key find."""

import random

import pytest

from rocketpy.config.store import BrokerRole
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.record import decode, tags_code
from rocketpy.store.entry_filter import RecordFilter
from rocketpy.store.results import GetStatus


def got(result):
    return (result.status, result.next_begin_offset, result.min_offset, result.max_offset)


@pytest.fixture
def aged(stores, fill_store):
    """A queue of 120 messages the first of which have expired."""
    store = stores.open()
    fill_store(store, 120, topics=1, queues=1)
    queue = store.queues.find("Topic0", 0)
    store.log.files.delete_first()
    queue.delete_expired(store.log.min_offset)
    return store


def test_unknown_queue_has_no_messages(store):
    assert got(store.get("Nowhere", 0, 5, 32)) == (GetStatus.NO_MESSAGE_IN_QUEUE, 0, 0, 0)
    assert (store.min_offset("Nowhere", 0), store.max_offset("Nowhere", 0)) == (0, 0)
    assert (store.offset_by_time("Nowhere", 0, 1), store.earliest_time("Nowhere", 0)) == (0, -1)
    assert store.store_time("Nowhere", 0, 0) == -1
    assert store.queues.find("Nowhere", 0) is None


def test_offsets_out_of_range_are_put_right(aged):
    low, high = aged.min_offset("Topic0", 0), 120
    assert low > 20
    assert got(aged.get("Topic0", 0, 0, 32)) == (GetStatus.OFFSET_TOO_SMALL, low, low, high)
    assert got(aged.get("Topic0", 0, -1, 32)) == (GetStatus.OFFSET_TOO_SMALL, low, low, high)
    assert got(aged.get("Topic0", 0, 120, 32)) == (GetStatus.OFFSET_OVERFLOW_ONE, 120, low, high)
    assert got(aged.get("Topic0", 0, 121, 32)) == (GetStatus.OFFSET_OVERFLOW_BADLY, high, low, high)


def test_slave_leaves_offsets_as_they_are(aged):
    aged.config.broker_role = BrokerRole.SLAVE
    for asked in (0, 120, 121):
        assert aged.get("Topic0", 0, asked, 32).next_begin_offset == asked
    aged.config.offset_check_in_slave = True
    assert aged.get("Topic0", 0, 121, 32).next_begin_offset == 120


def test_get_ends_with_the_queue_file(stores, fill_store):
    store = stores.open()
    fill_store(store, 60, topics=1, queues=1)
    found = store.get("Topic0", 0, 15, 32)
    assert (found.message_count, found.next_begin_offset) == (5, 20)


def test_get_gives_at_most_what_is_asked_and_allowed(stores, fill_store):
    store = stores.open(mapped_file_size_consume_queue=20_000, max_transfer_count_on_message_in_memory=7)
    records = fill_store(store, 60, topics=1, queues=1)
    sizes = [record.size for record in records]
    for asked, expected in ((0, 1), (1, 1), (5, 5), (8, 7), (32, 7)):
        found = store.get("Topic0", 0, 0, asked)
        assert (found.message_count, found.size) == (expected, sum(sizes[:expected]))
        assert b"".join(map(bytes, found.views)) == b"".join(
            bytes(store.message_at(record.physical_offset)) for record in records[:expected]
        )
    with pytest.raises(ValueError, match="Illegal Capacity: -1"):
        store.get("Topic0", 0, 0, -1)
    store.config.max_transfer_bytes_on_message_in_memory = sum(sizes[:3])
    assert store.get("Topic0", 0, 0, 32).message_count == 3
    store.config.max_transfer_bytes_on_message_in_memory = 1
    assert store.get("Topic0", 0, 0, 32).message_count == 1


def test_messages_on_disk_only_are_given_in_smaller_portions(stores, fill_store):
    store = stores.open(mapped_file_size_consume_queue=20_000, access_message_in_memory_max_ratio=1)
    records = fill_store(store, 60, topics=1, queues=1)
    end = store.log.max_offset
    store.reader._physical_memory = 100 * (end - records[20].physical_offset)
    found = store.get("Topic0", 0, 0, 32)
    assert (found.message_count, found.suggest_slave) == (8, True)
    assert found.behind == end - records[8].physical_offset
    assert store.get("Topic0", 0, 15, 32).message_count == 32
    assert store.get("Topic0", 0, 19, 32).suggest_slave is False
    assert [store.is_cold("Topic0", 0, number) for number in (0, 19, 20, 59)] == [True, True, False, False]


def test_neighbours_in_the_log_share_a_view(stores, fill_store):
    store = stores.open(mapped_file_size_consume_queue=20_000)
    fill_store(store, 60, topics=1, queues=1)
    found = store.get("Topic0", 0, 0, 32)
    assert found.message_count == 32
    assert len(found.views) == 1 + (found.views[0].nbytes != found.size)


def test_tags_choose_messages(stores, fill_store):
    store = stores.open(mapped_file_size_consume_queue=20_000)
    fill_store(store, 60, topics=1, queues=1)
    one = string_hash("Tag1")
    of_records = RecordFilter(lambda record: tags_code(decode(record).properties) == one)
    for chosen in (frozenset({one}), of_records, RecordFilter(lambda record: True, frozenset({one}))):
        found = store.get("Topic0", 0, 0, 5, chosen)
        assert (found.status, found.message_count, found.next_begin_offset) == (GetStatus.FOUND, 5, 14)
        found = store.get("Topic0", 0, 59, 5, chosen)
        assert got(found) == (GetStatus.NO_MATCHED_MESSAGE, 60, 0, 60)
    assert store.get("Topic0", 0, 0, 5, frozenset()).status is GetStatus.NO_MATCHED_MESSAGE


def test_get_looks_at_800_entries_for_a_match(stores, make_record, now):
    store = stores.open(mapped_file_size_consume_queue=40_000, mapped_file_size_commit_log=1 << 20)
    for _ in range(1000):
        store.append(make_record(body=b"", tags="No"), now)
    store.append(make_record(tags="Yes"), now)
    chosen = frozenset({string_hash("Yes")})
    assert got(store.get("TopicTest", 0, 0, 32, chosen)) == (GetStatus.NO_MATCHED_MESSAGE, 800, 0, 1001)
    assert store.get("TopicTest", 0, 0, 900, chosen).next_begin_offset == 900
    assert store.get("TopicTest", 0, 800, 32, chosen).status is GetStatus.FOUND


def test_addresses_of_an_extension_match_every_tag(store, make_record, now):
    record = make_record(tags="A")
    record.tags_code = -(1 << 63) + 34
    store.append(record, now)
    assert store.get("TopicTest", 0, 0, 1, frozenset({1})).status is GetStatus.FOUND


def test_expired_messages_are_passed_over(stores, fill_store):
    """The log may lose files a moment before the queues learn of it."""
    store = stores.open(mapped_file_size_consume_queue=20_000)
    records = fill_store(store, 60, topics=1, queues=1)
    store.log.files.delete_first()
    kept = [record for record in records if record.physical_offset >= 8192]
    found = store.get("Topic0", 0, 0, 3)
    assert (found.status, found.message_count) == (GetStatus.FOUND, 3)
    assert found.next_begin_offset == kept[3].queue_offset


def test_queue_that_has_expired_shows_its_end(stores, fill_store, make_record, now):
    store = stores.open()
    fill_store(store, 10, topics=1, queues=1)
    for _ in range(100):
        store.append(make_record("Other"), now)
    store.log.files.delete_first()
    store.queues.find("Topic0", 0).delete_expired(store.log.min_offset)
    assert got(store.get("Topic0", 0, 3, 32)) == (GetStatus.OFFSET_TOO_SMALL, 10, 10, 10)
    store = stores.reopen(store)
    assert (store.min_offset("Topic0", 0), store.max_offset("Topic0", 0)) == (10, 10)
    assert store.append(make_record("Topic0"), now).queue_offset == 10


@pytest.mark.parametrize("seed", range(5))
def test_time_finds_the_nearest_message(stores, make_record, now, seed):
    rng = random.Random(seed)
    store = stores.open()
    times = []
    for _ in range(70):
        now += rng.randrange(1, 50)
        times.append(now)
        store.append(make_record(), now)
    assert [store.offset_by_time("TopicTest", 0, time) for time in times] == list(range(70))
    assert store.offset_by_time("TopicTest", 0, 0) == 0
    assert store.offset_by_time("TopicTest", 0, now + 99) == 69
    for _ in range(50):
        time = rng.randrange(times[0], times[-1])
        found = times[store.offset_by_time("TopicTest", 0, time)]
        files = [times[first : first + 20] for first in (0, 20, 40, 60)]
        file = next(file for file in files if file[-1] >= time)
        assert abs(found - time) == min(abs(time - other) for other in file)
    assert store.earliest_time("TopicTest", 0) == times[0]
    assert store.store_time("TopicTest", 0, 33) == times[33]
    assert store.store_time("TopicTest", 0, 70) == -1


def test_earlier_neighbour_wins_a_tie(store, make_record, now):
    for time in (now, now + 10):
        store.append(make_record(), time)
    assert store.offset_by_time("TopicTest", 0, now + 5) == 0
    assert store.offset_by_time("TopicTest", 0, now + 6) == 1


def test_time_passes_over_what_has_expired(aged):
    low = aged.min_offset("Topic0", 0)
    assert aged.offset_by_time("Topic0", 0, 0) == low
    assert aged.earliest_time("Topic0", 0) == aged.store_time("Topic0", 0, low) > 0


def test_keys_find_their_messages_oldest_first(stores, fill_store):
    store = stores.open()
    records = fill_store(store, 100, topics=1)
    found = store.query("Topic0", "all", 5, 0, 1 << 62)
    offsets = [int.from_bytes(view[28:36], "big") for view in found.views]
    assert offsets == [record.physical_offset for record in records[-5:]]
    assert found.index_last_update_physical_offset == records[-1].physical_offset
    assert found.index_last_update_timestamp == records[-1].store_timestamp
    assert len(store.query("Topic0", "all", 1000, 0, 1 << 62).views) == 64
    assert store.query("Topic1", "all", 5, 0, 1 << 62).views == []


def test_keys_find_messages_of_a_time(stores, make_record, now):
    store = stores.open()
    for second in range(100):
        store.append(make_record(keys="k"), now + 1000 * second)
    found = store.query("TopicTest", "k", 64, now + 20_000, now + 29_999).views
    assert [int.from_bytes(view[56:64], "big") for view in found] == [now + 1000 * second for second in range(20, 30)]
    assert store.query("TopicTest", "k", 64, 0, now - 1).views == []


def test_keys_with_equal_hashes_find_each_other(store, make_record, now):
    store.append(make_record(keys="Aa"), now)
    store.append(make_record(keys="BB"), now)
    assert len(store.query("TopicTest", "Aa", 10, 0, 1 << 62).views) == 2


def test_nothing_is_indexed_when_the_index_is_off(stores, make_record, now):
    store = stores.open(message_index_enable=False)
    store.append(make_record(keys="k"), now)
    assert store.query("TopicTest", "k", 10, 0, 1 << 62).views == []
    assert store.index is None


def test_message_at_looks_at_the_size_only(store, make_record, now):
    result = store.append(make_record(), now)
    assert len(store.message_at(0)) == result.size
    for wrong in (-1, 1, result.size, 1 << 40):
        assert store.record_at(wrong) is None
    assert store.message_at(result.size) is None
    assert store.log.read(0, result.size + 1) is None
