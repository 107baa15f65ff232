"""The same frames to an official broker and to ours leave the same files: CommitLog, ConsumeQueue, index, config."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.cluster import started_cluster
from interop.expect import becomes
from interop.raw_client import RawClient
from interop.store_image import expect_same, image
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import JSON, ROCKETMQ

INDEX_SLOTS = 97
SETTINGS = {  # small files, so that all of them roll
    "mappedFileSizeCommitLog": str(256 << 10),
    "mappedFileSizeConsumeQueue": str(20 * 64),
    "maxHashSlotNum": str(INDEX_SLOTS),
    "maxIndexNum": "150",
    "autoCreateTopicEnable": "true",
    "transactionCheckInterval": "2000",
    "transactionTimeOut": "1",
    "transactionCheckMax": "2",  # with 1 Java gives up in the same round, or in the next one, as it happens
    "fileReservedTime": "1000000",  # since BORN, the messages of transactions are not old yet
}
BROKER_TOPICS = (b"OFFSET_MOVED_EVENT", b"RMQ_SYS_TRANS_OP_HALF_TOPIC")
TOPIC = "Golden"
BORN = 1_700_000_000_000
Ask = tuple[int, dict[str, str], bytes]


def _fields(**fields: object) -> dict[str, str]:
    names = {"producerGroup": "golden", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": 4}
    numbers = {"queueId": 0, "sysFlag": 0, "bornTimestamp": BORN, "flag": 0, "reconsumeTimes": 0}
    flags = {"unitMode": "false", "maxReconsumeTimes": 16, "batch": "false", "properties": ""}
    return {name: str(value) for name, value in (names | numbers | flags | fields).items()}


def _short(fields: dict[str, str]) -> dict[str, str]:
    """The field names of SEND_MESSAGE_V2."""
    order = (
        "producerGroup topic defaultTopic defaultTopicQueueNums queueId sysFlag bornTimestamp flag properties "
        "reconsumeTimes unitMode maxReconsumeTimes batch"
    )
    return {letter: fields[name] for letter, name in zip("abcdefghijklm", order.split(), strict=True)}


def _properties(**pairs: str) -> str:
    return "\2".join(f"{name}\1{value}" for name, value in pairs.items())


def _batch(*messages: tuple[bytes, str]) -> bytes:
    parts = []
    for body, properties in messages:
        text = properties.encode()
        size = 22 + len(body) + len(text)
        head = size.to_bytes(4) + bytes(8) + (5).to_bytes(4) + len(body).to_bytes(4)
        parts.append(head + body + len(text).to_bytes(2) + text)
    return b"".join(parts)


def _topics() -> Iterator[Ask]:
    wanted = {"defaultTopic": "TBW102", "perm": 6, "topicSysFlag": 0, "order": "false"}
    for topic, filter_type in ((TOPIC, "SINGLE_TAG"), ("GoldenTags", "MULTI_TAG")):
        fields = {**wanted, "topic": topic, "readQueueNums": 4, "writeQueueNums": 4, "topicFilterType": filter_type}
        yield RequestCode.UPDATE_AND_CREATE_TOPIC, {name: str(value) for name, value in fields.items()}, b""


def _oddities() -> Iterator[Ask]:
    """One message of each kind."""
    body = "Grüße, 世界 🚀".encode()
    texts = (
        "",
        _properties(TAGS="TagA", KEYS="k1 k2  k1", UNIQ_KEY="7F000001000000000000000000000001", WAIT="true"),
        _properties(TAGS="标签🚀", KEYS="Schlüssel", größe="naïve 😀", a="1", b="x y", zzz="26", WAIT="false"),
        _properties(TAGS="TagB") + "\2",
        "broken\2TAGS\1TagC\2\1novalue\2empty\1\2twice\x011\2twice\x012",
        _properties(KEYS="Aa", TAGS="BB", CLUSTER="elsewhere"),
        _properties(**{f"name{number}": "v" * number for number in range(40)}),
    )
    for number, text in enumerate(texts):
        fields = _fields(queueId=number % 4, properties=text, flag=number - 3, bornTimestamp=BORN + number)
        yield RequestCode.SEND_MESSAGE, fields, body
        yield RequestCode.SEND_MESSAGE_V2, _short(fields), body[: number * 3]
    for level in ("18", "99", "0"):  # two hours, lowered to that, none at all
        text = _properties(DELAY=level, KEYS=f"delay{level}", TAGS="D")
        yield RequestCode.SEND_MESSAGE_V2, _short(_fields(properties=text, queueId=1)), body
    compressed = zlib.compress(b"compressed " * 900)
    yield RequestCode.SEND_MESSAGE_V2, _short(_fields(sysFlag=1, properties=_properties(TAGS="z"))), compressed
    yield RequestCode.SEND_MESSAGE_V2, _short(_fields(topic="GoldenTags", properties=_properties(TAGS="m"))), body
    yield RequestCode.SEND_MESSAGE_V2, _short(_fields(topic="GoldenMade", properties=_properties(KEYS="new"))), body
    yield RequestCode.SEND_MESSAGE_V2, _short(_fields(reconsumeTimes=3, unitMode="true")), body
    yield RequestCode.SEND_MESSAGE_V2, _short(_fields(queueId=9)), b"refused: there is no such queue"
    yield RequestCode.SEND_MESSAGE_V2, _short(_fields(properties=_properties(long="v" * 33_000))), b"refused: too long"


def _batches() -> Iterator[Ask]:
    inner = [(f"inner {number} ß".encode(), _properties(KEYS=f"b{number}", TAGS="B")) for number in range(3)]
    for whole in ("", _properties(WAIT="true"), _properties(BATCH="yes", KEYS="whole")):
        fields = _fields(batch="true", queueId=2, properties=whole)
        yield RequestCode.SEND_BATCH_MESSAGE, _short(fields), _batch(*inner, (b"", ""), (b"end", "TAGS\1T\2"))


def _rolling(seed: int) -> Iterator[Ask]:
    """Enough to fill several files of each kind."""
    random_ = random.Random(seed)
    for number in range(150):
        keys = " ".join(f"key{random_.randrange(40)}" for _ in range(random_.randrange(3)))
        text = _properties(UNIQ_KEY=f"{seed:08X}{number:024X}", TAGS=f"T{number % 5}", KEYS=keys or "none")
        fields = _fields(queueId=number % 2, properties=text, bornTimestamp=BORN + number)
        yield RequestCode.SEND_MESSAGE_V2, _short(fields), random_.randbytes(random_.randrange(8000))


def _tables() -> Iterator[Ask]:
    """What is kept under config/, and the event of a pull far beyond the end."""
    for group, queue_offset in (("golden-a", 7), ("golden-b", 3)):
        fields = {"consumerGroup": group, "topic": TOPIC, "queueId": "1", "commitOffset": str(queue_offset)}
        yield RequestCode.UPDATE_CONSUMER_OFFSET, fields, b""
    pull = {
        "consumerGroup": "golden-a",
        "topic": TOPIC,
        "queueId": "3",
        "queueOffset": "1000",
        "maxMsgNums": "32",
        "sysFlag": "4",
        "commitOffset": "0",
        "suspendTimeoutMillis": "0",
        "subscription": "*",
        "subVersion": "1",
        "expressionType": "TAG",
    }
    yield RequestCode.PULL_MESSAGE, pull, b""


def _play(broker: str) -> list[object]:
    """Send everything, and note what was answered: code, and queue offset or next offset."""
    answers: list[object] = []
    for serialization, seed in ((JSON, 1), (ROCKETMQ, 2)):
        with RawClient(broker, serialization=serialization) as client:
            for ask in (_topics, _oddities, _batches, lambda seed=seed: _rolling(seed), _tables):
                if ask is _tables:
                    _wait_dispatched(client)
                for code, fields, body in ask():
                    answer = client.ask(code, fields, body)
                    offsets = answer.ext_fields or {}
                    names = ("queueId", "queueOffset", "nextBeginOffset", "minOffset", "maxOffset")
                    answers.append((RequestCode(code).name, answer.code, [offsets.get(name) for name in names]))
    with RawClient(broker) as client:
        answers.extend(_transactions(client))
    return answers


def _transactions(client: RawClient) -> Iterator[object]:
    """Half messages of every fate, all between two rounds of checks; what was answered."""

    def half(**pairs: str) -> dict[str, str]:
        text = _properties(TRAN_MSG="true", PGROUP="golden", **pairs)
        fields = _short(_fields(properties=text, queueId=3, sysFlag=4, flag=6))
        answer = client.ask(RequestCode.SEND_MESSAGE_V2, fields, "hälfte 🚀".encode()).ext_fields or {}
        return {
            "producerGroup": "golden",
            "tranStateTableOffset": answer["queueOffset"],
            "commitLogOffset": str(int(answer["msgId"][16:], 16)),
            "msgId": pairs.get("UNIQ_KEY", ""),
        }

    half(KEYS="sentinel")
    _wait_count(client, "RMQ_SYS_TRANS_HALF_TOPIC", 2)
    for number, kind in enumerate((8, 12, 0, 8, 8)):
        wait = "false" if number % 2 else "true"
        transaction = half(TAGS=f"T{number}", KEYS="k1 k2", UNIQ_KEY=f"{number:032X}", WAIT=wait, ü="ö")
        transaction |= {"commitOrRollback": str(kind), "fromTransactionCheck": "false"}
        if kind:
            answer = client.ask(RequestCode.END_TRANSACTION, transaction)
            yield "END_TRANSACTION", answer.code, answer.remark
    _wait_count(client, "TRANS_CHECK_MAX_TIME_TOPIC", 2)


def _wait_count(client: RawClient, topic: str, count: int) -> None:
    """Until the only queue of a topic has that many messages."""
    fields = {"topic": topic, "queueId": "0"}
    becomes(
        f"messages in {topic}",
        lambda: (client.ask(RequestCode.GET_MAX_OFFSET, fields).ext_fields or {}).get("offset"),
        str(count),
    )


def _wait_dispatched(client: RawClient) -> None:
    """Until every message is in its queue: Java answers before."""
    becomes(
        "bytes that are not dispatched",
        lambda: client.ask_json(RequestCode.GET_BROKER_RUNTIME_INFO)["table"]["dispatchBehindBytes"],
        "0",
    )


class Played:
    """A broker that got all frames: its answers, and its files after a clean stop."""

    def __init__(self, direction: str, directory: Path) -> None:
        with started_cluster(direction, directory, **SETTINGS) as cluster:
            assert cluster.broker_process is not None
            self.answers = _play(cluster.broker)
            cluster.broker_process.stop()
        store = directory / "broker" / "store"
        files = image(store, index_slots=INDEX_SLOTS, broker_topics=BROKER_TOPICS)
        # a .bak is there when the file was written twice: for some that depends on how long the run took
        self.files = {name: data for name, data in files.items() if not name.endswith(".bak")}


@pytest.fixture(scope="module")
def javas(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played("java", tmp_path_factory.mktemp("golden-java"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played("ours", tmp_path_factory.mktemp("golden-ours"))


def test_answers_are_the_same(javas: Played, ours: Played) -> None:
    assert ours.answers == javas.answers


def test_same_files_are_left(javas: Played, ours: Played) -> None:
    assert set(ours.files) - set(javas.files) == set()
    assert set(javas.files) - set(ours.files) == set()


@pytest.mark.parametrize("kind", ["commitlog", "consumequeue", "index", "config", "checkpoint", "lock"])
def test_files_are_the_same_byte_for_byte(javas: Played, ours: Played, kind: str) -> None:
    names = [name for name in javas.files if name.split("/")[0] == kind and name in ours.files]
    assert names
    for name in names:
        expect_same(name, ours.files[name], javas.files[name], index_slots=INDEX_SLOTS)
