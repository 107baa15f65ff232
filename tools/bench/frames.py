"""Requests encoded before the clock starts: the load generator only joins and sends them."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import ROCKETMQ, Command

TOPIC = "BenchTopic"
QUEUES = 8
"""What a topic gets that the first send creates, in Java as here."""

_RING_BYTES = 8 << 20
_QUEUE_OFFSET_DIGITS = 12


@dataclass(frozen=True)
class Ring:
    """Frames to be sent in turn; the opaque of each is its index."""

    frames: list[bytes]
    messages: int
    """Messages in each frame."""


def send_ring(body_size: int, *, serialization: int = ROCKETMQ, batch: int = 1) -> Ring:
    """Frames that send what the Java client sends: SEND_MESSAGE_V2, or SEND_BATCH_MESSAGE when `batch` > 1."""
    frames: list[bytes] = []
    size = 0
    while size < _RING_BYTES and len(frames) < 8192:
        frames.append(send_frame(len(frames), body_size, serialization=serialization, batch=batch))
        size += len(frames[-1])
    return Ring(frames, batch)


def send_frame(opaque: int, body_size: int, *, serialization: int = ROCKETMQ, batch: int = 1) -> bytes:
    """One such frame, to the queue `opaque` modulo the number of queues."""
    fields = {
        "a": "bench_producer",
        "b": TOPIC,
        "c": "TBW102",
        "d": str(QUEUES),
        "e": str(opaque % QUEUES),
        "f": "0",
        "g": str(int(time.time() * 1000)),
        "h": "0",
        "i": _properties(opaque) if batch == 1 else "WAIT\x01true",
        "j": "0",
        "k": "false",
        "m": "true" if batch > 1 else "false",
    }
    code, body = RequestCode.SEND_MESSAGE_V2, b"x" * body_size
    if batch > 1:
        code = RequestCode.SEND_BATCH_MESSAGE
        body = b"".join(_batch_item(_properties(opaque * batch + n), body_size) for n in range(batch))
    command = Command(code, opaque=opaque, ext_fields=fields, body=body, serialization=serialization)
    return command.encode()


def _properties(number: int) -> str:
    return f"UNIQ_KEY\x017F000001{number:024X}\x02WAIT\x01true\x02TAGS\x01TagA"


def _batch_item(properties: str, body_size: int) -> bytes:
    """A message within a batch (MessageDecoder.java:474)."""
    text = properties.encode()
    rest = struct.pack(">iiii", 0, 0, 0, body_size) + b"x" * body_size + struct.pack(">h", len(text)) + text
    return struct.pack(">i", 4 + len(rest)) + rest


class PullFrame:
    """A pull of one queue whose offset is patched in."""

    def __init__(self, queue_id: int, opaque: int, max_count: int = 32) -> None:
        fields = {
            "consumerGroup": "bench_consumer",
            "topic": TOPIC,
            "queueId": str(queue_id),
            "queueOffset": "0" * _QUEUE_OFFSET_DIGITS,
            "maxMsgNums": str(max_count),
            "sysFlag": "4",
            "commitOffset": "0",
            "suspendTimeoutMillis": "0",
            "subscription": "*",
            "subVersion": "0",
            "expressionType": "TAG",
        }
        command = Command(RequestCode.PULL_MESSAGE, opaque=opaque, ext_fields=fields, serialization=ROCKETMQ)
        frame = command.encode()
        place = frame.index(b"queueOffset") + len(b"queueOffset") + 4
        self._before = frame[:place]
        self._after = frame[place + _QUEUE_OFFSET_DIGITS :]

    def at(self, queue_offset: int) -> bytes:
        """The frame that pulls from `queue_offset` on."""
        return b"%b%012d%b" % (self._before, queue_offset, self._after)
