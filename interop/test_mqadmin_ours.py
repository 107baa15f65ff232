"""Our mqadmin prints the same as the official one about the same cluster, on stdout and as heads of errors."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from interop.cluster import started_cluster
from interop.driver import Driver
from interop.expect import becomes, becomes_same_text, same_text
from interop.java_servers import environment
from interop.messages import Message
from interop.mqadmin_lines import BEFORE, COMMANDS, EXPORTS, LIVE, MASKS_OF_BOTH
from interop.raw_client import RawClient
from interop.stage import Stage
from interop.test_mqadmin import FIGURES, Printer
from interop.troupe import Troupe
from rocketpy.admin.catalog import MODULES
from rocketpy.admin.startup import main
from rocketpy.protocol.codes import RequestCode

PROCESSES = ("topicRoute -t Printed", "topicRoute -t Unknown", "topicRoute -x", "getBrokerConfig -b {broker}", "-h")
WITHOUT_NAMESRV = (
    "help",
    "topicList -n 127.0.0.1:1",
    "getNamesrvConfig -n 127.0.0.1:1",
    "wipeWritePerm -b b -n 127.0.0.1:1",
)
MASKS = (
    (r"(java\.lang\.NullPointerException): .*", r"\1"),  # newer JVMs tell what was null
    (r"(FileNotFoundException): .*", r"\1"),
    (r"(?m)^Caused by: (io\.netty|java\.net)\..*\n", ""),
    (r"(PlainAccessConfig@)[0-9a-f]+", r"\1N"),  # where the object is
    (r"(lastUpdateTimestamp=)\d+", r"\1N"),
    (r"((?:Timestamp|TimeStamp|TIMESTAMP) *[=:] *)\d+", r"\1N"),
    (r"(?m)^(\S+ +)[ \d.]+ (\d\.\d\d +){4}\d+$", r"\1RATES"),
    (r"(Consume TPS: )[\d.]+", r"\1N"),
    (r"(consumer:\[/127\.0\.0\.1:)\d+", r"\1N"),
    (r"(Producer: 127\.0\.0\.1:)\d+", r"\1N"),
    *MASKS_OF_BOTH,
)
MOST_CHANGES = 5
"""How often what is printed about may change between two runs."""


class Printed(NamedTuple):
    """What a run of mqadmin printed, and its exit status."""

    out: str
    err: str
    status: int


def ours(words: list[str]) -> Printed:
    """One run of our mqadmin, in this process."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main(words)
    return Printed(out.getvalue(), err.getvalue(), status)


def ours_as_process(words: list[str]) -> Printed:
    """The same as an operator runs it."""
    line = [sys.executable, "-m", "rocketpy", "mqadmin", *words]
    ended = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    return Printed(ended.stdout, ended.stderr, ended.returncode)


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


def same_is_printed(
    official: Driver,
    words: list[str],
    before: list[str] | None = None,
    *,
    run: Callable[[list[str]], Printed] = ours,
) -> None:
    """Ours prints what the official one prints before and after it.

    A heartbeat, a commit or a sample may come between two runs, so a difference counts only when the two runs of the
    official one agree; otherwise it begins anew.
    """

    def officially() -> tuple[str, int]:
        if before:
            official.ask("mqadmin", arguments=before)
        printed = official.ask("mqadmin", arguments=words)
        return masked(words, printed["out"], printed["err"]), printed["status"]

    expected = officially()
    for _ in range(MOST_CHANGES):
        if before:
            official.ask("mqadmin", arguments=before)
        printed = run(words)
        found = masked(words, printed.out, printed.err), printed.status
        if found == expected:
            return
        earlier, expected = expected, officially()
        if expected == earlier:
            break
    same_text(" ".join(words), f"{found[0]}\nstatus {found[1]}", f"{expected[0]}\nstatus {expected[1]}")


@pytest.mark.parametrize("command", COMMANDS)
def test_same_is_printed(java_printer: Printer, official: Driver, command: str) -> None:
    def words(text: str) -> list[str]:
        line = text.format(broker=java_printer.cluster.broker, message=java_printer.message)
        return [*line.split(), "-n", java_printer.cluster.namesrv]

    before = BEFORE.get(command)
    same_is_printed(official, words(command), None if before is None else words(before))


@pytest.mark.parametrize("command", PROCESSES)
def test_process_prints_the_same(java_printer: Printer, official: Driver, command: str) -> None:
    words = command.format(broker=java_printer.cluster.broker).split()
    same_is_printed(official, [*words, "-n", java_printer.cluster.namesrv], run=ours_as_process)


@pytest.mark.parametrize("command", EXPORTS)
def test_same_is_exported(java_printer: Printer, official: Driver, tmp_path: Path, command: str) -> None:
    words = command.format(broker=java_printer.cluster.broker, folder=tmp_path).split()
    words += ["-n", java_printer.cluster.namesrv]
    same_is_printed(official, words)

    def exported(export: Callable[[], object]) -> str:
        for path in tmp_path.iterdir():
            path.unlink()
        export()
        return _files(words, tmp_path)

    becomes_same_text(
        command,
        lambda: exported(lambda: ours(words)),
        lambda: exported(lambda: official.ask("mqadmin", arguments=words)),
    )


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
    lines = ours([]).out.splitlines()
    assert [line for line in expected if line in lines] == lines
    assert len(lines) == len(MODULES) + 3
