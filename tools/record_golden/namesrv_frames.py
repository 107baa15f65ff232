"""What is asked of a fresh name server, at which two brokers register themselves."""

from __future__ import annotations

import zlib
from typing import Any

from rocketpy.protocol.api.route import RegisterBrokerBody
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import RequestCode as Ask
from rocketpy.protocol.registration import write_registration
from tools.record_golden.broker_frames import as_json
from tools.record_golden.exchange import Step
from tools.record_golden.script import BORN, Script

MASTER = {"brokerName": "golden-a", "brokerAddr": "192.0.2.1:10911", "clusterName": "GoldenCluster", "brokerId": 0,
          "haServerAddr": "192.0.2.1:10912"}  # fmt: skip
SLAVE = MASTER | {"brokerAddr": "192.0.2.2:10911", "brokerId": 1, "haServerAddr": "192.0.2.2:10912"}
OTHER = MASTER | {"brokerName": "golden-b", "brokerAddr": "192.0.2.3:10911", "haServerAddr": "192.0.2.3:10912"}


def namesrv_steps() -> list[Step]:
    """All of them, in their order."""
    script = Script("namesrv")
    for part in (key_values, registrations, routes, permissions, departures):
        part(script)
    return script.steps


def topic_table(*names: str, counter: int = 1) -> TopicConfigSerializeWrapper:
    """Topics of four queues each."""
    topics = {name: TopicConfig(topic_name=name, read_queue_nums=4, write_queue_nums=4) for name in names}
    return TopicConfigSerializeWrapper(
        topic_config_table=topics, data_version=DataVersion(timestamp=BORN, counter=counter)
    )


def key_values(script: Script) -> None:
    script.ask("unknown code", 9999, answer="none")
    script.ask("value of an unknown key", Ask.GET_KV_CONFIG, {"namespace": "NS", "key": "k"})
    script.ask("value without any field", Ask.GET_KV_CONFIG)
    script.ask("put without any field", Ask.PUT_KV_CONFIG)
    script.ask("put a value", Ask.PUT_KV_CONFIG, {"namespace": "NS", "key": "k", "value": "wért"})
    script.ask("value", Ask.GET_KV_CONFIG, {"namespace": "NS", "key": "k"})
    script.ask("value, binary header", Ask.GET_KV_CONFIG, {"namespace": "NS", "key": "k"}, binary=True)
    script.ask("list a namespace", Ask.GET_KVLIST_BY_NAMESPACE, {"namespace": "NS"})
    script.ask("list an unknown namespace", Ask.GET_KVLIST_BY_NAMESPACE, {"namespace": "None"})
    script.ask("delete a value", Ask.DELETE_KV_CONFIG, {"namespace": "NS", "key": "k"})
    script.ask("list an emptied namespace", Ask.GET_KVLIST_BY_NAMESPACE, {"namespace": "NS"})


def registrations(script: Script) -> None:
    def register(name: str, fields: dict[str, object], body: bytes, **step: Any) -> None:
        crc = {"compressed": "false", "bodyCrc32": zlib.crc32(body) & 0x7FFFFFFF}
        script.ask(f"register {name}", Ask.REGISTER_BROKER, crc | fields, body, **step)

    master = RegisterBrokerBody(topic_config_serialize_wrapper=topic_table("GoldenT", "GoldenU"))
    register("a master", MASTER, master.to_json())
    register("its slave", SLAVE, master.to_json(), binary=True)
    other = RegisterBrokerBody(topic_config_serialize_wrapper=topic_table("GoldenT", "GoldenV"))
    other.filter_server_list = ["192.0.2.3:4321"]
    register("a master, compressed", OTHER | {"compressed": "true"}, write_registration(other, True), connection="b")
    register("with a wrong checksum", OTHER | {"bodyCrc32": 1}, master.to_json())
    register("with a compressed body that is none", OTHER | {"compressed": "true"}, b"nonsense")
    old = topic_table("GoldenOld").to_json()
    ancient = MASTER | {"brokerName": "golden-old", "brokerAddr": "192.0.2.4:10911"}
    register("as an old broker does", ancient, old, version=36)
    version = as_json({"counter": 1, "timestamp": BORN})
    newer = as_json({"counter": 2, "timestamp": BORN})
    nobody = MASTER | {"brokerAddr": "192.0.2.9:1"}
    script.ask("has the data version changed? no", Ask.QUERY_DATA_VERSION, MASTER, version)
    script.ask("has the data version changed? yes", Ask.QUERY_DATA_VERSION, MASTER, newer)
    script.ask("has the data version changed? unknown", Ask.QUERY_DATA_VERSION, nobody, version)


def routes(script: Script) -> None:
    script.ask("route", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenT"})
    script.ask("route for an old client", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenT"}, version=400)
    script.ask("route for an old client that asks for standard JSON", Ask.GET_ROUTEINFO_BY_TOPIC,
               {"topic": "GoldenU", "acceptStandardJsonOnly": "True"}, version=400)  # fmt: skip
    script.ask("route, binary header", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenV"}, binary=True)
    script.ask("route of an unknown topic", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenNone"})
    script.ask("route without a topic", Ask.GET_ROUTEINFO_BY_TOPIC)
    script.ask("clusters", Ask.GET_BROKER_CLUSTER_INFO)
    script.ask("all topics", Ask.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
    script.ask("topics of a cluster", Ask.GET_TOPICS_BY_CLUSTER, {"cluster": "GoldenCluster"})
    script.ask("topics of an unknown cluster", Ask.GET_TOPICS_BY_CLUSTER, {"cluster": "None"})
    script.ask("system topics", Ask.GET_SYSTEM_TOPIC_LIST_FROM_NS)
    script.ask("unit topics", Ask.GET_UNIT_TOPIC_LIST)


def permissions(script: Script) -> None:
    script.ask("wipe the write permission", Ask.WIPE_WRITE_PERM_OF_BROKER, {"brokerName": "golden-a"})
    script.ask("route that cannot be written", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenU"})
    script.ask("wipe it of an unknown broker", Ask.WIPE_WRITE_PERM_OF_BROKER, {"brokerName": "None"})
    script.ask("add the write permission", Ask.ADD_WRITE_PERM_OF_BROKER, {"brokerName": "golden-a"})
    script.ask("route that can be written again", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenU"})


def departures(script: Script) -> None:
    script.ask("delete a topic", Ask.DELETE_TOPIC_IN_NAMESRV, {"topic": "GoldenU"})
    script.ask("route of the deleted topic", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenU"})
    script.ask("delete an unknown topic", Ask.DELETE_TOPIC_IN_NAMESRV, {"topic": "GoldenNone"})
    script.ask("unregister the slave", Ask.UNREGISTER_BROKER, SLAVE)
    script.ask("route without the slave", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenT"})
    script.ask("unregister the master", Ask.UNREGISTER_BROKER, MASTER)
    script.ask("route without the broker", Ask.GET_ROUTEINFO_BY_TOPIC, {"topic": "GoldenT"})
    script.ask("unregister an unknown broker", Ask.UNREGISTER_BROKER, MASTER | {"brokerName": "None"})
    script.ask("update the configuration with nothing", Ask.UPDATE_NAMESRV_CONFIG)
    script.raw("header that is no JSON", b"\x00\x00\x00\x07\x00\x00\x00\x03{x}", connection="bad", answer="closed")
