"""Half messages: committed, rolled back, asked about, given up, and taken up again."""

from __future__ import annotations

import time
from typing import Any

from interop.deliveries import cluster_name
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue, Stored
from interop.raw_client import RawClient
from interop.scenario import JAVA, scenario
from interop.stage import NotApplicableError, Stage
from rocketpy.protocol.codes import RequestCode

COMMIT, ROLLBACK = "COMMIT_MESSAGE", "ROLLBACK_MESSAGE"
GIVEN_UP = "TRANS_CHECK_MAX_TIME_TOPIC"
NO_REMARK = "not set any response code"
_SLOWEST_CHECK_MS = 5_000


class TransactionProducer:
    """A TransactionMQProducer inside the client; messages say in their properties how their transactions end."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.group = stage.unique("transactions")
        stage.ask("start_transaction_producer", group=self.group)

    def send(self, *messages: Message) -> list[dict[str, Any]]:
        """What the client says of each message."""
        shown = [message.to_json() for message in messages]
        answers: list[dict[str, Any]] = self._stage.ask("send_in_transaction", group=self.group, messages=shown)
        return answers

    def questions(self, count: int, *, timeout: float = 50.0) -> list[Stored]:
        """The messages that the broker asked about so far, once there are `count` or `timeout` seconds have passed."""
        asked = self._stage.ask("questions", group=self.group, count=count, timeout=int(timeout * 1000))
        return [Stored.from_json(fields) for fields in asked]

    def stop(self) -> None:
        """Shut it down."""
        self._stage.ask("stop_transaction_producer", group=self.group)


def checks_of(stage: Stage) -> dict[str, str]:
    """The broker's configuration; NotApplicableError if nobody would wait for its checks."""
    config = stage.broker_config()
    for name in ("transactionCheckInterval", "transactionTimeOut"):
        if int(config[name]) > _SLOWEST_CHECK_MS:
            raise NotApplicableError(f"{name} is {config[name]} ms, which is too long to wait for")
    return config


def _end(stage: Stage, half: Stored, kind: int, **fields: object) -> tuple[int, str | None]:
    """The answer to the end of a transaction, which clients never ask for."""
    request = {
        "producerGroup": half.properties["PGROUP"],
        "tranStateTableOffset": half.queue_offset,
        "commitLogOffset": half.physical_offset,
        "commitOrRollback": kind,
        "fromTransactionCheck": "false",
        "msgId": half.properties["UNIQ_KEY"],
        **fields,
    }
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.END_TRANSACTION, {name: str(value) for name, value in request.items()})
    return answer.code, answer.remark


@scenario(*JAVA, of_broker=True)
def committed_messages_are_delivered_and_others_are_not(stage: Stage) -> None:
    """Those that were rolled back, or whose end is open, stay invisible."""
    topic = stage.topic()
    producer = TransactionProducer(stage)
    consumer = stage.consumer(topic)
    committed = Message(topic, "fest ü".encode(), tags="T", keys="k", flag=5, properties={"end": COMMIT, "ü": "ö"})
    sent = producer.send(
        committed,
        Message(topic, b"rolled back", properties={"end": ROLLBACK}),
        Message(topic, b"open", properties={"answer": ROLLBACK}),
        Message(topic, b"last", properties={"end": COMMIT}),
    )
    equal("states", [one["state"] for one in sent], [COMMIT, ROLLBACK, "UNKNOW", COMMIT])
    equal("send status", {one["status"] for one in sent}, {"SEND_OK"})
    equal("transaction ids", {one["transaction_id"] for one in sent}, {None})
    received = consumer.received_in_order(2)
    equal("bodies", [stored.body for stored in received], [committed.body, b"last"])
    first = received[0]
    equal("place", (first.queue_id, first.queue_offset), (0, 0))
    equal("flag and sys flag", (first.flag, first.sys_flag), (5, 8))
    equal("id", first.msg_id, sent[0]["msg_id"])
    equal(
        "properties",
        first.stored_properties(),
        committed.own_properties()
        | {
            "CLUSTER": cluster_name(stage.cluster), "UNIQ_KEY": sent[0]["msg_id"], "PGROUP": producer.group,
            "TRAN_MSG": "true", "WAIT": "true", "REAL_TOPIC": topic, "REAL_QID": "0",
        },
    )  # fmt: skip
    holds("it remembers its half message", 0 <= first.prepared_transaction_offset < first.physical_offset)
    time.sleep(0.5)
    equal("messages in all", len(consumer.received(2)), 2)
    producer.stop()


@scenario(*JAVA, of_broker=True)
def open_transaction_is_asked_about_and_committed(stage: Stage) -> None:
    """The second answer settles it; the message is delivered once, with what the checks left on it."""
    checks_of(stage)
    topic = stage.topic()
    producer = TransactionProducer(stage)
    consumer = stage.consumer(topic)
    message = Message(topic, "später".encode(), tags="T", properties={"answer": COMMIT, "answer_at": "2"})
    (sent,) = producer.send(message)
    asked = producer.questions(2)
    for number, half in enumerate(asked, 1):
        equal("topic, queue and body", (half.topic, half.queue_id, half.body), (topic, 0, message.body))
        equal("times asked", half.properties["TRANSACTION_CHECK_TIMES"], str(number))
        equal("WAIT", half.properties["WAIT"], "false")
        equal("unique key", half.properties["UNIQ_KEY"], sent["msg_id"])
        equal("sys flag", half.sys_flag, 0)
        holds("it was put back", half.queue_offset > sent["queue_offset"])
    (stored,) = consumer.received(1)
    equal("prepared transaction offset", stored.prepared_transaction_offset, asked[-1].physical_offset)
    equal("times asked", stored.properties["TRANSACTION_CHECK_TIMES"], "2")
    equal("WAIT", stored.properties["WAIT"], "true")
    time.sleep(3)
    equal("messages and questions in all", (len(consumer.received(1)), len(producer.questions(2))), (1, 2))
    producer.stop()


