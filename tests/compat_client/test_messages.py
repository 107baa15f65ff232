from __future__ import annotations

from ctypes import ArgumentError

import pytest

from rocketpy import client
from rocketpy.compat_client import Message, MessageProperty, NullPointerException, ReceivedMessage
from rocketpy.compat_client.messages import plain, unstored
from rocketpy.protocol.record import Record


def received(body: bytes = b"hello", properties: str = "", **fields: int) -> ReceivedMessage:
    record = Record("Order", 3, body, properties.encode(), **fields)
    record.queue_offset, record.physical_offset, record.store_timestamp = 7, 1234, 5678
    return ReceivedMessage(client.ReceivedMessage(record))


@pytest.mark.parametrize("as_given", [str, str.encode], ids=["str", "bytes"])
def test_texts_are_given_as_str_or_bytes(as_given: type[str]) -> None:
    message = Message(as_given("Order"))
    message.set_keys(as_given("k1 k2"))
    message.set_tags(as_given("new"))
    message.set_property(as_given("naïve"), as_given("yes ☂"))
    message.set_body(as_given("né"))
    message.set_delay_time_level(3)
    sent = plain(message)
    assert (sent.topic, sent.keys, sent.tags, sent.body) == ("Order", "k1 k2", "new", "né".encode())
    assert sent.properties["naïve"] == "yes ☂"
    assert sent.delay_level == 3


def test_bodies_are_whole_and_any_bytes() -> None:
    message = Message("Order")
    message.set_body(b"a\0b\xff")
    assert plain(message).body == b"a\0b\xff"


def test_bytes_that_are_no_utf_8_are_read_as_a_broker_would() -> None:
    message = Message("Order")
    message.set_tags(b"t\xff")
    assert plain(message).tags == "t�"


@pytest.mark.parametrize("call", [
    lambda message: message.set_keys(None),
    lambda message: message.set_tags(None),
    lambda message: message.set_body(None),
    lambda message: message.set_property("name", None),
    lambda message: message.set_property(None, "value"),
    lambda message: plain(None),
])  # fmt: skip
def test_none_is_a_null_pointer(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NullPointerException, match=r"None is no (text|message)"):
        call(Message("Order"))


@pytest.mark.parametrize("call", [
    lambda message: Message(3),
    lambda message: message.set_keys(3),
    lambda message: message.set_body(bytearray(b"x")),
    lambda message: message.set_property("name", 3),
    lambda message: message.set_delay_time_level("3"),
    lambda message: message.set_delay_time_level(1.5),
    lambda message: received().get_property(3),
    lambda message: plain("no message"),
])  # fmt: skip
def test_other_types_are_refused_as_ctypes_does(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match="wrong type"):
        call(Message("Order"))


def test_topic_and_id_are_str_and_the_rest_bytes() -> None:
    message = received(properties="TAGS\x01new\x02KEYS\x01k1 k2\x02UNIQ_KEY\x01ID\x02own\x01né\x02DELAY\x013\x02")
    assert (message.topic, message.id) == ("Order", "ID")
    assert (message.tags, message.keys, message.body) == (b"new", b"k1 k2", b"hello")
    assert message.get_property("own") == message.get_property(b"own") == message["own"] == "né".encode()
    assert message.get_property(MessageProperty.TAGS) == message[MessageProperty.TAGS] == b"new"
    assert message.delay_time_level == 3


def test_what_is_not_there_is_empty() -> None:
    message = received()
    assert message.tags == message.keys == message["own"] == message[MessageProperty.RETRY_TOPIC] == b""
    assert message.delay_time_level == 0


def test_id_of_a_message_without_one_is_its_place() -> None:
    assert received().id == "0000000000000000" + f"{1234:016X}"


def test_numbers() -> None:
    message = received(reconsume_times=2, born_timestamp=99)
    assert (message.queue_id, message.queue_offset, message.commit_log_offset) == (3, 7, 1234)
    assert (message.reconsume_times, message.born_timestamp, message.store_timestamp) == (2, 99, 5678)
    assert message.prepared_transaction_offset == 0


def test_text_and_bytes_of_a_message_are_its_body() -> None:
    message = received("né".encode(), "UNIQ_KEY\x01ID\x02")
    assert str(message) == "né"
    assert bytes(message) == "né".encode()
    assert repr(message) == r"<ReceivedMessage topic='Order' id='ID' body=b'n\xc3\xa9'>"
    with pytest.raises(UnicodeDecodeError):
        str(received(b"\xff"))


def test_message_that_is_not_stored_yet_can_be_read() -> None:
    message = Message("Order")
    message.set_body(b"half")
    message.set_tags("new")
    plain(message).properties["UNIQ_KEY"] = "ID"
    shown = unstored(plain(message))
    assert (shown.topic, shown.body, shown.tags, shown.id) == ("Order", b"half", b"new", "ID")
    assert (shown.queue_id, shown.queue_offset, shown.commit_log_offset, shown.reconsume_times) == (0, 0, 0, 0)
