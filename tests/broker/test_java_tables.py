"""The tables that official brokers left in compat/stores: read, and written again byte for byte."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

import pytest

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


def test_there_are_such_stores() -> None:
    assert len(STORES) >= 5
