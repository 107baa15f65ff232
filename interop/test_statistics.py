"""The same load on the official broker and on ours: the same figures, under the same names, in the same forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, NamedTuple

import pytest

from interop.cluster import Cluster, started_cluster
from interop.expect import becomes, equal
from interop.raw_client import RawClient
from rocketpy.config.store import StoreConfig
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.summary import summarize
from rocketpy.inspection.verification import verify
from rocketpy.protocol.codes import RequestCode as Ask
from tools.dissect.records import records
from tools.record_golden.script import batch_body, properties, pull, send_v2

CLUSTER = "DefaultCluster"
SCHEDULED = "SCHEDULE_TOPIC_XXXX"
SETTINGS = {"transactionCheckInterval": "3600000", "maxMessageSize": "100000"}  # rounds come when they come
STATS = (
    "QUEUE_PUT_NUMS", "QUEUE_PUT_SIZE", "QUEUE_GET_NUMS", "QUEUE_GET_SIZE", "TOPIC_PUT_NUMS", "TOPIC_PUT_SIZE",
    "GROUP_GET_NUMS", "GROUP_GET_SIZE", "SNDBCK_PUT_NUMS", "SNDBCK_PUT_SIZE", "BROKER_PUT_NUMS", "BROKER_PUT_SIZE",
    "BROKER_GET_NUMS", "GROUP_GET_LATENCY", "GROUP_GET_FROM_DISK_NUMS", "GROUP_GET_FROM_DISK_SIZE",
    "BROKER_GET_FROM_DISK_NUMS", "COMMERCIAL_SEND_TIMES", "NO_SUCH_STATS",
)  # fmt: skip
KEYS = (
    CLUSTER, "StatA", "StatB", "StatC", SCHEDULED, "%RETRY%StatG", "%DLQ%StatG", "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC", "StatA@0", "StatA@StatG", "StatB@StatG", "StatC@StatG", "0@StatA@StatG",
    "2@StatB@StatG", "StatA@0@StatG", f"{SCHEDULED}@0", f"{SCHEDULED}@16", f"{SCHEDULED}@17",
    f"{SCHEDULED}@SCHEDULE_CONSUMER", f"{SCHEDULED}@0@SCHEDULE_CONSUMER", "OFFSET_MOVED_EVENT",
)  # fmt: skip
TIMED = "GROUP_GET_LATENCY"
FORMS = {
    "bootTimestamp": r"1\d{12}",
    "runtime": r"\[ 0 days, 0 hours, \d+ minutes, \d+ seconds \]",
    "commitLogDirCapacity": r"Total : [\d.]+ [KMGTPE]iB, Free : [\d.]+ [KMGTPE]iB\.",
    "commitLogDiskRatio": r"0\.\d\d?",
    "consumeQueueDiskRatio": r"0\.\d\d?",
    "getFoundTps": r"\d+\.\d+(E-\d)?  ?(\d+\.\d+(E-\d)?)? ?",
    "getMissTps": r"\d+\.\d+(E-\d)?  ?(\d+\.\d+(E-\d)?)? ?",
    "getTransferedTps": r"\d+\.\d+(E-\d)?  ?(\d+\.\d+(E-\d)?)? ?",
    "putTps": r"\d+\.\d+(E-\d)?  ?(\d+\.\d+(E-\d)?)? ?",
    "getTotalTps": r"\d+\.\d+(E-\d)? \d+\.\d+(E-\d)? \d+\.\d+(E-\d)?",
    "getMessageEntireTimeMax": r"\d+",
    "putMessageEntireTimeMax": r"\d+",
    "putMessageDistributeTime": r"null|\[<=0ms\]:\d+ \[0~10ms\]:\d+ .* \[10s~\]:\d+ ",
    "putLatency99": r"\d+\.\d\d",
    "putLatency999": r"\d+\.\d\d",
    "remainHowManyDataToFlush": r"\d+ B|\d+\.\d [KMGTPE]iB",
    "brokerVersion": r"40[78]|409",
    "brokerVersionDesc": r"V4_9_[78]",
}
"""What differs from run to run and from broker to broker, as exporters read it; all other values are equal."""


class Loaded(NamedTuple):
    """A broker that got the load, and when (ms) it stored the messages of StatA's queue 0."""

    cluster: Cluster
    times: list[int]


def _topic(client: RawClient, name: str) -> None:
    fields = {"topic": name, "defaultTopic": "TBW102", "readQueueNums": 4, "writeQueueNums": 4, "perm": 6,
              "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"}  # fmt: skip
    _ask(client, Ask.UPDATE_AND_CREATE_TOPIC, fields)


def _ask(client: RawClient, code: int, fields: dict[str, Any], body: bytes = b"") -> Any:
    return client.ask(code, {name: str(value) for name, value in fields.items()}, body)


