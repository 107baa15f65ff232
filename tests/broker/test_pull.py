"""PULL_MESSAGE: what is found, what is refused, and where a consumer is sent on to."""

from __future__ import annotations

import pytest

from rocketpy.broker.processors.pull import PullHeader
from rocketpy.broker.producers import ClientConnection
from rocketpy.config.store import BrokerRole
from rocketpy.protocol.api.client import ConsumerData, SubscriptionData
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.pull import OffsetMovedEvent, PullMessageReply
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.command import HOLD, JSON, Reply
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.java_hash import string_hash
from rocketpy.protocol.message import decode_messages
from rocketpy.protocol.properties import split_properties
from rocketpy.store.results import GetResult, GetStatus
from tests.broker.data_side import DataSide, ext_of

FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."


def body_of(reply: object) -> bytes:
    assert isinstance(reply, Reply)
    return b"".join([reply.body] if isinstance(reply.body, (bytes, memoryview)) else reply.body)


def refusal(data: DataSide, **fields: object) -> tuple[int, str | None]:
    reply = data.pull(**fields)  # type: ignore[arg-type]
    assert isinstance(reply, Reply)
    assert reply.header is None
    return reply.code, reply.remark


def status(data: DataSide, queue_offset: int, **fields: object) -> tuple[int, str | None, str]:
    reply = data.pull(queue_offset=queue_offset, **fields)  # type: ignore[arg-type]
    assert isinstance(reply, Reply)
    return reply.code, reply.remark, ext_of(reply)["nextBeginOffset"]


@pytest.fixture
def filled(data: DataSide) -> DataSide:
    """Topic T with six messages in queue 0, of the tags A, B, A, B, A, B, and none in queue 1."""
    for number in range(6):
        data.send(body=f"ü{number}".encode(), properties=f"TAGS\x01{'AB'[number % 2]}")
    return data


def test_found_messages_come_as_they_are_in_the_log(filled: DataSide) -> None:
    reply = filled.pull(queue_offset=2)
    assert isinstance(reply, Reply)
    assert (reply.code, reply.remark, reply.serialization) == (0, "FOUND", None)
    assert ext_of(reply) == {
        "suggestWhichBrokerId": "0", "nextBeginOffset": "6", "minOffset": "0", "maxOffset": "6",
    }  # fmt: skip
    messages = decode_messages(body_of(reply))
    assert [(message.queue_offset, message.body) for message in messages] == [
        (number, f"ü{number}".encode()) for number in range(2, 6)
    ]
    assert (filled.stats.get_found, filled.stats.get_transferred) == (1, 4)


@pytest.mark.parametrize("most", [0, 1])
def test_one_message_at_least_is_found(filled: DataSide, most: int) -> None:
    assert len(decode_messages(body_of(filled.pull(max_msg_nums=most)))) == 1


def test_a_negative_number_of_messages_is_refused(filled: DataSide) -> None:
    code, remark = refusal(filled, max_msg_nums=-1)
    assert code == 1
    assert remark == "java.lang.IllegalArgumentException: Illegal Capacity: -1"


@pytest.mark.parametrize(
    ("subscription", "found"),
    [("*", 6), ("", 6), (None, 6), ("A", 3), ("A||B", 6), (" B || C ", 3), ("*||A", 3)],
)
def test_tags_choose_what_is_found(filled: DataSide, subscription: str | None, found: int) -> None:
    assert len(decode_messages(body_of(filled.pull(subscription=subscription)))) == found


def test_an_empty_expression_type_matches_nothing_but_everything(filled: DataSide) -> None:
    assert status(filled, 0, expression_type="", subscription="A") == (20, "NO_MATCHED_MESSAGE", "6")
    assert status(filled, 0, expression_type="", subscription="*")[0] == 0


@pytest.mark.parametrize(
    ("queue_offset", "queue_id", "expected"),
    [
        (6, 0, (19, "OFFSET_OVERFLOW_ONE", "6")),
        (7, 0, (21, "OFFSET_OVERFLOW_BADLY", "6")),
        (-1, 0, (21, "OFFSET_TOO_SMALL", "0")),
        (0, 1, (19, "NO_MESSAGE_IN_QUEUE", "0")),
        (5, 1, (21, "NO_MESSAGE_IN_QUEUE", "0")),
    ],
)
def test_where_there_is_nothing_the_consumer_is_sent_on(
    filled: DataSide, queue_offset: int, queue_id: int, expected: tuple[int, str, str]
) -> None:
    assert status(filled, queue_offset, queue_id=queue_id) == expected
    assert filled.stats.get_missed == 1


