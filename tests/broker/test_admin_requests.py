"""Topics, groups, configuration and figures, asked of a running broker."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from rocketpy.broker.processors.topic import refuse_on_slave
from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.errors import RemotingTimeout, ReplyError
from rocketpy.protocol.api import acl, broker, group, offset, topic
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.api.kv import KVTable
from rocketpy.protocol.api.query import QueryConsumeQueue, QueryConsumeQueueResponseBody
from rocketpy.protocol.api.stats import (
    BrokerStatsData,
    ConsumeStats,
    ConsumeStatsList,
    GetBrokerConsumeStats,
    GetBrokerRuntimeInfo,
    GetConsumeStats,
    GetTopicStatsInfo,
    QueryConsumeTimeSpan,
    QueryConsumeTimeSpanBody,
    TopicStatsTable,
    ViewBrokerStatsData,
)
from rocketpy.protocol.codes import ResponseCode
from tests.broker.live import Live, standalone, wait_until


def set_topic(name: str, **fields: object) -> topic.UpdateAndCreateTopic:
    values = {"default_topic": "TBW102", "read_queue_nums": 4, "write_queue_nums": 3, "perm": 6} | fields
    values.setdefault("topic_filter_type", "SINGLE_TAG")
    return topic.UpdateAndCreateTopic(topic=name, **values)  # type: ignore[arg-type]


def test_set_topic_is_routed_when_the_answer_comes(live: Live) -> None:
    answer = live.ask(set_topic("T", order=True, topic_sys_flag=2))
    assert (answer.code, answer.remark) == (0, "not set any response code")
    route = live.route("T")
    assert route is not None
    (queue,) = route.queue_datas
    assert (queue.read_queue_nums, queue.write_queue_nums, queue.topic_sys_flag) == (4, 3, 2)
    found = live.servers.broker.topics.get("T")
    assert found is not None
    assert not found.order  # name servers decide that


def test_set_topic_outlives_a_kill_when_the_answer_comes(live: Live, tmp_path: Path) -> None:
    for number in range(5):
        live.ask(set_topic(f"Kept{number}"))
        saved = json.loads(next(tmp_path.rglob("topics.json")).read_text())
        assert f"Kept{number}" in saved["topicConfigTable"]


def test_topic_of_a_send_or_heartbeat_outlives_a_kill_when_the_answer_comes(live: Live, tmp_path: Path) -> None:
    for number in range(5):
        assert live.send(f"Sent{number}").code == 0
        live.beat("c", consumes={f"beaten-{number}": ["T"]})
        saved = json.loads(next(tmp_path.rglob("topics.json")).read_text())["topicConfigTable"]
        assert {f"Sent{number}", f"%RETRY%beaten-{number}"} <= set(saved)


def test_set_group_outlives_a_kill_when_the_answer_comes(live: Live, tmp_path: Path) -> None:
    for number in range(5):
        name = f"kept-{number}"
        live.ask(group.UpdateAndCreateSubscriptionGroup(), group.SubscriptionGroupConfig(group_name=name).to_json())
        path = next(tmp_path.rglob("subscriptionGroup.json"))
        assert name in json.loads(path.read_text())["subscriptionGroupTable"]
        live.ask(group.DeleteSubscriptionGroup(group_name=name))
        assert name not in json.loads(path.read_text())["subscriptionGroupTable"]


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        (" ", "The specified topic is blank."),
        ("thémà", "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"),
        ("x" * 128, "The specified topic is longer than topic max length."),
        ("TBW102", "The topic[TBW102] is conflict with system topic."),
        ("b-0", "The topic[b-0] is conflict with system topic."),
    ],
)
def test_names_that_may_not_be_are_refused(live: Live, name: str, remark: str) -> None:
    for request in (set_topic(name), topic.DeleteTopicInBroker(topic=name)):
        answer = live.ask(request)
        assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_ERROR, remark)


def test_unknown_filter_type_is_refused(live: Live) -> None:
    answer = live.ask(set_topic("T", topic_filter_type="NONE"))
    assert answer.code == 1
    assert answer.remark is not None
    assert "topicFilterType = [NONE] value invalid" in answer.remark


def test_deleted_topic_loses_its_queues(live: Live) -> None:
    live.send("T")
    assert live.ask(topic.DeleteTopicInBroker(topic="T")).code == 0
    assert live.servers.broker.topics.get("T") is None
    assert live.ask(offset.GetMaxOffset(topic="T", queue_id=0)).ext_fields == {"offset": "0"}
    assert live.ask(topic.DeleteTopicInBroker(topic="T")).code == 0
    assert live.ask(topic.CleanUnusedTopic()).code == 0


def test_all_topics_and_the_reserved_names_are_told(live: Live) -> None:
    live.ask(set_topic("T"))
    answer = live.ask(topic.GetAllTopicConfig())
    assert answer.ext_fields == {}
    assert "T" in topic.TopicConfigSerializeWrapper.from_json(answer.body).topic_config_table
    reserved = topic.TopicList.from_json(live.ask(topic.GetSystemTopicListFromBroker()).body).topic_list
    assert {"TBW102", "RMQ_SYS_TRACE_TOPIC", "DefaultCluster", "b-0"} <= set(reserved)


def test_topic_stats_tell_of_each_queue(live: Live) -> None:
    live.ask(set_topic("T"))
    live.send("T", queue_id=1)
    table = TopicStatsTable.from_json(live.ask(GetTopicStatsInfo(topic="T")).body).offset_table
    by_queue = {queue.queue_id: bounds for queue, bounds in table.items()}
    assert sorted(by_queue) == [0, 1, 2]
    assert by_queue[1].max_offset == 1
    assert by_queue[1].last_update_timestamp > 0
    assert (by_queue[0].max_offset, by_queue[0].last_update_timestamp) == (0, 0)
    answer = live.ask(GetTopicStatsInfo(topic="unknown"))
    assert (answer.code, answer.remark) == (17, "topic[unknown] not exist")


def test_groups_are_set_told_and_deleted(live: Live) -> None:
    config = group.SubscriptionGroupConfig(group_name="grüppe", retry_max_times=2)
    assert live.ask(group.UpdateAndCreateSubscriptionGroup(), config.to_json()).code == 0
    told = group.SubscriptionGroupWrapper.from_json(live.ask(group.GetAllSubscriptionGroupConfig()).body)
    assert told.subscription_group_table["grüppe"] == config
    live.ask(offset.UpdateConsumerOffset(consumer_group="grüppe", topic="T", queue_id=0, commit_offset=5))
    live.ask(group.DeleteSubscriptionGroup(group_name="grüppe"))
    assert live.servers.broker.offsets.query("grüppe", "T", 0) == 5
    live.ask(group.DeleteSubscriptionGroup(group_name="grüppe", remove_offset=True))
    assert live.servers.broker.offsets.query("grüppe", "T", 0) == -1


def test_consumers_of_a_topic_are_those_connected_and_those_that_read(live: Live) -> None:
    live.beat("a", consumes={"online": ["T"]})
    live.ask(offset.UpdateConsumerOffset(consumer_group="offline", topic="T", queue_id=0, commit_offset=5))
    answer = live.ask(group.QueryTopicConsumeByWho(topic="T"))
    assert sorted(group.GroupList.from_json(answer.body).group_list) == ["offline", "online"]


def progress(live: Live, consumer_group: str, name: str | None = None) -> dict[tuple[str, int], tuple[int, int]]:
    answer = live.ask(GetConsumeStats(consumer_group=consumer_group, topic=name))
    table = ConsumeStats.from_json(answer.body).offset_table
    return {
        (queue.topic, queue.queue_id): (where.broker_offset, where.consumer_offset) for queue, where in table.items()
    }


def test_progress_of_a_group_is_told_by_queue(live: Live) -> None:
    live.ask(set_topic("T", read_queue_nums=2))
    for _ in range(3):
        live.send("T")
    live.ask(offset.UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=0, commit_offset=2))
    assert progress(live, "G") == progress(live, "G", "T") == {("T", 0): (3, 2), ("T", 1): (0, 0)}
    assert progress(live, "nobody") == progress(live, "G", "unknown") == {}
    live.beat("a", consumes={"G": ["U"]})
    assert progress(live, "G") == {}


def test_progress_of_all_groups_is_told(live: Live) -> None:
    for _ in range(3):
        live.send("T")
    live.ask(offset.UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=0, commit_offset=2))
    live.beat("a", consumes={"G": ["T"]})
    told = ConsumeStatsList.from_json(live.ask(GetBrokerConsumeStats(is_order=False)).body)
    assert (told.total_diff, told.broker_addr) == (1, live.broker)
    by_group = {group: stats for one in told.consume_stats_list for group, stats in one.items()}
    assert len(by_group["G"][0].offset_table) == 4
    assert by_group["TOOLS_CONSUMER"] == []
    assert ConsumeStatsList.from_json(live.ask(GetBrokerConsumeStats(is_order=True)).body).total_diff == 0


def test_times_of_what_is_not_read_yet_are_told(live: Live) -> None:
    for _ in range(3):
        live.send("T")
    live.ask(offset.UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=0, commit_offset=2))
    spans = QueryConsumeTimeSpanBody.from_json(live.ask(QueryConsumeTimeSpan(topic="T", group="G")).body)
    first, empty = spans.consume_time_span_set[:2]
    assert first.min_time_stamp <= first.consume_time_stamp <= first.max_time_stamp
    assert first.delay_time >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\d#\d\d:\d\d:\d\d:\d{3}", first.min_time_stamp_str or "")
    assert (empty.min_time_stamp, empty.max_time_stamp) == (-1, -1)
    assert empty.delay_time > 1_700_000_000_000  # nothing committed, nothing there: from -1 until now, as in Java
    answer = live.ask(QueryConsumeTimeSpan(topic="unknown", group="G"))
    assert (answer.code, answer.remark) == (17, "topic[unknown] not exist")


def test_entries_of_a_queue_are_shown(live: Live) -> None:
    for _ in range(3):
        live.send("T")

    def shown(index: int, count: int, consumer_group: str | None = None) -> QueryConsumeQueueResponseBody:
        asked = QueryConsumeQueue(topic="T", queue_id=0, index=index, count=count, consumer_group=consumer_group)
        answer = live.ask(asked)
        assert (answer.code, answer.remark) == (0, "not set any response code")
        return QueryConsumeQueueResponseBody.from_json(answer.body)

    both = shown(1, 5, "G")
    assert both.queue_data is not None
    assert [entry.physic_offset for entry in both.queue_data] == [entry.physic_size * at for at, entry in
                                                                  enumerate(both.queue_data, 1)]  # fmt: skip
    assert (both.min_queue_index, both.max_queue_index) == (0, 3)
    assert (both.subscription_data, both.filter_data) == (None, "G@T is not online!")
    assert shown(0, 1).filter_data is None
    live.beat("a", consumes={"G": ["T"]})
    assert shown(0, 1, "G").filter_data == "null"
    beyond = live.ask(QueryConsumeQueue(topic="T", queue_id=0, index=9, count=1))
    assert (beyond.code, beyond.remark, beyond.body) == (0, "Index 9 of 0@T is not exist!", b"")
    unknown = live.ask(QueryConsumeQueue(topic="T", queue_id=7, index=0, count=1))
    assert (unknown.code, unknown.remark) == (1, "7@T is not exist!")


def test_offsets_of_groups_are_compared(live: Live) -> None:
    live.send("T")
    for name, commit_offset in (("a", 5), ("b", 3), ("c", 4)):
        for queue_id in (0, 1):
            live.ask(
                offset.UpdateConsumerOffset(
                    consumer_group=name, topic="T", queue_id=queue_id, commit_offset=commit_offset
                )
            )

    def compare(group: str | None, without: str | None = None) -> dict[int, int]:
        asked = offset.QueryCorrectionOffset(topic="T", compare_group=group, filter_groups=without)  # type: ignore
        return offset.QueryCorrectionOffsetBody.from_json(live.ask(asked).body).correction_offsets

    assert compare("a") == {0: 3, 1: 3}
    assert compare("nobody") == compare(None) == {0: 3, 1: 3}
    assert compare("a", "b") == {0: 4, 1: 4}  # and the offsets of b are gone, as in Java
    assert live.servers.broker.offsets.query("b", "T", 0) == -1


def test_cloned_group_starts_where_the_other_is(live: Live) -> None:
    live.send("T")
    live.ask(offset.UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=0, commit_offset=1))
    live.ask(offset.CloneGroupOffset(src_group="G", dest_group="no topic"))
    live.ask(offset.CloneGroupOffset(src_group="G", dest_group="new", topic="T"))
    table = live.servers.broker.offsets
    assert table.query("new", "T", 0) == 1
    assert table.query("no topic", "T", 0) == -1


def test_configuration_is_told_and_changed(live: Live, tmp_path: Path) -> None:
    answer = live.ask(broker.GetBrokerConfig())
    assert answer.ext_fields is not None
    assert answer.ext_fields["version"].startswith('{"counter":0,')
    assert b"brokerName=b-0\n" in answer.body
    assert live.ask(broker.UpdateBrokerConfig(), b"maxMessageSize=1000\nunknown=1").code == 0
    assert live.servers.broker.settings.store.max_message_size == 1000
    assert "maxMessageSize=1000" in (tmp_path / "broker.conf").read_text()
    refused = live.ask(broker.UpdateBrokerConfig(), b"brokerConfigPath=/x")
    assert (refused.code, refused.remark) == (16, "Can not update config in black list.")
    assert live.ask(broker.UpdateBrokerConfig()).code == 0


def test_permission_of_the_broker_takes_the_place_of_the_topics(live: Live) -> None:
    live.ask(set_topic("T", perm=6))
    for permission in (4, 6):
        live.ask(broker.UpdateBrokerConfig(), f"brokerPermission={permission}".encode())
        route = live.route("T")
        assert route is not None
        assert route.queue_datas[0].perm == permission


def test_runtime_info_has_every_key_that_exporters_read(live: Live) -> None:
    live.send("T")
    table = KVTable.from_json(live.ask(GetBrokerRuntimeInfo()).body).table
    keys = """bootTimestamp brokerVersion brokerVersionDesc commitLogDirCapacity commitLogDiskRatio commitLogMaxOffset
        commitLogMinOffset consumeQueueDiskRatio dispatchBehindBytes dispatchMaxBuffer earliestMessageTimeStamp
        getFoundTps getMissTps getTotalTps getTransferedTps getMessageEntireTimeMax msgPutTotalTodayMorning
        msgPutTotalTodayNow msgPutTotalYesterdayMorning msgGetTotalTodayMorning msgGetTotalTodayNow
        msgGetTotalYesterdayMorning pageCacheLockTimeMills sendThreadPoolQueueSize sendThreadPoolQueueCapacity
        sendThreadPoolQueueHeadWaitTimeMills pullThreadPoolQueueSize pullThreadPoolQueueCapacity
        pullThreadPoolQueueHeadWaitTimeMills queryThreadPoolQueueSize queryThreadPoolQueueCapacity
        queryThreadPoolQueueHeadWaitTimeMills putLatency99 putLatency999 putMessageAverageSize
        putMessageDistributeTime putMessageEntireTimeMax putMessageSizeTotal putMessageTimesTotal putTps
        remainHowManyDataToFlush remainTransientStoreBufferNumbs runtime startAcceptSendRequestTimeStamp"""
    assert set(keys.split()) <= set(table)
    assert table["brokerVersionDesc"] == "V4_9_8"
    assert table["putMessageTimesTotal"] == table["msgPutTotalTodayNow"] == "1"
    assert int(table["commitLogMaxOffset"]) == int(float(table["putMessageAverageSize"])) > 0
    assert table["earliestMessageTimeStamp"] == "-1"  # as in Java, until there are two of the largest messages


def test_statistics_go_by_name_and_key(live: Live) -> None:
    live.send("T")
    answer = live.ask(ViewBrokerStatsData(stats_name="TOPIC_PUT_NUMS", stats_key="T"))
    assert BrokerStatsData.from_json(answer.body).stats_minute is not None
    answer = live.ask(ViewBrokerStatsData(stats_name="TOPIC_PUT_NUMS", stats_key="U"))
    assert (answer.code, answer.remark) == (1, "The stats <TOPIC_PUT_NUMS> <U> not exist")


def test_expired_files_are_deleted_on_request(live: Live) -> None:
    live.send("T")
    assert live.ask(broker.DeleteExpiredCommitLog()).code == 0
    assert live.ask(broker.CleanExpiredConsumeQueue()).code == 0
    assert live.ask(offset.GetMaxOffset(topic="T", queue_id=0)).ext_fields == {"offset": "1"}


def test_single_topic_is_told_as_by_later_versions(live: Live) -> None:
    live.ask(set_topic("T"))
    answer = live.ask(topic.GetTopicConfig(topic="T"))
    assert answer.body == (
        b'{"attributes":{},"order":false,"perm":6,"readQueueNums":4,"topicFilterType":"SINGLE_TAG","topicName":"T",'
        b'"topicSysFlag":0,"writeQueueNums":3}'
    )
    answer = live.ask(topic.GetTopicConfig(topic="Unknown"))
    assert (answer.code, answer.remark) == (17, "No topic in this broker. topic: Unknown")


def test_accounts_cannot_be_changed_without_acl(live: Live) -> None:
    for request, code in (
        (acl.UpdateAndCreateAclConfig(access_key="a"), 209),
        (acl.DeleteAclConfig(access_key="a"), 210),
        (acl.UpdateGlobalWhiteAddrsConfig(global_white_addrs="*", acl_file_full_path="f"), 211),
    ):
        assert live.ask(request).code == code
    with pytest.raises(RemotingTimeout):  # Java leaves it without an answer
        live.client.invoke(live.broker, acl.GetBrokerClusterAclInfo(), timeout_ms=50)


def test_slave_takes_no_changes() -> None:
    refuse_on_slave(StoreConfig())
    with pytest.raises(ReplyError, match="Can't modify topic or subscription group from slave broker"):
        refuse_on_slave(StoreConfig(broker_role=BrokerRole.SLAVE))


def test_address_may_be_another_one_without_a_restart(live: Live) -> None:
    """What people do behind a port mapping: three updates, the last of which registers."""
    live.ask(set_topic("T"))
    address = live.broker
    for body in (b"brokerIP1=192.0.2.7", b"listenPort=30911", b"brokerPermission=6"):
        assert live.client.invoke(address, broker.UpdateBrokerConfig(), body).code == 0
    route = wait_until(lambda: live.route("T"))
    assert route.broker_datas[0].broker_addrs == {0: "192.0.2.7:30911"}


def test_units_of_entries_are_shown(tmp_path: Path) -> None:
    keys = {"enableConsumeQueueExt": "true", "enablePropertyFilter": "true", "enableCalcFilterBitMap": "true"}
    with standalone(tmp_path, **keys) as servers:
        live = Live(servers)
        store, filters = servers.broker.store, servers.broker.filters
        assert servers.broker.settings.store.bit_map_length_consume_queue_ext == 112
        live.send("T")
        filters.register("SqlG", [sql_subscription("T", "a = 1")])
        live.send("T", properties="a\x011")
        live.send("T", properties="a\x012\x02TAGS\x01A")
        body = live.ask(QueryConsumeQueue(topic="T", queue_id=0, index=0, count=9, consumer_group=None)).body
        plain, marked, unmarked = QueryConsumeQueueResponseBody.from_json(body).queue_data or []
        assert (plain.bit_map, plain.eval, plain.msg) == (None, False, None)
        stored = store.store_time("T", 0, 0)
        assert plain.extend_data_json == f'{{"msgStoreTime":{stored},"size":20,"tagsCode":0}}'
        assert marked.bit_map is not None
        known = filters.get("T", "SqlG")
        assert known is not None
        assert known.bloom_filter_data is not None
        bits = "".join(marked.bit_map.split("\n"))[::-1]
        assert [at for at, bit in enumerate(bits) if bit == "1"] == sorted(known.bloom_filter_data.bit_pos)
        assert [len(line) for line in marked.bit_map.split("\n")] == [48, 64, 0]
        assert '"filterBitMap":"' in (marked.extend_data_json or "")
        assert f'"tagsCode":{ord("A")}' in (unmarked.extend_data_json or "")
        shutil.rmtree(store.paths.consume_queue_ext)
        queue = store.queues.find("T", 0)
        assert queue is not None
        assert queue.ext is not None
        queue.ext.delete()
        body = live.ask(QueryConsumeQueue(topic="T", queue_id=0, index=0, count=1, consumer_group=None)).body
        (gone,) = QueryConsumeQueueResponseBody.from_json(body).queue_data or []
        assert gone.msg == f"Cq extend not exist!addr: {gone.tags_code}"
        live.client.close()


def sql_subscription(topic: str, expression: str) -> SubscriptionData:
    return SubscriptionData(topic=topic, sub_string=expression, sub_version=1, expression_type="SQL92")
