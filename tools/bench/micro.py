"""python -m tools.bench.micro [NAME]...: the functions that every message goes through, one by one, in us a call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import cycle
from timeit import Timer
from typing import cast

from rocketpy.filter.record_matcher import RecordMatcher
from rocketpy.filter.sql92 import compile_filter
from rocketpy.protocol.api.pull import PullMessage, PullMessageReply
from rocketpy.protocol.api.send import SendMessage, SendMessageReply
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import JSON, Command, Reply, encode_reply, request_command
from rocketpy.protocol.frame import FrameDecoder
from rocketpy.protocol.properties import stored_properties
from rocketpy.protocol.record import Record, encode_host, encode_into, offset_message_id, record_size, topic_field
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router, handles
from tools.bench.features import SQL
from tools.bench.frames import PullFrame, send_frame

Subject = tuple[Callable[[], object], int]
"""What to call, and how many times it does its work each time."""

_V2 = int(RequestCode.SEND_MESSAGE_V2)
_FRAME = send_frame(7, 128)
_JSON_FRAME = send_frame(7, 128, serialization=JSON)
_PULL_FRAME = PullFrame(3, 7).at(1234)
_MANY = 64
_NOBODY = cast("Connection", None)
"""The peer of a handler that does not look at it."""


def _frames() -> object:
    decoder = FrameDecoder()
    decoder.feed(_FRAME * _MANY)
    while decoder.next_frame() is not None:
        pass
    return decoder


def _send_reply() -> Reply:
    header = SendMessageReply(
        msg_id="7F00000100002A9F000000000003E8A1",
        queue_id=3,
        queue_offset=123456,
        region_id="DefaultRegion",
        trace_on=True,
    )
    return Reply(header=header)


def _pull_reply() -> Reply:
    header = PullMessageReply(suggest_which_broker_id=0, next_begin_offset=1266, min_offset=0, max_offset=99999)
    return Reply(header=header, remark="FOUND", body=[memoryview(bytes(300))] * 32)


class _Echo:
    """The smallest handler: what a request costs beside its work."""

    @handles(SendMessage)
    def send(self, peer: object, request: SendMessage, command: Command) -> Reply:
        return _send_reply()


def _subjects() -> dict[str, Subject]:
    send, send_json = Command.decode(_FRAME[4:]), Command.decode(_JSON_FRAME[4:])
    pull = Command.decode(_PULL_FRAME[4:])
    properties = send.ext_fields["i"] if send.ext_fields else ""
    text = stored_properties(properties, "DefaultCluster").text_without_wait().encode()
    host = encode_host("127.0.0.1", 10911)
    record = Record("BenchTopic", 3, bytes(128), text, born_host=host, store_host=host)
    room, topic = memoryview(bytearray(4096)), topic_field("BenchTopic")
    readers = SendMessage.readers(_V2)
    reply, pull_reply = _send_reply(), _pull_reply()
    router = Router(_Echo())
    return {
        "frame: cut one out of a read": (_frames, _MANY),
        "command: decode send, binary": (lambda: Command.decode(_FRAME[4:]), 1),
        "command: decode send, JSON": (lambda: Command.decode(_JSON_FRAME[4:]), 1),
        "command: decode pull, binary": (lambda: Command.decode(_PULL_FRAME[4:]), 1),
        "command: encode a send, JSON": (
            lambda: request_command(SendMessage.decode(send.ext_fields, _V2), b"", opaque=1).encode(), 1
        ),
        "header: decode SendMessage": (lambda: SendMessage.decode(send.ext_fields, _V2), 1),
        "header: the same, seen before": (lambda: readers.from_texts(send.ext_fields), 1),
        "header: the same, binary": (lambda: readers.from_binary(send.binary_fields or b""), 1),
        "header: decode PullMessage": (lambda: PullMessage.decode(pull.ext_fields, pull.code), 1),
        "properties: as stored": (lambda: stored_properties(properties, "DefaultCluster"), 1),
        "record: make": (lambda: Record("BenchTopic", 3, send.body, text, born_host=host, store_host=host), 1),
        "record: encode": (lambda: encode_into(room, 0, record, topic, 7, 1 << 30, 1_700_000_000_000), 1),
        "record: message id": (lambda: offset_message_id(host, 1 << 30), 1),
        "reply: make of a send": (_send_reply, 1),
        "reply: encode of a send, binary": (lambda: encode_reply(send, reply), 1),
        "reply: encode of a send, JSON": (lambda: encode_reply(send_json, reply), 1),
        "reply: encode of a pull of 32, binary": (lambda: encode_reply(pull, pull_reply), 1),
        **_filter_subjects(text, host),
        "router: a send that does nothing, binary": (lambda: router.answer(_NOBODY, send), 1),
    }


def _filter_subjects(text: bytes, host: bytes) -> dict[str, Subject]:
    """A filter asked about records whose properties it has seen, and about others."""
    def encoded(price: int) -> bytes:
        properties = b"%b\x02price\x01%d\x02color\x01red" % (text, price)
        topic = topic_field("BenchTopic")
        data = memoryview(bytearray(record_size(128, len(topic) - 1, len(properties))))
        record = Record("BenchTopic", 3, bytes(128), properties, born_host=host, store_host=host)
        encode_into(data, 0, record, topic, 7, 1 << 30, 1_700_000_000_000)
        return bytes(data)

    seen, new = encoded(15), cycle([encoded(price) for price in range(5_000)])
    matcher = RecordMatcher(compile_filter(SQL))
    return {
        "filter: SQL of a record, values seen before": (lambda: matcher.matches(seen), 1),
        "filter: the same, new values": (lambda: matcher.matches(next(new)), 1),
    }


def main(names: list[str]) -> int:
    """Print the figures of the subjects whose names contain one of `names`, or of all."""
    for name, (function, times) in _subjects().items():
        if names and not any(wanted in name for wanted in names):
            continue
        timer = Timer(function)
        number, _ = timer.autorange()
        best = min(timer.repeat(5, max(number // 5, 1))) / max(number // 5, 1)
        print(f"{name:<44}{best / times * 1e6:8.2f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
