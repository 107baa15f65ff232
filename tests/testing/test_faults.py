"""What a client sees of each fault, and that nothing is left of it afterwards."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.client import ClientError, Message, Producer, SendStatus
from rocketpy.disk import disk_at
from rocketpy.errors import ConnectError, RemotingError, RemotingTimeout, SendFailed
from rocketpy.protocol.api.client import Heartbeat, HeartbeatData, ProducerData
from rocketpy.protocol.api.offset import GetMaxOffset
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.route import GetRouteInfo, TopicRouteData
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.header import Header
from rocketpy.remoting.client import Client
from rocketpy.testing.faults import NOBODY, SENDS
from tests.client.cluster import wait_until
from tests.testing.stage import Stage, staged

QUICK_MS = 300


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("faults")) as stage:
        yield stage


@pytest.fixture
def stage(servers: Stage) -> Iterator[Stage]:
    """The servers, which are whole again afterwards: every request goes its own way."""
    own = [router.route(code) for router in servers.table._routers(None) for code in sorted(router.codes)]
    yield servers
    servers.faults.clear()
    left = [router.route(code) for router in servers.table._routers(None) for code in sorted(router.codes)]
    assert left == own


@pytest.fixture
def producer(stage: Stage) -> Iterator[Producer]:
    """One that tries once, and sends only after it has met the broker."""
    with stage.producer(retries=0) as producer:
        yield producer


def send_header(topic: str, group: str = "P") -> SendMessage:
    return SendMessage(
        producer_group=group, topic=topic, default_topic="TBW102", default_topic_queue_nums=4, queue_id=0,
        sys_flag=0, born_timestamp=1, flag=0,
    )  # fmt: skip


def send(stage: Stage, topic: str, group: str = "P", timeout_ms: float = 5000) -> Command:
    """The broker's answer to one message."""
    answer: Command = stage.ask(send_header(topic, group), b"x", timeout_ms)
    return answer


def count(stage: Stage, topic: str) -> int:
    return int(stage.servers.call(stage.servers.broker.store.max_offset, topic, 0))


# ---------------------------------------------------------------- refusals


def test_send_fails_as_often_as_it_is_to(stage: Stage, producer: Producer) -> None:
    topic = stage.topic()
    with stage.faults.fail("SEND_MESSAGE", code="NO_PERMISSION", remark="not today", times=2) as fault:
        for _ in range(2):
            with pytest.raises(ClientError, match="not today") as caught:
                producer.send(Message(topic, b"x"))
            assert caught.value.code == ResponseCode.NO_PERMISSION
        assert producer.send(Message(topic, b"x")).status is SendStatus.SEND_OK
        assert fault.hits == 2
    assert fault.hits == 2, "also when it is over"
    assert count(stage, topic) == 1


def test_fault_without_with_lasts_until_clear(stage: Stage) -> None:
    topic = stage.topic()
    fault = stage.faults.fail("SEND_MESSAGE", code=1)
    assert [send(stage, topic).code for _ in range(3)] == [1, 1, 1]
    fault.clear()
    fault.clear()
    assert send(stage, topic).code == 0
    stage.faults.fail(RequestCode.SEND_MESSAGE_V2, code=16)
    assert send(stage, topic).code == 16, "the long form, too"
    stage.faults.clear()
    assert send(stage, topic).code == 0


def test_producer_tries_again_when_the_broker_fails(stage: Stage) -> None:
    topic = stage.topic()
    with stage.faults.fail(SENDS, times=2) as fault, stage.producer() as producer:
        assert producer.send(Message(topic, b"x")).status is SendStatus.SEND_OK
        assert fault.hits == 2


@pytest.mark.parametrize(
    ("kind", "code", "remark"),
    [
        ("queue", 2, "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: "),
        ("page cache", 2, "[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: "),
        ("store", 1, "[PC_SYNCHRONIZED]broker busy, start flow control for a while"),
        ("reject", 2, "[REJECTREQUEST]system busy, start flow control for a while"),
        ("overload", 2, "[OVERLOAD]system busy, start flow control for a while"),
    ],
)
def test_broker_is_busy_as_java_is(stage: Stage, kind: str, code: int, remark: str) -> None:
    topic = stage.topic()
    with stage.faults.busy(kind):  # type: ignore[arg-type]
        answer = send(stage, topic)
    assert answer.code == code
    assert answer.remark is not None
    assert answer.remark.startswith(remark)


def test_any_request_can_fail(stage: Stage) -> None:
    question = GetMaxOffset(topic=stage.topic(), queue_id=0)
    with stage.faults.fail("GET_MAX_OFFSET", remark="no"):
        answer = stage.ask(question)
        assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_ERROR, "no")
    assert stage.ask(question).code == 0


