"""The load generator measures what it says: its frames are what a client sends, its replies are all counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocketpy.config.store import StoreConfig
from rocketpy.protocol.api.pull import PullMessage, PullMessageReply
from rocketpy.protocol.api.send import SendBatchMessage, SendMessage, SendMessageReply
from rocketpy.protocol.batch import Batch
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import JSON, ROCKETMQ, Command, Reply, encode_reply
from rocketpy.remoting.app import App
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router, handles
from rocketpy.remoting.server import Server
from rocketpy.store.message_store import MessageStore
from tools.bench import load
from tools.bench.frames import TOPIC, PullFrame, Ring, send_frame
from tools.bench.load import Measured
from tools.bench.recovery import make_stores
from tools.bench.replies import Replies, next_begin_offset
from tools.bench.report import case_figures, lines


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_frames_are_sends(serialization: int) -> None:
    command = Command.decode(send_frame(13, 100, serialization=serialization)[4:])
    assert (command.code, command.opaque, command.serialization) == (RequestCode.SEND_MESSAGE_V2, 13, serialization)
    header = SendMessage.decode(command.ext_fields, command.code)
    assert (header.topic, header.queue_id, header.batch) == (TOPIC, 5, False)
    assert len(command.body) == 100


def test_frames_of_batches_hold_that_many_messages() -> None:
    command = Command.decode(send_frame(0, 100, batch=16)[4:])
    assert SendBatchMessage.decode(command.ext_fields, command.code).batch
    assert [len(body) for _, body, _ in Batch(command.body).messages()] == [100] * 16


def test_pulls_are_patched() -> None:
    command = Command.decode(PullFrame(3, 9).at(1 << 33)[4:])
    header = PullMessage.decode(command.ext_fields, command.code)
    assert (command.opaque, header.queue_id, header.queue_offset) == (9, 3, 1 << 33)


def _reply_bytes(opaque: int, serialization: int, code: int = 0) -> bytes:
    header = PullMessageReply(suggest_which_broker_id=0, next_begin_offset=1234 + opaque, min_offset=0, max_offset=9)
    request = Command(11, opaque=opaque, serialization=serialization)
    return b"".join(encode_reply(request, Reply(code, header, b"body" * opaque)))


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_replies_are_found_however_they_are_cut(serialization: int) -> None:
    stream = b"".join(_reply_bytes(opaque, serialization, opaque % 2) for opaque in range(5))
    for size in (1, 7, 30, len(stream)):
        replies = Replies()
        found = [
            one[:2] for at in range(0, len(stream), size) for one in list(replies.feed(stream[at : at + size]))
        ]
        assert found == [(opaque, opaque % 2) for opaque in range(5)]


def test_next_offset_of_a_pull_is_read() -> None:
    replies = Replies()
    ((_, _, begin, end),) = replies.feed(_reply_bytes(3, ROCKETMQ))
    assert next_begin_offset(replies.data, begin, end) == 1237


class _Sink:
    """Takes every message and refuses each tenth."""

    seen = 0

    @handles(SendMessage)
    def send(self, peer: Connection, request: SendMessage, command: Command) -> Reply:
        self.seen += 1
        return Reply(1 if self.seen % 10 == 0 else 0, SendMessageReply(msg_id="x", queue_id=1, queue_offset=1))


class _SinkApp(App):
    def __init__(self) -> None:
        self.sink = _Sink()
        self.server = Server(Router(self.sink), "127.0.0.1", 0)

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


@pytest.mark.parametrize("connections", [1, 3])
def test_load_counts_every_reply(connections: int) -> None:
    ring = Ring([send_frame(opaque, 50) for opaque in range(100)], 1)
    with _SinkApp() as app:
        measured = load.send(app.server.address[1], ring, 10, connections, 0.05)
        assert measured.requests == app.sink.seen > 0
    assert measured.failures == app.sink.seen // 10
    assert measured.messages == measured.requests - measured.failures
    assert all(latency > 0 for latency in measured.latencies)


def test_report_shows_ratios() -> None:
    slow, fast = Measured(messages=10, requests=10, seconds=1.0), Measured(messages=20, requests=20, seconds=1.0)
    slow.latencies.extend([0.002] * 10)
    fast.latencies.extend([0.001] * 20)
    shown = list(lines("a case", {"java": case_figures(slow), "ours": case_figures(fast)}))
    assert shown[0].split() == ["a", "case", "msg/s", "10.0", "20.0", "2.00x"]
    assert shown[3].split() == ["p50", "ms", "2.000", "1.000", "0.50x"]


def test_stores_to_start_on_are_closed_and_killed(tmp_path: Path) -> None:
    made = make_stores(tmp_path, 100_000, 500)
    for name, aborted in (("closed", False), ("killed", True)):
        assert (made[name] / "abort").exists() == aborted
        store = MessageStore(StoreConfig(store_path_root_dir=str(made[name])))
        store.open(0)
        assert store.log.max_offset >= 100_000
        assert sum(store.max_offset("BenchmarkTest", number) for number in range(8)) == 1000
        store.close(0)
