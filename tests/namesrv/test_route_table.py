import random

import pytest

from rocketpy.namesrv.route_table import EXPIRY_MS, RouteTable
from rocketpy.protocol.api.route import RegisterBroker, RegisterBrokerBody
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.flags import TopicSysFlag


class Peer:
    """Stands for a connection: the table only tells one from another."""


def body(*topics, version=1, filter_servers=(), **settings):
    configs = {name: TopicConfig(topic_name=name, read_queue_nums=4, write_queue_nums=4, **settings) for name in topics}
    return RegisterBrokerBody(
        topic_config_serialize_wrapper=TopicConfigSerializeWrapper(
            topic_config_table=configs, data_version=DataVersion(timestamp=version, counter=version)
        ),
        filter_server_list=list(filter_servers),
    )


class Table(RouteTable):
    """With registrations in one line."""

    def add(self, name, content, *, broker_id=0, address=None, cluster="c", peer=None, now=0):
        address = address or f"{name}:{broker_id}"
        request = RegisterBroker(
            broker_name=name,
            broker_addr=address,
            cluster_name=cluster,
            ha_server_addr=f"ha-{address}",
            broker_id=broker_id,
        )
        return self.register(request, content, peer or Peer(), now)

    def addresses(self, topic):
        route = self.route(topic)
        return None if route is None else {broker.broker_name: broker.broker_addrs for broker in route.broker_datas}

    def perms(self, topic):
        return {queue.broker_name: queue.perm for queue in self.route(topic).queue_datas}


@pytest.fixture
def table():
    return Table()


def test_registered_topic_has_a_route(table):
    table.add("a", body("T", perm=6, topic_sys_flag=2))
    route = table.route("T")
    (queue,) = route.queue_datas
    assert (queue.broker_name, queue.read_queue_nums, queue.write_queue_nums) == ("a", 4, 4)
    assert (queue.perm, queue.topic_sys_flag) == (6, 2)
    (broker,) = route.broker_datas
    assert (broker.cluster, broker.broker_name, broker.broker_addrs) == ("c", "a", {0: "a:0"})
    assert route.filter_server_table == {}


def test_unknown_topic_has_none(table):
    table.add("a", body("T"))
    assert table.route("X") is None


def test_topics_of_a_slave_do_not_count(table):
    table.add("a", body("T"), broker_id=1)
    assert table.route("T") is None
    assert table.topics().topic_list == []


def test_slave_joins_its_master(table):
    table.add("a", body("T"))
    reply = table.add("a", body(), broker_id=1)
    assert (reply.master_addr, reply.ha_server_addr) == ("a:0", "ha-a:0")
    assert table.addresses("T") == {"a": {0: "a:0", 1: "a:1"}}


def test_slave_without_a_master_is_told_nothing(table):
    reply = table.add("a", body(), broker_id=1)
    assert (reply.master_addr, reply.ha_server_addr) == (None, None)


def test_master_is_told_nothing(table):
    table.add("a", body())
    assert table.add("a", body()).master_addr is None


def test_addresses_come_in_the_order_of_java_hash_maps(table):
    for broker_id in (17, 3, 1, 0, 2):
        table.add("a", body("T"), broker_id=broker_id)
    assert list(table.addresses("T")["a"]) == [0, 17, 1, 2, 3]


def test_an_address_has_one_id_only(table):
    table.add("a", body(), broker_id=1, address="same")
    table.add("a", body("T"), broker_id=0, address="same")
    assert table.addresses("T") == {"a": {0: "same"}}


def test_equal_version_changes_nothing(table):
    table.add("a", body("T", perm=6))
    table.add("a", body("T", "U", perm=4))
    assert table.perms("T") == {"a": 6}
    assert table.route("U") is None


def test_new_version_takes_effect_and_left_out_topics_stay(table):
    table.add("a", body("T", "U"))
    table.add("a", body("T", perm=4, version=2))
    assert table.perms("T") == {"a": 4}
    assert table.perms("U") == {"a": 6}


def test_new_master_address_takes_effect_with_an_equal_version(table):
    table.add("a", body("T"), address="old")
    table.add("a", body("T", "U"), address="new")
    assert table.addresses("U") == {"a": {0: "new"}}