def _load(broker: str) -> list[int]:
    """Send, delay, prepare, pull and give back; the times at which StatA's queue 0 got its messages."""
    with RawClient(broker) as client:
        for topic in ("StatA", "StatB", "StatC"):
            _topic(client, topic)
        for number in range(30):
            text = properties(TAGS=f"T{number % 3}", KEYS=f"k{number}", WAIT="true")
            _ask(client, Ask.SEND_MESSAGE_V2, send_v2("StatA", number % 2, text), b"a" * number)
        batch = batch_body(*((b"b" * number, properties(KEYS=f"b{number}")) for number in range(1, 6)))
        _ask(client, Ask.SEND_BATCH_MESSAGE, send_v2("StatB", 2, m="true"), batch)
        for level in (1, 1, 18):
            _ask(client, Ask.SEND_MESSAGE_V2, send_v2("StatC", 0, properties(DELAY=str(level))), b"later")
        _ask(client, Ask.SEND_MESSAGE_V2, send_v2("StatA", 0, properties(long="x" * 33_000)), b"too long")
        _ask(client, Ask.SEND_MESSAGE_V2, send_v2("StatA", 0), b"too long" * 20_000)
        _end_transactions(client)
        _wait_dispatched(client)
        times = _pull(client)
        _wait_end(client, "StatC", 0, 2)    # the delayed ones
        return times


def _end_transactions(client: RawClient) -> None:
    for kind in (8, 12):
        half = send_v2("StatC", 1, properties(TRAN_MSG="true", PGROUP="StatP"), f=4)
        answer = _ask(client, Ask.SEND_MESSAGE_V2, half, b"half").ext_fields
        end = {"producerGroup": "StatP", "tranStateTableOffset": answer["queueOffset"], "msgId": "x",
               "commitLogOffset": int(answer["msgId"][16:], 16), "commitOrRollback": kind,
               "fromTransactionCheck": "false"}  # fmt: skip
        _ask(client, Ask.END_TRANSACTION, end)


def _wait_dispatched(client: RawClient) -> None:
    """Java answers a send before its message is in its queue."""
    for topic, queue_id, count in (("StatA", 1, 15), ("StatB", 2, 5), ("RMQ_SYS_TRANS_OP_HALF_TOPIC", 0, 2)):
        _wait_end(client, topic, queue_id, count)


def _wait_end(client: RawClient, topic: str, queue_id: int, count: int) -> None:
    fields = {"topic": topic, "queueId": queue_id}
    becomes(f"end of {topic}", lambda: _ask(client, Ask.GET_MAX_OFFSET, fields).ext_fields["offset"], str(count))


def _pull(client: RawClient) -> list[int]:
    group = {"consumerGroup": "StatG"}
    found = _ask(client, Ask.PULL_MESSAGE, pull("StatA", 0, 0, **group))
    first = list(records(found.body))
    for queue_offset in (3, 15, 15):    # two of them find nothing
        _ask(client, Ask.PULL_MESSAGE, pull("StatA", 1, queue_offset, **group))
    _ask(client, Ask.PULL_MESSAGE, pull("StatB", 2, 0, **group))
    _ask(client, Ask.PULL_MESSAGE, pull("StatB", 2, 99, **group))    # beyond the end: an event is stored
    for level in (18, -1, 17):      # none comes back meanwhile
        fields = {"offset": first[0]["physical_offset"], "group": "StatG", "delayLevel": level, "originTopic": "StatA"}
        assert _ask(client, Ask.CONSUMER_SEND_MSG_BACK, fields).code == 0
    commit = group | {"topic": "StatA", "queueId": 0, "commitOffset": 4}
    _ask(client, Ask.UPDATE_CONSUMER_OFFSET, commit)
    return [record["store_timestamp"] for record in first]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Loaded]]:
    """Java's broker and ours, loaded at the same time."""
    with (
        started_cluster("java", tmp_path_factory.mktemp("stats-java"), **SETTINGS) as java,
        started_cluster("ours", tmp_path_factory.mktemp("stats-ours"), **SETTINGS) as ours,
        ThreadPoolExecutor(2) as pool,
    ):
        clusters = {"java": java, "ours": ours}
        times = {name: pool.submit(_load, cluster.broker) for name, cluster in clusters.items()}
        yield {name: Loaded(cluster, times[name].result()) for name, cluster in clusters.items()}


def _statistics(cluster: Cluster) -> dict[tuple[str, str], Any]:
    """By name and key what there is: sums and averages of the last minute, hour and day."""
    found: dict[tuple[str, str], Any] = {}
    with RawClient(cluster.broker) as client:
        for name in STATS:
            for key in KEYS:
                answer = _ask(client, Ask.VIEW_BROKER_STATS_DATA, {"statsName": name, "statsKey": key})
                if answer.code:
                    assert (answer.code, answer.remark) == (1, f"The stats <{name}> <{key}> not exist")
                    continue
                data = client.ask_json(Ask.VIEW_BROKER_STATS_DATA, {"statsName": name, "statsKey": key})
                items = [data[period] for period in ("statsMinute", "statsHour", "statsDay")]
                assert all(set(item) == {"sum", "tps", "avgpt"} for item in items)
                assert all((item["tps"] > 0) == (item["sum"] > 0) for item in items)
                found[name, key] = [(item["sum"], item["avgpt"]) if name != TIMED else "ms" for item in items]
    return found


