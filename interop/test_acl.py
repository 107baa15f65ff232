"""Access control: the same accounts allow and refuse the same requests in Java's words, and change alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from interop.expect import becomes, equal
from interop.guarded import GuardedBroker, GuardedJavaBroker
from interop.java_servers import JavaNameServer
from interop.our_servers import OurNameServer
from interop.raw_client import RawClient
from rocketpy.protocol.api.client import ConsumerData, HeartbeatData, SubscriptionData
from rocketpy.protocol.codes import LanguageCode, RequestCode
from rocketpy.protocol.command import JSON, ROCKETMQ, Command
from rocketpy.protocol.signature import Credentials, signer

ACCOUNTS = """globalWhiteRemoteAddresses:
- 10.10.103.*
- 192.168.0.*
accounts:
- accessKey: rocketmq1
  secretKey: 12345678
  whiteRemoteAddress:
  admin: false
  defaultTopicPerm: DENY
  defaultGroupPerm: SUB
  topicPerms:
  - topicA=DENY
  - topicB=PUB|SUB
  - topicC=SUB
  groupPerms:
  - groupA=DENY
  - groupB=PUB|SUB
  - groupC=SUB
- accessKey: rocketmq2
  secretKey: "1234567890"
  whiteRemoteAddress: 192.168.1.*
  admin: true
- accessKey: rocketmq3
  secretKey: abcdefgh
  whiteRemoteAddress: 127.0.0.1
- accessKey: sparing
  secretKey: abcdefgh
  admin: true
  topicPerms: [topicB=SUB]
"""
FIRST = Credentials("rocketmq1", "12345678")
ADMIN = Credentials("rocketmq2", "1234567890")
SPARING = Credentials("sparing", "abcdefgh")
TRUSTED = Credentials("rocketmq3", "wrong secret")


MASKED = r"(java\.lang\.NullPointerException).*|\.java:\d+|[<(\[]?/?127\.0\.0\.1:\d+[>)\]]?"
"""The JVM's words, lines of the source, which are those of another version, and addresses."""


class Asked(NamedTuple):
    """A request."""

    name: str
    account: Credentials | None
    code: int
    fields: dict[str, str]
    body: bytes = b""
    serialization: int = JSON


def _send(topic: str, group: str = "groupB") -> dict[str, str]:
    return {
        "producerGroup": group, "group": group, "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": "1",
        "queueId": "0", "sysFlag": "0", "bornTimestamp": "1", "flag": "0", "properties": "", "reconsumeTimes": "0",
        "unitMode": "false",
    }  # fmt: skip


def _send_v2(topic: str, group: str = "groupB") -> dict[str, str]:
    zeros = dict.fromkeys("efhj", "0")
    return {"a": group, "b": topic, "c": "TBW102", "d": "1", "g": "1", "k": "false", **zeros}


def _pull(topic: str, group: str) -> dict[str, str]:
    return {
        "consumerGroup": group, "topic": topic, "queueId": "0", "queueOffset": "0", "maxMsgNums": "1", "sysFlag": "0",
        "commitOffset": "0", "suspendTimeoutMillis": "0", "subVersion": "0", "subscription": "*",
    }  # fmt: skip


def _heartbeat(group: str, *topics: str) -> bytes:
    subscriptions = [SubscriptionData(topic=topic, sub_string="*", sub_version=1) for topic in topics]
    consumer = ConsumerData(
        group_name=group, consume_type="CONSUME_PASSIVELY", message_model="CLUSTERING",
        consume_from_where="CONSUME_FROM_FIRST_OFFSET", subscription_data_set=subscriptions,
    )  # fmt: skip
    return HeartbeatData(client_id="client", consumer_data_set=[consumer], producer_data_set=[]).to_json()


