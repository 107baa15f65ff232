"""Our mqadmin prints the same as the official one about the same cluster, on stdout and as heads of errors."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.cluster import started_cluster
from interop.driver import Driver
from interop.expect import becomes, same_text
from interop.java_servers import environment
from interop.messages import Message
from interop.raw_client import RawClient
from interop.stage import Stage
from interop.test_mqadmin import FIGURES, Printer
from interop.troupe import Troupe
from rocketpy.admin.catalog import MODULES
from rocketpy.protocol.codes import RequestCode

COMMANDS = (
    "nonsense",
    "help nonsense",
    "topicList",
    "topicList -c DefaultCluster",
    "topicRoute -t Printed",
    "topicRoute -tPrinted -l",
    "topicRoute --topic=Unknown",
    "topicStatus -topic Printed",
    "topicStatus -t Unknown",
    "topicClusterList -t Printed",
    "topicClusterList -t Unknown",
    "updateTopic -c DefaultCluster -t Made -r 3 -w 2",
    "updateTopic -b {broker} -t Made -r 4 -w 4 -p 4",
    "updateTopic -c NoCluster -t Made",
    "updateTopic -c DefaultCluster -t Made -r x",
    "updateTopic -c DefaultCluster -t Made -r 99999999999",
    "updateTopic -b {broker} -t SCHEDULE_TOPIC_XXXX",
    "updateTopic -b 127.0.0.1:1 -t Made",
    "updateTopic -b {broker} -t Ordered -o true -u true -s true",
    "updateTopic -c DefaultCluster -t Ordered -o true",
    "updateTopic -c NoCluster -t Ordered -o true",
    "updateTopicPerm -b {broker} -t Made -p 4",
    "updateTopicPerm -b 127.0.0.1:1 -t Made -p 4",
    "updateTopicPerm -c DefaultCluster -t Printed -p 6",
    "updateTopicPerm -t Printed -p 6",
    "updateOrderConf -t Ordered -m get",
    "updateOrderConf -t Ordered -m put -v broker-a:4;broker-b:8",
    "updateOrderConf -t Ordered -m put",
    "updateOrderConf -t Ordered -m delete",
    "updateOrderConf -t Ordered -m get",
    "updateOrderConf -t Ordered -m other",
    "allocateMQ -t Printed -i 10.0.0.1,10.0.0.2,10.0.0.3",
    "allocateMQ -t Made -i 10.0.0.1",
    "allocateMQ -t Unknown -i 10.0.0.1",
    "clusterList",
    "clusterList -m",
    "clusterList -i x",
    "brokerStatus -b {broker}",
    "brokerStatus -c DefaultCluster",
    "brokerStatus -b 127.0.0.1:1",
    "brokerStatus -c NoCluster",
    "brokerStatus",
    "getBrokerConfig -b {broker}",
    "getBrokerConfig -c DefaultCluster",
    "getBrokerConfig -b 127.0.0.1:1",
    "updateBrokerConfig -b {broker} -k fileReservedTime -v 71",
    "updateBrokerConfig -c DefaultCluster -k fileReservedTime -v 72",
    "updateBrokerConfig -k fileReservedTime -v 72",
    "brokerConsumeStats -b {broker}",
    "brokerConsumeStats -b {broker} -l 1 -o false",
    "brokerConsumeStats -b {broker} -l x",
    "cleanExpiredCQ -b {broker}",
    "cleanExpiredCQ -c NoCluster",
    "cleanExpiredCQ",
    "cleanUnusedTopic -c DefaultCluster",
    "cleanUnusedTopic -b 127.0.0.1:1",
    "deleteExpiredCommitLog -b {broker}",
    "deleteExpiredCommitLog -b 127.0.0.1:1",
    "consumerProgress",
    "consumerProgress -g printed-group",
    "consumerProgress -g printed-group -s true",
    "consumerProgress -g unknown-group",
    "consumerConnection -g printed-group",
    "consumerConnection -g printed-group -b {broker}",
    "consumerConnection -g unknown-group",
    "producerConnection -g unknown -t Printed",
    "producerConnection -g unknown -t Unknown",
    "producer -b {broker}",
    "producer -b 127.0.0.1:1",
    "getConsumerConfig -g printed-group",
    "getConsumerConfig -g unknown-group",
    "updateSubGroup -b {broker} -g made-group -s false -m true -d true -q 2 -r 3 -i 1 -w 2 -a false",
    "updateSubGroup -c DefaultCluster -g made-group",
    "updateSubGroup -c NoCluster -g made-group",
    "updateSubGroup -b {broker} -g made-group -q many",
    "updateSubGroup -g made-group",
    "deleteSubGroup -b {broker} -g made-group",
    "deleteSubGroup -c DefaultCluster -g made-group -r true",
    "deleteSubGroup -g made-group",
    "statsAll",
    "statsAll -a",
    "statsAll -t Printed",
    "queryMsgById -i {message}",
    "queryMsgById -i {message},{message}",
    "queryMsgById -i 0000",
    "queryMsgById -i {message} -g printed-group -d nobody",
    "queryMsgByKey -t Printed -k key1",
    "queryMsgByKey -t Printed -k unknown",
    "queryMsgByKey -t Unknown -k key1",
    "queryMsgByUniqueKey -t Printed -i 00000000000000000000000000000002",
    "queryMsgByUniqueKey -t Printed -i 00000000000000000000000000000002 -a",
    "queryMsgByUniqueKey -t Printed -i 0000000000000000000000000000000F",
    "queryMsgByOffset -t Printed -b broker-a -i 0 -o 1",
    "queryMsgByOffset -t Printed -b broker-a -i 0 -o 9",
    "queryMsgByOffset -t Printed -b broker-b -i 0 -o 1",
    "queryMsgByOffset -t Printed -b broker-a -i 0 -o -1",
    "queryMsgTraceById -i 00000000000000000000000000000001 -t Traces",
    "QueryMsgTraceById -i 0000000000000000000000000000000F -t Traces",
    "queryMsgTraceById -i 00000000000000000000000000000001 -t Unknown",
    "printMsg -t Printed",
    "printMsg -t Printed -s Tag -d false",
    "printMsg -t Printed -s Other||Another -c GBK",
    "printMsg -t Printed -c nonsense",
    "printMsg -t Printed -s ||",
    "printMsg -t Printed -b 1700000000000 -e 2020-01-02#03:04:05:006",
    "printMsg -t Printed -b yesterday",
    "printMsg -t Unknown",
    "printMsgByQueue -t Printed -a broker-a -i 0",
    "printMsgByQueue -t Printed -a broker-a -i 0 -p true",
    "printMsgByQueue -t Printed -a broker-a -i 1 -p true -d true -f true",
    "printMsgByQueue -t Printed -a broker-a -i 0 -p true -d true -c nonsense",
    "printMsgByQueue -t Printed -a broker-a -i 0 -b 0 -e 1700000000000 -f true",
    "printMsgByQueue -t Printed -a broker-a -i 9 -p true",
    "printMsgByQueue -t Printed -a broker-b -i 0",
    "printMsgByQueue -t Printed -a broker-a -i x",
    "consumeMessage -t Printed",
    "consumeMessage -t Printed -c 1",
    "consumeMessage -t Printed -b broker-a -i 0",
    "consumeMessage -t Printed -b broker-a -i 0 -o 1 -c 1 -g printed-group",
    "consumeMessage -t Printed -b broker-a -i 0 -o 9",
    "consumeMessage -t Printed -b broker-a -i 9",
    "consumeMessage -t Printed -b broker-b -i 0",
    "consumeMessage -t Printed -s 0 -e 1700000000000",
    "consumeMessage -t Printed -s 4000000000000",
    "consumeMessage -t Printed -e 4000000000000",
    "consumeMessage -t Printed -s 1700000000000 -e 1600000000000",
    "consumeMessage -t Printed -i 0",
    "consumeMessage -t Printed -b broker-a -o 1",
    "consumeMessage -t Printed -c 0",
    "consumeMessage -t Printed -c x",
    "consumeMessage -t Unknown",
    "clusterRT -a x",
    "queryCq -t Printed -q 0 -i 0 -b {broker}",
    "queryCq -t Printed -q 1 -i 0 -c 1 -g printed-group",
    "queryCq -t Printed -q 9 -i 0",
    "queryCq -t Unknown -q 0 -i 0",
    "resetOffsetByTime -g printed-group -t Printed -s now",
    "resetOffsetByTime -g printed-group -t Printed -s 1700000000000",
    "resetOffsetByTime -g printed-group -t Printed -s 2030-01-02#03:04:05:006 -f false",
    "resetOffsetByTime -g printed-group -t Printed -s yesterday",
    "resetOffsetByTime -g printed-group -t Unknown -s now",
    "resetOffsetByTime -g new-group -t Printed -s 0 -c",
    "skipAccumulatedMessage -g printed-group -t Printed",
    "skipAccumulatedMessage -g printed-group -t Unknown -f false",
    "cloneGroupOffset -s printed-group -d cloned-group -t Printed",
    "cloneGroupOffset -s unknown-group -d cloned-group -t Printed",
    "wipeWritePerm -b broker-a",
    "wipeWritePerm -b unknown",
    "addWritePerm -b broker-a",
    "addWritePerm -b unknown",
    "updateKvConfig -s Space -k key -v value",
    "deleteKvConfig -s Space -k key",
    "deleteKvConfig -s Space -k key",
    "getNamesrvConfig",
    "updateNamesrvConfig -k serverWorkerThreads -v 9",
    "updateNamesrvConfig -k configStorePath -v /nowhere",
    "consumerStatus -g printed-group",
    "consumerStatus -g unknown-group",
    "consumerStatus -g printed-group -b {broker} -i nobody",
    "checkMsgSendRT -t Printed -a 5 -s 10",
    "checkMsgSendRT -t Printed -a x",
    "sendMsgStatus -b broker-a -c 3 -s 20",
    "sendMsgStatus -b broker-a -c x",
    "sendMsgStatus -b broker-x",
    "sendMessage -t Printed -p body -k key -c Tag",
    "sendMessage -t Printed -p body -b broker-a",
    "sendMessage -t Printed -p body -b broker-a -i 1 -m true",
    "sendMessage -t Printed -p body -b broker-x -i 1",
    "sendMessage -t Printed -p body -b broker-a -i 9",
    "sendMessage -t Printed -p body -i 1",
    "sendMessage -t Printed -p body -b broker-a -i x",
    "sendMessage -t Un%known! -p body",
    "sendMessage -t TBW102 -p body",
    "updateAclConfig -b {broker} -a name -s secret123 -t A=PUB -m true",
    "updateAclConfig -c NoCluster -a name -s secret123",
    "deleteAclConfig -b {broker} -a name",
    "deleteAccessConfig -c NoCluster -a name",
    "clusterAclConfigVersion -b {broker}",
    "clusterAclConfigVersion -c NoCluster",
    "updateGlobalWhiteAddr -b {broker} -g 10.0.0.*",
    "updateGlobalWhiteAddr -c NoCluster -g 10.0.0.* -p /nowhere.yml",
    "deleteTopic -c DefaultCluster -t Made",
    "deleteTopic -c NoCluster -t Made",
)
"""Run one after the other, by the official mqadmin and then by ours: what changes something may be done twice."""
_BACK = "resetOffsetByTime -g printed-group -t Printed -s 1700000000000"
BEFORE = {
    "updateTopic -b {broker} -t Ordered -o true -u true -s true": "updateOrderConf -t Ordered -m delete",
    "resetOffsetByTime -g printed-group -t Printed -s now": _BACK,
    "resetOffsetByTime -g printed-group -t Printed -s 1700000000000": _BACK,
    "skipAccumulatedMessage -g printed-group -t Printed": _BACK,
}
"""What the official mqadmin does before each of the two, where the first would leave something else to the second."""
EXPORTS = (
    "exportMetadata -f {folder}",
    "exportMetadata -b {broker} -f {folder}",
    "exportMetadata -b {broker} -t -f {folder}",
    "exportMetadata -b {broker} -t -s -f {folder}",
    "exportMetadata -b {broker} -g -f {folder}",
    "exportMetadata -c DefaultCluster -f {folder}",
    "exportMetadata -c DefaultCluster -t -s -f {folder}",
    "exportMetadata -c DefaultCluster -g -f {folder}",
    "exportMetadata -c NoCluster -f {folder}",
    "exportMetadata -b 127.0.0.1:1 -t -f {folder}",
    "exportConfigs -c DefaultCluster -f {folder}",
    "exportConfigs -c NoCluster -f {folder}",
    "exportMetrics -c DefaultCluster -f {folder}",
    "exportMetrics -c NoCluster -f {folder}",
    "exportMetadata -c DefaultCluster -f /proc/nowhere",
)
LIVE = (
    "consumerConnection -g {consumer}",
    "consumerConnection -g {consumer} -b {broker}",
    "producerConnection -g {producer} -t {topic}",
    "producer -b {broker}",
    "consumerProgress",
    "consumerProgress -g {consumer}",
    "consumerProgress -g {consumer} -s true",
    "consumerStatus -g {consumer} -i {client}",
    "consumerStatus -g {consumer} -i nobody",
    "topicList -c",
    "statsAll -t {topic}",
    "brokerConsumeStats -b {broker}",
    "queryCq -t {topic} -q 0 -i 0 -g {consumer}",
    "resetOffsetByTime -g {consumer} -t {topic} -s now",
)
WITHOUT_NAMESRV = (
    "help",
    "topicList -n 127.0.0.1:1",
    "getNamesrvConfig -n 127.0.0.1:1",
    "wipeWritePerm -b b -n 127.0.0.1:1",
)
MASKS = (
    (r"(?m)^(\s+at |\s+\.\.\. ).*\n", ""),  # where in mqadmin it was thrown
    (r"(java\.lang\.NullPointerException): .*", r"\1"),  # newer JVMs tell what was null
    (r"(FileNotFoundException): .*", r"\1"),
    (r"(?m)^Caused by: (io\.netty|java\.net)\..*\n", ""),
    (r"(PlainAccessConfig@)[0-9a-f]+", r"\1N"),  # where the object is
    (r"(?m)^(rt=)\d+(ms, SendResult=SendResult .*queueId=)\d+(\], queueOffset=)\d+", r"\1N\2N\3N"),
    (r"(msgId=|offsetMsgId=)[0-9A-F]+", r"\1ID"),
    (r"(?m)^(\S+ +)(\d+)( +true +)\d+$", r"\1\2\3N"),  # how long a send took
    (r"(lastUpdateTimestamp=)\d+", r"\1N"),
    (r"((?:Timestamp|TimeStamp|TIMESTAMP) *[=:] *)\d+", r"\1N"),
    (r"(?m)^(\S+ +)[ \d.]+ (\d\.\d\d +){4}\d+$", r"\1RATES"),
    (r"(Consume TPS: )[\d.]+", r"\1N"),
    (r"(Avg RT: )[\d.]+", r"\1N"),
    (r"(timeout, )\d+\(ms\)", r"\1N(ms)"),
    (r"(consumer:\[/127\.0\.0\.1:)\d+", r"\1N"),
    (r"(Producer: 127\.0\.0\.1:)\d+", r"\1N"),
    (r"(?m)^(\S+ +)\d+( +SEND_OK +)[0-9A-F]+$", r"\1N\2ID"),
)
MOST_CHANGES = 5
"""How often what is printed about may change between two runs."""


def ours(words: list[str]) -> subprocess.CompletedProcess[str]:
    """One run of our mqadmin as a process."""
    line = [sys.executable, "-m", "rocketpy", "mqadmin", *words]
    return subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def masked(words: list[str], out: str, err: str) -> str:
    """What both print alike."""
    text = f"{out}\n--- stderr\n{err}"
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return re.sub(r" *-?\d[\d.,/]*(?:E-?\d+)?", " N", text) if words and words[0] in FIGURES else text


@pytest.fixture(scope="module")
def java_printer(tmp_path_factory: pytest.TempPathFactory, troupe: Troupe) -> Iterator[Printer]:
    """Java's cluster with something in it."""
    with started_cluster("java", tmp_path_factory.mktemp("java")) as cluster:
        yield Printer(cluster, troupe)


