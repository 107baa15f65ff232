from __future__ import annotations

import pytest

from rocketpy.broker.groups import GroupTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import FieldError
from rocketpy.protocol.api.group import SubscriptionGroupConfig, SubscriptionGroupWrapper
from tests.fakes import FakeClock

SYSTEM_GROUPS = {
    "TOOLS_CONSUMER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL",
    "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER",
}  # fmt: skip


def test_fresh_broker_has_the_system_groups_of_java() -> None:
    assert set(GroupTable(BrokerConfig()).names()) == SYSTEM_GROUPS


def test_unknown_group_is_created_on_use() -> None:
    clock = FakeClock()
    table = GroupTable(BrokerConfig(), clock)
    told: list[int] = []
    table.changed.append(lambda: told.append(table.data_version.counter))
    clock.now += 7
    created = table.find("grüppe")
    assert created == SubscriptionGroupConfig(group_name="grüppe")
    assert table.find("grüppe") is created
    assert told == [1]
    assert table.data_version.timestamp == clock.now


def test_without_auto_creation_only_system_groups_are_created() -> None:
    table = GroupTable(BrokerConfig(auto_create_subscription_group=False))
    assert table.find("G") is None
    assert table.find("CID_RMQ_SYS_x") is not None
    table.update(SubscriptionGroupConfig(group_name="G", retry_max_times=3))
    found = table.find("G")
    assert found is not None
    assert found.retry_max_times == 3


def test_deleted_group_is_gone() -> None:
    table = GroupTable(BrokerConfig(auto_create_subscription_group=False))
    table.update(SubscriptionGroupConfig(group_name="G"))
    table.delete("G")
    table.delete("G")
    assert table.find("G") is None
    assert table.data_version.counter == 2


def test_a_group_without_a_name_is_refused() -> None:
    table = GroupTable(BrokerConfig())
    with pytest.raises(FieldError, match="groupName"):
        table.update(SubscriptionGroupConfig())
    assert None not in table.names()


def test_restored_table_is_the_saved_one_and_system_groups() -> None:
    table = GroupTable(BrokerConfig())
    table.update(SubscriptionGroupConfig(group_name="grüppe", consume_enable=False))
    table.delete("TOOLS_CONSUMER")
    restored = GroupTable(BrokerConfig())
    restored.restore(SubscriptionGroupWrapper.from_json(table.snapshot().to_json(pretty=True)))
    assert set(restored.names()) == SYSTEM_GROUPS | {"grüppe"}
    found = restored.find("grüppe")
    assert found is not None
    assert not found.consume_enable
    assert restored.data_version == table.data_version


def test_snapshot_is_in_the_order_of_javas_map() -> None:
    table = GroupTable(BrokerConfig())
    for group in ("GoldenGroup", "GoldenNew", "GoldenGone"):
        table.find(group)
    assert list(table.snapshot().subscription_group_table)[:5] == [
        "GoldenGroup", "SELF_TEST_C_GROUP", "GoldenNew", "GoldenGone", "CID_ONSAPI_OWNER",
    ]  # fmt: skip  # as a Java broker answered GET_ALL_SUBSCRIPTIONGROUP_CONFIG