# ---------------------------------------------------------------- which requests


def test_fault_is_about_a_topic_or_a_group(stage: Stage) -> None:
    topic, other = stage.topic(), stage.topic()
    with stage.faults.fail("SEND_MESSAGE", topic=topic) as by_topic:
        assert (send(stage, topic).code, send(stage, other).code) == (1, 0)
    with stage.faults.fail("SEND_MESSAGE", group="P2", topic=other) as by_both:
        assert (send(stage, other).code, send(stage, other, "P2").code) == (0, 1)
        assert send(stage, topic, "P2").code == 0
    assert (by_topic.hits, by_both.hits) == (1, 1)


def test_first_requests_can_be_let_alone(stage: Stage) -> None:
    topic = stage.topic()
    with stage.faults.fail("SEND_MESSAGE", skip=2, times=1):
        assert [send(stage, topic).code for _ in range(4)] == [0, 0, 1, 0]


def test_chance_is_the_same_each_time(stage: Stage) -> None:
    topic, seen = stage.topic(), []
    for seed in (5, 5, 6):
        with stage.faults.fail("SEND_MESSAGE", probability=0.5, seed=seed):
            seen.append([send(stage, topic).code for _ in range(20)])
    assert seen[0] == seen[1] != seen[2]
    assert 4 < sum(seen[0]) < 16


def test_fault_is_about_a_client_or_an_address(stage: Stage) -> None:
    topic = stage.topic()
    client = stage.servers.call(Client)

    def ask(header: Header, body: bytes = b"") -> int:
        return int(stage.servers.call(client.invoke, stage.broker, header, body).code)

    beat = HeartbeatData(client_id="me", producer_data_set=[ProducerData(group_name="mine")])
    assert ask(Heartbeat(), beat.to_json()) == 0
    with stage.faults.fail("SEND_MESSAGE", client_id="me"):
        assert (ask(send_header(topic)), send(stage, topic).code) == (1, 0)
    with stage.faults.fail("SEND_MESSAGE", peer="127.0.0.1"):
        assert send(stage, topic).code == 1
    with stage.faults.fail("SEND_MESSAGE", peer="127.0.0.2"):
        assert send(stage, topic).code == 0
    assert stage.faults.close_connections(client_id="you") == 0
    assert stage.faults.close_connections(client_id="me") == 1
    wait_until(lambda: not client.is_connected(stage.broker))
    stage.servers.call(client.close)


def test_faults_meet_in_the_order_in_which_they_were_begun(stage: Stage) -> None:
    topic = stage.topic()
    with stage.faults.fail("SEND_MESSAGE", code=14, times=1), stage.faults.fail("SEND_MESSAGE", code=16) as second:
        assert [send(stage, topic).code for _ in range(2)] == [14, 16]
    assert second.hits == 2, "it was about both, though one came before"


# ---------------------------------------------------------------- half done, slow, lost


@pytest.mark.parametrize("status", ["FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE", "FLUSH_DISK_TIMEOUT"])
def test_message_is_stored_but_not_safely(stage: Stage, producer: Producer, status: str) -> None:
    topic = stage.topic()
    with stage.faults.answer(status):
        result = producer.send(Message(topic, b"x"))
    assert result.status.value == status
    assert result.queue_offset == 0
    assert count(stage, topic) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_slow_send_is_waited_for(stage: Stage, producer: Producer, when: str) -> None:
    topic = stage.topic()
    producer.send(Message(topic, b"x"))
    with stage.faults.slow(0.1, when=when) as fault:  # type: ignore[arg-type]
        began = time.monotonic()
        future = producer.send_async(Message(topic, b"y"))
        wait_until(lambda: fault.hits)
        assert send_at_once(stage, topic) == 0, "others are not held up"
        assert future.result(10).status is SendStatus.SEND_OK
        assert time.monotonic() - began >= 0.1
    assert count(stage, topic) == 2


def send_at_once(stage: Stage, topic: str) -> int:
    return int(stage.ask(GetMaxOffset(topic=topic, queue_id=0)).code)


def test_lost_request_and_lost_reply_are_time_outs(stage: Stage) -> None:
    topic = stage.topic()
    with stage.faults.lose_request() as fault:
        with pytest.raises(RemotingTimeout):
            send(stage, topic, timeout_ms=QUICK_MS)
        wait_until(lambda: fault.hits == 1)
    assert count(stage, topic) == 0
    with stage.faults.lose_reply() as fault:
        with pytest.raises(RemotingTimeout):
            send(stage, topic, timeout_ms=QUICK_MS)
        wait_until(lambda: count(stage, topic) == 1)
    assert fault.hits == 1
    assert send(stage, topic).code == 0


