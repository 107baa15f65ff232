"""Our broker, killed while it delivers delayed messages, and between half messages and their ends.

What was answered comes at least once, in time or later but never before, and nothing that was rolled back is seen.

`ROCKETPY_KILLS=100 pytest -s interop/test_message_kills.py` is the full count, some four minutes for each of the two;
without it there are a few kills.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from interop.expect import becomes, equal, holds
from interop.kill_history import KILLS
from interop.our_servers import OurBroker, OurNameServer
from interop.raw_client import RawClient
from rocketpy.protocol.api.client import Heartbeat, HeartbeatData, ProducerData
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.api.transaction import CheckTransactionState, EndTransaction
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.flags import MessageSysFlag, PullSysFlag
from rocketpy.protocol.message import MessageExt, decode_messages
from rocketpy.protocol.record import decode

TOPIC = "Killed"
GROUP = "P"
SETTINGS = {
    "mappedFileSizeCommitLog": str(256 << 10),
    "mappedFileSizeConsumeQueue": str(20 * 200),
    "messageDelayLevel": "1s 2s 3s",
    "flushDelayOffsetInterval": "300",  # or else each life repeats what the one before delivered,
    "flushConsumerOffsetInterval": "300",  # and asks once more what the one before asked
    "timerWheelEnable": "true",
    "timerFlushIntervalMs": "300",
    "mappedFileSizeTimerLog": "8192",
    "transactionCheckInterval": "500",
    "transactionTimeOut": "500",
    "transactionCheckMax": "1000000",
}
COMMIT, ROLLBACK = b"commit", b"roll back"
KINDS = {COMMIT: MessageSysFlag.TRANSACTION_COMMIT, ROLLBACK: MessageSysFlag.TRANSACTION_ROLLBACK}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[OurBroker]:
    with (
        OurNameServer(tmp_path / "namesrv") as namesrv,
        OurBroker(tmp_path / "broker", namesrv.address, **SETTINGS) as broker,
    ):
        yield broker


def _now() -> int:
    return time.time_ns() // 1_000_000


def _send(client: RawClient, body: bytes, properties: str, sys_flag: int = 0) -> Mapping[str, str] | None:
    """The fields of the answer; None if the message was refused."""
    header = SendMessage(
        producer_group=GROUP, topic=TOPIC, default_topic="TBW102", default_topic_queue_nums=1, queue_id=0,
        sys_flag=sys_flag, born_timestamp=_now(), flag=0, properties=properties,
    )  # fmt: skip
    answer = client.ask(RequestCode.SEND_MESSAGE_V2, header.encode(RequestCode.SEND_MESSAGE_V2), body)
    return answer.ext_fields if answer.code == 0 else None


def _all_messages(address: str) -> list[MessageExt]:
    """Everything that is to be seen in the topic."""
    found: list[MessageExt] = []
    with RawClient(address) as client:
        while True:
            header = PullMessage(
                consumer_group="g", topic=TOPIC, queue_id=0, queue_offset=len(found), max_msg_nums=32,
                sys_flag=PullSysFlag.SUBSCRIPTION, commit_offset=0, suspend_timeout_millis=0, subscription="*",
                sub_version=0,
            )  # fmt: skip
            answer = client.ask(RequestCode.PULL_MESSAGE, header.encode())
            if answer.code != 0:
                return found
            found += decode_messages(answer.body)


class AskedClient(RawClient):
    """Keeps in `questions` what the broker asks of its own accord."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.questions: list[Command] = []

    def _next_frame(self) -> bytes:
        frame = super()._next_frame()
        command = Command.decode(frame)
        if command.code == RequestCode.CHECK_TRANSACTION_STATE and not command.is_response:
            self.questions.append(command)
        return frame


class Sender(threading.Thread):
    """Works in a thread of its own until `stop` is set or the broker dies."""

    def __init__(self, address: str, seed: int) -> None:
        super().__init__()
        self._address = address
        self._seed = seed
        self._random = random.Random(seed)
        self._number = 0
        self.stop = threading.Event()

    def run(self) -> None:
        """Send one message after the other."""
        try:
            with AskedClient(self._address) as client:
                self.begin(client)
                while not self.stop.is_set():
                    self._number += 1
                    self.send_one(client)
        except OSError:
            return

    def begin(self, client: AskedClient) -> None:
        """What comes first on a new connection."""

    def send_one(self, client: AskedClient) -> None:
        """Send the next message."""
        raise LookupError("which message?")


class DelayingSender(Sender):
    """Sends by level and by time; `due`: of each message that was answered, the first ms at which it may come."""

    def __init__(self, address: str, seed: int) -> None:
        super().__init__(address, seed)
        self.due: dict[bytes, int] = {}

    def send_one(self, client: AskedClient) -> None:
        """See `Sender.send_one`."""
        level = self._random.randrange(4)
        delay = level * 1_000 or self._random.randrange(100, 4_000)
        body = f"{self._seed} {self._number} {level} ü".encode()
        now = _now()
        if _send(client, body, f"DELAY\x01{level}" if level else f"TIMER_DELAY_MS\x01{delay}") is not None:
            self.due[body] = now + delay
        time.sleep(0.002)


