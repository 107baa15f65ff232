"""Loads of single features, from one thread without greenlets: transactions, delays, filters, request and reply."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Self

from rocketpy.protocol.api.client import Heartbeat, HeartbeatData, ProducerData
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import ROCKETMQ, Command
from rocketpy.protocol.flags import MessageSysFlag, PullSysFlag
from rocketpy.protocol.frame import FrameDecoder
from tools.bench.load import Measured, Refused
from tools.bench.replies import Replies

GROUP = "bench_producer"
BODY = b"x" * 128
_UNIQUE = "UNIQ_KEY\x017F0000010000000000000000000000AB"
HALF_TOPIC = "BenchTransactions"
HALF_PROPERTIES = f"{_UNIQUE}\x02TRAN_MSG\x01true\x02PGROUP\x01{GROUP}\x02WAIT\x01true\x02TAGS\x01TagA"
DELAY_TOPIC = "BenchDelays"
DELAY_PROPERTIES = f"{_UNIQUE}\x02WAIT\x01true\x02TAGS\x01TagA\x02DELAY\x011"
FILTER_TOPIC = "BenchFilters"
FILTER_MESSAGES = 40_000
FILTERED_PROPERTIES = f"{_UNIQUE}\x02WAIT\x01true\x02TAGS\x01TagA\x02price\x0115\x02color\x01red"
_DIGITS = 15
_READ_SIZE = 1 << 17
_PATIENCE = 60.0


class Link:
    """One connection, asked and answered in any number of requests at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._frames = FrameDecoder()
        self._opaque = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, code: int, fields: dict[str, str], body: bytes = b"", flag: int = 0, opaque: int = -1) -> int:
        """Send a request, or with its `opaque` a response; the opaque."""
        if opaque < 0:
            self._opaque += 1
            opaque = self._opaque
        command = Command(code, flag=flag, opaque=opaque, ext_fields=fields, body=body, serialization=ROCKETMQ)
        self.socket.sendall(command.encode())
        return opaque

    def read(self) -> Command:
        """The next command from the broker."""
        while (frame := self._frames.next_frame()) is None:
            data = self.socket.recv(_READ_SIZE)
            if not data:
                raise Refused("the broker closed the connection")
            self._frames.feed(data)
        return Command.decode(frame)

    def ask(self, code: int, fields: dict[str, str], body: bytes = b"") -> Command:
        """The answer to one request."""
        self.send(code, fields, body)
        return self.read()


def send_fields(topic: str, properties: str, sys_flag: int = 0) -> dict[str, str]:
    """The header of a send with short names."""
    return {
        "a": GROUP, "b": topic, "c": "TBW102", "d": "8", "e": "0", "f": str(sys_flag),
        "g": str(int(time.time() * 1000)), "h": "0", "i": properties, "j": "0", "k": "false", "m": "false",
    }  # fmt: skip


def send_frames(count: int, topic: str, properties: str, sys_flag: int = 0) -> list[bytes]:
    """Frames that differ in their opaque only."""
    fields = send_fields(topic, properties, sys_flag=sys_flag)
    return [
        Command(
            RequestCode.SEND_MESSAGE_V2, opaque=number, ext_fields=fields, body=BODY, serialization=ROCKETMQ
        ).encode()
        for number in range(count)
    ]


def max_offset(port: int, topic: str) -> int:
    """How many messages queue 0 has had."""
    with Link(port) as link:
        answer = link.ask(RequestCode.GET_MAX_OFFSET, {"topic": topic, "queueId": "0"})
    return int((answer.ext_fields or {}).get("offset", "0"))


class Pipeline:
    """A fixed number of exchanges under way on one connection; `answered(number, begin, end)` gives what follows."""

    def __init__(self, port: int, in_flight: int) -> None:
        self._link = Link(port)
        self.replies = Replies()
        self._in_flight = in_flight

    def run(
        self, seconds: float, first: Callable[[int], bytes], answered: Callable[[int, int, int, int], bytes | None]
    ) -> Measured:
        """`first(number)` begins an exchange; `answered` gets number, code, begin and end of a reply, and gives the
        next request of the exchange, or None when that was the last: then a new one begins until time is up."""
        with self._link as link:
            measured = Measured()
            clock = time.perf_counter
            cpu = time.process_time()
            begun = clock()
            stop_at = begun + seconds
            begun_at = [begun] * self._in_flight
            link.socket.sendall(b"".join(first(number) for number in range(self._in_flight)))
            under_way = self._in_flight
            while under_way:
                data = link.socket.recv(_READ_SIZE)
                if not data:
                    raise Refused("the broker closed the connection")
                now = clock()
                requests = []
                for number, code, begin, end in self.replies.feed(data):
                    following = answered(number, code, begin, end)
                    if following is None:
                        measured.latencies.append(now - begun_at[number])
                        if now < stop_at:
                            following, begun_at[number] = first(number), now
                        else:
                            under_way -= 1
                    if following is not None:
                        requests.append(following)
                if requests:
                    link.socket.sendall(b"".join(requests))
            measured.seconds = clock() - begun
            measured.client_cpu = time.process_time() - cpu
            measured.requests = measured.messages = len(measured.latencies)
        return measured