@pytest.mark.parametrize(("when", "stored"), [("before", 0), ("after", 1)])
def test_connection_breaks(stage: Stage, when: str, stored: int) -> None:
    topic = stage.topic()
    with stage.faults.break_connection(when=when), pytest.raises(SendFailed):  # type: ignore[arg-type]
        send(stage, topic)
    assert count(stage, topic) == stored
    assert send(stage, topic).code == 0


def test_producer_survives_a_broken_connection(stage: Stage) -> None:
    topic = stage.topic()
    with stage.producer() as producer, stage.faults.break_connection(times=1) as fault:
        assert producer.send(Message(topic, b"x")).status is SendStatus.SEND_OK
        assert fault.hits == 1
        assert stage.faults.close_connections() >= 1
        wait_until(lambda: sent(producer, topic))


def sent(producer: Producer, topic: str) -> bool:
    try:
        return producer.send(Message(topic, b"x")).status is SendStatus.SEND_OK
    except RemotingError:
        return False


def pull_header(topic: str) -> PullMessage:
    return PullMessage(
        consumer_group="G", topic=topic, queue_id=0, queue_offset=0, max_msg_nums=32,
        sys_flag=PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION, commit_offset=0, suspend_timeout_millis=20_000,
        subscription="*", sub_version=0, expression_type="TAG",
    )  # fmt: skip


def test_answer_to_a_pull_that_waited_is_lost(stage: Stage) -> None:
    topic = stage.topic()
    client = stage.servers.call(Client)
    with stage.faults.lose_reply("PULL_MESSAGE") as fault:
        pull = stage.servers.submit(client.invoke, stage.broker, pull_header(topic), b"", 1500)
        wait_until(lambda: fault.hits)
        assert send(stage, topic).code == 0
        with pytest.raises(RemotingTimeout):
            pull.result(20)
    stage.servers.call(client.close)


def test_answers_that_come_later_are_changed_and_delayed_as_well(tmp_path: Path) -> None:
    with staged(tmp_path, flushDiskType="SYNC_FLUSH") as stage:
        topic = stage.topic()
        with stage.faults.answer("FLUSH_SLAVE_TIMEOUT"):
            assert send(stage, topic).code == ResponseCode.FLUSH_SLAVE_TIMEOUT
        with stage.faults.slow(0.05, when="after"):
            began = time.monotonic()
            assert send(stage, topic).code == 0
            assert time.monotonic() - began >= 0.05
        with stage.faults.lose_reply(), pytest.raises(RemotingTimeout):
            send(stage, topic, timeout_ms=QUICK_MS)
        wait_until(lambda: count(stage, topic) == 3)


# ---------------------------------------------------------------- the network and the name server


def test_broker_cannot_be_reached(stage: Stage) -> None:
    topic = stage.topic()
    port = int(stage.broker.rpartition(":")[2])
    with stage.faults.unreachable():
        with pytest.raises(ConnectError):
            send(stage, topic)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port - 2)).close()
    assert send(stage, topic).code == 0


def route(stage: Stage, topic: str) -> Command:
    def ask() -> Command:
        client = Client()
        try:
            return client.invoke(stage.namesrv, GetRouteInfo(topic=topic))
        finally:
            client.close()

    return stage.servers.call(ask)


def test_name_server_cannot_be_reached(stage: Stage) -> None:
    topic = stage.topic()
    with stage.faults.unreachable("namesrv"), pytest.raises(ConnectError):
        route(stage, topic)
    assert route(stage, topic).code == 0
    assert stage.faults.close_connections("namesrv") >= 1
    assert route(stage, topic).code == 0


def test_broker_is_not_registered_until_the_fault_is_over(stage: Stage) -> None:
    topic = stage.topic()
    assert route(stage, topic).code == 0
    with stage.faults.unregister() as fault:
        assert route(stage, topic).code == ResponseCode.TOPIC_NOT_EXIST
        stage.clock.advance(60)
        assert fault.hits >= 1
        assert route(stage, topic).code == ResponseCode.TOPIC_NOT_EXIST
        with stage.producer(retries=0) as producer, pytest.raises(ClientError, match="No route info"):
            producer.send(Message(topic, b"x"))
    assert route(stage, topic).code == 0


def test_route_leads_nowhere(stage: Stage) -> None:
    topic = stage.topic()
    with stage.faults.wrong_route(topic=topic) as fault:
        found = TopicRouteData.from_json(route(stage, topic).body)
        assert found.broker_datas[0].broker_addrs == {0: NOBODY}
        failure = re.escape(f"connect to <{NOBODY}> failed")
        with stage.producer(retries=0) as producer, pytest.raises(ClientError, match=failure):
            producer.send(Message(topic, b"x"))
        assert fault.hits >= 2
    found = TopicRouteData.from_json(route(stage, topic).body)
    assert found.broker_datas[0].broker_addrs == {0: stage.broker}


