from __future__ import annotations

import json

import pytest

from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.flags import Perm, TopicFilterType
from tests.fakes import FakeClock

READ_WRITE = Perm.READ | Perm.WRITE


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def config() -> BrokerConfig:
    return BrokerConfig(broker_name="b-0", broker_cluster_name="C")


@pytest.fixture
def table(config: BrokerConfig, clock: FakeClock) -> TopicTable:
    return TopicTable(config, clock)


def queues_and_perm(table: TopicTable, topic: str) -> tuple[int, int, int]:
    config = table.get(topic)
    assert config is not None
    return config.read_queue_nums, config.write_queue_nums, config.perm


def test_fresh_broker_has_the_system_topics_of_java(table: TopicTable) -> None:
    assert {topic: queues_and_perm(table, topic) for topic in table.snapshot().topic_config_table} == {
        "SELF_TEST_TOPIC": (1, 1, 6),
        "TBW102": (8, 8, 7),
        "BenchmarkTest": (1024, 1024, 6),
        "C": (16, 16, 7),
        "b-0": (1, 1, 7),
        "OFFSET_MOVED_EVENT": (1, 1, 6),
        "SCHEDULE_TOPIC_XXXX": (18, 18, 6),
        "C_REPLY_TOPIC": (1, 1, 6),
    }
    assert table.data_version.counter == 0


def test_keys_decide_which_system_topics_there_are(clock: FakeClock) -> None:
    config = BrokerConfig(
        broker_name="b",
        broker_cluster_name="C",
        auto_create_topic_enable=False,
        cluster_topic_enable=False,
        broker_topic_enable=False,
        trace_topic_enable=True,
        msg_trace_topic_name="traces",
    )
    table = TopicTable(config, clock)
    assert table.get("TBW102") is None
    assert queues_and_perm(table, "C") == (16, 16, 1)
    assert queues_and_perm(table, "b") == (1, 1, 1)
    assert queues_and_perm(table, "traces") == (1, 1, 6)
    assert table.is_system_topic("traces")


@pytest.mark.parametrize("topic", ["TBW102", "RMQ_SYS_TRANS_HALF_TOPIC", "C", "b-0", "C_REPLY_TOPIC", "rmq_sys_x"])
def test_reserved_names_are_system_topics(table: TopicTable, topic: str) -> None:
    assert table.is_system_topic(topic)
    assert not table.is_system_topic("T")


def test_topic_created_by_a_send_follows_its_template(table: TopicTable) -> None:
    template = table.get("TBW102")
    assert template is not None
    template.topic_filter_type = TopicFilterType.MULTI_TAG
    created = table.create_on_send("T", "TBW102", "127.0.0.1:1", 4, 2)
    assert created == TopicConfig(
        topic_name="T", read_queue_nums=4, write_queue_nums=4, perm=6, topic_filter_type="MULTI_TAG", topic_sys_flag=2
    )
    assert table.get("T") is created


@pytest.mark.parametrize(("wanted", "got"), [(4, 4), (8, 8), (9, 8), (0, 0), (-3, 0)])
def test_queues_of_a_created_topic_are_bounded_by_the_template(table: TopicTable, wanted: int, got: int) -> None:
    created = table.create_on_send("T", "TBW102", "127.0.0.1:1", wanted, 0)
    assert created is not None
    assert (created.read_queue_nums, created.write_queue_nums) == (got, got)


def test_known_topic_is_found_and_not_created(table: TopicTable) -> None:
    first = table.create_on_send("T", "TBW102", "127.0.0.1:1", 4, 0)
    version = table.data_version
    assert table.create_on_send("T", "nothing", "127.0.0.1:1", 1, 0) is first
    assert table.data_version is version


def test_without_template_or_inheritance_no_topic_is_created(table: TopicTable) -> None:
    assert table.create_on_send("T", "nothing", "127.0.0.1:1", 4, 0) is None
    assert table.create_on_send("T", "BenchmarkTest", "127.0.0.1:1", 4, 0) is None
    assert table.get("T") is None


