"""What a subscription group may do, and what its consumers are told of each other and of where to read."""

from __future__ import annotations

import json
import time

from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.raw_client import RawClient
from interop.scenario import JAVA, scenario
from interop.scenarios.filtering import heartbeat, pull
from interop.scenarios.retrying import group_config
from interop.stage import Stage
from rocketpy.protocol.codes import RequestCode, ResponseCode

ALL_MESSAGES = {"sysFlag": 4, "subscription": "*"}
"""Fields of a pull that brings its own subscription."""
SEND = {
    "a": "P", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0", "i": "", "j": "0", "k": "false",
    "m": "false",
}  # fmt: skip
"""Fields of a send but its topic."""
FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."


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
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 1)
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


@scenario(*JAVA, of_broker=True)
def queues_of_who_dies_go_to_the_others(stage: Stage) -> None:
    """A member whose connection breaks is none any more, and the others are told at once."""
    topic, group = stage.topic(queues=4), stage.group()
    consumer = stage.consumer(topic, group=group)
    becomes("queues of the only member", lambda: len(consumer.assigned(topic)), 4)
    with RawClient(stage.cluster.broker) as other:
        heartbeat(other, group, topic, "*", 1, expressionType="TAG")
        becomes("queues of one of two", lambda: len(consumer.assigned(topic)), 2)
        broker = stage.cluster.broker_name
        producer = stage.producer()
        for queue_id in range(4):
            producer.send(Message(topic, f"{queue_id}".encode()), queue=Queue(topic, broker, queue_id))
        equal("messages meanwhile", len(consumer.received(2)), 2)
    becomes("queues of the one that is left", lambda: len(consumer.assigned(topic)), 4)
    equal("messages", sorted(stored.body for stored in consumer.received(4)), [b"0", b"1", b"2", b"3"])


@scenario("java", of_broker=True)
def group_has_to_exist_where_it_is_not_made(stage: Stage) -> None:
    """autoCreateSubscriptionGroup: without it pulls, retries and the client's own are refused with a code of theirs."""
    stage.configure(autoCreateSubscriptionGroup="false")
    topic, group = stage.topic(), stage.unique("group")
    (sent,) = stage.producer().send(Message(topic, b"m"))
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), 1)
    fields = {"offset": str(int(sent.offset_msg_id[-16:], 16)), "group": group, "delayLevel": "1"}
    with RawClient(stage.cluster.broker) as broker:
        remark = f"subscription group [{group}] does not exist, {FAQ}"
        equal("pull", pull(broker, group, topic, **ALL_MESSAGES)[:2], (26, remark))
        answer = broker.ask(RequestCode.CONSUMER_SEND_MSG_BACK, fields)
        equal("retry", (answer.code, answer.remark), (26, f"subscription group not exist, {group} {FAQ}"))
        retry = {**SEND, "b": f"%RETRY%{group}", "j": "1", "l": "16"}
        answer = broker.ask(RequestCode.SEND_MESSAGE_V2, retry, b"m")
        equal("retry by a send", (answer.code, answer.remark), (26, f"subscription group not exist, {group} {FAQ}"))
        heartbeat(broker, group, topic, "a = 1", 1)
        equal("pull of a member", pull(broker, group, topic, **ALL_MESSAGES)[0], 26)
        equal("the tools' group", pull(broker, "TOOLS_CONSUMER", topic, **ALL_MESSAGES)[0], 0)
        equal("a system group", pull(broker, f"CID_RMQ_SYS_{group}", topic, **ALL_MESSAGES)[0], 0)
    try:
        puller = stage.puller()
        puller.pull(Queue(topic, stage.cluster.broker_name, 0), 0)
    except DriverError as error:
        equal("what the client throws", (error.kind, error.code), ("MQBrokerException", 26))
    else:
        holds("the client throws", False)


@scenario("java", of_broker=True)
def broker_takes_and_gives_what_it_may(stage: Stage) -> None:
    """brokerPermission, rejectTransactionMessage, startAcceptSendRequestTimeStamp."""
    topic = stage.topic()
    queue = Queue(topic, stage.cluster.broker_name, 0)
    stage.producer().send(Message(topic, b"m"))
    stage.wait_dispatched(queue, 1)
    puller = stage.puller()
    equal("pull", puller.pull(queue, 0).status, "FOUND")
    host = stage.cluster.broker.partition(":")[0]

    def answer_to(code: RequestCode, fields: dict[str, str]) -> tuple[int, str | None]:
        with RawClient(stage.cluster.broker) as broker:
            answer = broker.ask(code, fields, b"m")
        return answer.code, answer.remark

    stage.configure(brokerPermission="2")
    try:
        puller.pull(queue, 0)
    except DriverError as error:
        equal("what the client throws", (error.kind, error.code), ("MQBrokerException", 16))
        holds(f"it says why: {error.text}", f"the broker[{host}] pulling message is forbidden" in error.text)
    else:
        holds("the client throws", False)
    stage.configure(brokerPermission="4")
    back = {"offset": "0", "group": stage.unique("group"), "delayLevel": "1"}
    remark = f"the broker[{host}] sending message is forbidden"
    equal("retry", answer_to(RequestCode.CONSUMER_SEND_MSG_BACK, back), (16, remark))
    stage.configure(brokerPermission="6", rejectTransactionMessage="true")
    remark = f"the broker[{host}] sending transaction message is forbidden"
    half = {**SEND, "b": topic, "i": "TRAN_MSG\x01true"}
    equal("half message", answer_to(RequestCode.SEND_MESSAGE_V2, half), (16, remark))
    stage.configure(startAcceptSendRequestTimeStamp=str(1 << 42))
    code, text = answer_to(RequestCode.SEND_MESSAGE_V2, {**SEND, "b": topic})
    holds(f"it says until when: {text}", code == 1 and (text or "").startswith("broker unable to service, until 2109-"))


def _members(stage: Stage, group: str) -> list[str]:
    with RawClient(stage.cluster.broker) as broker:
        ids: list[str] = broker.ask_json(RequestCode.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})[
            "consumerIdList"
        ]
    return ids
