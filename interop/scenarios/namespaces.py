"""Clients with a namespace: it stands before the names of topics and groups, and they never see it."""

from __future__ import annotations

from interop.expect import equal, holds
from interop.messages import Message, Queue
from interop.raw_client import RawClient
from interop.scenario import ALL, JAVA, scenario
from interop.scenarios.delaying import quick_delays_of
from interop.scenarios.retrying import FIRST_LEVEL
from interop.stage import Stage
from rocketpy.protocol.codes import RequestCode


def _topic(stage: Stage) -> tuple[str, str]:
    """A namespace, and a topic in it by the name that clients use."""
    namespace, topic = stage.unique("INSTANCE"), stage.unique("Topic")
    stage.topic(name=f"{namespace}%{topic}")
    return namespace, topic


@scenario(*ALL, of_broker=True)
def namespaces_are_kept_apart(stage: Stage) -> None:
    """A topic of the same name in another namespace, or in none, is another one."""
    namespace, topic = _topic(stage)
    other = stage.unique("INSTANCE")
    stage.topic(name=f"{other}%{topic}")
    stage.topic(name=topic)
    for name in (namespace, other, ""):
        producer = stage.producer(namespace=name) if name else stage.producer()
        producer.send(Message(topic, f"in {name}".encode()))
    for name in (namespace, other, ""):
        consumer = stage.consumer(topic, namespace=name) if name else stage.consumer(topic)
        (stored,) = consumer.received(1)
        equal("body", stored.body, f"in {name}".encode())
        if stage.client.name != "go":
            equal("topic", stored.topic, topic)  # Go leaves the namespace in it
    broker = stage.cluster.broker_name
    stage.wait_dispatched(Queue(f"{namespace}%{topic}", broker, 0), 1)


@scenario(*JAVA, of_broker=True)
def retries_stay_in_the_namespace(stage: Stage) -> None:
    """So do offsets, locks and dead letters of the group."""
    quick_delays_of(stage, FIRST_LEVEL)
    namespace, topic = _topic(stage)
    consumer = stage.consumer(topic, namespace=namespace, max_reconsume_times=1)
    producer = stage.producer(namespace=namespace)
    producer.send(Message(topic, b"m", properties={"fail": "9"}))
    received = consumer.received(2)
    equal("topics", {stored.topic for stored in received}, {topic})
    equal("times", [stored.reconsume_times for stored in received], [0, 1])
    equal("retry topic", received[1].properties["REAL_TOPIC"], f"%RETRY%{namespace}%{consumer.group}")
    equal("first topic", received[1].properties["RETRY_TOPIC"], f"{namespace}%{topic}")
    broker = stage.cluster.broker_name
    stage.wait_dispatched(Queue(f"%DLQ%{namespace}%{consumer.group}", broker, 0), 1)
    consumer.stop()
    stage.wait_committed(f"{namespace}%{consumer.group}", Queue(f"{namespace}%{topic}", broker, 0), 1)
    with RawClient(stage.cluster.broker) as client:
        groups = client.ask_json(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, {"topic": f"{namespace}%{topic}"})["groupList"]
    equal("groups of the topic", groups, [f"{namespace}%{consumer.group}"])


@scenario("java", of_broker=True)
def order_holds_in_a_namespace(stage: Stage) -> None:
    """The lock is that of the queue with its full name."""
    namespace, topic = _topic(stage)
    consumer = stage.consumer(topic, namespace=namespace, orderly=True)
    stage.producer(namespace=namespace).send(*(Message(topic, f"{number}".encode()) for number in range(5)))
    received = consumer.received(5)
    equal("bodies", [int(stored.body) for stored in received], list(range(5)))
    holds("the topic has no namespace", {stored.topic for stored in received} == {topic})
