"""Heartbeats, group members, offsets and locks, asked of a running broker."""

from __future__ import annotations

import pytest

from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.processors.client import ClientProcessor
from rocketpy.protocol.api import client as api
from rocketpy.protocol.api import connection, offset
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.kv import KVTable
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.codes import ResponseCode
from tests.broker.data_side import DataSide, answer_of
from tests.broker.live import Live, consumer_data, wait_until
from tests.fakes import FakePeer


def members(live: Live, group: str) -> list[str] | None:
    answer = live.ask(api.GetConsumerListByGroup(consumer_group=group))
    return api.GetConsumerListByGroupResponseBody.from_json(answer.body).consumer_id_list


def test_heartbeat_makes_group_and_retry_topic(live: Live) -> None:
    answer = live.beat("127.0.0.1@1", consumes={"grüppe": ["T"]})
    assert (answer.code, answer.ext_fields, answer.version) == (0, None, 409)
    assert members(live, "grüppe") == ["127.0.0.1@1"]
    broker = live.servers.broker
    assert broker.groups.find("grüppe") is not None
    topic = broker.topics.get("%RETRY%grüppe")
    assert topic is not None
    assert (topic.read_queue_nums, topic.perm, topic.topic_sys_flag) == (1, 6, 0)


def test_group_in_unit_mode_marks_its_retry_topic(live: Live) -> None:
    consumer = api.ConsumerData(group_name="G", unit_mode=True)
    live.ask(api.Heartbeat(), api.HeartbeatData(client_id="a", consumer_data_set=[consumer]).to_json())
    topic = live.servers.broker.topics.get("%RETRY%G")
    assert topic is not None
    assert topic.topic_sys_flag == 2


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe"])
def test_heartbeat_that_is_none_is_a_system_error(live: Live, body: bytes) -> None:
    assert live.ask(api.Heartbeat(), body).code == ResponseCode.SYSTEM_ERROR
    assert live.beat("a").code == 0


def test_group_without_members_is_refused(live: Live) -> None:
    answer = live.ask(api.GetConsumerListByGroup(consumer_group="nobody"))
    assert (answer.code, answer.remark) == (1, "no consumer for this group, nobody")
    assert answer.ext_fields == {}


def test_unregistered_client_is_no_member(live: Live) -> None:
    live.beat("a", consumes={"G": ["T"]}, produces="P")
    answer = live.ask(api.UnregisterClient(client_id="a", producer_group="P", consumer_group="G"))
    assert (answer.code, answer.ext_fields) == (0, {})
    assert live.ask(api.GetConsumerListByGroup(consumer_group="G")).code == 1
    assert live.ask(connection.GetProducerConnectionList(producer_group="P")).code == 1


def test_closed_connection_ends_membership(live: Live) -> None:
    live.beat("a", consumes={"G": ["T"]}, produces="P")
    live.client.disconnect(live.broker)
    wait_until(lambda: live.ask(api.GetConsumerListByGroup(consumer_group="G")).code == 1)


@pytest.mark.parametrize(
    ("kind", "code"), [(None, 0), ("", 0), ("TAG", 0), ("SQL92", 1), ("other", 1)]
)
def test_only_tags_can_be_filtered_by(live: Live, kind: str | None, code: int) -> None:
    subscription = api.SubscriptionData(topic="T", sub_string="a > 1", expression_type=kind)
    body = api.CheckClientRequestBody(client_id="a", group="G", subscription_data=subscription)
    answer = live.ask(api.CheckClientConfig(), body.to_json())
    assert answer.code == code
    assert answer.remark == (f"The broker does not support consumer to filter message by {kind}" if code else None)


def test_connections_of_a_group_are_listed(live: Live) -> None:
    live.beat("a", consumes={"G": ["T", "U"]}, produces="P")
    listed = live.ask(connection.GetConsumerConnectionList(consumer_group="G"))
    body = connection.ConsumerConnection.from_json(listed.body)
    assert [(one.client_id, one.language, one.version) for one in body.connection_set] == [("a", "JAVA", 409)]
    assert sorted(body.subscription_table) == ["T", "U"]
    assert (body.consume_type, body.message_model) == ("CONSUME_PASSIVELY", "CLUSTERING")
    producers = live.ask(connection.GetProducerConnectionList(producer_group="P"))
    (one,) = connection.ProducerConnection.from_json(producers.body).connection_set
    everyone = connection.ProducerTableInfo.from_json(live.ask(connection.GetAllProducerInfo()).body)
    assert everyone.data is not None
    assert everyone.data["P"][0].remote_ip == f"/{one.client_addr}"


def test_groups_that_are_not_online_are_refused_in_javas_words(live: Live) -> None:
    answer = live.ask(connection.GetConsumerConnectionList(consumer_group="G"))
    assert (answer.code, answer.remark) == (206, "the consumer group[G] not online")
    answer = live.ask(connection.GetProducerConnectionList(producer_group="P"))
    assert (answer.code, answer.remark) == (1, "the producer group[P] not exist")
    assert live.ask(connection.GetAllProducerInfo()).body == b'{"data":{}}'