def test_every_statistic_is_the_same(both: dict[str, Loaded]) -> None:
    """Samples are taken every ten seconds."""

    def sampled() -> bool:
        return all(_statistics(one.cluster)["SNDBCK_PUT_NUMS", "StatA@StatG"][0] == (3, 1.0) for one in both.values())

    def differences() -> dict[tuple[str, str], Any]:
        java, ours = (_statistics(both[name].cluster) for name in ("java", "ours"))
        return {
            key: {"java": java.get(key), "ours": ours.get(key)}
            for key in sorted(java.keys() | ours.keys())
            if java.get(key) != ours.get(key)
        }

    becomes("the last message that was counted is among the samples", sampled, True, timeout=45)
    becomes("statistics that differ", differences, {}, timeout=15)


def _runtime_info(cluster: Cluster) -> dict[str, str]:
    with RawClient(cluster.broker) as client:
        table: dict[str, str] = client.ask_json(Ask.GET_BROKER_RUNTIME_INFO)["table"]
    return {name if not name.startswith("commitLogDiskRatio_") else "commitLogDiskRatio": text
            for name, text in table.items()}  # fmt: skip


def test_runtime_info_is_the_same_after_load(both: dict[str, Loaded]) -> None:
    """Every key; every figure that the load decides; every other in a form that exporters read."""
    becomes("rates of ten seconds", lambda: all(
        re.fullmatch(FORMS["putTps"], _runtime_info(one.cluster)["putTps"]) for one in both.values()
    ), True)  # fmt: skip
    java, ours = (_runtime_info(both[name].cluster) for name in ("java", "ours"))
    equal("keys", sorted(ours), sorted(java))
    for name, table in (("java", java), ("ours", ours)):
        odd = {key: table[key] for key, form in FORMS.items() if not re.fullmatch(form, table[key])}
        equal(f"values of another form at {name}", odd, {})
    rest = [key for key in java if key not in FORMS]
    equal("figures", {key: ours[key] for key in rest}, {key: java[key] for key in rest})


@pytest.mark.parametrize("name", ["java", "ours"])
def test_directory_in_use_can_be_looked_into(both: dict[str, Loaded], name: str) -> None:
    """While messages come in: what is there holds together, and the broker notices nothing."""
    cluster = both[name].cluster
    assert cluster.broker_process is not None
    assert cluster.broker_process.process is not None
    config = StoreConfig(store_path_root_dir=str(cluster.broker_process.store))
    stopping, sent = Event(), 0

    def send() -> int:
        count = 0
        with RawClient(cluster.broker) as client:
            while not stopping.is_set() or count < 100:
                text = properties(KEYS=f"live{count} l", TAGS="L")
                for queue_id in (2, 3):
                    assert _ask(client, Ask.SEND_MESSAGE_V2, send_v2("StatC", queue_id, text), b"live").code == 0
                count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        try:
            for _ in range(5):
                findings = Findings()
                result = verify(config, findings, lambda *_: None)
                summary = summarize(config, findings, lambda *_: None)
                equal("damage", [str(one) for one in findings.kept if one.severity == "damage"], [])
                equal("process that has it open", summary.holder, cluster.broker_process.process.pid)
                assert result.records >= 40
        finally:
            stopping.set()
            sent = sending.result()
    with RawClient(cluster.broker) as client:
        _wait_end(client, "StatC", 3, sent)


@pytest.mark.parametrize("name", ["java", "ours"])
def test_times_are_those_of_the_messages(both: dict[str, Loaded], name: str) -> None:
    """Of topic statistics, of the earliest message, and of what a group has read."""
    cluster, times = both[name]
    queue = {"topic": "StatA", "queueId": "0"}
    with RawClient(cluster.broker) as client:
        earliest = client.ask(Ask.GET_EARLIEST_MSG_STORETIME, queue).ext_fields
        equal("earliest time", earliest, {"timestamp": str(times[0])})
        table = client.ask_json(Ask.GET_TOPIC_STATS_INFO, {"topic": "StatA"})["offsetTable"]
        rows = {key.value["queueId"]: row for key, row in table.items()}
        wanted = {"lastUpdateTimestamp": times[-1], "maxOffset": 15, "minOffset": 0}
        equal("statistics of queue 0", rows[0], wanted)
        equal("statistics of an empty queue", rows[3], {"lastUpdateTimestamp": 0, "maxOffset": 0, "minOffset": 0})
        asked = {"topic": "StatA", "group": "StatG"}
        spans = client.ask_json(Ask.QUERY_CONSUME_TIME_SPAN, asked)["consumeTimeSpanSet"]
        (span,) = (one for one in spans if one["messageQueue"]["queueId"] == 0)
        equal("time span", [span[f"{kind}TimeStamp"] for kind in ("min", "max", "consume")],
              [times[0], times[-1], times[3]])  # fmt: skip
        (empty,) = (one for one in spans if one["messageQueue"]["queueId"] == 3)
        stamps = [empty[f"{kind}TimeStamp"] for kind in ("min", "max", "consume")]
        equal("time span of an empty queue", stamps, [-1, -1, -1])
