"""Units of ConsumeQueueExt with bit maps, queues that messages name, light queues: the official broker and ours leave
the same files, give the same answers, and go on with what the other one left."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop.cluster import Cluster, running_cluster, started_cluster
from interop.expect import becomes, equal
from interop.java_servers import JavaBroker, JavaNameServer
from interop.our_servers import OurBroker
from interop.raw_client import RawClient
from interop.server import BrokerProcess
from interop.stage import Stage
from interop.store_image import expect_same, image
from interop.troupe import Troupe
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.message import decode_messages

INDEX_SLOTS = 97
SETTINGS = {  # small files, so that all of them roll
    "mappedFileSizeCommitLog": str(64 << 10),
    "mappedFileSizeConsumeQueue": str(20 * 32),
    "mappedFileSizeConsumeQueueExt": "700",
    "maxHashSlotNum": str(INDEX_SLOTS),
    "maxIndexNum": "150",
    "enableConsumeQueueExt": "true",
    "enablePropertyFilter": "true",
    "enableCalcFilterBitMap": "true",
    "enableLmq": "true",
    "enableMultiDispatch": "true",
    "transactionCheckInterval": "3600000",
}
TOPIC = "Extended"
FILTERS = {
    "SqlRed": "colour = 'rot' AND size BETWEEN 3 AND 30",
    "SqlGreen": "colour IN ('grün', 'blau') OR TAGS = 'T1'",
}
LIGHT = ("%LMQ%größe-1", "%LMQ%two", "Heavy")
COLOURS = ("rot", "grün", "blau")
BORN = 1_700_000_000_000


class Player:
    """Plays the same to any broker, and asks it the same."""

    def __init__(self, cluster: Cluster, troupe: Troupe) -> None:
        self._cluster = cluster
        self._troupe = troupe

    def play(self, turn: int) -> list[object]:
        """Messages of every kind, while two groups filter; what was answered."""
        answers: list[object] = []
        with Stage(self._cluster, self._troupe.client("java")) as stage, RawClient(self._cluster.broker) as broker:
            if not turn:
                self._create_topic(broker)
            consumers = [
                stage.consumer(TOPIC, group=group, expression=expression, sql=True)
                for group, expression in FILTERS.items()
            ]
            for number in range(70):
                answers.append(_send(broker, turn * 1000 + number))
            self._wait_dispatched(broker, answers)
            for name, group in (("%LMQ%größe-1", "%LMQ%reader"), ("%LMQ%two", "%LMQ%reader"), ("Heavy", "plain")):
                commit = {"topic": name, "consumerGroup": group, "queueId": "0", "commitOffset": str(3 + turn)}
                equal("commit", broker.ask(RequestCode.UPDATE_CONSUMER_OFFSET, commit).code, 0)
            for consumer, group in zip(consumers, FILTERS, strict=True):
                wanted = sum(_is_wanted(group, turn * 1000 + number) for number in range(70))
                got = consumer.received(wanted)
                answers.append((group, sorted(one.body for one in got)))
            for consumer in consumers:
                for queue in consumer.assigned(TOPIC):
                    end = (broker.ask(RequestCode.GET_MAX_OFFSET, _fields(queue.topic, queue.id)).ext_fields or {})
                    stage.wait_noted(consumer.group, queue, int(end["offset"]))
                consumer.stop()
                for queue_id in range(2):
                    self._wait_read(broker, consumer.group, queue_id)
        return answers

    @staticmethod
    def _create_topic(broker: RawClient) -> None:
        wanted = {"defaultTopic": "TBW102", "perm": 6, "topicSysFlag": 0, "order": "false", "topic": TOPIC}
        wanted |= {"readQueueNums": 2, "writeQueueNums": 2, "topicFilterType": "SINGLE_TAG"}
        fields = {name: str(value) for name, value in wanted.items()}
        equal("create", broker.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, fields).code, 0)

    @staticmethod
    def _wait_read(broker: RawClient, group: str, queue_id: int) -> None:
        """Until a group's offset is at the end of the queue."""
        queue = _fields(TOPIC, queue_id)
        end = (broker.ask(RequestCode.GET_MAX_OFFSET, queue).ext_fields or {})["offset"]
        becomes(
            f"offset of {group} in queue {queue_id}",
            lambda: (
                broker.ask(RequestCode.QUERY_CONSUMER_OFFSET, queue | {"consumerGroup": group}).ext_fields or {}
            ).get("offset"),
            end,
        )

    @staticmethod
    def _wait_dispatched(broker: RawClient, answers: list[Any]) -> None:
        for queue_id in range(2):
            count = 1 + max(int(offset) for _, queue, offset in answers if queue == str(queue_id))
            becomes(
                f"end of queue {queue_id}",
                lambda queue_id=queue_id: (  # type: ignore[misc]
                    broker.ask(RequestCode.GET_MAX_OFFSET, _fields(TOPIC, queue_id)).ext_fields or {}
                ).get("offset"),
                str(count),
            )

    def ask(self) -> list[object]:
        """What there is: bounds, entries with their units, messages, offsets of light groups."""
        with RawClient(self._cluster.broker) as broker:
            return [*_bounds(broker), *_entries(broker), *_pulled(broker), *_offsets(broker)]


