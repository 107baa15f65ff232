"""Batches: all of them or none, in one file."""

import struct

import pytest

from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.java_hash import string_hash
from rocketpy.store.results import PutStatus


def body_of(count, size=10):
    """A batch of `count` messages with a body of `size` bytes each."""
    data = b""
    for number in range(count):
        body = bytes([number]) * size
        text = f"KEYS\x01k{number}\x02TAGS\x01Tag{number}\x02UNIQ_KEY\x01u{number}".encode()
        data += struct.pack(">iiiii", 22 + size + len(text), 0, 0, 5, size) + body + struct.pack(">h", len(text)) + text
    return data


def test_batch_becomes_plain_records(store, make_record, now):
    shared = make_record(queue_id=3, prepared_transaction_offset=77)
    shared.properties = b"CLUSTER\x01C"
    heard = []
    store.arrival_listeners.append(lambda *arrival: heard.append(arrival))
    result = store.append_batch(shared, body_of(4), now)
    assert (result.status, result.queue_offset, result.message_count) == (PutStatus.PUT_OK, 0, 4)
    assert result.physical_offset == 0
    assert result.size == store.log.max_offset
    physical_offsets = [int.from_bytes(field) for field in result.offset_fields]
    assert result.msg_id == ",".join(f"7F00000100002A9F{offset:016X}" for offset in physical_offsets)
    for number, physical_offset in enumerate(physical_offsets):
        record = store.record_at(physical_offset)
        assert (record.queue_id, record.queue_offset, record.flag) == (3, number, 5)
        assert (record.body, record.store_timestamp) == (bytes([number]) * 10, now)
        assert record.prepared_transaction_offset == 0
        assert record.properties.endswith(b"\x02CLUSTER\x01C")
        assert len(store.query("TopicTest", f"k{number}", 9, 0, 1 << 62).views) == 1
        assert len(store.query("TopicTest", f"u{number}", 9, 0, 1 << 62).views) == 1
    codes = [string_hash(f"Tag{number}") for number in range(4)]
    assert heard == [("TopicTest", 3, 4, codes, now)]
    assert store.append(make_record(queue_id=3), now).queue_offset == 4


def test_batch_goes_into_one_file(store, make_record, now):
    first = store.append(make_record(body=bytes(6000)), now)
    result = store.append_batch(make_record(), body_of(10, 200), now)
    assert result.physical_offset == 8192
    assert store.log.max_offset == 8192 + result.size
    assert struct.unpack(">iI", store.log.read(first.size, 8)) == (8192 - first.size, 0xCBD43194)


@pytest.mark.parametrize("left", [7, 8])
def test_batch_leaves_room_for_a_blank(store, make_record, now, left):
    size = store.append_batch(make_record(), body_of(3), now).size
    filler = store.append(make_record(body=b""), now).size
    store.append(make_record(body=bytes(8192 - 2 * size - 2 * filler - left)), now)
    result = store.append_batch(make_record(), body_of(3), now)
    assert result.physical_offset == (8192 if left < 8 else 8192 - left - size)


def test_batch_that_fits_into_no_file_is_refused(store, make_record, now):
    assert store.append_batch(make_record(), body_of(30, 500), now).status is PutStatus.MESSAGE_ILLEGAL
    store.config.max_message_size = 100
    assert store.append_batch(make_record(), body_of(3, 50), now).status is PutStatus.MESSAGE_ILLEGAL
    assert store.log.max_offset == 0


def test_batch_can_be_no_transaction(store, make_record, now):
    record = make_record(sys_flag=MessageSysFlag.TRANSACTION_PREPARED)
    assert store.append_batch(record, body_of(1), now).status is PutStatus.MESSAGE_ILLEGAL


def test_damaged_batch_stores_nothing(store, make_record, now):
    body = body_of(3)
    for cut in range(len(body)):
        if cut % (len(body) // 3):
            with pytest.raises(ValueError, match="batch"):
                store.append_batch(make_record(), body[:cut], now)
    assert store.log.max_offset == 0
    assert store.max_offset("TopicTest", 0) == 0


def test_batch_over_several_queue_files(store, make_record, now):
    for _ in range(3):
        store.append_batch(make_record(), body_of(19), now)
    assert [store.get("TopicTest", 0, at, 32).message_count for at in (0, 20, 40)] == [20, 20, 17]
