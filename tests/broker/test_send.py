"""SEND_MESSAGE and its batch form, against a real store."""

from __future__ import annotations

import random

import pytest

from rocketpy.config.store import BrokerRole
from rocketpy.errors import FieldError
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.message import Message, encode_batch
from rocketpy.protocol.properties import split_properties
from rocketpy.protocol.record import decode_host
from tests.broker.data_side import STORE_HOST, DataSide, ext_of
from tests.fakes import FakePeer

REFUSAL = {"TRACE_ON": "true", "MSG_REGION": "DefaultRegion"}


def text(**properties: object) -> str:
    return "\x02".join(f"{name}\x01{value}" for name, value in properties.items())


def test_a_message_is_stored_as_it_was_sent(data: DataSide) -> None:
    body = "Grüße, 世界 🚀".encode()
    properties = text(KEYS="k1 k2", UNIQ_KEY="0A", WAIT="true", TAGS="TagÄ")
    reply = data.send(body=body, queue_id=3, flag=-5, properties=properties, reconsume_times=2)
    record = data.stored(queue_id=3)
    assert reply.code == 0
    assert reply.remark is None
    assert (record.topic, record.queue_id, record.body, record.flag) == ("T", 3, body, -5)
    assert (record.born_timestamp, record.store_timestamp) == (data.clock() - 1, data.clock())
    assert (decode_host(record.born_host), record.store_host) == (("127.0.0.1", 50001), STORE_HOST)
    assert (record.reconsume_times, record.sys_flag, record.prepared_transaction_offset) == (2, 0, 0)


def test_stored_properties_gain_cluster_lose_wait_and_have_javas_order(data: DataSide) -> None:
    data.send(properties=text(KEYS="k", UNIQ_KEY="0A", WAIT="true", TAGS="A"))
    expected = "KEYS\x01k\x02UNIQ_KEY\x010A\x02CLUSTER\x01DefaultCluster\x02TAGS\x01A"
    assert data.stored().properties.decode() == expected


def test_the_answer_tells_where_the_message_went(data: DataSide) -> None:
    data.send()
    ext = ext_of(data.send(queue_id=2))
    record = data.stored(queue_id=2)
    message_id = (STORE_HOST + record.physical_offset.to_bytes(8, "big")).hex().upper()
    assert ext == {**REFUSAL, "msgId": message_id, "queueId": "2", "queueOffset": "0"}
    assert ext_of(data.send(queue_id=2))["queueOffset"] == "1"


def test_region_and_trace_switch_are_those_of_the_configuration(data: DataSide) -> None:
    data.config.region_id, data.config.trace_on = "r-1", False
    ext = ext_of(data.send())
    assert (ext["MSG_REGION"], ext["TRACE_ON"]) == ("r-1", "false")


def test_a_message_is_found_by_its_tags_and_keys(data: DataSide) -> None:
    data.send(properties=text(KEYS="k1 k2", UNIQ_KEY="0A", TAGS="TagA"))
    data.send(properties=text(TAGS="TagB"))
    codes = frozenset([string_hash("TagB")])
    assert data.store.get("T", 0, 0, 32, codes).message_count == 1
    for key in ("k1", "k2", "0A"):
        assert len(data.store.query("T", key, 10, 0, data.clock()).views) == 1


def test_an_empty_body_is_stored(data: DataSide) -> None:
    assert data.send(body=b"").code == 0
    assert data.stored().body == b""


def test_an_ipv6_producer_is_stored_with_its_address(data: DataSide) -> None:
    data.send(peer=FakePeer("[2001:db8::7]:50002"))
    record = data.stored()
    assert decode_host(record.born_host) == ("2001:db8::7", 50002)
    assert record.sys_flag == 0x10


def test_an_unknown_topic_is_made_after_the_default_one(data: DataSide) -> None:
    data.send(default_topic_queue_nums=3)
    topic = data.topics.get("T")
    assert topic is not None
    assert (topic.read_queue_nums, topic.write_queue_nums, topic.perm) == (3, 3, 6)


