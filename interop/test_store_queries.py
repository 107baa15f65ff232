"""Queries of the store by time, by key and by number: one directory, opened by the official broker and by ours, the
same answers.

Times are chosen: files that begin or end with a time asked for, many messages of one time, files that have expired.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop.java_servers import JavaBroker, JavaNameServer
from interop.our_servers import OurBroker
from interop.raw_client import RawClient
from interop.server import BrokerProcess
from rocketpy.config.store import StoreConfig
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.message import decode_messages
from rocketpy.protocol.record import Record, encode_host
from rocketpy.store.message_store import MessageStore

HOST = encode_host("127.0.0.1", 10911)
TOPIC = "Queries"
ENTRIES = 20
"""In a file of a queue."""
SETTINGS = {
    "mappedFileSizeCommitLog": str(16 << 10),
    "mappedFileSizeConsumeQueue": str(20 * ENTRIES),
    "maxHashSlotNum": "8",  # chains of many keys
    "maxIndexNum": "40",
    "fileReservedTime": "1000000",
}
BEGIN = 1_700_000_000_000
TIMES = {
    0: [BEGIN + 1000 * number for number in range(50)],  # three files
    1: [BEGIN + 5000] * 50,
    2: [BEGIN + 10_000 * (number // 7) for number in range(45)],
    3: [BEGIN + 7000],
    4: [BEGIN + 100 * number for number in range(ENTRIES)],  # a full file
    5: [BEGIN + 40_000 + 300 * number for number in range(5)],
}
KEYS = ("all", "Aa", "BB", "k3", "k33", "none", "schlüssel")


def _write(directory: Path) -> None:
    """A store with these messages in the order of their times, closed."""
    config = StoreConfig(store_path_root_dir=str(directory))
    config.update(SETTINGS)
    store = MessageStore(config)
    store.open(BEGIN)
    # the record at 0 has no keys: when it has expired Java finds another one in its place (CommitLog.getMessage:935)
    store.append(Record("First", 0, b"first", born_host=HOST, store_host=HOST, born_timestamp=BEGIN), BEGIN)
    arrivals = sorted((time, queue_id) for queue_id, times in TIMES.items() for time in times)
    for number, (time, queue_id) in enumerate(arrivals):
        keys = f"all k{number % 40} {('Aa', 'BB', 'schlüssel')[number % 3]}"
        properties = f"UNIQ_KEY\1{number:032X}\2KEYS\1{keys}\2TAGS\1T{number % 3}"
        record = Record(TOPIC, queue_id, f"№{number}".encode() * 5, properties.encode(), born_host=HOST,
                        store_host=HOST, born_timestamp=time)  # fmt: skip
        record.read_properties()
        result = store.append(record, time)
        assert result.status.value == 0
    store.close(BEGIN + 100_000)


def _settle_times(directory: Path) -> None:
    """Each file of a queue was last written with its last message; Java goes by that (ConsumeQueue:160)."""
    for queue_id, times in TIMES.items():
        for path in (directory / "consumequeue" / TOPIC / str(queue_id)).iterdir():
            last = times[: int(path.name) // 20 + ENTRIES][-1] / 1000
            os.utime(path, (last, last))


def _expire(directory: Path) -> None:
    """Take away the oldest third of the log, as an expiry does; of queues and index a later run takes the files."""
    files = sorted((directory / "commitlog").iterdir())
    for path in files[: len(files) // 3]:
        path.unlink()


def _by_time(broker: RawClient) -> Iterator[object]:
    asked = {time + offset for times in TIMES.values() for time in times for offset in (-1, 0, 1, 499, 500, 501)}
    for queue_id in (*TIMES, 9):
        for time in sorted({0, 1 << 62, BEGIN - 10**6, BEGIN + 10**6, *asked}):
            fields = {"topic": TOPIC, "queueId": str(queue_id), "timestamp": str(time)}
            answer = broker.ask(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, fields)
            yield queue_id, time - BEGIN, answer.code, (answer.ext_fields or {}).get("offset")


def _by_number(broker: RawClient) -> Iterator[object]:
    for queue_id in (*TIMES, 9):
        fields = {"topic": TOPIC, "queueId": str(queue_id)}
        for code in (RequestCode.GET_MIN_OFFSET, RequestCode.GET_MAX_OFFSET, RequestCode.GET_EARLIEST_MSG_STORETIME):
            yield queue_id, code.name, sorted((broker.ask(code, fields).ext_fields or {}).items())
        for index in (-1, 0, 1, ENTRIES - 1, ENTRIES, 2 * ENTRIES, 44, 49, 50, 51) if queue_id in TIMES else ():
            asked = fields | {"index": str(index), "count": "25"}
            answer = broker.ask(RequestCode.QUERY_CONSUME_QUEUE, asked)
            yield queue_id, index, answer.code, answer.remark, answer.body


def _by_key(broker: RawClient) -> Iterator[object]:
    ends = (0, *(BEGIN + offset for offset in (-1, 0, 999, 1000, 5000, 5001, 20_000, 49_000, 50_000)), 1 << 62)
    for key in (*KEYS, f"{0:032X}", f"{77:032X}"):
        for begin in ends:
            for end in ends:
                for count in (64, 3):
                    fields = {"topic": TOPIC, "key": key, "maxNum": str(count), "beginTimestamp": str(begin),
                              "endTimestamp": str(end)}  # fmt: skip
                    answer = broker.ask(RequestCode.QUERY_MESSAGE, fields)
                    found = [message.physical_offset for message in decode_messages(answer.body)] if answer.body else []
                    header = sorted((answer.ext_fields or {}).items())
                    yield key, begin - BEGIN, end - BEGIN, count, answer.code, answer.remark, header, found


@pytest.fixture(scope="module", params=["whole", "expired"])
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, list[object]]]:
    """What both brokers answer, by subject."""
    directory = tmp_path_factory.mktemp(f"queries-{request.param}")
    _write(directory / "store")
    if request.param == "expired":
        _expire(directory / "store")
    _settle_times(directory / "store")
    answers = {}
    with JavaNameServer(directory / "namesrv") as namesrv:
        kinds: dict[str, type[BrokerProcess]] = {"java": JavaBroker, "ours": OurBroker}
        for name, kind in kinds.items():
            broker = kind(directory / name, namesrv.address, **SETTINGS)
            shutil.copytree(directory / "store", broker.store)
            with broker, RawClient(broker.address) as client:
                answers[name] = {
                    subject: list(ask(client))
                    for subject, ask in (("time", _by_time), ("number", _by_number), ("key", _by_key))
                }
    return answers


@pytest.mark.parametrize("subject", ["time", "number", "key"])
def test_answers_are_the_same(answers: dict[str, dict[str, list[object]]], subject: str) -> None:
    ours, javas = answers["ours"][subject], answers["java"][subject]
    expired = _expired_queues(answers["ours"]["number"])
    different = [
        (one, other)
        for one, other in zip(ours, javas, strict=True)
        if one != other and one[0] not in expired  # type: ignore[index]
    ]
    assert different[:5] == [], len(different)


def _expired_queues(rows: list[Any]) -> set[int]:
    """Those that have nothing left: they begin where they end. Java says that they begin at 0."""
    bounds: dict[int, list[str]] = {}
    for queue_id, name, *answer in rows:
        if name in ("GET_MIN_OFFSET", "GET_MAX_OFFSET"):
            bounds.setdefault(queue_id, []).append(answer[0][0][1])
    return {queue_id for queue_id, (low, high) in bounds.items() if low == high and queue_id in TIMES}


def test_expired_queues_begin_where_they_end(answers: dict[str, dict[str, list[object]]]) -> None:
    ours, javas = ({row[:2]: row[2] for row in answers[name]["number"]} for name in ("ours", "java"))  # type: ignore[index]
    for queue_id in _expired_queues(answers["ours"]["number"]):
        assert ours[queue_id, "GET_MAX_OFFSET"] == javas[queue_id, "GET_MAX_OFFSET"]
        assert javas[queue_id, "GET_MIN_OFFSET"] == [("offset", "0")]