def test_queues_are_locked_for_one_client(live: Live) -> None:
    queues = [MessageQueue(topic="T", broker_name="b-0", queue_id=queue_id) for queue_id in range(2)]

    def lock(client_id: str) -> list[MessageQueue]:
        body = api.LockBatchRequestBody(consumer_group="G", client_id=client_id, mq_set=queues)
        return api.LockBatchResponseBody.from_json(live.ask(api.LockBatchMq(), body.to_json()).body).lock_ok_mq_set

    assert lock("a") == queues
    assert lock("b") == []
    body = api.UnlockBatchRequestBody(consumer_group="G", client_id="a", mq_set=queues[:1])
    assert live.ask(api.UnlockBatchMq(), body.to_json()).code == 0
    assert lock("b") == queues[:1]


@pytest.mark.parametrize("missing", ["consumer_group", "client_id"])
def test_nobody_can_neither_lock_nor_unlock(live: Live, missing: str) -> None:
    queues = [MessageQueue(topic="T", broker_name="b-0", queue_id=0)]
    body = api.LockBatchRequestBody(**{"consumer_group": "G", "client_id": "a", "mq_set": queues, missing: None})
    for asked in (api.LockBatchMq(), api.UnlockBatchMq()):
        answer = live.ask(asked, body.to_json())
        assert (answer.code, "NullPointerException" in (answer.remark or "")) == (1, True)
    body.mq_set = []
    assert live.ask(api.LockBatchMq(), body.to_json()).code == 0


def test_new_group_begins_at_the_start_of_a_young_queue(live: Live) -> None:
    live.send("T")
    answer = live.ask(offset.QueryConsumerOffset(consumer_group="new", topic="T", queue_id=0))
    assert (answer.code, answer.ext_fields) == (0, {"offset": "0"})


def test_new_group_is_not_found_where_the_start_is_gone_or_only_on_disk(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = offset.QueryConsumerOffset(consumer_group="new", topic="T", queue_id=0)
    store = live.servers.broker.store
    monkeypatch.setattr(store, "is_cold", lambda topic, queue_id, queue_offset: True)
    answer = live.ask(asked)
    assert (answer.code, answer.ext_fields) == (22, {})
    assert answer.remark == "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"
    monkeypatch.undo()
    monkeypatch.setattr(store, "min_offset", lambda topic, queue_id: 1)
    assert live.ask(asked).code == 22


def test_bounds_and_times_of_queues(live: Live) -> None:
    assert live.ask(offset.GetEarliestMsgStoretime(topic="T", queue_id=0)).ext_fields == {"timestamp": "-1"}
    for _ in range(3):
        live.send("T")
    assert live.ask(offset.GetMaxOffset(topic="T", queue_id=0)).ext_fields == {"offset": "3"}
    assert live.ask(offset.GetMinOffset(topic="T", queue_id=0)).ext_fields == {"offset": "0"}
    first = live.ask(offset.GetEarliestMsgStoretime(topic="T", queue_id=0)).ext_fields
    assert first is not None
    searched = offset.SearchOffsetByTimestamp(topic="T", queue_id=0, timestamp=int(first["timestamp"]) - 9)
    assert live.ask(searched).ext_fields == {"offset": "0"}
    searched.timestamp += 1_000_000
    assert live.ask(searched).ext_fields == {"offset": "2"}
    assert live.ask(offset.GetMaxOffset(topic="unknown", queue_id=9)).ext_fields == {"offset": "0"}


def test_whole_offset_table_is_told(live: Live) -> None:
    for queue_id in (0, 1):
        live.ask(offset.UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=queue_id, commit_offset=5))
    assert live.ask(offset.GetAllConsumerOffset()).body == b'{"offsetTable":{"T@G":{0:5,1:5}}}'


def test_kv_bodies_are_read_as_they_are_written() -> None:
    assert KVTable.from_json(KVTable(table={"ä": "b"}).to_json()).table == {"ä": "b"}


@pytest.mark.parametrize(("of_group", "of_broker", "told"), [(True, True, 1), (False, True, 0), (True, False, 0)])
def test_members_are_told_of_each_other_where_group_and_broker_say_so(
    data: DataSide, of_group: bool, of_broker: bool, told: int
) -> None:
    data.config.notify_consumer_ids_changed_enable = of_broker
    data.groups.update(SubscriptionGroupConfig(group_name="G", notify_consumer_ids_changed_enable=of_group))
    consumers = ConsumerTable(lambda: data.config.notify_consumer_ids_changed_enable, data.clock)
    clients = ClientProcessor(data.config, data.topics, data.groups, data.producers, consumers, data.clock)
    first, second = FakePeer("127.0.0.1:1"), FakePeer("127.0.0.1:2")
    for peer in (first, second):
        beat = api.HeartbeatData(client_id=peer.remote_address, consumer_data_set=[consumer_data("G", ["T"])])
        answer_of(clients.heartbeat, peer, api.Heartbeat(), beat.to_json())
    first.pushes.clear()
    goodbye = api.UnregisterClient(client_id=second.remote_address, consumer_group="G")
    answer_of(clients.unregister, second, goodbye)
    assert len(first.pushes) == told
    assert all(isinstance(header, api.NotifyConsumerIdsChanged) for header, _ in first.pushes)