def test_a_topic_that_may_not_be_made_is_refused(data: DataSide) -> None:
    reply = data.send(default_topic="Nothing")
    assert reply.code == 17
    assert reply.remark == (
        "topic[T] not exist, apply first please!\nSee http://rocketmq.apache.org/docs/faq/ for further details."
    )
    assert ext_of(reply) == REFUSAL
    assert data.store.log.max_offset == 0


def test_a_retry_topic_is_made_even_without_a_default_one(data: DataSide) -> None:
    assert data.send("%RETRY%G", default_topic="", unit_mode=True).code == 0
    topic = data.topics.get("%RETRY%G")
    assert topic is not None
    assert (topic.write_queue_nums, topic.topic_sys_flag) == (1, 2)


@pytest.mark.parametrize(
    ("topic", "code", "remark"),
    [
        ("", 1, "The specified topic is blank."),
        ("Größe", 1, "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"),
        ("x" * 128, 1, "The specified topic is longer than topic max length."),
        ("SCHEDULE_TOPIC_XXXX", 16, "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden."),
        ("SELF_TEST_TOPIC", 16, "Sending message to topic[SELF_TEST_TOPIC] is forbidden."),
    ],
)
def test_topics_that_nobody_may_send_to_are_refused(data: DataSide, topic: str, code: int, remark: str) -> None:
    for _ in range(2):
        reply = data.send(topic)
        assert (reply.code, reply.remark) == (code, remark)
        assert ext_of(reply) == REFUSAL


def test_the_queue_id_counts_against_reading_and_writing_queues(data: DataSide) -> None:
    data.topics.update(TopicConfig(topic_name="T", read_queue_nums=2, write_queue_nums=4))
    assert data.send(queue_id=3).code == 0
    reply = data.send(queue_id=4)
    assert reply.code == 1
    assert reply.remark == (
        "request queueId[4] is illegal, TopicConfig [topicName=T, readQueueNums=2, writeQueueNums=4, perm=RW-, "
        "topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false] Producer: 127.0.0.1:50001"
    )


def test_a_negative_queue_id_is_any_writing_queue(data: DataSide) -> None:
    random.seed(7)
    data.topics.update(TopicConfig(topic_name="T", read_queue_nums=16, write_queue_nums=3))
    assert {ext_of(data.send(queue_id=-1))["queueId"] for _ in range(50)} == {"0", "1", "2"}


def test_the_topics_own_permission_does_not_matter(data: DataSide) -> None:
    data.topics.update(TopicConfig(topic_name="T", perm=4))
    assert data.send().code == 0


def test_a_broker_without_write_permission_refuses_ordered_topics_only(data: DataSide) -> None:
    data.config.broker_permission = 4
    assert data.send().code == 0
    data.topics.update(TopicConfig(topic_name="T", order=True))
    reply = data.send()
    assert (reply.code, reply.remark) == (16, "the broker[127.0.0.1] sending message is forbidden")


def test_sends_before_the_broker_accepts_them_are_refused(data: DataSide) -> None:
    data.config.start_accept_send_request_time_stamp = data.clock() + 1
    reply = data.send()
    assert reply.code == 1
    assert reply.remark is not None
    assert reply.remark.startswith("broker unable to service, until 20")
    assert reply.remark.endswith(",001")


@pytest.mark.parametrize(
    "fields", [{"body": b"x" * 65_537}, {"properties": "k\x01" + "v" * 32_768}, {"properties": "k\x01" + "ä" * 16_400}]
)
def test_messages_that_are_too_large_are_refused(data: DataSide, fields: dict[str, object]) -> None:
    reply = data.send(**fields)  # type: ignore[arg-type]
    assert reply.code == 13
    assert reply.remark == (
        "the message is illegal, maybe msg body or properties length not matched. msg body length limit 65536B, "
        "msg properties length limit 32KB."
    )