def test_refused_auto_creation_takes_inheritance_from_the_template_for_good(
    table: TopicTable, config: BrokerConfig
) -> None:
    config.auto_create_topic_enable = False
    assert table.create_on_send("T", "TBW102", "127.0.0.1:1", 4, 0) is None
    config.auto_create_topic_enable = True
    assert table.create_on_send("T", "TBW102", "127.0.0.1:1", 4, 0) is None
    assert table.create_on_send("T", "C", "127.0.0.1:1", 4, 0) is not None


def test_each_change_raises_the_version_and_is_told(table: TopicTable, clock: FakeClock) -> None:
    told: list[str] = []
    table.changed.append(lambda: told.append("changed"))
    table.created.append(lambda: told.append("created"))
    clock.now += 5
    table.create_on_send_back("%RETRY%grüppe", 1, READ_WRITE)
    assert table.data_version == DataVersion(timestamp=clock.now, counter=1)
    table.update(TopicConfig(topic_name="T"))
    table.delete("T")
    table.delete("T")
    assert told == ["changed", "created", "changed", "changed"]
    assert table.data_version.counter == 3


def test_order_of_topics_is_what_the_name_server_says(table: TopicTable) -> None:
    for topic in ("a", "b"):
        table.update(TopicConfig(topic_name=topic))
    version = table.data_version.counter
    table.set_order_topics({"a", "unknown"})
    table.set_order_topics({"a"})
    assert [topic for topic in ("a", "b") if (config := table.get(topic)) and config.order] == ["a"]
    table.set_order_topics(())
    assert table.data_version.counter == version + 2


def test_snapshot_of_a_fresh_table_is_in_the_order_of_javas_map() -> None:
    table = TopicTable(BrokerConfig(broker_name="golden", broker_cluster_name="GoldenCluster"))
    for topic in ("GoldenT", "GoldenOne"):
        table.update(TopicConfig(topic_name=topic))
    assert list(table.snapshot().topic_config_table) == [
        "SCHEDULE_TOPIC_XXXX", "SELF_TEST_TOPIC", "GoldenCluster", "golden", "GoldenT", "GoldenOne", "TBW102",
        "BenchmarkTest", "GoldenCluster_REPLY_TOPIC", "OFFSET_MOVED_EVENT",
    ]  # fmt: skip  # as a Java broker answered GET_ALL_TOPIC_CONFIG


def test_frozen_state_does_not_see_later_changes(table: TopicTable) -> None:
    later = table.freeze()
    table.update(TopicConfig(topic_name="T"))
    assert "T" not in later().topic_config_table
    assert later().data_version.counter == 0


def test_restored_table_is_the_saved_one_and_system_topics(table: TopicTable, config: BrokerConfig) -> None:
    table.update(TopicConfig(topic_name="bücher", read_queue_nums=3))
    table.delete("BenchmarkTest")
    saved = table.snapshot().to_json(pretty=True)
    restored = TopicTable(config)
    restored.restore(TopicConfigSerializeWrapper.from_json(saved))
    assert queues_and_perm(restored, "bücher")[0] == 3
    assert restored.get("BenchmarkTest") is not None
    assert restored.data_version == table.data_version


def test_saved_form_is_that_of_java(table: TopicTable) -> None:
    text = table.snapshot().to_json(pretty=True).decode()
    assert text.startswith(
        '{\n\t"dataVersion":{\n\t\t"counter":0,\n\t\t"timestamp":1700000000000\n\t},\n\t"topicConfigTable":{\n\t\t"'
    )
    assert text.endswith("}\n\t}\n}")
    assert json.loads(text)["topicConfigTable"]["b-0"] == {
        "order": False, "perm": 7, "readQueueNums": 1, "topicFilterType": "SINGLE_TAG", "topicName": "b-0",
        "topicSysFlag": 0, "writeQueueNums": 1,
    }  # fmt: skip
