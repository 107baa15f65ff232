"""CONSUMER_SEND_MSG_BACK: retries and dead letters."""

from __future__ import annotations

from rocketpy.broker.groups import GroupTable
from rocketpy.config.store import BrokerRole
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.send import ConsumerSendMessageBack
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.command import Reply
from rocketpy.protocol.properties import split_properties
from rocketpy.protocol.record import Record, offset_message_id
from tests.broker.data_side import DataSide, answer_of


def send_back(data: DataSide, physical_offset: int = 0, version: int = 409, **fields: object) -> Reply:
    request = ConsumerSendMessageBack(**{  # type: ignore[arg-type]
        "physical_offset": physical_offset, "group": "G", "delay_level": 0, **fields,
    })  # fmt: skip
    return answer_of(data.sends_back.send_back, data.peer, request, version=version)


def properties_of(record: Record) -> dict[str, str]:
    return split_properties(record.properties.decode())


def test_a_message_waits_for_its_next_try(data: DataSide) -> None:
    data.send(body="ä".encode(), flag=3, properties="TAGS\x01A\x02UNIQ_KEY\x010A", sys_flag=1)
    original = data.stored()
    reply = send_back(data)
    assert (reply.code, reply.remark, reply.header) == (0, None, None)
    retry = data.stored("SCHEDULE_TOPIC_XXXX", 2)
    assert (retry.body, retry.flag, retry.sys_flag, retry.reconsume_times) == ("ä".encode(), 3, 1, 1)
    assert (retry.born_timestamp, retry.born_host) == (original.born_timestamp, original.born_host)
    assert properties_of(retry) == {
        "TAGS": "A", "UNIQ_KEY": "0A", "CLUSTER": "DefaultCluster", "RETRY_TOPIC": "T", "WAIT": "false", "DELAY": "3",
        "ORIGIN_MESSAGE_ID": offset_message_id(original.store_host, original.physical_offset),
        "REAL_TOPIC": "%RETRY%G", "REAL_QID": "0",
    }  # fmt: skip
    topic = data.topics.get("%RETRY%G")
    assert topic is not None
    assert (topic.read_queue_nums, topic.perm) == (1, 6)


def test_what_comes_back_is_counted_where_it_waits_only(data: DataSide) -> None:
    data.send()
    send_back(data)
    send_back(data, delay_level=-1)     # a dead letter
    for traffic in data.stats.all_traffic():
        traffic.sample_minute(data.clock.now)
    keys = {
        "TOPIC_PUT_NUMS": "SCHEDULE_TOPIC_XXXX", "QUEUE_PUT_NUMS": "SCHEDULE_TOPIC_XXXX@2", "SNDBCK_PUT_NUMS": "T@G",
        "BROKER_PUT_NUMS": "DefaultCluster",
    }  # fmt: skip
    rates = {name: data.stats.rates(name, key) for name, key in keys.items()}
    assert {name: rate and rate[0].sum for name, rate in rates.items()} == {
        "TOPIC_PUT_NUMS": 1, "QUEUE_PUT_NUMS": 1, "SNDBCK_PUT_NUMS": 2, "BROKER_PUT_NUMS": 1,
    }  # fmt: skip
    assert data.stats.rates("TOPIC_PUT_NUMS", "%DLQ%G") is None
    assert data.stats.put_times == 3


def test_properties_that_are_no_text_do_not_keep_it_from_coming_back(data: DataSide) -> None:
    data.send()
    host = data.stored().store_host
    damaged = Record("T", 0, b"body", b"TAGS\x01\xff", born_host=host, store_host=host)
    stored = data.store.append(damaged, data.clock())
    assert send_back(data, stored.physical_offset).code == 0
    assert properties_of(data.stored("SCHEDULE_TOPIC_XXXX", 2))["TAGS"] == "\ufffd"


def test_the_level_grows_with_each_try_unless_the_consumer_names_one(data: DataSide) -> None:
    data.send(reconsume_times=5)
    send_back(data)
    assert data.store.max_offset("SCHEDULE_TOPIC_XXXX", 7) == 1
    send_back(data, delay_level=2)
    assert data.store.max_offset("SCHEDULE_TOPIC_XXXX", 1) == 1