@pytest.fixture(scope="module")
def official(troupe: Troupe) -> Driver:
    """Where the official mqadmin runs."""
    return troupe.client("java")


def same_is_printed(official: Driver, words: list[str], before: list[str] | None = None) -> None:
    """Ours prints what the official one prints before and after it.

    A heartbeat, a commit or a sample may come between two runs, so a difference counts only when the two runs of the
    official one agree; otherwise it begins anew.
    """

    def officially() -> str:
        if before:
            official.ask("mqadmin", arguments=before)
        printed = official.ask("mqadmin", arguments=words)
        return masked(words, printed["out"], printed["err"])

    expected = officially()
    for _ in range(MOST_CHANGES):
        if before:
            official.ask("mqadmin", arguments=before)
        printed = ours(words)
        found = masked(words, printed.stdout, printed.stderr)
        assert printed.returncode == 0
        if found == expected:
            return
        earlier, expected = expected, officially()
        if expected == earlier:
            break
    same_text(" ".join(words), found, expected)


@pytest.mark.parametrize("command", COMMANDS)
def test_same_is_printed(java_printer: Printer, official: Driver, command: str) -> None:
    def words(text: str) -> list[str]:
        line = text.format(broker=java_printer.cluster.broker, message=java_printer.message)
        return [*line.split(), "-n", java_printer.cluster.namesrv]

    before = BEFORE.get(command)
    same_is_printed(official, words(command), None if before is None else words(before))