def test_data_version_is_that_of_the_address(table):
    table.add("a", body(version=3))
    assert table.data_version("a:0") == DataVersion(timestamp=3, counter=3)
    assert not table.is_changed("a:0", DataVersion(timestamp=3, counter=3))
    assert table.is_changed("a:0", DataVersion(timestamp=3, counter=4))
    assert table.is_changed("a:1", DataVersion(timestamp=3, counter=3))


def test_filter_servers_are_routed_until_they_are_gone(table):
    table.add("a", body("T", filter_servers=["f:1", "f:2"]))
    assert table.route("T").filter_server_table == {"a:0": ["f:1", "f:2"]}
    table.add("a", body("T"))
    assert table.route("T").filter_server_table == {}


def test_unregistered_slave_leaves_the_master(table):
    table.add("a", body("T"))
    table.add("a", body(), broker_id=1)
    table.unregister("c", "a:1", "a", 1)
    assert table.addresses("T") == {"a": {0: "a:0"}}


def test_last_address_takes_name_cluster_and_topics_with_it(table):
    table.add("a", body("T", "U"))
    table.add("b", body("T"))
    table.unregister("c", "a:0", "a", 0)
    assert table.addresses("T") == {"b": {0: "b:0"}}
    assert table.topics().topic_list == ["T"]
    assert table.cluster_info().cluster_addr_table == {"c": ["b"]}
    table.unregister("c", "b:0", "b", 0)
    info = table.cluster_info()
    assert (info.broker_addr_table, info.cluster_addr_table) == ({}, {})


def test_unknown_broker_unregisters_in_vain(table):
    table.add("a", body("T"))
    table.unregister("c", "z:0", "z", 0)
    assert table.addresses("T") == {"a": {0: "a:0"}}


def test_topic_outlives_its_master_while_a_slave_lives(table):
    table.add("a", body("T"))
    table.add("a", body(), broker_id=1)
    table.unregister("c", "a:0", "a", 0)
    assert table.addresses("T") == {"a": {1: "a:1"}}


def test_closed_connection_drops_its_broker(table):
    first, second = Peer(), Peer()
    table.add("a", body("T"), peer=first)
    table.add("b", body("T"), peer=second)
    table.disconnect(first)
    assert table.addresses("T") == {"b": {0: "b:0"}}
    assert table.data_version("a:0") is None
    table.disconnect(Peer())
    assert table.addresses("T") == {"b": {0: "b:0"}}


def test_old_connection_of_a_reconnected_broker_drops_nothing(table):
    old, new = Peer(), Peer()
    table.add("a", body("T"), peer=old)
    table.add("a", body("T"), peer=new)
    table.disconnect(old)
    assert table.addresses("T") == {"a": {0: "a:0"}}


def test_silent_broker_expires_after_two_minutes(table):
    silent = Peer()
    table.add("a", body("T"), peer=silent, now=1000)
    table.add("b", body("T"), now=2000)
    assert table.expire(1000 + EXPIRY_MS) == []
    assert table.expire(1001 + EXPIRY_MS) == [silent]
    assert table.addresses("T") == {"b": {0: "b:0"}}


def test_asking_about_the_version_keeps_a_broker_alive(table):
    table.add("a", body("T"), now=1000)
    table.touch("a:0", 2000)
    table.touch("unknown", 2000)
    assert table.expire(1001 + EXPIRY_MS) == []


def test_write_permission_is_wiped_and_added(table):
    table.add("a", body("T", "U"))
    table.add("b", body("T"))
    assert table.wipe_write_perm("a") == 2
    assert table.perms("T") == {"a": 4, "b": 6}
    assert table.wipe_write_perm("a") == 2
    table.add("a", body("T", "U"))
    assert table.perms("U") == {"a": 4}
    assert table.add_write_perm("a") == 2
    assert table.perms("T") == {"a": 6, "b": 6}
    assert table.wipe_write_perm("unknown") == table.add_write_perm("unknown") == 0


def test_deleted_topic_is_gone_at_every_broker(table):
    table.add("a", body("T"))
    table.add("b", body("T"))
    table.delete_topic("T")
    table.delete_topic("T", "")
    assert table.route("T") is None


