"""Request and reply: a message that waits for an answer, and who gets it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from interop.deliveries import cluster_name
from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message, Stored
from interop.raw_client import RawClient
from interop.scenario import ALL, JAVA, scenario
from interop.stage import Stage
from rocketpy.protocol.codes import RequestCode

TIMEOUT_MS = 40_000
TIMED_OUT = 10006
"""The client's own code (ClientErrorCode.REQUEST_TIMEOUT_EXCEPTION)."""


class Replier:
    """A consumer inside the client that answers "re: " and the body, unless the property "silent" is there."""

    def __init__(self, stage: Stage, topic: str) -> None:
        self._stage = stage
        self._name = stage.unique("replier")
        stage.ask("start_replier", name=self._name, group=stage.unique("group"), topic=topic)

    def asked(self, count: int) -> list[Stored]:
        """The requests that it got, once there are `count`."""
        got = self._stage.ask("asked", name=self._name, count=count, timeout=30_000)
        return [Stored.from_json(fields) for fields in got]

    def replies_sent(self) -> list[str]:
        """What became of each reply: the status, or what the client threw."""
        results: list[str] = self._stage.ask("replies_sent", name=self._name)
        return results

    def stop(self) -> None:
        """Shut it down."""
        self._stage.ask("stop_replier", name=self._name)


def _ask(stage: Stage, group: str, message: Message, timeout: int = TIMEOUT_MS) -> dict[str, Any]:
    answer: dict[str, Any] = stage.ask("request", group=group, messages=[message.to_json()], timeout=timeout)
    return answer


@scenario(*ALL, of_broker=True)
def request_is_answered(stage: Stage) -> None:
    """The reply comes to who asked, over the connection that he has already."""
    topic = stage.topic()
    producer = stage.producer()
    producer.send(Message(topic, b"to know the broker", properties={"silent": "yes"}))
    with RawClient(stage.cluster.broker) as broker:
        group = {"producerGroup": producer.group}  # Go sends its heartbeat a second after its start
        becomes("producer is known", lambda: broker.ask(RequestCode.GET_PRODUCER_CONNECTION_LIST, group).code, 0)
    replier = Replier(stage, topic)
    for number in range(3):
        answer = _ask(stage, producer.group, Message(topic, f"{number} ü".encode(), tags="T"))
        equal("body", Stored.body_of(answer), f"re: {number} ü".encode())
        holds("it tells what it answers", answer["properties"]["CORRELATION_ID"])
        equal("kind", answer["properties"]["MSG_TYPE"], "reply")
    replier.stop()


@scenario(*JAVA, of_broker=True)
def request_and_reply_say_what_they_belong_to(stage: Stage) -> None:
    """The properties of both, and that the reply is stored in the reply topic as well."""
    topic = stage.topic()
    producer = stage.producer()
    replier = Replier(stage, topic)
    answer = Stored.from_json(_ask(stage, producer.group, Message(topic, b"how much?", tags="T", keys="k")))
    (asked,) = replier.asked(1)
    own = {"TAGS": "T", "KEYS": "k", "CLUSTER": cluster_name(stage.cluster), "UNIQ_KEY": asked.msg_id, "WAIT": "true"}
    found = asked.stored_properties()
    correlation, client = found.pop("CORRELATION_ID"), found.pop("REPLY_TO_CLIENT")
    waited = {name: found.pop(name) for name in ("TTL", "SEND_TIMESTAMP") if name in found}
    equal("properties of the request", {**own, **found}, own)
    equal("ttl", waited["TTL"], str(TIMEOUT_MS))
    reply_topic = f"{cluster_name(stage.cluster)}_REPLY_TOPIC"
    equal("topic of the reply", answer.topic, reply_topic)
    equal("store host of the reply", answer.store_host, stage.cluster.broker)
    found = answer.stored_properties()
    holds("it says when it was pushed", int(found.pop("PUSH_REPLY_TIME")) >= answer.born_timestamp)
    holds("the client notes when it came", found.pop("ARRIVE_TIME"))
    unique_key = found.pop("UNIQ_KEY")
    equal("properties of the reply", found, {
        "MSG_TYPE": "reply", "CORRELATION_ID": correlation, "REPLY_TO_CLIENT": client, "TTL": str(TIMEOUT_MS),
    })  # fmt: skip
    becomes("what the replier was told", replier.replies_sent, ["SEND_OK"])
    stored = stage.ask("view", group=producer.group, topic=reply_topic, msg_id=unique_key)
    equal("the reply as it is stored", Stored.from_json(stored).body, b"re: how much?")
    replier.stop()