def _send(broker: RawClient, number: int) -> tuple[int, str | None, str | None]:
    properties = {
        "TAGS": f"T{number % 2}", "KEYS": f"key{number % 9}", "colour": COLOURS[number % 3], "size": str(number % 40),
        "UNIQ_KEY": f"{number:032X}", "WAIT": "true",
    }  # fmt: skip
    if number % 5 == 1:
        properties["INNER_MULTI_DISPATCH"] = ",".join(LIGHT[: 1 + number % 3]) + "," * (number % 2)
    if number % 5 == 2:
        properties["INNER_MULTI_DISPATCH"] = "%LMQ%two,%LMQ%two"
    if number % 20 == 3:
        properties["DELAY"] = "18"
    if number % 20 == 11:
        properties["TRAN_MSG"] = "true"
    text = "\2".join(f"{name}\1{value}" for name, value in properties.items())
    fields = {
        "producerGroup": "p", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": "2", "flag": "0",
        "queueId": str(number % 2), "sysFlag": "0", "bornTimestamp": str(BORN + number), "reconsumeTimes": "0",
        "unitMode": "false", "maxReconsumeTimes": "16", "batch": "false", "properties": text,
    }  # fmt: skip
    answer = broker.ask(RequestCode.SEND_MESSAGE, fields, f"№{number}".encode())
    equal("send", (answer.code, answer.remark), (0, None))
    sent = answer.ext_fields or {}
    if "DELAY" in properties or "TRAN_MSG" in properties:
        return answer.code, "elsewhere", sent.get("queueOffset")
    return answer.code, sent.get("queueId"), sent.get("queueOffset")


def _is_wanted(group: str, number: int) -> bool:
    if number % 20 in (3, 11):
        return False  # delayed, or half
    if group == "SqlRed":
        return number % 3 == 0 and 3 <= number % 40 <= 30
    return number % 3 in (1, 2) or number % 2 == 1


def _fields(topic: str, queue_id: int) -> dict[str, str]:
    return {"topic": topic, "queueId": str(queue_id)}


OFFSETS = "config/lmqConsumerOffset.json"
RETRY = re.compile(rb'\t\t"%RETRY%.*?\}(,?)\n', re.DOTALL)
"""Consumers that have just stopped may have committed the offset of their retry topic, or not."""
QUEUES = [(TOPIC, 0), (TOPIC, 1), *((name, 0) for name in LIGHT), ("Heavy", 1), ("SCHEDULE_TOPIC_XXXX", 17)]


def _bounds(broker: RawClient) -> Iterator[object]:
    for topic, queue_id in QUEUES:
        fields = _fields(topic, queue_id)
        for code in (RequestCode.GET_MIN_OFFSET, RequestCode.GET_MAX_OFFSET):
            yield topic, queue_id, code.name, (broker.ask(code, fields).ext_fields or {}).get("offset")


def _entries(broker: RawClient) -> Iterator[object]:
    for topic, queue_id in QUEUES:
        fields = _fields(topic, queue_id) | {"index": "0", "count": "1000"}
        body = broker.ask(RequestCode.QUERY_CONSUME_QUEUE, fields).body.decode()
        times = ("msgStoreTime", "tagsCode") if topic.startswith("SCHEDULE") else ("msgStoreTime",)
        for name in times:
            for quote in ('\\"', '"'):
                parts = body.split(f"{quote}{name}{quote}:")
                body = parts[0] + "".join(f"{quote}{name}{quote}:N" + part.lstrip("-0123456789") for part in parts[1:])
        yield topic, queue_id, body


