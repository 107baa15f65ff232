"""One store directory, served by the official broker and by ours in turn: each finds all that the others left."""

from __future__ import annotations

import itertools
import shutil
import time
from pathlib import Path

import pytest

from interop.expect import becomes, equal
from interop.java_servers import JavaBroker, JavaNameServer
from interop.our_servers import OurBroker
from interop.raw_client import RawClient
from interop.server import BrokerProcess
from rocketpy.config.store import StoreConfig
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.verification import verify
from rocketpy.protocol import fastjson
from rocketpy.protocol.api.offset import QueryConsumerOffset, UpdateConsumerOffset
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.query import QueryMessage
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.message import decode_messages
from rocketpy.protocol.message_id import UniqueIds
from tools.dissect.records import records
from tools.record_golden.broker_frames import as_json
from tools.record_golden.script import batch_body, properties, pull, send_v2

TOPIC = "Hand-over"
QUEUES = 4
A_TURN = 60
TURNS = 10
COMMIT, ROLLBACK = 8, 12
SMALL = {
    "mappedFileSizeCommitLog": str(32 << 10),
    "mappedFileSizeConsumeQueue": str(20 * 50),
    "maxHashSlotNum": "100",
    "maxIndexNum": "200",
    "flushConsumerOffsetInterval": "1000",
    "flushDelayOffsetInterval": "1000",
    "transactionCheckInterval": "3600000",
    "enablePropertyFilter": "true",
}
LATER, HALF = "Hand-over-later", "Hand-over-half"
TEN_SECONDS, TWO_HOURS = 3, 18
SQL = "colour = 'grün' AND size > 3"

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


class Pending:
    """What one broker begins and the next one ends: delayed messages, transactions; batches and a filter beside."""

    def __init__(self) -> None:
        self._turns = 0
        self._batches: list[bytes] = []
        self._later: list[bytes] = []
        self._committed: list[bytes] = []
        self._open: list[tuple[bytes, dict[str, str], int]] = []

    def go_on(self, client: RawClient) -> None:
        """End what the broker before has begun, and begin anew."""
        for body, end, kind in self._open:
            assert _ask(client, RequestCode.END_TRANSACTION, end | {"commitOrRollback": str(kind)}).code == 0
            if kind == COMMIT:
                self._committed.append(body)
        self._open = [self._half(client, kind) for kind in (COMMIT, ROLLBACK)]
        inner = [f"batch {self._turns}.{number}".encode() for number in range(3)]
        batch = batch_body(*((body, properties(KEYS=f"batch-{self._turns}")) for body in inner))
        self._send(client, RequestCode.SEND_BATCH_MESSAGE, send_v2(LATER, 1, m="true"), batch)
        self._batches += inner
        for level in (TEN_SECONDS, TWO_HOURS):
            body = f"later {self._turns} {level}".encode()
            self._send(client, RequestCode.SEND_MESSAGE_V2, send_v2(LATER, 0, properties(DELAY=str(level))), body)
            self._later += [body] if level == TEN_SECONDS else []
        self._turns += 1

    def _half(self, client: RawClient, kind: int) -> tuple[bytes, dict[str, str], int]:
        body = f"half {self._turns} {kind}".encode()
        text = properties(TRAN_MSG="true", PGROUP="p", UNIQ_KEY=f"{self._turns:030X}{kind:02X}")
        fields = self._send(client, RequestCode.SEND_MESSAGE_V2, send_v2(HALF, 2, text, a="p", f=4), body)
        end = {
            "producerGroup": "p", "tranStateTableOffset": fields["queueOffset"], "msgId": "x",
            "commitLogOffset": str(int(fields["msgId"][16:], 16)), "fromTransactionCheck": "false",
        }  # fmt: skip
        return body, end, kind

    def _send(self, client: RawClient, code: int, fields: dict[str, object], body: bytes) -> dict[str, str]:
        answer = _ask(client, code, fields, body)
        assert answer.code == 0, answer.remark
        return dict(answer.ext_fields or {})

    def check(self, client: RawClient) -> None:
        """Batches, and what was committed, are there once each; what was rolled back is not."""
        becomes("batches", lambda: _bodies(client, LATER, 1), self._batches)
        becomes("committed messages", lambda: _bodies(client, HALF, 2), self._committed)
        for turn in range(self._turns):
            query = {"topic": LATER, "key": f"batch-{turn}", "maxNum": 32, "beginTimestamp": 0, "endTimestamp": 2**62}
            found = list(records(_ask(client, RequestCode.QUERY_MESSAGE, query).body))
            batch = set(self._batches[turn * 3 :][:3])
            equal(f"messages by key of batch {turn}", {one["body"] for one in found}, batch)

    def check_delayed(self, client: RawClient, *, once: bool) -> None:
        """Each delayed message has come, or comes now, whichever broker it waited in; those of two hours have not.

        Killed, a broker forgets for some seconds what it had delivered, and delivers it again.
        """

        def delivered() -> object:
            bodies = _bodies(client, LATER, 0)
            return sorted(bodies) if once else set(bodies)

        becomes("delayed messages", delivered, sorted(self._later) if once else set(self._later))
        fields = {"topic": "SCHEDULE_TOPIC_XXXX", "queueId": TWO_HOURS - 1}
        waiting = _ask(client, RequestCode.GET_MAX_OFFSET, fields).ext_fields
        equal("messages that wait for two hours", waiting, {"offset": str(self._turns)})