class HalfSender(Sender):
    """Sends half messages and ends them at once, or only when it is asked; `answered` are those that are stored.

    A body says how its transaction is to end.
    """

    def __init__(self, address: str, seed: int) -> None:
        super().__init__(address, seed)
        self.answered: set[bytes] = set()
        self.asked = 0

    def begin(self, client: AskedClient) -> None:
        """See `Sender.begin`."""
        self._beat(client)

    def send_one(self, client: AskedClient) -> None:
        """See `Sender.send_one`."""
        kind = self._random.choice((COMMIT, ROLLBACK))
        body = b"%d %d %s" % (self._seed, self._number, kind)
        fields = _send(
            client, body, f"TRAN_MSG\x01true\x02PGROUP\x01{GROUP}\x02UNIQ_KEY\x01{self._seed}-{self._number}",
            MessageSysFlag.TRANSACTION_PREPARED,
        )  # fmt: skip
        if fields is not None:
            self.answered.add(body)
            time.sleep(self._random.random() / 100)
            if self._random.random() < 0.7:
                _end(client, kind, int(fields["queueOffset"]), int(fields["msgId"][16:], 16), from_check=False)
        self.answer(client)

    def answer(self, client: AskedClient) -> None:
        """Tell the broker what it asked about."""
        while client.questions:
            self.asked += 1
            _answer(client, client.questions.pop(0))

    def answer_only(self, client: AskedClient) -> None:
        """Send nothing more, but be there to be asked."""
        self._beat(client)
        self.answer(client)

    def _beat(self, client: AskedClient) -> None:
        data = HeartbeatData(client_id="killed@1", producer_data_set=[ProducerData(group_name=GROUP)])
        equal("heartbeat", client.ask(RequestCode.HEART_BEAT, Heartbeat().encode(), data.to_json()).code, 0)


def _answer(client: AskedClient, question: Command) -> None:
    header = CheckTransactionState.decode(question.ext_fields)
    kind = COMMIT if bytes(decode(question.body).body).endswith(COMMIT) else ROLLBACK
    _end(client, kind, header.tran_state_table_offset, header.commit_log_offset, from_check=True)


def _end(client: AskedClient, kind: bytes, queue_offset: int, physical_offset: int, *, from_check: bool) -> None:
    header = EndTransaction(
        producer_group=GROUP, tran_state_table_offset=queue_offset, commit_log_offset=physical_offset,
        commit_or_rollback=KINDS[kind], from_transaction_check=from_check, msg_id="",
    )  # fmt: skip
    equal("end", client.ask(RequestCode.END_TRANSACTION, header.encode()).code, 0)


def test_kills_during_delayed_delivery(broker: OurBroker) -> None:
    due: dict[bytes, int] = {}
    began = time.monotonic()
    for kill in range(KILLS):
        sender = DelayingSender(broker.address, kill)
        sender.start()
        time.sleep(1 + random.Random(kill).random())    # delivery begins a second after the start
        broker.kill()
        sender.join()
        due |= sender.due
        broker.start()
    holds(f"messages were answered between all kills ({len(due)})", len(due) > 2 * KILLS)
    wanted = set(due)
    becomes(
        "messages that did not come",
        lambda: len(wanted - {message.body for message in _all_messages(broker.address)}),
        0, timeout=90,
    )  # fmt: skip
    messages = _all_messages(broker.address)
    early = [message.body for message in messages if message.store_timestamp < due.get(message.body, 0)]
    equal("messages that came before they were due", early, [])
    times = Counter(message.body for message in messages)
    print(
        f"{KILLS} kills during delivery in {time.monotonic() - began:.0f} s: {len(due)} delayed messages answered, all "
        f"came, none too early; {sum(times.values()) - len(times)} deliveries were repetitions"
    )


def test_kills_between_half_and_end(broker: OurBroker) -> None:
    answered: set[bytes] = set()
    asked = 0
    began = time.monotonic()
    for kill in range(KILLS):
        sender = HalfSender(broker.address, kill)
        sender.start()
        time.sleep(0.5 + random.Random(kill).random())
        broker.kill()
        sender.join()
        answered |= sender.answered
        asked += sender.asked
        broker.start()
    holds(f"half messages were answered between all kills ({len(answered)})", len(answered) > 2 * KILLS)
    wanted = {body for body in answered if body.endswith(COMMIT)}
    last = HalfSender(broker.address, KILLS)
    with AskedClient(broker.address) as client:
        last.begin(client)

        def missing() -> int:
            last.answer_only(client)
            return len(wanted - {message.body for message in _all_messages(broker.address)})

        becomes("committed messages that did not come", missing, 0, timeout=90)
    messages = _all_messages(broker.address)
    revealed = [message.body for message in messages if not message.body.endswith(COMMIT)]
    equal("messages rolled back that came", revealed, [])
    times = Counter(message.body for message in messages)
    print(
        f"{KILLS} kills between half and end in {time.monotonic() - began:.0f} s: {len(answered)} half messages "
        f"answered, {len(wanted)} committed and all came, none of the others; {asked + last.asked} questions, "
        f"{sum(times.values()) - len(times)} commits were repetitions"
    )
