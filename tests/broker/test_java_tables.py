"""The tables that official brokers left in compat/stores: read, and written again byte for byte."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

import pytest

from rocketpy import jsonfile
from rocketpy.broker.consumer_filters import ConsumerFilters, ConsumerFilterTable
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol.api.group import SubscriptionGroupWrapper
from rocketpy.protocol.api.offset import ConsumerOffsetSerializeWrapper, DelayOffsetSerializeWrapper
from rocketpy.protocol.api.topic import TopicConfigSerializeWrapper
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC, reply_topic

STORES = sorted((Path(__file__).parent.parent.parent / "compat" / "stores").glob("*.tar.xz"))


@cache
def files(store: Path) -> dict[str, bytes]:
    """The files of a store's config directory by name."""
    found = {}
    with tarfile.open(store) as archive:
        for member in archive:
            name = Path(member.name)
            if member.isfile() and name.parent.name == "config":
                file = archive.extractfile(member)
                assert file is not None
                found[name.name] = file.read()
    return found


def tables(*names: str) -> list[object]:
    return [
        pytest.param(data, id=f"{store.name.partition('.')[0]}-{name}")
        for store in STORES
        for name, data in files(store).items()
        if name in names
    ]


def named_as(topics: TopicConfigSerializeWrapper) -> BrokerConfig:
    """The configuration of a broker called as the one that wrote these topics."""
    bequeathing = [name for name, topic in topics.topic_config_table.items() if topic.perm == 7]
    cluster = next(name for name in bequeathing if reply_topic(name) in topics.topic_config_table)
    broker = next(name for name in bequeathing if name not in (cluster, AUTO_CREATE_TOPIC))
    return BrokerConfig(broker_cluster_name=cluster, broker_name=broker)


@pytest.mark.parametrize("data", tables("topics.json", "topics.json.bak"))
def test_topics(data: bytes) -> None:
    saved = TopicConfigSerializeWrapper.from_json(data)
    table = TopicTable(named_as(saved))
    table.restore(saved)
    assert table.snapshot().to_json(pretty=True) == data


@pytest.mark.parametrize("data", tables("subscriptionGroup.json"))
def test_groups(data: bytes) -> None:
    table = GroupTable(BrokerConfig())
    table.restore(SubscriptionGroupWrapper.from_json(data))
    assert table.snapshot().to_json(pretty=True) == data


@pytest.mark.parametrize("data", tables("consumerOffset.json"))
def test_offsets(data: bytes) -> None:
    table = OffsetTable()
    for name, queues in ConsumerOffsetSerializeWrapper.from_json(data).offset_table.items():
        topic, group = name.split("@")
        for queue_id, queue_offset in queues.items():
            table.commit("127.0.0.1:1", group, topic, queue_id, queue_offset)
    assert table.snapshot().to_json(pretty=True) == data


@pytest.mark.parametrize("data", tables("delayOffset.json"))
def test_delay_offsets(data: bytes) -> None:
    assert DelayOffsetSerializeWrapper.from_json(data).to_json(pretty=True) == data


@pytest.mark.parametrize("data", tables("consumerFilter.json", "consumerFilter.json.bak"))
def test_consumer_filters(data: bytes) -> None:
    saved = ConsumerFilterTable.from_json(data)
    assert saved.to_json(pretty=True) == data
    table = ConsumerFilters(BrokerConfig())
    table.restore(saved)
    assert [one.dead for of_topic in saved.filter_data_by_topic.values() for one in of_topic.group_filter_data.values()
            ] == data.count(b'"expression":') * [True]  # fmt: skip
    assert ConsumerFilterTable.from_json(table.freeze()().to_json()) == saved


@pytest.mark.parametrize("data", tables("topics.json.bak"))
def test_backups_are_read_where_the_file_is_gone(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "topics.json.bak").write_bytes(data)
    saved = jsonfile.load(str(tmp_path / "topics.json"), TopicConfigSerializeWrapper.from_json)
    assert saved is not None
    assert saved.to_json(pretty=True) == data


# --- what older brokers wrote: beans and maps are those of 4.0.0 to 4.9.8 but for what stands here


def test_tables_of_the_first_releases() -> None:
    """4.0.0-incubating called it timestatmp; Java skips it, too."""
    version = b'"dataVersion":{"counter":7,"timestatmp":1490000000000}'
    topic = b'{"order":false,"perm":6,"readQueueNums":4,"topicFilterType":"SINGLE_TAG","topicName":"T",'
    topics = TopicConfigSerializeWrapper.from_json(
        b"{" + version + b',"topicConfigTable":{"T":' + topic + b'"topicSysFlag":0,"writeQueueNums":4}}}'
    )
    assert topics.data_version.counter == 7
    assert topics.topic_config_table["T"].read_queue_nums == 4
    group = b'{"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,"consumeFromMinEnable":true,'
    group += b'"groupName":"G","retryMaxTimes":16,"retryQueueNums":1,"whichBrokerWhenConsumeSlowly":1}'
    groups = SubscriptionGroupWrapper.from_json(b"{" + version + b',"subscriptionGroupTable":{"G":' + group + b"}}")
    assert groups.subscription_group_table["G"].notify_consumer_ids_changed_enable  # came later; true if not said
    assert groups.data_version.counter == 7


@pytest.mark.parametrize(
    "data",
    [
        b'{\n\t"offsetTable":{\n\t\t"T@G":{0:5,1:6\n\t\t}\n\t}\n}',
        b'{"offsetTable":{"T@G":{"0":5,"1":6}}}',
        b'{ "dataVersion": {"counter": 3}, "offsetTable": { "T@G": { "1": 6, "0": 5 } } }',
        b'{"lmqOffsetTable":{"%LMQ%a@%LMQ%g":1},"offsetTable":{"T@G":{0:5,1:6}}}',
    ],
    ids=["pretty", "names in quotes", "of 5.x, put through a formatter", "of a broker with light queues"],
)
def test_offsets_in_every_form(data: bytes) -> None:
    assert ConsumerOffsetSerializeWrapper.from_json(data).offset_table == {"T@G": {0: 5, 1: 6}}


def test_what_later_brokers_added_is_passed_over() -> None:
    """Going back from 5.x: attributes, a queue's data version, forbidden operations."""
    topics = TopicConfigSerializeWrapper.from_json(
        b'{"dataVersion":{"counter":2,"stateVersion":0,"timestamp":5},"topicConfigTable":{"T":{"attributes":{"+a":"b"},'
        b'"order":false,"perm":6,"readQueueNums":4,"topicFilterType":"SINGLE_TAG","topicName":"T"}}}'
    )
    assert (topics.data_version.counter, topics.topic_config_table["T"].perm) == (2, 6)
    groups = SubscriptionGroupWrapper.from_json(
        b'{"dataVersion":{"counter":2,"stateVersion":0,"timestamp":5},"forbiddenTable":{"G":{"T":1}},'
        b'"subscriptionGroupTable":{"G":{"attributes":{},"consumeMessageOrderly":false,"groupName":"G"}}}'
    )
    assert groups.subscription_group_table["G"].consume_enable


def test_there_are_such_stores() -> None:
    assert len(STORES) >= 5