def test_only_what_was_tried_counts_as_failed(data: DataSide) -> None:
    data.send(properties="long\x01" + "x" * 40_000)
    assert data.stats.put_failed == 0
    data.send(body=bytes(data.store_config.max_message_size + 1))
    assert data.stats.put_failed == 1


def test_a_slave_takes_no_messages(data: DataSide) -> None:
    data.store_config.broker_role = BrokerRole.SLAVE
    data.store.step(data.clock())
    reply = data.send()
    assert reply.code == 14
    assert reply.remark is not None
    assert reply.remark.startswith("service not available now. It may be caused by one of the following reasons: the b")
    assert "[CL: " in reply.remark
    assert data.stats.put_failed == 0


def test_topics_with_several_tags_mark_their_messages(data: DataSide) -> None:
    data.topics.update(TopicConfig(topic_name="T", topic_filter_type="MULTI_TAG"))
    data.send(sys_flag=1)
    assert data.stored().sys_flag == 3


def test_the_last_retry_goes_to_the_dead_letters(data: DataSide) -> None:
    ext = ext_of(data.send("%RETRY%G", reconsume_times=16, properties=text(TAGS="A")))
    assert ext["queueOffset"] == "0"
    assert data.stored("%DLQ%G").reconsume_times == 16
    dead = data.topics.get("%DLQ%G")
    assert dead is not None
    assert (dead.write_queue_nums, dead.perm) == (1, 6)
    assert data.send("%RETRY%G", reconsume_times=15).code == 0
    assert data.stored("%RETRY%G").reconsume_times == 15


def test_the_producers_own_limit_of_retries_counts_for_newer_clients_only(data: DataSide) -> None:
    data.send("%RETRY%G", reconsume_times=3, max_reconsume_times=3, version=120)
    assert data.store.max_offset("%RETRY%G", 0) == 1
    data.send("%RETRY%G", reconsume_times=3, max_reconsume_times=3, version=121)
    assert data.store.max_offset("%DLQ%G", 0) == 1


def test_a_retry_of_an_unknown_group_is_refused(data: DataSide) -> None:
    data.config.auto_create_subscription_group = False
    reply = data.send("%RETRY%G")
    assert reply.code == 26
    assert reply.remark is not None
    assert reply.remark.startswith("subscription group not exist, G \nSee http://")


def test_a_group_has_its_own_limit_of_retries(data: DataSide) -> None:
    data.groups.update(SubscriptionGroupConfig(group_name="G", retry_max_times=1))
    data.send("%RETRY%G", reconsume_times=1)
    assert data.store.max_offset("%DLQ%G", 0) == 1


def test_a_delayed_message_waits_in_the_queue_of_its_level(data: DataSide) -> None:
    ext = ext_of(data.send(queue_id=2, properties=text(DELAY="3", WAIT="true", TAGS="A")))
    assert (ext["queueId"], ext["queueOffset"]) == ("2", "0")
    properties = split_properties(data.stored("SCHEDULE_TOPIC_XXXX", 2).properties.decode())
    assert properties == {
        "DELAY": "3", "WAIT": "true", "TAGS": "A", "CLUSTER": "DefaultCluster", "REAL_TOPIC": "T", "REAL_QID": "2",
    }  # fmt: skip
    due = frozenset([data.clock() + 10_000])
    assert data.store.get("SCHEDULE_TOPIC_XXXX", 2, 0, 1, due).message_count == 1


def test_delayed_messages_keep_wait_where_java_puts_it_back(data: DataSide) -> None:
    data.send(queue_id=3, properties=text(KEYS="k1", WAIT="true", DELAY="2", TAGS="TagA"))
    assert data.stored("SCHEDULE_TOPIC_XXXX", 1).properties.decode() == text(
        REAL_TOPIC="T", KEYS="k1", CLUSTER="DefaultCluster", DELAY="2", WAIT="true", TAGS="TagA", REAL_QID="3"
    )


def test_a_level_above_the_highest_is_the_highest(data: DataSide) -> None:
    data.send(properties=text(DELAY="99"))
    properties = split_properties(data.stored("SCHEDULE_TOPIC_XXXX", 17).properties.decode())
    assert properties["DELAY"] == "18"