@scenario(*JAVA, of_broker=True)
def many_requests_get_their_own_answers(stage: Stage) -> None:
    """Asked at once, by call-back, and by two producers."""
    topic = stage.topic(queues=4)
    producers = [stage.producer(), stage.producer()]
    replier = Replier(stage, topic)
    bodies = [[f"{producer} {number}".encode() for number in range(30)] for producer in range(2)]

    def ask(producer: int) -> list[bytes]:
        messages = [Message(topic, body).to_json() for body in bodies[producer]]
        group = producers[producer].group
        answers = stage.ask("request_async", group=group, messages=messages, timeout=TIMEOUT_MS)
        return [Stored.body_of(answer) for answer in answers]

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(ask, range(2)))
    equal("answers", answers, [[b"re: " + body for body in some] for some in bodies])
    replier.stop()


@scenario("java", of_broker=True)
def request_that_nobody_answers_times_out(stage: Stage) -> None:
    """Whether nobody listens, or somebody is silent."""
    topic = stage.topic()
    producer = stage.producer()
    for number in range(2):
        replier = Replier(stage, topic) if number else None
        try:
            _ask(stage, producer.group, Message(topic, b"anybody?", properties={"silent": "yes"}), timeout=3_000)
        except DriverError as error:
            equal("what the client throws", (error.kind, error.code), ("RequestTimeoutException", TIMED_OUT))
        else:
            holds("the client throws", False)
        if replier is not None:
            equal("requests", [stored.body for stored in replier.asked(2)][:2], [b"anybody?"] * 2)
            replier.stop()


@scenario("java", of_broker=True)
def reply_to_who_has_gone_fails(stage: Stage) -> None:
    """The replier is told so, with who it was."""
    topic = stage.topic()
    asking = stage.unique("producer")
    stage.ask("start_producer", group=asking)
    try:
        _ask(stage, asking, Message(topic, b"I shall not wait"), timeout=3_000)
    except DriverError as error:
        equal("what the client throws", error.code, TIMED_OUT)
    stage.ask("stop_producer", group=asking)
    replier = Replier(stage, topic)
    (asked,) = replier.asked(1)
    becomes("replies", lambda: len(replier.replies_sent()), 1, timeout=30)
    (result,) = replier.replies_sent()
    client = asked.properties["REPLY_TO_CLIENT"]
    holds(f"it is told why: {result}", f"push reply message fail, channel of <{client}> not found." in result)
    replier.stop()


@scenario("java", of_broker=True)
def reply_without_an_address_is_refused(stage: Stage) -> None:
    """Or to a client that is not known; both are stored all the same."""
    topic = f"{cluster_name(stage.cluster)}_REPLY_TOPIC"
    fields = {
        "a": "P", "b": topic, "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0", "j": "0", "k": "false",
        "m": "false",
    }  # fmt: skip
    with RawClient(stage.cluster.broker) as broker:
        for properties, remark in (
            ("TTL\x013000", "reply message properties[REPLY_TO_CLIENT] is null"),
            ("REPLY_TO_CLIENT\x01x@y\x02TTL\x013000", "push reply message fail, channel of <x@y> not found."),
        ):
            answer = broker.ask(RequestCode.SEND_REPLY_MESSAGE_V2, {**fields, "i": properties}, b"r")
            equal("answer", (answer.code, answer.remark), (1, remark))
            holds("it is stored", (answer.ext_fields or {}).get("msgId"))
