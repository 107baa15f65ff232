from __future__ import annotations

import random
import zlib

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol import registration
from rocketpy.protocol.api.route import RegisterBrokerBody
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.registration import read_registration, write_registration

BY_JAVA = bytes.fromhex(
    "78DA63606090AE564ACE2FCD2B492D52B232D6512AC9CC4D2D2E49CC2D50B232AF65606060026229D520D790A048D5740543054333"
    "053385604F3F771FD7F8104777A0AC68085814884C5025D8A39512AD0C956201DC641710"
)


def body(topics: list[TopicConfig], servers: list[str]) -> RegisterBrokerBody:
    wrapper = TopicConfigSerializeWrapper(
        topic_config_table={topic.topic_name or "": topic for topic in topics},
        data_version=DataVersion(timestamp=7, counter=3),
    )
    return RegisterBrokerBody(topic_config_serialize_wrapper=wrapper, filter_server_list=servers)


RETRY = TopicConfig(topic_name="%RETRY%g", read_queue_nums=1)
BODY = body([RETRY, TopicConfig(topic_name="T1", perm=4)], ["a:1"])


def test_what_java_compressed_is_read() -> None:
    assert read_registration(BY_JAVA, compressed=True) == BODY


def test_the_inflated_bytes_are_those_of_java() -> None:
    assert zlib.decompress(write_registration(BODY, compressed=True)) == zlib.decompress(BY_JAVA)


def test_both_forms_survive() -> None:
    assert read_registration(write_registration(BODY, compressed=True), compressed=True) == BODY
    assert read_registration(write_registration(BODY, compressed=False), compressed=False) == BODY
    assert read_registration(write_registration(body([], []), compressed=True), compressed=True) == body([], [])


def test_order_and_sys_flag_do_not_survive_compression() -> None:
    topic = TopicConfig(topic_name="T", order=True, topic_sys_flag=3)
    read = read_registration(write_registration(body([topic], []), compressed=True), compressed=True)
    assert read == body([TopicConfig(topic_name="T")], [])


@pytest.mark.parametrize("length", range(0, len(BY_JAVA) - 4, 7))
def test_a_registration_that_is_cut_off_is_a_protocol_error(length: int) -> None:
    with pytest.raises(ProtocolError):
        read_registration(BY_JAVA[:length], compressed=True)


def test_a_damaged_registration_is_a_protocol_error() -> None:
    plain = bytearray(zlib.decompress(BY_JAVA))
    chance = random.Random(3)
    refused = 0
    for _ in range(500):
        damaged = plain.copy()
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read_registration(zlib.compress(damaged), compressed=True)
        except ProtocolError:
            refused += 1
    assert refused > 100
    with pytest.raises(ProtocolError, match="not a compressed registration"):
        read_registration(bytes(plain), compressed=True)


def test_growth_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "MAX_INFLATED", 10_000)
    with pytest.raises(ProtocolError, match="more than 10000 bytes"):
        read_registration(zlib.compress(bytes(1_000_000)), compressed=True)