def test_no_matching_message_leads_to_the_end(filled: DataSide) -> None:
    assert status(filled, 1, subscription="C") == (20, "NO_MATCHED_MESSAGE", "6")


def test_a_moved_offset_is_told_in_a_topic_of_its_own(filled: DataSide) -> None:
    filled.pull(queue_offset=100)
    record = filled.stored("OFFSET_MOVED_EVENT")
    event = OffsetMovedEvent.from_json(bytes(record.body))
    assert (event.consumer_group, event.offset_request, event.offset_new) == ("G", 100, 6)
    assert record.body == (
        b'{"consumerGroup":"G","messageQueue":{"brokerName":"b-0","queueId":0,"topic":"T"},'
        b'"offsetNew":6,"offsetRequest":100}'
    )
    assert split_properties(record.properties.decode()) == {"KEYS": "G", "DELAY": "0", "TAGS": "G"}
    assert filled.store.get("OFFSET_MOVED_EVENT", 0, 0, 1, frozenset([string_hash("G")])).message_count == 1


def test_a_slave_leaves_offsets_alone(filled: DataSide) -> None:
    filled.store_config.broker_role = BrokerRole.SLAVE
    filled.groups.update(SubscriptionGroupConfig(group_name="G", broker_id=3))
    reply = filled.pull(queue_offset=100)
    assert isinstance(reply, Reply)
    assert (reply.code, ext_of(reply)["nextBeginOffset"], ext_of(reply)["suggestWhichBrokerId"]) == (20, "100", "3")
    assert filled.store.max_offset("OFFSET_MOVED_EVENT", 0) == 0
    filled.store_config.offset_check_in_slave = True
    assert status(filled, 100)[0] == 21


def test_slow_consumers_are_sent_to_a_slave_that_may_be_read(filled: DataSide) -> None:
    filled.groups.update(SubscriptionGroupConfig(group_name="G", broker_id=2, which_broker_when_consume_slowly=5))
    assert ext_of(filled.pull())["suggestWhichBrokerId"] == "0"  # type: ignore[arg-type]
    filled.config.slave_read_enable = True
    assert ext_of(filled.pull())["suggestWhichBrokerId"] == "2"  # type: ignore[arg-type]
    filled.store_config.access_message_in_memory_max_ratio = 0
    assert ext_of(filled.pull(max_msg_nums=1))["suggestWhichBrokerId"] == "5"  # type: ignore[arg-type]


def test_what_cannot_be_pulled_is_refused(filled: DataSide) -> None:
    assert refusal(filled, topic="U") == (17, f"topic[U] not exist, apply first please! {FAQ}")
    assert refusal(filled, queue_id=4) == (
        1, "queueId[4] is illegal, topic:[T] topicConfig.readQueueNums:[4] consumer:[/127.0.0.1:50001]",
    )  # fmt: skip
    assert refusal(filled, queue_id=-1)[0] == 1
    filled.topics.update(TopicConfig(topic_name="T", perm=2))
    assert refusal(filled) == (16, "the topic[T] pulling message is forbidden")
    filled.groups.update(SubscriptionGroupConfig(group_name="G", consume_enable=False))
    assert refusal(filled) == (16, "subscription group no permission, G")
    filled.config.auto_create_subscription_group = False
    assert refusal(filled, consumer_group="H") == (26, f"subscription group [H] does not exist, {FAQ}")
    filled.config.broker_permission = 2
    assert refusal(filled) == (16, "the broker[127.0.0.1] pulling message is forbidden")


def test_filters_that_are_not_understood_are_refused(filled: DataSide) -> None:
    assert refusal(filled, subscription="||") == (23, "parse the consumer's subscription failed")
    assert refusal(filled, subscription="", expression_type="SQL92")[0] == 23
    assert refusal(filled, subscription="a > 1", expression_type="SQL92") == (
        1, "The broker does not support consumer to filter message by SQL92",
    )  # fmt: skip


def heartbeat(data: DataSide, *subscriptions: SubscriptionData, message_model: str = "CLUSTERING") -> None:
    client = ClientConnection(data.peer.connection, "c1", 0, 409, data.clock())
    group = ConsumerData(
        group_name="G", message_model=message_model, subscription_data_set=list(subscriptions)
    )
    data.consumers.register(group, client, notify=False)


def test_without_a_subscription_of_its_own_a_pull_has_that_of_the_heartbeat(filled: DataSide) -> None:
    tags = SubscriptionData(topic="T", sub_string="B", tags_set=["B"], code_set=[string_hash("B")], sub_version=10)
    heartbeat(filled, tags)
    found = decode_messages(body_of(filled.pull(sys_flag=0, sub_version=10)))
    assert [message.tags for message in found] == ["B"] * 3
    assert refusal(filled, sys_flag=0, sub_version=11) == (25, "the consumer's subscription not latest")