def test_topic_is_deleted_in_one_cluster(table):
    table.add("a", body("T"), cluster="c1")
    table.add("b", body("T"), cluster="c2")
    table.delete_topic("T", "unknown")
    table.delete_topic("X", "c1")
    table.delete_topic("T", "c1")
    assert table.addresses("T") == {"b": {0: "b:0"}}
    table.delete_topic("T", "c2")
    assert table.topics().topic_list == []


def test_topics_of_a_cluster(table):
    table.add("a", body("T", "主题"), cluster="c1")
    table.add("b", body("T", "U"), cluster="c2")
    assert sorted(table.topics_of_cluster("c1").topic_list) == ["T", "主题"]
    assert table.topics_of_cluster("unknown").topic_list == []


def test_system_topics_are_clusters_and_brokers(table):
    assert table.system_topics().broker_addr is None
    table.add("a", body("T"), cluster="c1", broker_id=1)
    table.add("a", body("T"), cluster="c1")
    topics = table.system_topics()
    assert sorted(topics.topic_list) == ["a", "c1"]
    assert topics.broker_addr == "a:0"


def test_unit_topics_are_told_by_their_flags(table):
    for flag in range(4):
        table.add(f"b{flag}", body(f"T{flag}", topic_sys_flag=flag))
    assert (TopicSysFlag.UNIT, TopicSysFlag.UNIT_SUB) == (1, 2)
    assert sorted(table.unit_topics().topic_list) == ["T1", "T3"]
    assert sorted(table.unit_sub_topics().topic_list) == ["T2", "T3"]
    assert table.unit_sub_ununit_topics().topic_list == ["T2"]


def test_names_come_in_the_order_of_a_java_name_server(table):
    """As Java 4.9.7 answered after the same registrations."""
    for name in ("a", "broker-b", "zebra", "oo"):
        table.add(name, body("T", "U", "主题", "Zeb", "x" * 40, "U2", "T2"))
    assert [queue.broker_name for queue in table.route("T").queue_datas] == ["zebra", "oo", "a", "broker-b"]
    info = table.cluster_info()
    assert list(info.broker_addr_table) == ["broker-b", "zebra", "oo", "a"]
    assert info.cluster_addr_table == {"c": ["zebra", "oo", "a", "broker-b"]}
    assert table.topics().topic_list == ["x" * 40, "T", "U", "Zeb", "主题", "U2", "T2"]


def test_every_change_is_counted(table):
    seen = [table.changes]

    def changed():
        seen.append(table.changes)
        return seen[-1] > seen[-2]

    peer = Peer()
    table.add("a", body("T"), peer=peer)
    assert changed()
    table.wipe_write_perm("a")
    assert changed()
    table.delete_topic("T")
    assert changed()
    table.disconnect(peer)
    assert changed()
    table.add("a", body("T"))
    table.unregister("c", "a:0", "a", 0)
    assert changed()
    table.route("T")
    table.cluster_info()
    assert not changed()


def test_random_life_leaves_a_consistent_table():
    """Whatever happens in whatever order, a route only names brokers that are there, and nothing is left at the end."""
    chance = random.Random(9876)
    table = Table()
    alive = {}
    now = 0
    for step in range(2000):
        now += chance.randrange(20_000)
        for expired in table.expire(now):
            alive = {peer: last for peer, last in alive.items() if peer is not expired}
        action = chance.random()
        name = f"经纪{chance.randrange(5)}"
        if action < 0.6:
            peer = Peer()
            topics = chance.sample(["T", "U", "主题", "V"], chance.randrange(4))
            table.add(name, body(*topics, version=step), broker_id=chance.randrange(3), peer=peer, now=now)
            alive[peer] = now
        elif action < 0.8 and alive:
            peer = chance.choice(list(alive))
            table.disconnect(peer)
            del alive[peer]
        else:
            broker_id = chance.randrange(3)
            table.unregister("c", f"{name}:{broker_id}", name, broker_id)
        known = table.cluster_info()
        assert set(known.broker_addr_table) == set(known.cluster_addr_table.get("c", []))
        for topic in table.topics().topic_list:
            route = table.route(topic)
            assert {queue.broker_name for queue in route.queue_datas} <= set(known.broker_addr_table)
            assert all(broker.broker_addrs for broker in route.broker_datas)
    table.expire(now + EXPIRY_MS + 1)
    assert table.topics().topic_list == []
    assert table.cluster_info().broker_addr_table == {}
