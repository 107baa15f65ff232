"""Masters and slaves, Java's and ours: the same log, queues and tables on both, whoever is whose slave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interop.cluster import DIRECTIONS
from interop.expect import becomes, equal
from interop.raw_client import RawClient
from interop.server import BrokerProcess
from rocketpy.protocol.codes import RequestCode, ResponseCode

TOPIC = "Replicated"
PAIRS = [("java", "ours"), ("ours", "java"), ("ours", "ours"), ("java", "java")]
"""Whose master and whose slave; the last pair shows that what is asked of the others is so."""


class Pair:
    """A master and its slave."""

    def __init__(self, master: BrokerProcess, slave: BrokerProcess) -> None:
        self.master = master
        self.slave = slave
        self.sent = 0

    def send(self) -> int:
        """One message to the next of two queues; the code of the answer."""
        fields = {
            "producerGroup": "P", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": "2",
            "queueId": str(self.sent % 2), "sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0",
            "properties": f"KEYS\1key{self.sent}\2TAGS\1Tag", "reconsumeTimes": "0", "unitMode": "false",
        }  # fmt: skip
        self.sent += 1
        with RawClient(self.master.address) as client:
            return client.ask(RequestCode.SEND_MESSAGE, fields, f"text {self.sent}".encode() * 40).code


def _pulled(address: str, queue_id: int) -> bytes:
    """All messages of a queue, as they stand in the log."""
    found = b""
    at = 0
    with RawClient(address) as client:
        while True:
            fields = {
                "consumerGroup": "G", "topic": TOPIC, "queueId": str(queue_id), "queueOffset": str(at),
                "maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0",
                "subscription": "*", "subVersion": "0",
            }  # fmt: skip
            answer = client.ask(RequestCode.PULL_MESSAGE, fields)
            if answer.code != ResponseCode.SUCCESS:
                return found
            found += bytes(answer.body)
            at = int((answer.ext_fields or {})["nextBeginOffset"])


def _table(address: str, code: int, name: str) -> object:
    with RawClient(address) as client:
        return client.ask_json(code)[name]


@contextmanager
def _pair(master: str, slave: str, directory: Path) -> Iterator[Pair]:
    name_server_type, master_type = DIRECTIONS[master]
    slave_type = DIRECTIONS[slave][1]
    quick = {"haSendHeartbeatInterval": "1000"}
    with name_server_type(directory / "namesrv") as name_server:
        namesrv = name_server.address
        first = master_type(directory / "master", namesrv, brokerRole="SYNC_MASTER", **quick)
        second = slave_type(directory / "slave", namesrv, brokerRole="SLAVE", brokerId="1", **quick)
        with first, second:
            yield Pair(first, second)


@pytest.mark.parametrize(("master", "slave"), PAIRS)
def test_slave_has_what_its_master_has(master: str, slave: str, tmp_path: Path) -> None:
    with _pair(master, slave, tmp_path) as pair:
        becomes("answer to a send", pair.send, int(ResponseCode.SUCCESS))
        for _ in range(100):
            equal("answer to a send", pair.send(), int(ResponseCode.SUCCESS))
        _are_alike(pair)
        tables = (
            (RequestCode.GET_ALL_TOPIC_CONFIG, "topicConfigTable"),
            (RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, "subscriptionGroupTable"),
            (RequestCode.GET_ALL_CONSUMER_OFFSET, "offsetTable"),
        )
        commit = {"consumerGroup": "G", "topic": TOPIC, "queueId": "1", "commitOffset": "7"}
        with RawClient(pair.master.address) as client:
            client.ask(RequestCode.UPDATE_CONSUMER_OFFSET, commit)
        for code, name in tables:
            becomes(f"{name} of the slave", lambda: _table(pair.slave.address, code, name),  # noqa: B023
                    _table(pair.master.address, code, name))  # fmt: skip
        saved = json.loads((pair.slave.store / "config" / "topics.json").read_text())
        assert TOPIC in saved["topicConfigTable"]
        pair.master.kill()
        assert _pulled(pair.slave.address, 0) != b""
        pair.master.start()
        becomes("answer to a send", pair.send, int(ResponseCode.SUCCESS))
        _are_alike(pair)


def _are_alike(pair: Pair) -> None:
    for queue_id in (0, 1):
        becomes(
            f"queue {queue_id} of the slave",
            lambda: _pulled(pair.slave.address, queue_id),  # noqa: B023
            _pulled(pair.master.address, queue_id),
        )
