"""The CommitLog record, against a second notation of its layout and against damage of every kind."""

import random
import struct
import zlib

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.properties import property_value, split_properties
from rocketpy.protocol.record import (
    BLANK_MAGIC,
    MAGIC,
    Record,
    blank,
    decode,
    decode_host,
    encode_host,
    encode_into,
    intact_size,
    offset_message_id,
    peek_properties,
    peek_size_and_magic,
    peek_store_timestamp,
    record_size,
    tags_code,
    topic_field,
)
from tools.dissect.records import record as dissect

V4 = encode_host("192.168.1.200", 10911)
V6 = encode_host("2001:db8::ff00:42:8329", 65535)
HOSTS = [(V4, V4), (V6, V4), (V4, V6), (V6, V6)]


def make(rng: random.Random, born_host: bytes, store_host: bytes) -> Record:
    topic = "".join(rng.choice("abcXYZ-_%|09") for _ in range(rng.randint(1, 127)))
    text = "".join(rng.choice("aé中🚀\x01") for _ in range(rng.randint(0, 300)))
    return Record(
        topic,
        rng.randrange(1 << 31),
        rng.randbytes(rng.choice([0, 1, 128, 5000])),
        text.encode(),
        flag=rng.randint(-(1 << 31), (1 << 31) - 1),
        sys_flag=rng.choice([0, 1, 4, 8, 12, 0x301]),
        born_timestamp=rng.randrange(1 << 60),
        born_host=born_host,
        store_host=store_host,
        reconsume_times=rng.randrange(1 << 31),
        prepared_transaction_offset=rng.randrange(1 << 60),
    )


def encode(record: Record, queue_offset: int = 7, physical_offset: int = 1 << 40) -> bytes:
    topic = topic_field(record.topic)
    size = record_size(
        len(record.body), len(topic) - 1, len(record.properties), len(record.born_host) + len(record.store_host)
    )
    buffer = bytearray(size + 6)
    encode_into(memoryview(buffer), 3, record, topic, queue_offset, physical_offset, 1_700_000_000_123)
    assert buffer[:3] == buffer[-3:] == bytes(3)
    return bytes(buffer[3:-3])


@pytest.mark.parametrize(("born_host", "store_host"), HOSTS)
@pytest.mark.parametrize("seed", range(8))
def test_record_is_read_as_it_was_written(seed, born_host, store_host):
    record = make(random.Random(seed), born_host, store_host)
    data = encode(record)
    for padding in (0, 5):
        found = decode(bytes(padding) + data + bytes(padding), padding)
        v6 = (0x10 if born_host is V6 else 0) | (0x20 if store_host is V6 else 0)
        assert found.sys_flag == record.sys_flag | v6
        assert (found.queue_offset, found.physical_offset, found.store_timestamp) == (7, 1 << 40, 1_700_000_000_123)
        assert found.size == len(data)
        for name in (
            "topic", "queue_id", "body", "properties", "flag", "born_timestamp", "born_host", "store_host",
            "reconsume_times", "prepared_transaction_offset",
        ):  # fmt: skip
            assert getattr(found, name) == getattr(record, name), name
    assert intact_size(data, 0) == len(data)
    assert peek_store_timestamp(data) == 1_700_000_000_123
    assert peek_size_and_magic(data, 0) == (len(data), MAGIC)
    assert peek_properties(data) == peek_properties(memoryview(data)) == record.properties


@pytest.mark.parametrize(("born_host", "store_host"), HOSTS)
def test_second_notation_of_the_layout_agrees(born_host, store_host):
    record = make(random.Random(3), born_host, store_host)
    data = encode(record)
    fields = dissect(data)
    assert fields["total_size"] == len(data)
    assert fields["body_crc"] == zlib.crc32(record.body) & 0x7FFFFFFF
    assert (fields["queue_offset"], fields["physical_offset"], fields["store_timestamp"]) == (
        7, 1 << 40, 1_700_000_000_123,
    )  # fmt: skip
    assert fields["sys_flag"] & ~0x30 == record.sys_flag
    for name, host in (("born_host", born_host), ("store_host", store_host)):
        assert fields[name] == ("192.168.1.200:10911" if host is V4 else "[2001:db8::ff00:42:8329]:65535")
    for name in ("topic", "queue_id", "body", "flag", "born_timestamp", "reconsume_times"):
        assert fields[name] == getattr(record, name), name
    assert fields["prepared_transaction_offset"] == record.prepared_transaction_offset


@pytest.mark.parametrize(("born_host", "store_host"), HOSTS)
def test_v6_bits_are_those_of_the_hosts_whatever_the_sender_said(born_host, store_host):
    record = make(random.Random(5), born_host, store_host)
    for sent in (0x10, 0x20, 0x30, -1):
        record.sys_flag = sent
        data = encode(record)
        stored = decode(data, 0)
        assert intact_size(data, 0) == len(data)
        assert (stored.born_host, stored.store_host, stored.topic) == (born_host, store_host, record.topic)
        assert stored.sys_flag | 0x30 == sent | 0x30


