"""What a subscription group may do, and what its consumers are told of each other and of where to read."""

from __future__ import annotations

import json
import time

from interop.expect import becomes, equal
from interop.messages import Message, Queue
from interop.raw_client import RawClient
from interop.scenario import JAVA, scenario
from interop.scenarios.filtering import heartbeat, pull
from interop.scenarios.retrying import group_config
from interop.stage import Stage
from rocketpy.protocol.codes import RequestCode, ResponseCode

ALL_MESSAGES = {"sysFlag": 4, "subscription": "*"}
"""Fields of a pull that brings its own subscription."""


@scenario(*JAVA, of_broker=True)
def group_is_switched_off_and_on(stage: Stage) -> None:
    """consumeEnable: its consumers get nothing meanwhile, and everything afterwards."""
    topic, group = stage.topic(), stage.group()
    consumer = stage.consumer(topic, group=group)
    producer = stage.producer()
    producer.send(Message(topic, b"0"))
    consumer.received(1)
    group_config(stage, group, consumeEnable=False)
    with RawClient(stage.cluster.broker) as broker:
        answer = pull(broker, group, topic, **ALL_MESSAGES)
    equal("pull", answer[:2], (ResponseCode.NO_PERMISSION, f"subscription group no permission, {group}"))
    producer.send(Message(topic, b"1"))  # the pull that is held is asked again, and refused
    producer.send(Message(topic, b"2"))
    time.sleep(1)
    equal("messages meanwhile", len(consumer.received(1)), 1)
    group_config(stage, group)
    equal("messages", sorted(stored.body for stored in consumer.received(3)), [b"0", b"1", b"2"])


@scenario("java", of_broker=True)
def group_may_not_broadcast(stage: Stage) -> None:
    """consumeBroadcastEnable counts for who says by heartbeat what he wants, as the Java client does."""
    topic, group = stage.topic(), stage.group()
    group_config(stage, group, consumeBroadcastEnable=False)
    producer = stage.producer()
    consumer = stage.consumer(topic, group=group, broadcast=True)
    producer.send(Message(topic, b"0"))
    with RawClient(stage.cluster.broker) as broker:
        answer = pull(broker, group, topic)
        remark = f"the consumer group[{group}] can not consume by broadcast way"
        equal("pull by the heartbeat", answer[:2], (ResponseCode.NO_PERMISSION, remark))
        equal("pull with a subscription", pull(broker, group, topic, **ALL_MESSAGES)[0], 0)
    time.sleep(1)
    equal("messages", consumer.received(0), [])
    group_config(stage, group)
    equal("messages when it may", [stored.body for stored in consumer.received(1)], [b"0"])


@scenario("java", of_broker=True)
def slow_groups_are_sent_elsewhere(stage: Stage) -> None:
    """While slaveReadEnable: whichBrokerWhenConsumeSlowly for what is no longer in memory, brokerId for the rest."""
    topic, group = stage.topic(), stage.unique("group")
    group_config(stage, group, brokerId=3, whichBrokerWhenConsumeSlowly=7)
    producer = stage.producer()
    producer.send(*(Message(topic, b"m") for _ in range(12)))
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 12)

    def suggested() -> tuple[str, str]:
        with RawClient(stage.cluster.broker) as broker:
            fields = pull(broker, group, topic, **ALL_MESSAGES)[2]
        return fields["suggestWhichBrokerId"], fields["nextBeginOffset"]

    equal("broker and next offset", suggested(), ("0", "12"))
    stage.configure(slaveReadEnable="true")
    equal("while slaves are read", suggested(), ("3", "12"))
    stage.configure(accessMessageInMemoryMaxRatio="0")
    equal("of what is on disk", suggested(), ("7", "8"))
    stage.configure(maxTransferCountOnMessageInDisk="3")
    equal("a few of what is on disk", suggested(), ("7", "3"))
    stage.configure(slaveReadEnable="false")
    equal("while no slave is read", suggested(), ("0", "3"))


@scenario("java", of_broker=True)
def pull_takes_what_the_broker_allows(stage: Stage) -> None:
    """By number and by size, in memory and on disk; always one message."""
    topic, group = stage.topic(), stage.unique("group")
    stage.producer().send(*(Message(topic, bytes(1000)) for _ in range(40)))
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 40)

    def taken(count: int = 32) -> str:
        with RawClient(stage.cluster.broker) as broker:
            return pull(broker, group, topic, maxMsgNums=count, **ALL_MESSAGES)[2]["nextBeginOffset"]

    equal("usually", (taken(), taken(50), taken(5)), ("32", "32", "5"))
    stage.configure(maxTransferCountOnMessageInMemory="10")
    equal("fewer", taken(), "10")
    stage.configure(maxTransferBytesOnMessageInMemory="5000")
    equal("smaller", taken(), "4")
    stage.configure(maxTransferBytesOnMessageInMemory="10")
    equal("one", taken(), "1")
    stage.configure(accessMessageInMemoryMaxRatio="0", maxTransferBytesOnMessageInDisk="2500")
    equal("from disk", taken(), "2")
    stage.configure(maxTransferCountOnMessageInDisk="1")
    equal("one from disk", taken(), "1")


@scenario("java", of_broker=True)
def members_are_told_of_each_other(stage: Stage) -> None:
    """Unless the group or the broker says that they need not be."""
    topic = stage.topic()

    def told(group: str) -> list[int]:
        """How often the first of two members is told: when it comes, and when the second one comes and goes."""
        counts = []
        with RawClient(stage.cluster.broker) as first:
            heartbeat(first, group, topic, "a = 1", 1)

            def count() -> int:
                time.sleep(0.3)  # what is pushed is written before this
                first.ask(RequestCode.GET_BROKER_RUNTIME_INFO)
                codes = {push.code for push in first.pushes}
                equal("what is pushed", codes - {RequestCode.NOTIFY_CONSUMER_IDS_CHANGED}, set())
                equal("to which group", {json.dumps(push.ext_fields) for push in first.pushes} - {
                    json.dumps({"consumerGroup": group})}, set())  # fmt: skip
                return len(first.pushes)

            counts.append(count())
            with RawClient(stage.cluster.broker) as second:
                heartbeat(second, group, topic, "a = 1", 1)
                counts.append(count())
                heartbeat(second, group, topic, "a = 1", 1)
                counts.append(count())
            becomes("members", lambda: len(_members(stage, group)), 1)
            counts.append(count())
        return counts

    group = stage.unique("group")
    equal("usually", told(group), [1, 2, 2, 3])
    group_config(stage, group, notifyConsumerIdsChangedEnable=False)
    equal("where the group does not want it", told(group), [0, 0, 0, 1])
    group_config(stage, group)
    stage.configure(notifyConsumerIdsChangedEnable="false")
    equal("where the broker does not do it", told(group), [0, 0, 0, 0])


def _members(stage: Stage, group: str) -> list[str]:
    with RawClient(stage.cluster.broker) as broker:
        ids: list[str] = broker.ask_json(RequestCode.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})[
            "consumerIdList"
        ]
    return ids
