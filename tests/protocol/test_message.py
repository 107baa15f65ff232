from __future__ import annotations

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.batch import Batch
from rocketpy.protocol.message import Message, MessageExt, decode_messages, encode_batch

BY_JAVA = bytes.fromhex(
    "0000007EDAA320A7000000000000000300000009000000000000000B00000000000003E8000002010000018BCFE568000A00000100"
    "0004D20000018BCFE568010A00000200002A9F0000000200000000000000050000001328B52FFD00583800006772C3BCC39F650100"
    "000154000FC3BC01C3B602544147530154616741"
)
"""A record with a ZSTD body, made by MessageDecoder.encode of Java."""

BATCH_BY_JAVA = bytes.fromhex(
    "000000390000000000000000000000000000000568656C6C6F001E4B455953016B31206B3202574149540174727565025441475301"
    "54616741000000250000000000000000000000070000000677C3B6726C640009574149540174727565"
)


def test_a_record_of_java_becomes_a_message() -> None:
    (message,) = decode_messages(BY_JAVA)
    assert (message.topic, message.body.decode(), message.properties) == ("T", "grüße", {"ü": "ö", "TAGS": "TagA"})
    assert (message.queue_id, message.queue_offset, message.physical_offset) == (3, 11, 1000)
    assert (message.flag, message.sys_flag, message.store_size) == (9, 0x201, 126)
    assert (message.born_timestamp, message.store_timestamp) == (1700000000000, 1700000000001)
    assert (message.born_host, message.store_host) == (("10.0.0.1", 1234), ("10.0.0.2", 10911))
    assert (message.reconsume_times, message.prepared_transaction_offset) == (2, 5)
    assert message.offset_msg_id == message.msg_id == "0A00000200002A9F00000000000003E8"


def test_a_body_of_many_records_is_read_to_its_end() -> None:
    messages = decode_messages(BY_JAVA * 3)
    assert [message.tags for message in messages] == ["TagA"] * 3
    assert decode_messages(b"") == []


@pytest.mark.parametrize("length", [1, 8, 90, 125])
def test_a_record_that_is_cut_off_is_a_protocol_error(length: int) -> None:
    with pytest.raises(ProtocolError):
        decode_messages(BY_JAVA + BY_JAVA[:length])


def test_the_id_of_the_producer_comes_first() -> None:
    stored = BY_JAVA.replace(b"TAGS\x01TagA", b"UNIQ_KEY\x01A")
    stored = stored.replace(b"\x00\x0f\xc3\xbc", b"\x00\x10\xc3\xbc")
    (message,) = decode_messages((127).to_bytes(4, "big") + stored[4:])
    assert message.msg_id == "A"
    assert message.offset_msg_id == "0A00000200002A9F00000000000003E8"


def test_what_the_sender_says_is_kept_in_properties() -> None:
    message = Message("T", b"x", tags="TagÄ", keys=["k1", "k2"], properties={"a": "b"})
    assert message.properties == {"a": "b", "TAGS": "TagÄ", "KEYS": "k1 k2"}
    assert (message.tags, message.keys, message.delay_level, message.wait_store_msg_ok) == ("TagÄ", "k1 k2", 0, True)
    message.delay_level = 3
    message.wait_store_msg_ok = False
    assert message.properties["DELAY"] == "3"
    assert message.delay_level == 3
    assert message.properties["WAIT"] == "false"
    assert not message.wait_store_msg_ok
    assert Message("T", b"", keys="one two").keys == "one two"
    assert repr(Message("T", b"xy")) == "Message('T', 2 bytes, {})"


def test_a_batch_has_the_bytes_of_java() -> None:
    properties = {"KEYS": "k1 k2", "WAIT": "true", "TAGS": "TagA"}
    messages = [
        Message("T", b"hello", properties=properties),
        Message("T", "wörld".encode(), flag=7, properties={"WAIT": "true"}),
    ]
    assert encode_batch(messages) == BATCH_BY_JAVA


def test_a_batch_is_split_into_what_was_joined() -> None:
    messages = [Message("T", bytes([n]) * n, flag=n, properties={"n": str(n)} if n % 2 else None) for n in range(5)]
    batch = Batch(encode_batch(messages))
    assert batch.messages() == [(n, bytes([n]) * n, f"n\x01{n}".encode() if n % 2 else b"") for n in range(5)]


def test_properties_that_are_too_long_are_refused() -> None:
    with pytest.raises(ProtocolError, match="32768 bytes"):
        encode_batch([Message("T", b"", properties={"n": "é" * 16383})])
    assert encode_batch([Message("T", b"", properties={"n": "x" * 32765})])


def test_a_message_ext_is_a_message() -> None:
    assert isinstance(decode_messages(BY_JAVA)[0], Message)
    assert repr(decode_messages(BY_JAVA)[0]).startswith("MessageExt('T', 7 bytes,")
    assert MessageExt.__mro__[1] is Message
