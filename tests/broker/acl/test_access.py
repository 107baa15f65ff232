"""Requests at a broker with accounts; `interop/test_acl.py` compares the answers with Java's, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.client import ClientError, Credentials, Message, Producer, PullConsumer
from rocketpy.errors import ConfigError
from rocketpy.standalone import Standalone
from tests.broker.live import standalone

ACCOUNTS = """accounts:
- accessKey: the-sender
  secretKey: 12345678
  topicPerms: [Guarded=PUB]
- accessKey: the-reader
  secretKey: 12345678
  defaultTopicPerm: SUB
  groupPerms: [readers=SUB]
"""
SENDER, READER = Credentials("the-sender", "12345678"), Credentials("the-reader", "12345678")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Standalone]:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "plain_acl.yml").write_text(ACCOUNTS)
    with standalone(tmp_path / "store", aclEnable="true", rocketmqHome=str(tmp_path)) as servers:
        yield servers


def _send(servers: Standalone, credentials: Credentials | None, topic: str = "Guarded") -> None:
    namesrv = servers.namesrv.address
    with Producer("producers", namesrv=namesrv, credentials=credentials, retries=0) as producer:
        producer.send(Message(topic, b"body"))


def test_who_may_send_sends_and_who_may_read_reads(servers: Standalone) -> None:
    _send(servers, SENDER)
    with PullConsumer("readers", namesrv=servers.namesrv.address, credentials=READER) as consumer:
        queues = consumer.subscribe_queues("Guarded")
        found = [message.body for queue in queues for message in consumer.pull(queue, 0).messages]
    assert found == [b"body"]


@pytest.mark.parametrize(
    ("credentials", "topic", "reason"),
    [
        (None, "Guarded", "No accessKey is configured"),
        (Credentials("the-sender", "wrong-secret"), "Guarded", "Check signature failed for accessKey=the-sender"),
        (Credentials("the-stranger", "12345678"), "Guarded", "No acl config for the-stranger"),
        (SENDER, "Other", "No default permission for topic:Other"),
        (READER, "Guarded", "No default permission for topic:Guarded"),
    ],
)
def test_others_are_told_why_not(
    servers: Standalone, credentials: Credentials | None, topic: str, reason: str
) -> None:
    with pytest.raises(ClientError, match=reason):
        _send(servers, credentials, topic)


def test_broker_with_broken_accounts_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "plain_acl.yml").write_text("accounts: [")
    with (
        pytest.raises(ConfigError, match=r"plain_acl\.yml"),
        standalone(tmp_path / "store", aclEnable="true", rocketmqHome=str(tmp_path)),
    ):
        pass