ASKED = [
    Asked("nobody", None, 310, _send_v2("topicB")),
    Asked("unknown", Credentials("nobody-known", "12345678"), 310, _send_v2("topicB")),
    Asked("wrong secret", Credentials("rocketmq1", "87654321"), 310, _send_v2("topicB")),
    Asked("wrong secret of a trusted address", TRUSTED, 10, _send("topicB")),
    *(Asked(f"send to {topic}", FIRST, 10, _send(topic)) for topic in ("topicA", "topicB", "topicC", "other")),
    *(
        Asked(f"send v2 to {topic}", FIRST, 310, _send_v2(topic), b"text", kind)
        for topic in ("topicA", "topicB", "topicC", "RMQ_SYS_TRACE_TOPIC")
        for kind in (JSON, ROCKETMQ)
    ),
    *(Asked(f"send to the retry topic of {g}", FIRST, 310, _send_v2(f"%RETRY%{g}", g)) for g in ("groupA", "groupB")),
    *(Asked(f"batch to {topic}", FIRST, 320, _send_v2(topic)) for topic in ("topicA", "topicB")),
    *(
        Asked(f"pull {topic} as {group}", FIRST, 11, _pull(topic, group))
        for topic in ("topicA", "topicC")
        for group in ("groupA", "groupC", "other")
    ),
    Asked("query", FIRST, 12, {
        "topic": "topicA", "key": "k", "maxNum": "1", "beginTimestamp": "0", "endTimestamp": "9",
    }),
    *(
        Asked(f"heartbeat of {group} with {topics}", FIRST, 34, {}, _heartbeat(group, *topics))
        for group, topics in (("groupA", ("topicC",)), ("groupB", ("topicC",)), ("groupB", ("topicC", "topicA")))
    ),
    Asked("heartbeat of nobody", None, 34, {}, _heartbeat("groupB", "topicC")),
    *(Asked(f"unregister {g}", FIRST, 35, {"clientID": "c", "consumerGroup": g}) for g in ("groupA", "groupB")),
    Asked("unregister without a client", FIRST, 35, {"consumerGroup": "groupB"}),
    *(Asked(f"members of {group}", FIRST, 38, {"consumerGroup": group}) for group in ("groupA", "groupB")),
    Asked("members of none", FIRST, 38, {}),
    *(
        Asked(f"commit {t} of {g}", FIRST, 15, {"consumerGroup": g, "topic": t, "queueId": "0", "commitOffset": "0"})
        for t in ("topicA", "topicC")
        for g in ("groupA", "groupC")
    ),
    Asked("commit without a queue", FIRST, 15, {"consumerGroup": "groupB", "topic": "topicC"}),
    *(
        Asked(f"create a topic as {account.access_key}", account, 17, {
            "topic": "made", "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": "6",
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
        })
        for account in (FIRST, ADMIN, SPARING)
    ),
    Asked("admin sends anywhere", ADMIN, 310, _send_v2("anywhere")),
    Asked("admin with a list sends to it", SPARING, 310, _send_v2("topicB")),
    Asked("admin with a list sends elsewhere", SPARING, 310, _send_v2("elsewhere")),
    Asked("send back", FIRST, 36, {"offset": "0", "group": "groupA", "delayLevel": "0"}),
    Asked("unknown code by nobody", None, 9999, {}),
    Asked("unknown code by an account", FIRST, 9999, {}),
    Asked("account too short", ADMIN, 50, {"accessKey": "short", "secretKey": "12345678", "admin": "false"}),
    Asked("secret missing", ADMIN, 50, {"accessKey": "longenough", "admin": "false"}),
    Asked("perms that are none", ADMIN, 50, {
        "accessKey": "longenough", "secretKey": "12345678", "admin": "false", "topicPerms": "a=b",
    }),
    Asked("perms in a bad form", ADMIN, 50, {
        "accessKey": "longenough", "secretKey": "12345678", "admin": "false", "groupPerms": "a",
    }),
    Asked("perms that are empty", ADMIN, 50, {
        "accessKey": "longenough", "secretKey": "12345678", "admin": "false", "groupPerms": "",
    }),
    Asked("new account", FIRST, 50, {
        "accessKey": "newcomer", "secretKey": "12345678", "admin": "false", "defaultTopicPerm": "PUB",
        "groupPerms": "g1=SUB,g2=DENY",
    }),
    Asked("new account sends", Credentials("newcomer", "12345678"), 310, _send_v2("anything")),
    Asked("account changed", ADMIN, 50, {
        "accessKey": "newcomer", "secretKey": "123456789", "admin": "true", "whiteRemoteAddress": "10.0.0.1",
    }),
    Asked("former secret", Credentials("newcomer", "12345678"), 310, _send_v2("anything")),
    Asked("newer secret", Credentials("newcomer", "123456789"), 310, _send_v2("anything")),
    Asked("account deleted", ADMIN, 51, {"accessKey": "newcomer"}),
    Asked("account deleted again", ADMIN, 51, {"accessKey": "newcomer"}),
    Asked("deleted account sends", Credentials("newcomer", "123456789"), 310, _send_v2("anything")),
    Asked("addresses of a file that is not there", ADMIN, 53, {
        "globalWhiteAddrs": "10.0.0.1", "aclFileFullPath": "/nowhere.yml",
    }),
    Asked("addresses", ADMIN, 53, {"globalWhiteAddrs": "10.0.0.1,10.0.0.2", "aclFileFullPath": ""}),
]  # fmt: skip


