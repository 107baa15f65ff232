"""The dissector's notation of records and store files against rocketpy's encoder and against bytes made by hand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bitstring import Bits
from click.testing import CliRunner

from rocketpy.protocol import record as codec
from tools.dissect import kind_of
from tools.dissect.__main__ import dissect
from tools.dissect.layouts import LayoutError
from tools.dissect.records import batch, record, records
from tools.dissect.store_files import (
    checkpoint,
    commit_log,
    consume_queue,
    consume_queue_ext,
    index_chain,
    index_file,
)

HOSTS = ["127.0.0.1", "::1", "10.20.30.40", "2001:db8::5"]


def encoded(rng: random.Random, physical_offset: int = 0) -> tuple[codec.Record, bytes]:
    properties = {f"n{at}é": "".join(rng.choices("a漢 b", k=rng.randint(1, 5))) for at in range(rng.randint(0, 4))}
    one = codec.Record(
        rng.choice(["T", "Töpic", "x" * 127]),
        rng.randint(0, 1023),
        rng.randbytes(rng.randint(0, 60)),
        "\x02".join(f"{name}\x01{value}" for name, value in properties.items()).encode(),
        flag=rng.randint(-5, 5),
        sys_flag=rng.choice([0, 1, 8]),
        born_timestamp=rng.randint(0, 1 << 41),
        born_host=codec.encode_host(rng.choice(HOSTS), rng.randint(0, 65535)),
        store_host=codec.encode_host(rng.choice(HOSTS), rng.randint(0, 65535)),
        reconsume_times=rng.randint(0, 16),
        prepared_transaction_offset=rng.randint(0, 1 << 40),
    )
    topic = codec.topic_field(one.topic)
    hosts = len(one.born_host) + len(one.store_host)
    size = codec.record_size(len(one.body), len(topic) - 1, len(one.properties), hosts)
    buffer = bytearray(size)
    codec.encode_into(memoryview(buffer), 0, one, topic, rng.randint(0, 1 << 40), physical_offset, 1_700_000_000_123)
    return one, bytes(buffer)


@pytest.mark.parametrize("seed", range(40))
def test_both_notations_agree_on_a_record(seed: int) -> None:
    one, data = encoded(random.Random(seed), physical_offset=seed)
    fields = record(data + b"behind")
    assert fields["total_size"] == len(data)
    assert (fields["topic"], fields["queue_id"], fields["body"]) == (one.topic, one.queue_id, one.body)
    assert (fields["physical_offset"], fields["store_timestamp"]) == (seed, 1_700_000_000_123)
    assert fields["body_crc_holds"]
    for host, mine in (("born_host", one.born_host), ("store_host", one.store_host)):
        address, port = codec.decode_host(mine)
        assert fields[host] == (f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
    for name in ("flag", "born_timestamp", "reconsume_times", "prepared_transaction_offset"):
        assert fields[name] == getattr(one, name)
    pairs = [pair.split("\x01") for pair in one.properties.decode().split("\x02") if pair]
    assert fields["properties"] == dict(pairs)


def test_records_of_a_pull_are_told_apart() -> None:
    rng = random.Random(1)
    many = [encoded(rng, number)[1] for number in range(5)]
    assert [one["physical_offset"] for one in records(b"".join(many))] == [0, 1, 2, 3, 4]


def test_record_that_is_cut_off_is_refused() -> None:
    _, data = encoded(random.Random(2))
    for length in range(len(data)):
        with pytest.raises(LayoutError):
            record(data[:length])


def test_commit_log_ends_at_its_blank_and_at_damage() -> None:
    rng = random.Random(3)
    first, second = encoded(rng, 0)[1], encoded(rng, 1)[1]
    blank = codec.blank(100)
    whole = list(commit_log(first + second + blank + bytes(92)))
    assert [one["position"] for one in whole] == [0, len(first), len(first) + len(second)]
    assert whole[-1]["blank"]
    assert whole[-1]["total_size"] == 100
    assert [one["position"] for one in commit_log(first + bytes(50))] == [0]
    *_, damage = commit_log(first + b"\0\0\0\x30garbage" + bytes(50))
    assert "magic" in damage["error"]


def test_batch_is_taken_apart() -> None:
    inner = [("é".encode(), b"K\x01V"), (b"", b"")]
    data = b"".join(
        Bits(
            f"int:32={22 + len(body) + len(properties)}, int:32=0, int:32=0, int:32=7, int:32={len(body)}"
        ).tobytes() + body + len(properties).to_bytes(2) + properties
        for body, properties in inner
    )  # fmt: skip
    assert [(one["flag"], one["body"], one["properties"]) for one in batch(data)] == [
        (7, "é".encode(), {"K": "V"}),
        (7, b"", {}),
    ]


def test_consume_queue_shows_entries_filler_and_addresses() -> None:
    rows = [(0, 0x7FFFFFFF, 0), (0, 100, 2598919), (100, 50, -(1 << 63) + 40), (0, 0, 0), (7, 7, 7)]
    data = b"".join(Bits(f"int:64={a}, int:32={b}, int:64={c}").tobytes() for a, b, c in rows)
    filler, plain, extended = consume_queue(data)
    assert filler["filler"]
    assert (plain["physical_offset"], plain["size"], plain["tags_code"]) == (0, 100, 2598919)
    assert extended["ext_position"] == 40


def test_extension_shows_units_and_where_the_file_ends() -> None:
    data = Bits("int:16=22, int:64=5, int:64=6, int:16=2, uint:16=3, int:16=-1").tobytes() + bytes(10)
    unit, end = consume_queue_ext(data)
    assert (unit["tags_code"], unit["msg_store_time"], unit["bit_map"]) == (5, 6, "0" * 14 + "11")
    assert end == {"position": 22, "end_of_file": True}


def test_index_shows_entries_and_chains() -> None:
    slots, room = 7, 5
    header = Bits("int:64=1000, int:64=2000, int:64=64, int:64=128, int:32=1, int:32=3").tobytes()
    slot_words = b"".join(Bits(f"int:32={2 if slot == 3 else 0}").tobytes() for slot in range(slots))
    entries = [
        Bits(f"int:32={key_hash}, int:64={at}, int:32=0, int:32={before}").tobytes()
        for key_hash, at, before in ((0, 0, 0), (10, 64, 0), (10, 128, 1))
    ]
    data = header + slot_words + b"".join(entries) + bytes(20 * (room - 3))
    head, *shown = index_file(data)
    assert head["slots"] == slots
    assert [(one["entry"], one["slot"], one["physical_offset"]) for one in shown] == [(1, 3, 64), (2, 3, 128)]
    assert index_chain(data, slots, 3) == [2, 1]
    assert index_chain(data, slots, 0) == []


def test_checkpoint_shows_its_three_times(tmp_path: Path) -> None:
    data = Bits("int:64=1, int:64=2, int:64=3").tobytes() + bytes(4072)
    assert list(checkpoint(data)) == [
        {"physic_msg_timestamp": 1, "logics_msg_timestamp": 2, "index_msg_timestamp": 3}
    ]
    (tmp_path / "checkpoint").write_bytes(data)
    done = CliRunner().invoke(dissect, [str(tmp_path / "checkpoint")])
    assert "logics_msg_timestamp: 2 (1970-01-01T00:00:00.002+00:00)" in done.output


def test_kind_is_told_by_path_or_by_bytes() -> None:
    _, data = encoded(random.Random(4))
    assert kind_of(data) == "commitlog"
    assert kind_of(b"", "/s/store/consumequeue/T/0/00000000000000000000") == "consumequeue"
    assert kind_of(b"", "store/index/20240101000000000") == "index"
    with pytest.raises(LayoutError):
        kind_of(b"hello world")