@scenario(*JAVA, of_broker=True)
def open_transaction_is_asked_about_and_rolled_back(stage: Stage) -> None:
    """After that nobody asks any more, and nobody gets it."""
    checks_of(stage)
    topic = stage.topic()
    producer = TransactionProducer(stage)
    consumer = stage.consumer(topic)
    producer.send(Message(topic, b"never", properties={"answer": ROLLBACK}))
    producer.questions(1)
    time.sleep(3)
    equal("questions", len(producer.questions(1)), 1)
    equal("messages", consumer.received(0), [])
    producer.stop()


@scenario("java", of_broker=True)
def immune_transaction_is_asked_about_later(stage: Stage) -> None:
    """Its own property counts, not transactionTimeOut; others do not wait for it. Each look counts as a question."""
    checks_of(stage)
    topic = stage.topic()
    producer = TransactionProducer(stage)
    immune = Message(topic, b"immune", properties={"CHECK_IMMUNITY_TIME_IN_SECONDS": "3", "answer": ROLLBACK})
    started = time.monotonic()
    producer.send(immune, Message(topic, b"other", properties={"answer": ROLLBACK}))
    asked = producer.questions(2)
    holds(f"it takes 3 s, not {time.monotonic() - started:.1f}", time.monotonic() - started > 2.9)
    equal("order of questions", [half.body for half in asked], [b"other", b"immune"])
    properties = asked[1].properties
    holds("it remembers its place", int(properties["TRAN_PREPARED_QUEUE_OFFSET"]) < asked[1].queue_offset)
    holds("looks were counted", int(properties["TRANSACTION_CHECK_TIMES"]) > 1)
    producer.stop()


@scenario("java", of_broker=True)
def transaction_is_given_up_and_resumed(stage: Stage) -> None:
    """It is moved to TRANS_CHECK_MAX_TIME_TOPIC, and on demand asked about from the beginning."""
    most = int(checks_of(stage)["transactionCheckMax"])
    if most > 5:
        raise NotApplicableError(f"transactionCheckMax is {most}, which takes too long")
    topic = stage.topic()
    producer = TransactionProducer(stage)
    message = Message(topic, "zäh".encode(), properties={"who": topic})
    (sent,) = producer.send(message)
    producer.questions(most)
    puller = stage.puller()
    queue = Queue(GIVEN_UP, stage.cluster.broker_name, 0)

    def queues() -> list[Queue]:
        try:
            return list(puller.queues(GIVEN_UP))
        except DriverError:  # there is no route yet, if this is the first one that is given up
            return []

    def given_up() -> list[Stored]:
        found = puller.pull(queue, 0).messages
        return [one for one in found if one.properties["UNIQ_KEY"] == sent["msg_id"]]

    becomes("topic of those that are given up", queues, [queue])
    becomes("messages given up", lambda: len(given_up()), 1)
    (stored,) = given_up()
    equal("body", stored.body, message.body)
    equal("times asked", stored.properties["TRANSACTION_CHECK_TIMES"], str(most))
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.RESUME_CHECK_HALF_MESSAGE, {"msgId": stored.offset_msg_id})
    equal("answer to resuming it", (answer.code, answer.remark), (0, None))
    times = [half.properties["TRANSACTION_CHECK_TIMES"] for half in producer.questions(most + 1)]
    equal("times asked", times[: most + 1], [*map(str, range(1, most + 1)), "1"])
    producer.stop()


@scenario("java", of_broker=True)
def wrong_ends_are_refused(stage: Stage) -> None:
    """Each with its own remark; a right one is answered, too, when somebody asks."""
    checks_of(stage)
    topic = stage.topic()
    producer = TransactionProducer(stage)
    producer.send(Message(topic, b"m"))
    half = producer.questions(1)[0]
    for fields, remark in (
        ({"producerGroup": "Other"}, "The producer group wrong"),
        ({"tranStateTableOffset": half.queue_offset + 1}, "The transaction state table offset wrong"),
        ({"commitLogOffset": 1 << 50}, "Find prepared transaction message failed"),
    ):
        for kind in (8, 12):
            equal(f"answer to {fields}", _end(stage, half, kind, **fields), (1, remark))
    code, text = _end(stage, half, 4)
    holds(f"an unknown end is refused ({text})", code == 1 and "commitOrRollback field wrong" in (text or ""))
    equal("answer to a roll back", _end(stage, half, 12), (0, NO_REMARK))
    equal("answer to a commit", _end(stage, half, 8), (0, None))
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.RESUME_CHECK_HALF_MESSAGE, {"msgId": "nonsense"})
    remark = "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC."
    equal("answer to resuming nonsense", (answer.code, answer.remark), (1, remark))
    producer.stop()