def _field(data: bytes, name: bytes, begin: int, end: int) -> bytes:
    """A field of a reply with a binary header."""
    place = data.index(name, begin, end) + len(name)
    return data[place + 4 : place + 4 + int.from_bytes(data[place : place + 4])]


def transactions(port: int, in_flight: int, seconds: float) -> Measured:
    """Half message, answer, commit, answer; a message counts when its commit has been answered."""
    pipeline = Pipeline(port, in_flight)
    halves = send_frames(in_flight, HALF_TOPIC, HALF_PROPERTIES, MessageSysFlag.TRANSACTION_PREPARED)
    ends = [EndFrame(number) for number in range(in_flight)]
    ending = [False] * in_flight

    def answered(number: int, code: int, begin: int, end: int) -> bytes | None:
        if code:
            raise Refused(f"a step of a transaction is answered with code {code}")
        ending[number] = not ending[number]
        if not ending[number]:
            return None
        data = pipeline.replies.data
        physical_offset = int(_field(data, b"msgId", begin, end)[16:], 16)
        return ends[number].at(int(_field(data, b"queueOffset", begin, end)), physical_offset)

    return pipeline.run(seconds, lambda number: halves[number], answered)


class EndFrame:
    """A commit into which the place of its half message is patched."""

    def __init__(self, opaque: int) -> None:
        fields = {
            "producerGroup": GROUP, "tranStateTableOffset": "1" * _DIGITS, "commitLogOffset": "2" * _DIGITS,
            "commitOrRollback": str(int(MessageSysFlag.TRANSACTION_COMMIT)), "fromTransactionCheck": "false",
            "msgId": "x", "transactionId": "x",
        }  # fmt: skip
        command = Command(RequestCode.END_TRANSACTION, opaque=opaque, ext_fields=fields, serialization=ROCKETMQ)
        self._before, rest = command.encode().split(b"1" * _DIGITS)
        self._between, self._after = rest.split(b"2" * _DIGITS)

    def at(self, queue_offset: int, physical_offset: int) -> bytes:
        """The frame for one half message."""
        places = b"%015d" % queue_offset, b"%015d" % physical_offset
        return b"".join((self._before, places[0], self._between, places[1], self._after))


def delays(port: int, in_flight: int, seconds: float) -> Measured:
    """Messages of level 1, which is a second, sent and delivered; the time counts until the last is there, but for
    that second."""
    before = max_offset(port, DELAY_TOPIC)
    pipeline = Pipeline(port, in_flight)
    frames = send_frames(in_flight, DELAY_TOPIC, DELAY_PROPERTIES)

    def answered(number: int, code: int, begin: int, end: int) -> bytes | None:
        if code:
            raise Refused(f"a delayed message is answered with code {code}")
        return None

    measured = pipeline.run(seconds, lambda number: frames[number], answered)
    waiting = time.perf_counter()
    while max_offset(port, DELAY_TOPIC) - before < measured.messages:
        if time.perf_counter() > waiting + _PATIENCE:
            raise Refused("delayed messages are not delivered")
        time.sleep(0.02)
    measured.seconds += max(0.0, time.perf_counter() - waiting - 1)
    return measured


def fill_for_filters(port: int) -> None:
    """Let the broker filter by SQL, and store what is to be filtered, once."""
    with Link(port) as link:
        link.ask(RequestCode.UPDATE_BROKER_CONFIG, {}, b"enablePropertyFilter=true\n")
    frames = send_frames(64, FILTER_TOPIC, FILTERED_PROPERTIES)
    while max_offset(port, FILTER_TOPIC) < FILTER_MESSAGES:
        Pipeline(port, 64).run(0.2, lambda number: frames[number], lambda *_: None)


