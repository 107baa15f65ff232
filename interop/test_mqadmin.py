"""The official mqadmin prints the same about our cluster as about Java's, but for addresses, times and figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from interop.cluster import Cluster, started_cluster
from interop.expect import becomes_same_text
from interop.mqadmin_lines import COMMANDS, MASKS_OF_BOTH
from interop.raw_client import RawClient
from interop.troupe import Troupe
from rocketpy.protocol.codes import RequestCode

TOPIC = "Printed"
FIGURES = {"clusterList", "brokerStatus", "statsAll"}
"""Commands that print loads, versions, sizes and what is sampled each 10 s: their numbers and widths are masked."""
UNORDERED = {"getBrokerConfig"}
"""Commands that print a hash table in the order in which it was filled."""
MASKS = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d{3})?", "TIME"),
    (r"7F000001[0-9A-F]{24}", "ID"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"/\S+/broker/store/", "STORE/"),
    (r"(?m)^configBlackList .*\n", ""),  # came with 4.9.8, of which no broker was published
    (r"((?:Timestamp|TimeStamp) *[=:] *)\d+", r"\1N"),
    (r"(java\.lang\.NullPointerException).*", r"\1"),  # newer JVMs tell what was null
    (r"(DESC: )(?:Cannot invoke|ACL is off).*", r"\1NO ACL"),
    (r"(PlainAccessConfig@)[0-9a-f]+", r"\1N"),
    (r"Can not update config path|Can not update config in black list\.", "BLACK LIST"),  # of 4.9.7 and of 4.9.8
    (r"(?m)^((?:store|brokerConfig|kvConfig|configStore|rocketmqHome|listen|namesrv|haListen)\w*\s*=).*$", r"\1 OWN"),
    *MASKS_OF_BOTH,
)


TRACES = "".join(
    "\1".join(fields) + "\2"
    for fields in (
        ("Pub", "1700000000000", "cn", "group", TOPIC, f"{1:032X}", "tag", "key", "host", "4", "7", "0", "id", "true"),
        ("Pub", "1700000000001", "cn", "group", TOPIC, f"{2:032X}", "tag", "key", "host", "4", "7", "0", "true"),
        ("SubBefore", "1700000000002", "zone", "group-b", "request", f"{1:032X}", "0", "key"),
        ("SubAfter", "request", f"{1:032X}", "5", "false", "key", "0", "1700000000003", "group-b"),
        ("SubAfter", "request", f"{1:032X}", "6", "true", "key", "0", "1700000000004", "group-a"),
        ("EndTransaction", "1700000000005", "zone", "group", TOPIC, f"{1:032X}", "tag", "key", "host", "2", "id",
         "COMMIT_MESSAGE", "false"),
    )
).encode()  # fmt: skip


class Printer:
    """One cluster, in the state that the commands are about."""

    def __init__(self, cluster: Cluster, troupe: Troupe) -> None:
        self.cluster = cluster
        self._mqadmin = troupe.client("java")
        self.message = ""
        self._prepare()

    def printed(self, command: str) -> str:
        """What `command` prints, on stdout and stderr, masked."""
        words = command.format(broker=self.cluster.broker, message=self.message).split()
        result = self._mqadmin.ask("mqadmin", arguments=[*words, "-n", self.cluster.namesrv])
        text = f"{result['out']}\n--- stderr\n{result['err']}\n--- status {result['status']}"
        for pattern, mask in MASKS:
            text = re.sub(pattern, mask, text)
        if words[0] in UNORDERED:
            text = "\n".join(sorted(text.splitlines()))
        if words[0] in FIGURES:
            text = re.sub(r" *-?\d[\d.,/]*(?:E-?\d+)?", " N", text)
        return text

    def _prepare(self) -> None:
        topic = {"topic": TOPIC, "defaultTopic": "TBW102", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0"}
        queues = {"readQueueNums": "2", "writeQueueNums": "2", "perm": "6", "order": "false"}
        with RawClient(self.cluster.broker) as broker:
            broker.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, topic | queues)
            retry = topic | queues | {"topic": "%RETRY%printed-group", "readQueueNums": "1", "writeQueueNums": "1"}
            broker.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, retry)
            for number in range(4):
                answer = broker.ask(RequestCode.SEND_MESSAGE, _message(number), f"Text {number} ü".encode())
                self.message = (answer.ext_fields or {})["msgId"]
            traces = _message(1) | {"topic": "Traces", "properties": f"KEYS\1{1:032X}"}
            broker.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, topic | queues | {"topic": "Traces"})
            broker.ask(RequestCode.SEND_MESSAGE, traces, TRACES)
            for queue_id in ("0", "1"):
                fields = {"consumerGroup": "printed-group", "topic": TOPIC, "queueId": queue_id, "commitOffset": "1"}
                broker.ask(RequestCode.UPDATE_CONSUMER_OFFSET, fields)
            group = b'{"groupName":"printed-group","retryMaxTimes":5}'
            broker.ask(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, group)


def _message(number: int) -> dict[str, str]:
    return {
        "producerGroup": "printer",
        "topic": TOPIC,
        "defaultTopic": "TBW102",
        "defaultTopicQueueNums": "4",
        "queueId": str(number % 2),
        "sysFlag": "0",
        "bornTimestamp": "1700000000000",
        "flag": "0",
        "properties": f"KEYS\1key{number}\2TAGS\1Tag\2UNIQ_KEY\1{number:032X}\2name\1wert ß",
        "reconsumeTimes": "0",
        "unitMode": "false",
    }


@pytest.fixture(scope="module")
def printers(tmp_path_factory: pytest.TempPathFactory, troupe: Troupe) -> Iterator[tuple[Printer, Printer]]:
    """Java's cluster and ours, in the same state."""
    with ExitStack() as ends:
        javas, ours = (
            Printer(ends.enter_context(started_cluster(direction, tmp_path_factory.mktemp(direction))), troupe)
            for direction in ("java", "ours")
        )
        yield javas, ours


@pytest.mark.parametrize("command", COMMANDS)
def test_same_is_printed(printers: tuple[Printer, Printer], command: str) -> None:
    javas, ours = printers
    becomes_same_text(command, lambda: ours.printed(command), lambda: javas.printed(command))