def _ask(client: RawClient, code: int, fields: dict[str, object] | dict[str, str], body: bytes = b"") -> Command:
    return client.ask(code, {name: str(value) for name, value in fields.items()}, body)


def _bodies(client: RawClient, topic: str, queue_id: int) -> list[bytes]:
    found: list[bytes] = []
    while (answer := _ask(client, RequestCode.PULL_MESSAGE, pull(topic, queue_id, len(found)))).code == 0:
        found += [record["body"] for record in records(answer.body)]
    return found


def _subscribe(client: RawClient) -> None:
    """Have the broker keep an SQL filter; it stays the same as long as its version does."""
    subscription = {"classFilterMode": False, "codeSet": [], "expressionType": "SQL92", "subString": SQL,
                    "subVersion": 1_700_000_000_000, "tagsSet": [], "topic": TOPIC}  # fmt: skip
    consumer = {"consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "consumeType": "CONSUME_PASSIVELY",
                "groupName": "sql", "messageModel": "CLUSTERING", "subscriptionDataSet": [subscription],
                "unitMode": False}  # fmt: skip
    heartbeat = {"clientID": "127.0.0.1@1", "consumerDataSet": [consumer], "producerDataSet": []}
    assert client.ask(RequestCode.HEART_BEAT, body=as_json(heartbeat)).code == 0


def _filter(store: Path) -> tuple[object, ...]:
    """What consumerFilter.json says of the filter, but for when its consumers went."""
    table = fastjson.loads((store / "config/consumerFilter.json").read_bytes())["filterDataByTopic"][TOPIC]
    data = table["groupFilterData"]["sql"]
    return data["expression"], data["expressionType"], data["clientVersion"], data["bornTime"], data["bloomFilterData"]


def _expect_whole(store: Path, *, killed: bool) -> None:
    """The directory holds together; killed, Java loses keys from the index."""
    findings = Findings()
    verify(StoreConfig(store_path_root_dir=str(store)), findings, lambda *_: None)
    wrong = [str(one) for one in findings.kept if one.severity == "damage"]
    equal(f"damage in {store}", [one for one in wrong if not (killed and "index" in one)], [])


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_ten_hand_overs_lose_nothing(tmp_path: Path, killed: bool) -> None:
    history, pending = History(), Pending()
    filters = set()
    with JavaNameServer(tmp_path / "namesrv") as namesrv:
        for turn in range(TURNS):
            kind: type[BrokerProcess] = (JavaBroker, OurBroker)[turn % 2]
            broker = kind(tmp_path / f"broker-{turn}", namesrv.address, **SMALL)
            if turn:
                shutil.move(tmp_path / f"broker-{turn - 1}" / "store", broker.store)
            broker.start()
            with RawClient(broker.address) as client:
                history.check_messages(client)
                if turn and not killed:  # Java loses index and offsets of the last seconds when it is killed
                    history.check_files_beside(client)
                    pending.check(client)
                _subscribe(client)
                history.go_on(client)
                pending.go_on(client)
                if turn == TURNS - 1:
                    pending.check_delayed(client, once=not killed)
            if killed:
                broker.kill()
            else:
                broker.stop()
                filters.add(str(_filter(broker.store)))
            _expect_whole(broker.store, killed=killed)
    assert len(history.messages) == TURNS * A_TURN
    assert len(filters) == (0 if killed else 1)