def test_hosts_are_address_and_port():
    assert bytes([192, 168, 1, 200, 0, 0, 0x2A, 0x9F]) == V4
    assert decode_host(V4) == ("192.168.1.200", 10911)
    assert decode_host(V6) == ("2001:db8::ff00:42:8329", 65535)
    assert encode_host("fe80::1%eth0", 1) == encode_host("fe80::1", 1)
    with pytest.raises(OSError, match="illegal IP"):
        encode_host("localhost", 1)


def test_message_id_is_store_host_and_offset():
    assert offset_message_id(V4, 0x1234) == "C0A801C800002A9F0000000000001234"
    assert offset_message_id(V6, 1) == "20010DB8000000000000FF00004283290000FFFF0000000000000001"


def test_blank_says_how_much_room_it_fills():
    assert blank(4096) == struct.pack(">ii", 4096, BLANK_MAGIC)
    assert BLANK_MAGIC & 0xFFFFFFFF == 0xCBD43194


@pytest.mark.parametrize(("born_host", "store_host"), HOSTS)
def test_truncated_record_is_none(born_host, store_host):
    data = encode(Record("TopicTest", 1, b"body", b"K\x01V", born_host=born_host, store_host=store_host))
    for length in range(len(data)):
        assert intact_size(data[:length], 0) == 0
        assert intact_size(data[:length].ljust(len(data), b"\0"), 0) in (0, len(data))
        with pytest.raises(ProtocolError):
            decode(data[:length])


def test_flipped_bits_never_run_past_the_end():
    data = encode(Record("TopicTest", 1, b"the body", b"K\x01V", born_host=V4, store_host=V4))
    body_at = data.index(b"the body")
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            size = intact_size(damaged, 0)
            assert size in (0, len(data))
            if at < 8 or 8 <= at < 12 or body_at - 4 <= at <= body_at + 8:
                assert size == 0, f"byte {at}"
            try:
                decode(bytes(damaged))
            except ProtocolError:
                assert size == 0 or at > body_at


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"KEYS\x01a b\x02TAGS\x01x", "a b"),
        (b"TAGS\x01x\x02KEYS\x01a b", "a b"),
        (b"TAGS\x01x\x02KEYS\x01a b\x02", "a b"),
        (b"XKEYS\x01no\x02KEYS\x01yes\x02XKEYS\x01no", "yes"),
        (b"KEYS\x01first\x02KEYS\x01last", "last"),
        (b"KEYS\x01first\x02KEYS\x01", "first"),
        (b"KEYS\x01a\x01b", "a\x01b"),
        (b"K\x01KEYS\x01a", None),
        (b"KEYS", None),
        (b"KEYS\x01", None),
        (b"", None),
        ("KEYS\x01中é🚀".encode(), "中é🚀"),
    ],
)
def test_property_is_found_as_java_parses(text, value):
    assert property_value(text, b"KEYS\x01") == value


def test_properties_are_found_in_their_text_as_in_the_dict():
    chance = random.Random(5)
    for _ in range(3_000):
        letters = ("a", "b", "ab", "\x01", "\x02", "ü", "1", "long value of a property")
        text = "".join(chance.choices(letters, k=chance.randrange(25)))
        known = split_properties(text)
        for name in ("a", "b", "ab", "ba", "aab", "ü", "1", "none", *known):
            assert property_value(text.encode(), f"{name}\x01".encode()) == known.get(name), (text, name)


def test_tags_code_is_the_hash_of_the_tag():
    assert tags_code("A\x01b\x02TAGS\x01标签".encode()) == string_hash("标签")
    assert tags_code(b"TAGS\x01") == tags_code(b"") == 0


def test_properties_give_what_queue_and_index_take():
    record = Record("T", 0, b"", b"KEYS\x01a b\x02UNIQ_KEY\x01u\x02TAGS\x01Aa")
    record.read_properties()
    assert (record.keys, record.uniq_key, record.tags_code) == ("a b", "u", 2112)


def test_topic_that_does_not_fit_is_refused():
    assert topic_field("é" * 63) == bytes([126]) + ("é" * 63).encode()
    with pytest.raises(ProtocolError, match="128 bytes"):
        topic_field("é" * 64)


def test_transaction_bits_survive():
    record = Record("T", 0, b"", sys_flag=MessageSysFlag.TRANSACTION_COMMIT, born_host=V6, store_host=V4)
    assert decode(encode(record)).sys_flag == MessageSysFlag.TRANSACTION_COMMIT | MessageSysFlag.BORNHOST_V6


def test_properties_of_what_is_cut_off_are_refused():
    data = encode(make(random.Random(3), V4, V4))
    for length in range(88):
        for cut in (data[:length], memoryview(data)[:length]):
            with pytest.raises(ProtocolError):
                peek_properties(cut)