def test_a_second_return_remembers_the_first_message(data: DataSide) -> None:
    data.send()
    send_back(data, delay_level=1)
    first = data.stored("SCHEDULE_TOPIC_XXXX", 0)
    send_back(data, first.physical_offset, delay_level=1)
    second = data.stored("SCHEDULE_TOPIC_XXXX", 0, 1)
    assert properties_of(second)["ORIGIN_MESSAGE_ID"] == properties_of(first)["ORIGIN_MESSAGE_ID"]
    assert properties_of(second)["RETRY_TOPIC"] == "T"
    assert second.reconsume_times == 2


def test_after_the_last_try_a_message_is_dead(data: DataSide) -> None:
    data.send(reconsume_times=16)
    send_back(data)
    dead = data.stored("%DLQ%G")
    assert dead.reconsume_times == 17
    assert properties_of(dead)["DELAY"] == "0"
    assert "REAL_TOPIC" not in properties_of(dead)


def test_a_negative_level_means_the_dead_letters_at_once(data: DataSide) -> None:
    data.send()
    send_back(data, delay_level=-1)
    assert data.store.max_offset("%DLQ%G", 0) == 1


def test_the_consumers_own_limit_counts_for_newer_clients_only(data: DataSide) -> None:
    data.send(reconsume_times=2)
    send_back(data, max_reconsume_times=2, version=120)
    assert data.store.max_offset("%DLQ%G", 0) == 0
    send_back(data, max_reconsume_times=2, version=121)
    assert data.store.max_offset("%DLQ%G", 0) == 1


def test_a_group_without_retries_drops_the_message(data: DataSide) -> None:
    data.send()
    end = data.store.log.max_offset
    data.groups.update(SubscriptionGroupConfig(group_name="G", retry_queue_nums=0))
    assert send_back(data).code == 0
    assert data.store.log.max_offset == end


def test_what_cannot_be_taken_back_is_refused(data: DataSide) -> None:
    data.send()
    end = data.store.log.max_offset
    reply = send_back(data, end)
    assert (reply.code, reply.remark) == (1, f"look message by offset failed, {end}")
    assert send_back(data, 1).code == 1
    data.topics.update(TopicConfig(topic_name="%RETRY%G", perm=4))
    reply = send_back(data)
    assert (reply.code, reply.remark) == (16, "the topic[%RETRY%G] sending message is forbidden")
    data.config.broker_permission = 4
    reply = send_back(data)
    assert (reply.code, reply.remark) == (16, "the broker[127.0.0.1] sending message is forbidden")
    data.config.auto_create_subscription_group = False
    reply = send_back(data, group="H")
    assert reply.code == 26
    assert reply.remark is not None
    assert reply.remark.startswith("subscription group not exist, H \nSee ")


def test_a_group_without_a_name_is_one_like_others(data: DataSide) -> None:
    data.send()
    assert send_back(data, group="").code == 0
    assert set(data.groups.names()) - set(GroupTable(data.config).names()) == {""}


def test_a_store_that_takes_nothing_is_named(data: DataSide) -> None:
    data.send()
    data.store_config.broker_role = BrokerRole.SLAVE
    data.store.step(data.clock())
    reply = send_back(data)
    assert (reply.code, reply.remark) == (1, "SERVICE_NOT_AVAILABLE")


def test_unit_mode_marks_a_retry_topic_that_a_message_sent_back_makes(data: DataSide) -> None:
    data.send()
    assert send_back(data, unit_mode=True).code == 0
    topic = data.topics.get("%RETRY%G")
    assert topic is not None
    assert topic.topic_sys_flag == 2


def test_a_group_that_may_not_consume_still_gives_back(data: DataSide) -> None:
    """consumeEnable is looked at by pulls alone, as in Java."""
    data.groups.update(SubscriptionGroupConfig(group_name="G", consume_enable=False))
    data.send()
    assert send_back(data).code == 0
