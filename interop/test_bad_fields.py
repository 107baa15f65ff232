"""Requests that lack a field, or have an empty one or one that is no number: Java's servers and ours answer alike.

Of remarks that tell of a Java exception only its class is compared.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rocketpy.protocol.api
from interop.cluster import Cluster, started_cluster
from interop.expect import equal
from interop.raw_client import RawClient
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import JSON, ROCKETMQ
from rocketpy.protocol.header import API, Header

for _module in pkgutil.iter_modules(rocketpy.protocol.api.__path__):
    importlib.import_module(f"{rocketpy.protocol.api.__name__}.{_module.name}")

AT_NAMESRV = (100, 101, 102, 103, 104, 105, 205, 216, 219, 224, 322, 327)
ABSENT = {351: "not of 4.9", 50: "ACL", 51: "ACL", 53: "ACL"}
"""What is not compared; without ACL the remark is the JVM's."""
ODD = {
    (309, "*"): "the JVM's words about a message id that is cut off",
    (308, "*"): "Java fails on the offsets of a group without a name, which are in its table by then",
    (314, "nothing"): "fails in Java only if some offset is known",
    (14, "no topic"): "Java finds what was committed without a topic",
    (14, "empty topic"): "the same",
    (17, "nothing"): "Java tells no fields from none at all",
}
"""What differs, and why it may: requests that no client makes."""
TOPIC = "Fields"
USUAL = {
    "producerGroup": "P", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4", "queueId": "0",
    "sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0", "properties": "KEYS\1k", "reconsumeTimes": "0",
    "unitMode": "false", "maxReconsumeTimes": "3", "batch": "false", "bname": "broker-a", "consumerGroup": "G",
    "queueOffset": "0", "maxMsgNums": "32", "commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*",
    "subVersion": "1", "expressionType": "TAG", "key": "k", "maxNum": "32", "beginTimestamp": "0",
    "endTimestamp": "9223372036854775807", "readQueueNums": "4", "writeQueueNums": "4", "perm": "6",
    "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false", "timestamp": "1700000000000",
    "offset": "0", "clientID": "C", "group": "G", "delayLevel": "0", "originMsgId": "id", "originTopic": TOPIC,
    "tranStateTableOffset": "0", "commitLogOffset": "0", "commitOrRollback": "8", "fromTransactionCheck": "false",
    "msgId": "id", "transactionId": "tid", "namespace": "N", "value": "v", "brokerName": "other",
    "brokerAddr": "127.0.0.1:1", "clusterName": "OtherCluster", "haServerAddr": "127.0.0.1:2", "brokerId": "0",
    "compressed": "false", "bodyCrc32": "0", "acceptStandardJsonOnly": "true", "groupName": "G",
    "removeOffset": "false", "isForce": "false", "clientAddr": "", "cluster": "DefaultCluster", "clientId": "C",
    "jstackEnable": "false", "filterGroups": "X", "compareGroup": "G", "srcGroup": "G", "destGroup": "H",
    "offline": "false", "statsName": "TOPIC_PUT_NUMS", "statsKey": TOPIC, "isOrder": "false", "index": "0",
    "count": "3",
}  # fmt: skip
BODIES = {103: b"{}", 322: b"{}", **dict.fromkeys((10, 310, 320, 324, 325), b"body")}
Answer = tuple[int, str, list[tuple[str, str]]]


def _variants(code: int, declared: type[Header]) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Every way in which a request is wrong, by what is wrong."""
    short = code == declared.short_code or code == RequestCode.SEND_BATCH_MESSAGE
    names = {field.name: (field.short or field.name) if short else field.name for field in declared.fields}
    usual = {names[field.name]: USUAL[field.name] for field in declared.fields if field.name in USUAL}
    yield "usual", usual
    yield "nothing", None
    for field in declared.fields:
        name = names[field.name]
        if name in usual:
            yield f"no {field.name}", {other: value for other, value in usual.items() if other != name}
            yield f"empty {field.name}", {**usual, name: ""}
            if field.kind != "str":
                yield f"bad {field.name}", {**usual, name: "x"}


def _ask(client: RawClient, code: int, fields: dict[str, str] | None) -> Answer:
    answer = client.ask(code, fields, BODIES.get(code, b""))
    remark = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", answer.remark or "")
    thrown = re.match(r"[\w.]+(?:Exception|Error)\b", remark)
    offsets = re.compile("(?i)offset|time|msgId|version")
    fields = {name: "N" if offsets.search(name) else value for name, value in (answer.ext_fields or {}).items()}
    return answer.code, thrown[0] if thrown else remark, sorted(fields.items())


def _play(cluster: Cluster, serialization: int) -> dict[tuple[int, str], Answer]:
    """The answers by code and what is wrong."""
    answers = {}
    with (
        RawClient(cluster.namesrv, serialization=serialization) as namesrv,
        RawClient(cluster.broker, serialization=serialization) as broker,
    ):
        for code in sorted(set(API) - set(ABSENT)):
            client = namesrv if code in AT_NAMESRV else broker
            if API[code].fields:
                for wrong, fields in _variants(code, API[code]):
                    answers[code, wrong] = _ask(client, code, fields)
    return answers


def _is_odd(code: int, wrong: str) -> bool:
    return (code, wrong) in ODD or (code, "*") in ODD


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Cluster]]:
    """Java's and ours, both new."""
    directory: Path = tmp_path_factory.mktemp("fields")
    with started_cluster("java", directory / "java") as javas, started_cluster("ours", directory / "ours") as ours:
        yield javas, ours


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ], ids=["json", "binary"])
def test_wrong_fields_get_the_same_answers(clusters: tuple[Cluster, Cluster], serialization: int) -> None:
    javas, ours = (_play(cluster, serialization) for cluster in clusters)
    assert len(javas) > 500
    differing = {
        f"{RequestCode(code).name}, {wrong}": (ours[code, wrong], answer)
        for (code, wrong), answer in javas.items()
        if ours[code, wrong] != answer and not _is_odd(code, wrong)
    }
    equal("requests that are answered otherwise than by Java (ours, Java's)", differing, {})


def test_tables_are_the_same_afterwards(clusters: tuple[Cluster, Cluster]) -> None:
    """Offsets under null, groups without a name, topics for their retries: whatever was made of such requests."""

    def tables(cluster: Cluster) -> list[object]:
        with RawClient(cluster.broker) as client:
            return [
                client.ask_json(RequestCode.GET_ALL_CONSUMER_OFFSET)["offsetTable"],
                client.ask_json(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG)["subscriptionGroupTable"],
                client.ask_json(RequestCode.GET_ALL_TOPIC_CONFIG)["topicConfigTable"],
            ]

    javas, ours = map(tables, clusters)
    for what, found, expected in zip(("offsets", "groups", "topics"), ours, javas, strict=True):
        equal(what, found, expected)
