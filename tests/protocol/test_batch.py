"""Batches become the records that their messages would have become one by one."""

from __future__ import annotations

import random
import struct

import pytest

from rocketpy.protocol.batch import Batch
from rocketpy.protocol.record import Record, encode_host, encode_into, record_size, topic_field

V4, V6 = encode_host("10.0.0.1", 5), encode_host("fe80::1", 70000)


def batch_of(*messages: tuple[int, bytes, bytes]) -> bytes:
    return b"".join(
        struct.pack(">iiiii", 22 + len(body) + len(properties), 0, 0, flag, len(body))
        + body
        + struct.pack(">h", len(properties))
        + properties
        for flag, body, properties in messages
    )


@pytest.mark.parametrize(
    ("own", "shared", "stored"),
    [
        (b"A\x011", b"B\x012", b"A\x011\x02B\x012"),
        (b"A\x011\x02", b"B\x012", b"A\x011\x02B\x012"),
        (b"A\x011", b"", b"A\x011"),
        (b"", b"B\x012", b"B\x012"),
        (b"", b"", b""),
    ],
)
def test_properties_of_a_batch_are_added_to_each_message(own: bytes, shared: bytes, stored: bytes) -> None:
    batch = Batch(batch_of((5, b"x", own), (-1, b"", own)), shared)
    assert batch.messages() == [(5, b"x", stored), (-1, b"", stored)]
    assert len(batch) == 2


def test_truncated_batch_is_refused() -> None:
    data = batch_of((0, b"body", b"A\x011"), (0, b"body", b"A\x011"))
    for length in range(len(data)):
        if length != len(data) // 2:
            with pytest.raises(ValueError, match="batch is"):
                Batch(data[:length])
    with pytest.raises(ValueError, match="bytes"):
        Batch(batch_of((0, b"", b"x" * 32000)), b"y" * 800)
    for body_length, properties_length in ((-5, 0), (0, -1), (-(1 << 31), 0), ((1 << 31) - 1, 0)):
        with pytest.raises(ValueError, match="cut off"):
            Batch(struct.pack(">iiiiih", 22, 0, 0, 0, body_length, properties_length))


@pytest.mark.parametrize(("born_host", "store_host"), [(V4, V4), (V6, V4), (V4, V6), (V6, V6)])
@pytest.mark.parametrize("shared", [b"", b"CLUSTER\x01C", b"TAGS\x01t\x02KEYS\x01k"])
def test_records_are_those_of_single_messages(born_host: bytes, store_host: bytes, shared: bytes) -> None:
    rng = random.Random(13)
    names = [b"TAGS", b"KEYS", b"UNIQ_KEY", b"XTAGS", b"TAGSX", b""]
    values = [b"", b"v", "é中".encode(), b"a b", b"\xff"]
    messages = [
        (
            rng.randrange(-(1 << 31), 1 << 31),
            rng.randbytes(rng.choice([0, 3, 300])),
            b"\x02".join(rng.choice(names) + b"\x01" + rng.choice(values) for _ in range(count)),
        )
        for count in [*range(6)] * 20
    ]
    record = Record(
        "Thema", 3, b"", shared, sys_flag=0x30 | 1, born_timestamp=1 << 40, born_host=born_host, store_host=store_host,
        reconsume_times=2,
    )  # fmt: skip
    topic = topic_field("Thema")
    batch = Batch(batch_of(*messages), shared)
    data = batch.encode(record, topic, 7, 1 << 35, 1 << 41)
    assert len(data) == batch.size(record_size(0, 5, 0, len(born_host + store_host))) == sum(batch.sizes)
    at = 0
    room = memoryview(bytearray(1024))
    for number, (flag, body, _) in enumerate(messages):
        record.flag, record.body, record.properties = flag, body, batch.messages()[number][2]
        record.read_properties()
        size = batch.sizes[number]
        encode_into(room, 0, record, topic, 7 + number, (1 << 35) + at, 1 << 41)
        assert data[at : at + size] == bytes(room[:size])
        assert batch.physical_offsets[number] == (1 << 35) + at
        assert batch.tags_codes[number] == record.tags_code
        assert (batch.uniq_keys[number], batch.keys[number]) == (record.uniq_key, record.keys)
        at += size