@pytest.mark.parametrize("command", EXPORTS)
def test_same_is_exported(java_printer: Printer, official: Driver, tmp_path: Path, command: str) -> None:
    words = command.format(broker=java_printer.cluster.broker, folder=tmp_path).split()
    words += ["-n", java_printer.cluster.namesrv]
    official.ask("mqadmin", arguments=words)
    expected = _files(words, tmp_path)
    same_is_printed(official, words)
    same_text(command, _files(words, tmp_path), expected)


def _files(words: list[str], folder: Path) -> str:
    """What was exported, but for the moment, and for figures that change all the time."""
    text = "".join(f"{path.name}\n{path.read_text()}\n" for path in sorted(folder.iterdir()))
    text = re.sub(r'("exportTime":)\d+', r"\1N", text)
    return re.sub(r'(":"?)[\d.]+', r"\1N", text) if words[0] == "exportMetrics" else text


@pytest.fixture(scope="module")
def live(java_printer: Printer, official: Driver) -> Iterator[dict[str, str]]:
    """A producer and a consumer at work, known to the broker: what commands call them."""
    with Stage(java_printer.cluster, official) as stage:
        topic = stage.topic(2)
        producer, consumer = stage.producer(), stage.consumer(topic, expression="TagA || TagB")
        producer.send(Message(topic, b"text", tags="TagA"))
        consumer.received(1)
        becomes("the offset of the client", lambda: _committed(java_printer, consumer.group, topic), 1)
        with RawClient(java_printer.cluster.broker) as broker:
            fields = {"producerGroup": producer.group}
            becomes(
                "answer to the connections of the producer",  # its first heartbeat may come after 30 s
                lambda: broker.ask(RequestCode.GET_PRODUCER_CONNECTION_LIST, fields).code,
                0,
            )
        rows = stage.mqadmin("consumerConnection", "-g", consumer.group).splitlines()
        yield {"topic": topic, "producer": producer.group, "consumer": consumer.group, "client": rows[1].split()[0]}