@pytest.mark.parametrize("level", ["0", "-1"])
def test_a_level_below_one_is_no_delay(data: DataSide, level: str) -> None:
    data.send(properties=text(DELAY=level))
    assert split_properties(data.stored().properties.decode())["DELAY"] == level


@pytest.mark.parametrize("level", ["soon", " 2", "1_0", "1.5", "99999999999"])
def test_a_level_that_is_no_number_is_refused(data: DataSide, level: str) -> None:
    with pytest.raises(FieldError, match="NumberFormatException"):
        data.send(properties=text(DELAY=level))


def test_a_half_message_is_hidden_in_its_own_topic(data: DataSide) -> None:
    ext = ext_of(data.send(queue_id=3, sys_flag=4, properties=text(TRAN_MSG="true", PGROUP="P")))
    assert ext["queueId"] == "3"
    record = data.stored("RMQ_SYS_TRANS_HALF_TOPIC")
    assert record.sys_flag == 0
    properties = split_properties(record.properties.decode())
    assert (properties["REAL_TOPIC"], properties["REAL_QID"]) == ("T", "3")
    assert data.store.max_offset("T", 3) == 0


def test_half_messages_can_be_refused(data: DataSide) -> None:
    data.config.reject_transaction_message = True
    reply = data.send(properties=text(TRAN_MSG="True"))
    assert (reply.code, reply.remark) == (16, "the broker[127.0.0.1] sending transaction message is forbidden")
    assert data.send(properties=text(TRAN_MSG="false")).code == 0


def test_a_batch_is_stored_message_by_message(data: DataSide) -> None:
    messages = [Message("T", f"körper-{n}".encode(), tags=f"t{n}", flag=n) for n in range(3)]
    ext = ext_of(data.send(body=encode_batch(messages), batch=True, queue_id=1, properties=text(WAIT="true")))
    ids = ext["msgId"].split(",")
    assert (ext["queueId"], ext["queueOffset"], len(ids)) == ("1", "0", 3)
    for number, message_id in enumerate(ids):
        record = data.stored(queue_id=1, queue_offset=number)
        assert record.body == f"körper-{number}".encode()
        assert record.flag == number
        assert record.properties.decode() == f"TAGS\x01t{number}\x02CLUSTER\x01DefaultCluster\x02WAIT\x01true"
        assert message_id == (STORE_HOST + record.physical_offset.to_bytes(8, "big")).hex().upper()
    assert data.stats.put_times == 3


@pytest.mark.parametrize("cut", [1, 19, 24])
def test_a_batch_that_is_cut_off_is_refused_as_a_whole(data: DataSide, cut: int) -> None:
    body = encode_batch([Message("T", b"abc"), Message("T", b"def")])
    assert data.send(body=body[:-cut], batch=True).code == 1
    assert data.send(body=b"", batch=True).code == 1
    assert data.store.max_offset("T", 0) == 0


@pytest.mark.parametrize("fields", [{"sys_flag": 4}, {"properties": text(DELAY=3)}, {"body": b"x" * 65_537}])
def test_a_batch_may_not_be_delayed_half_or_too_large(data: DataSide, fields: dict[str, object]) -> None:
    body = encode_batch([Message("T", b"abc")])
    reply = data.send(**{"body": body, "batch": True, **fields})  # type: ignore[arg-type]
    assert reply.code == 13


def test_unit_mode_marks_a_topic_that_its_first_message_makes(data: DataSide) -> None:
    assert data.send("Unit", unit_mode=True).code == 0
    assert data.send("Plain").code == 0
    flags = [topic.topic_sys_flag for topic in (data.topics.get("Unit"), data.topics.get("Plain")) if topic]
    assert flags == [1, 0]
    assert data.send("Plain", unit_mode=True).code == 0
    plain = data.topics.get("Plain")
    assert plain is not None
    assert plain.topic_sys_flag == 0