def test_a_group_without_a_heartbeat_or_subscription_is_refused(filled: DataSide) -> None:
    assert refusal(filled, sys_flag=0) == (24, f"the consumer's group info not exist{FAQ}")
    heartbeat(filled, SubscriptionData(topic="U", sub_string="*"))
    assert refusal(filled, sys_flag=0) == (24, f"the consumer's subscription not exist{FAQ}")


def test_a_group_may_be_forbidden_to_broadcast(filled: DataSide) -> None:
    filled.groups.update(SubscriptionGroupConfig(group_name="G", consume_broadcast_enable=False))
    heartbeat(filled, SubscriptionData(topic="T", sub_string="*"), message_model="BROADCASTING")
    assert refusal(filled, sys_flag=0) == (16, "the consumer group[G] can not consume by broadcast way")


def test_sql_of_a_heartbeat_is_refused(filled: DataSide) -> None:
    heartbeat(filled, SubscriptionData(topic="T", sub_string="a > 1", expression_type="SQL92"))
    assert refusal(filled, sys_flag=0)[1] == "The broker does not support consumer to filter message by SQL92"


def test_a_pull_stores_the_offset_that_comes_with_it(filled: DataSide) -> None:
    flags = PullSysFlag.COMMIT_OFFSET | PullSysFlag.SUBSCRIPTION
    filled.pull(commit_offset=4)
    assert filled.offsets.query("G", "T", 0) == -1
    filled.pull(sys_flag=flags, commit_offset=4)
    assert filled.offsets.query("G", "T", 0) == 4
    assert filled.pull(queue_offset=6, sys_flag=flags | PullSysFlag.SUSPEND, commit_offset=5) is HOLD
    assert filled.offsets.query("G", "T", 0) == 5
    filled.store_config.broker_role = BrokerRole.SLAVE
    filled.pull(sys_flag=flags, commit_offset=6)
    assert filled.offsets.query("G", "T", 0) == 5


def test_answers_past_the_heap_are_written_at_once_and_in_json(filled: DataSide) -> None:
    filled.config.transfer_msg_by_heap = False
    assert filled.pull() is None
    ((_, reply),) = filled.peer.replies
    assert reply.serialization == JSON
    assert len(decode_messages(body_of(reply))) == 6


def test_a_closed_store_says_so(filled: DataSide) -> None:
    filled.store.close(filled.clock())
    assert refusal(filled) == (1, "store getMessage return null")


@pytest.mark.parametrize("offset", [0, 7, 12345678901, (1 << 63) - 1])
def test_the_header_of_a_reply_is_what_it_is_declared_to_be(offset: int) -> None:
    found = GetResult(GetStatus.FOUND, offset, offset // 3, offset - offset // 4)
    declared = PullMessageReply(
        suggest_which_broker_id=offset % 5, next_begin_offset=offset, min_offset=offset // 3,
        max_offset=offset - offset // 4,
    )  # fmt: skip
    header = PullHeader(offset % 5, found)
    assert header.encode() == declared.encode()
    assert header.encode_binary() == declared.encode_binary()
    assert header.encode_json() == declared.encode_json()


def retries(data: DataSide, *prices: int, topic: str = "U") -> list[bytes]:
    """What G gets of its retry topic, where messages of the topic `topic` with these prices are."""
    data.groups.find("G")
    for price in prices:
        properties = f"RETRY_TOPIC\x01{topic}\x02price\x01{price}"
        data.send("%RETRY%G", b"%d" % price, default_topic="", properties=properties)
    found = data.pull("%RETRY%G")
    assert isinstance(found, Reply)
    return [message.body for message in decode_messages(body_of(found))] if found.code == 0 else []


@pytest.mark.parametrize(
    ("supported", "topic", "found"), [(False, "U", [b"1", b"9"]), (True, "U", [b"9"]), (True, "V", [b"1", b"9"])]
)
def test_a_retry_passes_by_the_filter_of_its_topic_where_that_is_supported(
    data: DataSide, supported: bool, topic: str, found: list[bytes]
) -> None:
    data.config.enable_property_filter = True
    data.config.filter_support_retry = supported
    heartbeat(data, SubscriptionData(topic="U", sub_string="price > 5", expression_type="SQL92", sub_version=1))
    assert retries(data, 1, 9, topic=topic) == found


def test_a_retry_of_a_group_that_filters_no_more_comes(data: DataSide) -> None:
    data.config.filter_support_retry = True
    heartbeat(data, SubscriptionData(topic="U", sub_string="*"))
    assert retries(data, 1, 9) == [b"1", b"9"]