def _committed(printer: Printer, group: str, topic: str) -> int:
    """How much the group said that it consumed; its client says so each five seconds, the first time after ten."""
    with RawClient(printer.cluster.broker) as client:
        fields = [{"consumerGroup": group, "topic": topic, "queueId": str(queue_id)} for queue_id in range(2)]
        answers = [client.ask(RequestCode.QUERY_CONSUMER_OFFSET, one).ext_fields or {} for one in fields]
    return sum(int(answer.get("offset", 0)) for answer in answers)


@pytest.mark.parametrize("command", LIVE)
def test_same_is_printed_of_running_clients(
    java_printer: Printer, official: Driver, live: dict[str, str], command: str
) -> None:
    words = command.format(broker=java_printer.cluster.broker, **live).split()
    same_is_printed(official, [*words, "-n", java_printer.cluster.namesrv])


@pytest.mark.parametrize("command", WITHOUT_NAMESRV)
def test_same_is_printed_without_a_name_server(official: Driver, command: str) -> None:
    same_is_printed(official, command.split())


@pytest.mark.parametrize("name", MODULES)
def test_same_help_is_printed(official: Driver, name: str) -> None:
    same_is_printed(official, ["help", name])


def test_overview_shows_what_there_is_as_the_official_one(official: Driver) -> None:
    expected = official.ask("mqadmin", arguments=[])["out"].splitlines()
    lines = ours([]).stdout.splitlines()
    assert [line for line in expected if line in lines] == lines
    assert len(lines) == len(MODULES) + 3