def test_registration_is_lost_and_the_route_expires(stage: Stage) -> None:
    topic = stage.topic()
    with stage.faults.fail(["REGISTER_BROKER", "QUERY_DATA_VERSION"], server="namesrv"):
        stage.clock.advance(130, heartbeats=False)
        assert route(stage, topic).code == ResponseCode.TOPIC_NOT_EXIST
    stage.clock.advance(60)
    assert route(stage, topic).code == 0


# ---------------------------------------------------------------- the disk


def test_flush_fails_and_nothing_is_accepted_any_more(tmp_path: Path) -> None:
    with staged(tmp_path, flushDiskType="SYNC_FLUSH") as stage:
        topic = stage.topic()
        assert send(stage, topic).code == 0
        with stage.faults.fail_disk(path="commitlog") as fault:
            assert send(stage, topic).code == ResponseCode.FLUSH_DISK_TIMEOUT
            assert fault.hits == 1
        assert send(stage, topic).code == ResponseCode.SERVICE_NOT_AVAILABLE, "until the broker is started again"


def test_no_room_for_a_new_file_is_left(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        topic = stage.topic()
        sizes = []
        with stage.faults.fail_disk("map", "ENOSPC", "commitlog"), stage.producer(retries=0) as producer:
            with pytest.raises(ClientError, match="create mapped file failed") as caught:
                producer.send(Message(topic, b"x"))
            sizes.append(count(stage, topic))
        assert caught.value.code == ResponseCode.SYSTEM_ERROR
        assert send(stage, topic).code == 0
        assert sizes == [0]


def test_slow_flush_is_waited_for(tmp_path: Path) -> None:
    with staged(tmp_path, flushDiskType="SYNC_FLUSH") as stage:
        topic = stage.topic()
        with stage.faults.slow_disk(0.1, path="commitlog") as fault:
            began = time.monotonic()
            assert send(stage, topic).code == 0
            assert time.monotonic() - began >= 0.1
            assert fault.hits >= 1


def test_full_disk_takes_no_messages(stage: Stage) -> None:
    topic = stage.topic()
    root = stage.servers.broker.settings.store.store_path_root_dir
    below = disk_at(root)
    with stage.faults.fill_disk(0.95):
        answer = send(stage, topic)
        assert answer.code == ResponseCode.SERVICE_NOT_AVAILABLE
        assert "disk is full [CL:  0.95" in str(answer.remark)
    assert send(stage, topic).code == 0
    assert disk_at(root) is below


# ---------------------------------------------------------------- what makes no sense


def test_senseless_faults_are_refused(stage: Stage) -> None:
    faults = stage.faults
    for refused, text in (
        (lambda: faults.fail("SEND_MESAGE"), "there is no request 'SEND_MESAGE'; there is SEND_MESSAGE"),
        (lambda: faults.fail(9999), "there is no request 9999"),
        (lambda: faults.fail("PUT_KV_CONFIG", server="broker"), "the broker does not answer PUT_KV_CONFIG"),
        (lambda: faults.fail("SEND_MESSAGE", code="NO_SUCH"), "there is no response code 'NO_SUCH'"),
        (lambda: faults.fail("SEND_MESSAGE", probability=2), "a probability is between 0 and 1: 2"),
        (lambda: faults.fail("SEND_MESSAGE", times=-1), "times and skip are 0 or more"),
        (lambda: faults.fail("SEND_MESSAGE", server="client"), "a server is 'broker' or 'namesrv', not 'client'"),
        (lambda: faults.unreachable("client"), "a server is 'broker' or 'namesrv', not 'client'"),
        (lambda: faults.busy("lazy"), "a broker is busy for 'queue', 'page cache'"),
        (lambda: faults.slow(1, when="never"), "either 'before' or 'after', not 'never'"),
        (lambda: faults.slow(-1), "seconds are 0 or more, not -1"),
        (lambda: faults.fail_disk("read"), "the disk does not 'read'"),
        (lambda: faults.fail_disk(error="EOOPS"), "there is no error 'EOOPS'"),
        (lambda: faults.fill_disk(1.5), "so much of a disk cannot be in use: 1.5"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
            refused()  # type: ignore[no-untyped-call]

    with pytest.raises(TypeError, match="tpic"):
        faults.fail("SEND_MESSAGE", tpic="T")  # type: ignore[call-arg]
    assert send(stage, stage.topic()).code == 0