def _pulled(broker: RawClient) -> Iterator[object]:
    for topic, queue_id in QUEUES[:-1]:
        position = 0
        while True:
            fields = {
                "consumerGroup": "%LMQ%puller", "topic": topic, "queueId": str(queue_id), "queueOffset": str(position),
                "maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0",
                "subscription": "T1", "subVersion": "0", "expressionType": "TAG",
            }  # fmt: skip
            answer = broker.ask(RequestCode.PULL_MESSAGE, fields)
            position = int((answer.ext_fields or {}).get("nextBeginOffset", "0"))
            yield topic, queue_id, answer.code, position, answer.remark if answer.code == 1 else ""
            if answer.code:
                break
            for message in decode_messages(answer.body):
                yield message.queue_offset, message.body, sorted(message.properties.items())


def _offsets(broker: RawClient) -> Iterator[object]:
    for topic, queue_id in QUEUES:
        for group in ("%LMQ%reader", "plain"):
            fields = _fields(topic, queue_id) | {"consumerGroup": group}
            answer = broker.ask(RequestCode.QUERY_CONSUMER_OFFSET, fields)
            yield topic, queue_id, group, answer.code, (answer.ext_fields or {}).get("offset")


class Played:
    """A broker that was played to: its answers, and its files after a clean stop."""

    def __init__(self, direction: str, directory: Path, troupe: Troupe) -> None:
        with started_cluster(direction, directory, **SETTINGS) as cluster:
            assert cluster.broker_process is not None
            player = Player(cluster, troupe)
            self.answers = player.play(0)
            self.asked = player.ask()
            cluster.broker_process.stop()
        self.store = directory / "broker" / "store"
        self.files = image(self.store, index_slots=INDEX_SLOTS)
        self.files[OFFSETS] = RETRY.sub(b"", self.files[OFFSETS]).replace(b"},\n", b"}\n")
        self.names = [name for name in self.files if not name.endswith(".bak")]
        """But for backups: Java writes tables at each change and each ten seconds, ours as often as they differ."""


@pytest.fixture(scope="module")
def javas(tmp_path_factory: pytest.TempPathFactory, troupe: Troupe) -> Played:
    return Played("java", tmp_path_factory.mktemp("extended-java"), troupe)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, troupe: Troupe) -> Played:
    return Played("ours", tmp_path_factory.mktemp("extended-ours"), troupe)


def test_answers_are_the_same(javas: Played, ours: Played) -> None:
    assert ours.answers == javas.answers
    for our_row, javas_row in zip(ours.asked, javas.asked, strict=False):
        assert our_row == javas_row
    assert len(ours.asked) == len(javas.asked)


def test_same_files_are_left(javas: Played, ours: Played) -> None:
    assert sorted(ours.names) == sorted(javas.names)


@pytest.mark.parametrize("kind", ["commitlog", "consumequeue", "consumequeue_ext", "index", "config"])
def test_files_are_the_same_byte_for_byte(javas: Played, ours: Played, kind: str) -> None:
    names = [name for name in javas.names if name.split("/")[0] == kind]
    assert names
    for name in names:
        expect_same(name, ours.files[name], javas.files[name], index_slots=INDEX_SLOTS)


@pytest.mark.parametrize("successor", [JavaBroker, OurBroker], ids=["java-after-ours", "ours-after-java"])
def test_successor_finds_it_all_and_goes_on(
    javas: Played, ours: Played, successor: type[BrokerProcess], tmp_path: Path, troupe: Troupe
) -> None:
    left = ours if successor is JavaBroker else javas
    with JavaNameServer(tmp_path / "namesrv") as namesrv:
        broker = successor(tmp_path / "broker", namesrv.address, **SETTINGS)
        shutil.copytree(left.store, broker.store)
        if successor is OurBroker:  # Java would begin these at 0 again
            shutil.rmtree(broker.store / "consumequeue" / "Heavy" / "1")
            shutil.rmtree(broker.store / "consumequeue" / "%LMQ%two")
        with broker:
            player = Player(running_cluster(namesrv.address, broker), troupe)
            for found, known in zip(player.ask(), left.asked, strict=True):
                assert found == known
            answers = player.play(1)
            found = player.ask()
    assert [row for row in answers if len(row) == 2] == [  # type: ignore[arg-type]
        (group, sorted(f"№{1000 + number}".encode() for number in range(70) if _is_wanted(group, 1000 + number)))
        for group in FILTERS
    ]
    ends = {row[:2]: int(row[3]) for row in left.asked if row[2:3] == ("GET_MAX_OFFSET",)}  # type: ignore[index]
    again = {row[:2]: int(row[3]) for row in found if row[2:3] == ("GET_MAX_OFFSET",)}  # type: ignore[index]
    assert all(again[queue] > end > 0 for queue, end in ends.items())
