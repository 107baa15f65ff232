"""Messages over real sockets: what only shows when a broker runs."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from rocketpy.protocol.api.offset import DelayOffsetSerializeWrapper, GetAllDelayOffset
from rocketpy.protocol.api.pull import PullMessage, PullMessageReply
from rocketpy.protocol.api.send import PushReplyMessage, SendMessage, SendMessageReply, SendReplyMessage
from rocketpy.protocol.command import JSON, ROCKETMQ, Command, Reply
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.message import MessageExt, decode_messages
from rocketpy.remoting.client import Client
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router, handles
from tests.broker.live import Live, standalone


def send(topic: str, properties: str = "") -> SendMessage:
    return SendMessage(
        producer_group="P", topic=topic, default_topic="TBW102", default_topic_queue_nums=4, queue_id=0, sys_flag=0,
        born_timestamp=1, flag=0, properties=properties,
    )  # fmt: skip


def pull(topic: str, queue_offset: int, sys_flag: int = PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION) -> PullMessage:
    return PullMessage(
        consumer_group="G", topic=topic, queue_id=0, queue_offset=queue_offset, max_msg_nums=32, sys_flag=sys_flag,
        commit_offset=0, suspend_timeout_millis=15_000, subscription="*", sub_version=0,
    )  # fmt: skip


def wait_messages(live: Live, topic: str) -> list[MessageExt]:
    """The messages of queue 0 as soon as there are some."""
    with gevent.Timeout(10):
        while True:
            answer = live.ask(pull(topic, 0, PullSysFlag.SUBSCRIPTION))
            if answer.code == 0:
                return decode_messages(answer.body)
            gevent.sleep(0.02)


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_a_held_pull_is_answered_at_once_and_always_in_json(live: Live, serialization: int) -> None:
    live.send("T")
    consumer = Client(serialization=serialization)
    held = gevent.spawn(consumer.invoke, live.broker, pull("T", 1), timeout_ms=10_000)
    gevent.sleep(0.05)
    live.send("T", "spät".encode())
    answer = held.get(timeout=2)
    assert (answer.code, answer.remark, answer.serialization) == (0, "FOUND", JSON)
    assert PullMessageReply.decode(answer.ext_fields).next_begin_offset == 2
    assert [message.body for message in decode_messages(answer.body)] == ["spät".encode()]
    consumer.close()


def test_a_connection_serves_others_while_a_pull_of_it_is_held(live: Live) -> None:
    live.send("T")
    held = gevent.spawn(live.client.invoke, live.broker, pull("T", 1), timeout_ms=10_000)
    gevent.sleep(0.05)
    assert live.send("T").code == 0
    assert held.get(timeout=2).code == 0


def test_sends_are_answered_when_they_are_on_disk(tmp_path: Path) -> None:
    with standalone(tmp_path, flushDiskType="SYNC_FLUSH") as servers:
        live = Live(servers)
        sends = [gevent.spawn(live.send, "T", f"{number}".encode()) for number in range(20)]
        answers = [one.get(timeout=10) for one in sends]
        store = servers.broker.store
        assert {answer.code for answer in answers} == {0}
        assert sorted(SendMessageReply.decode(answer.ext_fields).queue_offset for answer in answers) == list(range(20))
        assert store.flushed_offset == store.log.max_offset
        live.client.close()


def test_delayed_messages_are_delivered_also_after_a_restart(tmp_path: Path) -> None:
    with standalone(tmp_path, messageDelayLevel="1s 2s") as servers:
        live = Live(servers)
        for level in (1, 2):
            assert live.ask(send("T", f"DELAY\x01{level}"), f"level {level}".encode()).code == 0
        assert [message.body for message in wait_messages(live, "T")] == [b"level 1"]
        offsets = DelayOffsetSerializeWrapper.from_json(live.ask(GetAllDelayOffset()).body)
        assert offsets.offset_table == {1: 1}
        live.client.close()
    assert '{\n\t"offsetTable":{1:1\n\t}\n}' in (tmp_path / "config" / "delayOffset.json").read_text()
    with standalone(tmp_path, messageDelayLevel="1s 2s") as servers:
        live = Live(servers)
        with gevent.Timeout(10):
            while len(messages := wait_messages(live, "T")) < 2:
                gevent.sleep(0.02)
        assert [message.body for message in messages] == [b"level 1", b"level 2"]
        live.client.close()


class Requester:
    """Takes replies."""

    def __init__(self) -> None:
        self.replies: list[tuple[PushReplyMessage, bytes]] = []

    @handles(PushReplyMessage)
    def take(self, peer: Connection, request: PushReplyMessage, command: Command) -> Reply:
        self.replies.append((request, command.body))
        return Reply()


def test_a_reply_reaches_the_producer_that_asked(live: Live) -> None:
    requester = Requester()
    asking = Live(live.servers)
    asking.client = Client(router=Router(requester))
    asking.beat("c1", produces="P")
    header = SendReplyMessage(
        producer_group="P", topic="R", default_topic="TBW102", default_topic_queue_nums=1, queue_id=0, sys_flag=0,
        born_timestamp=1, flag=0, properties="REPLY_TO_CLIENT\x01c1",
    )  # fmt: skip
    answer = live.ask(header, b"ja")
    assert (answer.code, answer.remark) == (0, None)
    ((push, body),) = requester.replies
    assert (push.topic, body) == ("R", b"ja")
    asking.client.close()