class Broker(NamedTuple):
    """Where to ask, and where its accounts are."""

    address: str
    conf: Path


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, Broker]]:
    """Java's and ours."""
    directory = tmp_path_factory.mktemp("acl")
    keys = {"aclEnable": "true", "traceTopicEnable": "true"}
    GuardedJavaBroker.accounts = GuardedBroker.accounts = ACCOUNTS
    with (
        JavaNameServer(directory / "java-namesrv") as java_namesrv,
        OurNameServer(directory / "namesrv") as our_namesrv,
        GuardedJavaBroker(directory / "java", java_namesrv.address, **keys) as java,
        GuardedBroker(directory / "ours", our_namesrv.address, **keys) as ours,
    ):
        yield Broker(java.address, java.conf), Broker(ours.address, ours.conf)


def _answer(broker: Broker, asked: Asked) -> tuple[int, str | None]:
    request = Command(
        asked.code, opaque=1, language=LanguageCode.JAVA, ext_fields=dict(asked.fields), body=asked.body,
        serialization=asked.serialization,
    )  # fmt: skip
    if asked.account is not None:
        signer(asked.account)(request)
    with RawClient(broker.address, serialization=asked.serialization) as client:
        answer = client.ask(asked.code, request.ext_fields, asked.body)
    return answer.code, re.sub(MASKED, r"\1", answer.remark or "")


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.name}-{asked.serialization}")
def test_same_is_answered(brokers: tuple[Broker, Broker], asked: Asked) -> None:
    java, ours = brokers
    equal(asked.name, _answer(ours, asked), _answer(java, asked))


def test_files_are_the_same_after_all_that(brokers: tuple[Broker, Broker]) -> None:
    texts = [re.sub(r"timestamp: \d+", "timestamp: N", (one.conf / "plain_acl.yml").read_text()) for one in brokers]
    assert texts[1] == texts[0]


def test_versions_are_the_same(brokers: tuple[Broker, Broker]) -> None:
    java, ours = brokers
    becomes("versions of Java's", lambda: _versions(java), _versions(ours))  # which looks each 5 s


def _versions(broker: Broker) -> dict[str, str]:
    request = Command(52, opaque=1, language=LanguageCode.JAVA, ext_fields={})
    signer(ADMIN)(request)
    with RawClient(broker.address) as client:
        fields = client.ask(RequestCode.GET_BROKER_CLUSTER_ACL_INFO, request.ext_fields).ext_fields or {}
    masked = {name: re.sub(r'"timestamp":\d+|"[^"]*plain_acl.yml"', "X", text) for name, text in fields.items()}
    masked.pop("brokerAddr")
    return masked