def filtered_pulls(port: int, expression_type: str, expression: str, seconds: float) -> Measured:
    """Read the filled queue through a filter again and again; each message that was looked at counts."""
    with Link(port) as link:
        return _filtered_pulls(link, expression_type, expression, seconds)


def _filtered_pulls(link: Link, expression_type: str, expression: str, seconds: float) -> Measured:
    measured = Measured()
    clock = time.perf_counter
    cpu = time.process_time()
    begun = clock()
    queue_offset = 0
    while (sent := clock()) < begun + seconds:
        fields = pull_fields(FILTER_TOPIC, queue_offset, expression_type, expression)
        answer = link.ask(RequestCode.PULL_MESSAGE, fields)
        measured.latencies.append(clock() - sent)
        if answer.code not in (0, 20):      # FOUND, PULL_RETRY_IMMEDIATELY: nothing matched so far
            if answer.code != 19 or not queue_offset:
                raise Refused(f"a pull of {expression!r} is answered with code {answer.code}: {answer.remark}")
            queue_offset = 0
            continue
        following = int((answer.ext_fields or {})["nextBeginOffset"])
        measured.messages += following - queue_offset
        queue_offset = following
    measured.seconds = clock() - begun
    measured.client_cpu = time.process_time() - cpu
    measured.requests = len(measured.latencies)
    return measured


def pull_fields(
    topic: str, queue_offset: int, expression_type: str, expression: str, wait_ms: int = 0
) -> dict[str, str]:
    """The header of a pull that brings its own filter."""
    return {
        "consumerGroup": "bench_consumer", "topic": topic, "queueId": "0", "queueOffset": str(queue_offset),
        "maxMsgNums": "32", "sysFlag": str(int(PullSysFlag.SUBSCRIPTION | (PullSysFlag.SUSPEND if wait_ms else 0))),
        "commitOffset": "0", "suspendTimeoutMillis": str(wait_ms), "subscription": expression, "subVersion": "0",
        "expressionType": expression_type,
    }  # fmt: skip


def requests_and_replies(port: int, seconds: float) -> Measured:
    """One request at a time, to a consumer that waits for it and replies: the time until the reply is pushed."""
    with Link(port) as asker, Link(port) as replier:
        return _requests_and_replies(asker, replier, seconds, max_offset(port, "BenchRequests"))


def _requests_and_replies(asker: Link, replier: Link, seconds: float, queue_offset: int) -> Measured:
    topic = "BenchRequests"
    data = HeartbeatData(client_id="bench@1", producer_data_set=[ProducerData(group_name=GROUP)])
    asker.ask(RequestCode.HEART_BEAT, Heartbeat().encode(), data.to_json())
    request = "\x02".join(
        (_UNIQUE, "WAIT\x01true", "REPLY_TO_CLIENT\x01bench@1", "TTL\x013000", "CORRELATION_ID\x01c1",
         "MSG_TYPE\x01request")
    )  # fmt: skip
    reply = request.replace("\x01request", "\x01reply")
    measured = Measured()
    clock = time.perf_counter
    cpu = time.process_time()
    begun = clock()
    while (sent := clock()) < begun + seconds:
        pull = pull_fields(topic, queue_offset, "TAG", "*", wait_ms=15_000)
        if queue_offset:                    # the first request creates the topic
            replier.send(RequestCode.PULL_MESSAGE, pull)
        asker.send(RequestCode.SEND_MESSAGE_V2, send_fields(topic, request), BODY)
        _expect(asker.read(), 0)
        if not queue_offset:
            replier.send(RequestCode.PULL_MESSAGE, pull)
        _expect(replier.read(), 0)
        replier.send(RequestCode.SEND_REPLY_MESSAGE_V2, send_fields("DefaultCluster_REPLY_TOPIC", reply), BODY)
        push = asker.read()
        _expect(push, RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT)
        measured.latencies.append(clock() - sent)
        asker.send(0, {}, flag=1, opaque=push.opaque)
        _expect(replier.read(), 0)
        queue_offset += 1
    measured.seconds = clock() - begun
    measured.client_cpu = time.process_time() - cpu
    measured.requests = measured.messages = len(measured.latencies)
    return measured


def _expect(command: Command, code: int) -> None:
    if command.code != code:
        raise Refused(f"expected code {int(code)}, got {command.code}: {command.remark}")
