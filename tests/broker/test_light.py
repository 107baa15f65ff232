"""A broker with light queues: what needs no configuration, where it is kept, how messages enter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.broker.groups import GroupTable
from rocketpy.broker.light import LightGroupTable, LightOffsets, LightOffsetTable, LightTopicTable
from rocketpy.broker.offsets import OffsetTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import FieldError
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.offset import (
    GetMaxOffset,
    QueryConsumerOffset,
    UpdateConsumerOffset,
)
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.api.topic import DeleteTopicInBroker, TopicConfig
from rocketpy.protocol.message import decode_messages
from tests.broker.live import Live, standalone, wait_until

HOST = "127.0.0.1:1"
LIGHT = "%LMQ%größe"
KEYS = {"enableLmq": "true", "enableMultiDispatch": "true"}


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with standalone(tmp_path, **KEYS) as servers:
        live = Live(servers)
        yield live
        live.client.close()


def send(live: Live, properties: str, body: bytes = b"body") -> int:
    header = SendMessage(
        producer_group="P", topic="T", default_topic="TBW102", default_topic_queue_nums=4, queue_id=1, sys_flag=0,
        born_timestamp=1, flag=0, properties=properties,
    )  # fmt: skip
    return live.ask(header, body).code


def pull(live: Live, topic: str, group: str = "%LMQ%reader") -> list[bytes]:
    header = PullMessage(
        consumer_group=group, topic=topic, queue_id=0, queue_offset=0, max_msg_nums=32, sys_flag=4, commit_offset=0,
        suspend_timeout_millis=0, subscription="*", sub_version=0,
    )  # fmt: skip
    answer = live.ask(header)
    return [message.body for message in decode_messages(answer.body)] if answer.code == 0 else []


def test_message_is_read_from_every_queue_it_names(live: Live) -> None:
    assert send(live, f"TAGS\1A\2INNER_MULTI_DISPATCH\1{LIGHT},%LMQ%two\2WAIT\1true", b"one") == 0
    assert send(live, f"INNER_MULTI_DISPATCH\1{LIGHT}", b"two") == 0
    assert send(live, "TAGS\1B", b"three") == 0
    assert pull(live, LIGHT) == [b"one", b"two"]
    assert pull(live, "%LMQ%two") == [b"one"]
    assert (live.ask(GetMaxOffset(topic=LIGHT, queue_id=0)).ext_fields or {})["offset"] == "2"
    record = live.servers.broker.store.record_at(0)
    assert record is not None
    # WAIT is not stored
    assert sorted(record.properties.decode().replace("\1", "=").split("\2")) == [
        "CLUSTER=DefaultCluster", f"INNER_MULTI_DISPATCH={LIGHT},%LMQ%two", "INNER_MULTI_QUEUE_OFFSET=0,0", "TAGS=A",
    ]  # fmt: skip


def test_message_for_queues_that_cannot_be_is_refused(live: Live) -> None:
    assert send(live, "INNER_MULTI_DISPATCH\1../../../out") == 13
    assert live.servers.broker.store.log.max_offset == 0


def test_message_grown_too_long_by_its_numbers_is_an_unknown_error(live: Live) -> None:
    names = ",".join(f"q{number:04}" for number in range(4600))
    assert send(live, f"INNER_MULTI_DISPATCH\1{names}") == 1
    assert live.servers.broker.store.log.max_offset == 0


def test_light_topics_and_groups_are_not_saved(live: Live, tmp_path: Path) -> None:
    send(live, f"INNER_MULTI_DISPATCH\1{LIGHT}")
    pull(live, LIGHT)
    broker = live.servers.broker
    assert LIGHT not in broker.topics.snapshot().topic_config_table
    assert "%LMQ%reader" not in broker.groups.snapshot().subscription_group_table
    assert broker.stats.rates("GROUP_GET_NUMS", "%LMQ%@%LMQ%") is not None


def test_light_topic_is_deleted_with_its_queue(live: Live) -> None:
    send(live, f"INNER_MULTI_DISPATCH\1{LIGHT},%LMQ%two")
    assert live.ask(DeleteTopicInBroker(topic="%LMQ%two")).code == 0
    assert live.servers.broker.store.queues.find("%LMQ%two", 0) is None
    assert live.ask(DeleteTopicInBroker(topic="T")).code == 0
    assert pull(live, LIGHT) == [b"body"]


def test_offsets_are_kept_in_a_file_of_their_own(tmp_path: Path) -> None:
    with standalone(tmp_path) as servers:
        live = Live(servers)
        update = UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=3, commit_offset=5)
        assert live.ask(update).code == 0
        live.client.close()
    for turn in range(2):
        with standalone(tmp_path, **KEYS) as servers:
            live = Live(servers)
            query = QueryConsumerOffset(consumer_group="G", topic="T", queue_id=3)
            assert (live.ask(query).ext_fields or {})["offset"] == "5"
            light = QueryConsumerOffset(consumer_group="%LMQ%G", topic=LIGHT, queue_id=0)
            if turn:
                assert (live.ask(light).ext_fields or {})["offset"] == "7"
            live.ask(UpdateConsumerOffset(consumer_group="%LMQ%G", topic=LIGHT, queue_id=0, commit_offset=7))
            wait_until(lambda: servers.broker.offsets.query("%LMQ%G", LIGHT, 0) == 7)
            live.client.close()
    (path,) = tmp_path.rglob("lmqConsumerOffset.json")
    assert path.read_text() == (
        '{\n\t"lmqOffsetTable":{\n\t\t"%LMQ%größe@%LMQ%G":7\n\t},\n\t"offsetTable":{\n\t\t"T@G":{3:5\n\t\t}\n\t}\n}'
    )


def test_light_topics_are_all_there_and_cannot_be_changed() -> None:
    table = LightTopicTable(BrokerConfig())
    known = table.get(LIGHT)
    assert known is not None
    assert (known.read_queue_nums, known.write_queue_nums, known.perm) == (1, 1, 6)
    version = table.data_version
    table.update(TopicConfig(topic_name=LIGHT, read_queue_nums=9))
    assert table.data_version == version
    table.update(TopicConfig(topic_name="T", read_queue_nums=9))
    assert table.get("T") is not None
    assert table.get("U") is None


def test_light_groups_are_all_there_and_cannot_be_changed() -> None:
    table = LightGroupTable(BrokerConfig(auto_create_subscription_group=False))
    assert table.find("%LMQ%G") == SubscriptionGroupConfig(group_name="%LMQ%G")
    assert table.find("G") is None
    table.update(SubscriptionGroupConfig(group_name="%LMQ%G", consume_enable=False))
    known = table.find("%LMQ%G")
    assert known is not None
    assert known.consume_enable
    assert table.names() == GroupTable(BrokerConfig()).names()
    with pytest.raises(FieldError):
        table.update(SubscriptionGroupConfig())


def test_light_group_has_one_offset_a_topic() -> None:
    table = LightOffsetTable()
    assert (table.query("%LMQ%G", LIGHT, 0), table.queues("%LMQ%G", LIGHT)) == (-1, {})
    table.dirty = False
    table.commit(HOST, "%LMQ%G", LIGHT, 4, 9)
    assert table.dirty
    assert (table.query("%LMQ%G", LIGHT, 0), table.queues("%LMQ%G", LIGHT)) == (9, {0: 9})
    table.commit(HOST, "G", "T", 4, 9)
    assert (table.query("G", "T", 0), table.queues("G", "T")) == (-1, {4: 9})
    assert (table.topics_of("%LMQ%G"), table.groups_of("T")) == (set(), {"G"})


def test_offsets_are_saved_as_java_saves_them() -> None:
    table = LightOffsetTable()
    assert table.freeze()().to_json(pretty=True) == b'{\n\t"lmqOffsetTable":{},\n\t"offsetTable":{}\n}'
    for number in range(40):
        table.commit(HOST, "%LMQ%G", f"%LMQ%{number}", 0, number)
        table.commit(HOST, "G", f"T{number}", 0, number)
    saved = table.freeze()().to_json(pretty=True)
    restored = LightOffsetTable()
    restored.restore(LightOffsets.from_json(saved))
    assert all(restored.query("%LMQ%G", f"%LMQ%{number}", 0) == number for number in range(40))
    assert all(restored.query("G", f"T{number}", 0) == number for number in range(40))
    plain = OffsetTable()
    plain.commit(HOST, "G", "T", 1, 2)
    restored.restore(plain.snapshot())
    assert restored.query("G", "T", 1) == 2
    assert set(json.loads(saved.replace(b"{0:", b'{"0":'))) == {"lmqOffsetTable", "offsetTable"}
