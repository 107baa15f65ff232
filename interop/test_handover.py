"""One store directory, served by the official broker and by ours in turn: each finds all that the others left."""

from __future__ import annotations

import itertools
import shutil
import time
from pathlib import Path

import pytest

from interop.java_servers import JavaBroker, JavaNameServer
from interop.our_servers import OurBroker
from interop.raw_client import RawClient
from interop.server import BrokerProcess
from rocketpy.protocol.api.offset import QueryConsumerOffset, UpdateConsumerOffset
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.query import QueryMessage
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.message import decode_messages
from rocketpy.protocol.message_id import UniqueIds

TOPIC = "Hand-over"
QUEUES = 4
A_TURN = 60
SMALL = {
    "mappedFileSizeCommitLog": str(32 << 10),
    "mappedFileSizeConsumeQueue": str(20 * 50),
    "maxHashSlotNum": "100",
    "maxIndexNum": "200",
    "flushConsumerOffsetInterval": "1000",
}

Message = tuple[int, int, int, bytes, str]
"""Queue, queue offset, physical offset, body and unique id."""


class History:
    """What was sent, whoever took it, and how far a group said that it was."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._ids = UniqueIds("127.0.0.1", 7, 7)
        self._count = itertools.count()

    def go_on(self, client: RawClient) -> None:
        """Send a turn's messages and commit an offset."""
        for number in itertools.islice(self._count, A_TURN):
            unique_id = self._ids.create(int(time.time() * 1000))
            queue_id, body = number % QUEUES, f"№{number}".encode()
            header = SendMessage(
                producer_group="p", topic=TOPIC, default_topic="TBW102", default_topic_queue_nums=QUEUES,
                queue_id=queue_id, sys_flag=0, born_timestamp=int(time.time() * 1000), flag=number,
                properties=f"UNIQ_KEY\x01{unique_id}\x02KEYS\x01key-{number}\x02TAGS\x01Tag{number % 3}",
            )  # fmt: skip
            answer = client.ask(RequestCode.SEND_MESSAGE_V2, header.encode(RequestCode.SEND_MESSAGE_V2), body)
            assert answer.code == 0, answer.remark
            fields = answer.ext_fields or {}
            physical_offset = int(fields["msgId"][16:], 16)
            self.messages.append((queue_id, int(fields["queueOffset"]), physical_offset, body, unique_id))
        commit = UpdateConsumerOffset(
            consumer_group="g", topic=TOPIC, queue_id=1, commit_offset=len(self.messages) // QUEUES
        )
        assert client.ask(RequestCode.UPDATE_CONSUMER_OFFSET, commit.encode()).code == 0

    def check_messages(self, client: RawClient) -> None:
        """Everything is where it was."""
        assert sorted(all_messages(client)) == sorted(self.messages)

    def check_files_beside(self, client: RawClient) -> None:
        """The group is where it said, and messages are found by key."""
        offset = QueryConsumerOffset(consumer_group="g", topic=TOPIC, queue_id=1)
        fields = client.ask(RequestCode.QUERY_CONSUMER_OFFSET, offset.encode()).ext_fields or {}
        assert int(fields["offset"]) == len(self.messages) // QUEUES
        for number in range(0, len(self.messages), 17):
            query = QueryMessage(
                topic=TOPIC, key=f"key-{number}", max_num=32, begin_timestamp=0, end_timestamp=2**62
            )
            answer = client.ask(RequestCode.QUERY_MESSAGE, query.encode())
            assert answer.code == 0, (number, answer.remark)
            assert self.messages[number][3] in [message.body for message in decode_messages(answer.body)]


def all_messages(client: RawClient) -> list[Message]:
    """All messages of all queues, by pulling."""
    found: list[Message] = []
    for queue_id in range(QUEUES):
        queue_offset = 0
        while True:
            header = PullMessage(
                consumer_group="g", topic=TOPIC, queue_id=queue_id, queue_offset=queue_offset, max_msg_nums=32,
                sys_flag=PullSysFlag.SUBSCRIPTION, commit_offset=0, suspend_timeout_millis=0, subscription="*",
                sub_version=0,
            )  # fmt: skip
            answer = client.ask(RequestCode.PULL_MESSAGE, header.encode())
            if answer.code != 0:
                break
            for message in decode_messages(answer.body):
                unique_id = message.properties["UNIQ_KEY"]
                found.append(
                    (message.queue_id, message.queue_offset, message.physical_offset, message.body, unique_id)
                )
            queue_offset = int((answer.ext_fields or {})["nextBeginOffset"])
    return found


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_ten_hand_overs_lose_nothing(tmp_path: Path, killed: bool) -> None:
    history = History()
    with JavaNameServer(tmp_path / "namesrv") as namesrv:
        for turn in range(10):
            kind: type[BrokerProcess] = (JavaBroker, OurBroker)[turn % 2]
            broker = kind(tmp_path / f"broker-{turn}", namesrv.address, **SMALL)
            if turn:
                shutil.move(tmp_path / f"broker-{turn - 1}" / "store", broker.store)
            broker.start()
            with RawClient(broker.address) as client:
                history.check_messages(client)
                if turn and not killed:  # Java loses index and offsets of the last seconds when it is killed
                    history.check_files_beside(client)
                history.go_on(client)
            if killed:
                broker.__exit__(None, None, None)
            else:
                broker.stop()
    assert len(history.messages) == 10 * A_TURN
