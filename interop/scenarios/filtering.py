"""Selecting messages by their tags and by expressions over their properties, and what is said of expressions."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from interop.driver import DriverError
from interop.expect import becomes, equal, holds
from interop.messages import Message, Queue
from interop.raw_client import RawClient
from interop.scenario import ALL, JAVA, scenario
from interop.scenarios.delaying import quick_delays_of
from interop.stage import Consumer, Puller, Stage
from rocketpy.protocol.codes import RequestCode

PROPERTIES: tuple[dict[str, str], ...] = (
    {},
    {"a": "1"},
    {"a": "2", "b": "x"},
    {"a": "10", "b": "y"},
    {"a": "-3", "c": "1.5"},
    {"a": "1.0", "b": "true"},
    {"a": "x", "b": "X"},
    {"b": "it's", "c": "2", "ü": "ö"},
    {"a": "9223372036854775808", "c": "1e2"},
)
"""Those of the messages, whose bodies are their numbers."""

SELECTED: tuple[tuple[str, set[int]], ...] = (
    ("a = 1", {1}),
    ("a = 1.0", {1, 5}),
    ("a <> 1", {2, 3, 4}),
    ("a = '1'", {1}),
    ("a > 1", {2, 3}),
    ("a >= 1", {1, 2, 3}),
    ("a < 0", {4}),
    ("a BETWEEN 1 AND 2", {1, 2}),
    ("a NOT BETWEEN 1 AND 2", {3, 4}),
    ("b = 'x'", {2}),
    ("b IN ('x', 'y', 'z')", {2, 3}),
    ("b NOT IN ('x', 'y')", {5, 6, 7}),
    ("b = 'it''s'", {7}),
    ("a IS NULL", {0, 7}),
    ("a IS NOT NULL", {1, 2, 3, 4, 5, 6, 8}),
    ("a IS NULL AND b IS NULL", {0}),
    ("NOT (a = 1)", {2, 3, 4}),
    ("a = 1 OR b = 'y'", {1, 3}),
    ("a > 0 AND b = 'x' OR c IS NOT NULL AND a < 0", {2, 4}),
    ("a = 1 AND nothing = 2 OR b = 'y'", {3}),
    ("b = TRUE", {5}),
    ("c > 1.4", {4, 7, 8}),
    ("a > 1 AND (b = 'x' OR b = 'y')", {2, 3}),
    ("a = -3", {4}),
    ("nothing = 1", set()),
    ("TRUE", set(range(9))),
    ("1 = 1 -- a remark", set(range(9))),
    ("TAGS = 'TagB'", {1, 4, 7}),
)
"""Expressions, and the messages that they select."""

WRONG = ("a >", "a = 'open", "(a = 1", "a BETWEEN 2 AND 1", "a IN ()", "a > 'x'")
"""Expressions that are none."""


def _send(stage: Stage, topic: str) -> None:
    tags = ("TagA", "TagB", None)
    stage.producer().send(
        *(Message(topic, f"{n}".encode(), tags=tags[n % 3], properties=one) for n, one in enumerate(PROPERTIES))
    )
    stage.wait_dispatched(Queue(topic, stage.cluster.broker_name, 0), len(PROPERTIES))


def _puller(stage: Stage, queue: Queue) -> Puller:
    """One that may use expressions: it has to have heard of the broker's version first, by a heartbeat."""
    puller = stage.puller()
    puller.queues(queue.topic)

    def has_heard() -> bool:
        try:
            puller.pull(queue, 0, expression="TRUE", sql=True)
        except DriverError as error:
            return "does not upgrade" not in error.text
        return True

    becomes("expressions may be used", has_heard, True)
    return puller


def _numbers(consumer: Consumer, count: int) -> list[int]:
    return sorted(int(stored.body) for stored in consumer.received(count))


def _more_numbers(numbers: list[int], consumer: Consumer) -> list[int]:
    return numbers + _numbers(consumer, 0)


def check_client(stage: Stage, expression: str, expression_type: str = "SQL92") -> tuple[int, str | None]:
    """What the broker says of an expression that a client asks about before it starts."""
    subscription = {
        "classFilterMode": False, "codeSet": [], "expressionType": expression_type, "subString": expression,
        "subVersion": 1, "tagsSet": [], "topic": "T",
    }  # fmt: skip
    body = {"clientId": "c", "group": "g", "subscriptionData": subscription}
    with RawClient(stage.cluster.broker) as broker:
        answer = broker.ask(RequestCode.CHECK_CLIENT_CONFIG, None, json.dumps(body).encode())
    return answer.code, answer.remark


def heartbeat(broker: RawClient, group: str, topic: str, expression: str, version: int, **fields: Any) -> None:
    """Tell the broker that this connection is a member of `group`, with one subscription."""
    subscription = {
        "classFilterMode": False, "codeSet": [], "expressionType": "SQL92", "subString": expression,
        "subVersion": version, "tagsSet": [], "topic": topic, **fields,
    }  # fmt: skip
    consumer = {
        "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "consumeType": "CONSUME_PASSIVELY", "groupName": group,
        "messageModel": "CLUSTERING", "subscriptionDataSet": [subscription], "unitMode": False,
    }  # fmt: skip
    body = {"clientID": f"raw@{group}", "consumerDataSet": [consumer], "producerDataSet": []}
    equal("heartbeat", broker.ask(RequestCode.HEART_BEAT, None, json.dumps(body).encode()).code, 0)


def pull(broker: RawClient, group: str, topic: str, **fields: object) -> tuple[int, str | None, dict[str, str]]:
    """Code, remark and fields of a pull from the beginning of queue 0, by the heartbeat's subscription."""
    request = {
        "consumerGroup": group, "topic": topic, "queueId": 0, "queueOffset": 0, "maxMsgNums": 32, "sysFlag": 0,
        "commitOffset": 0, "suspendTimeoutMillis": 0, "subVersion": 0, **fields,
    }  # fmt: skip
    answer = broker.ask(RequestCode.PULL_MESSAGE, {name: str(value) for name, value in request.items()})
    return answer.code, answer.remark, answer.ext_fields or {}


@scenario("java", of_broker=True)
def expression_selects_messages(stage: Stage) -> None:
    """Numbers and texts, nothing and unknown, brackets and precedence, as a pull consumer finds them."""
    stage.configure(enablePropertyFilter="true")
    topic = stage.topic()
    _send(stage, topic)
    queue = Queue(topic, stage.cluster.broker_name, 0)
    puller = _puller(stage, queue)
    for expression, expected in SELECTED:
        pulled = puller.pull(queue, 0, expression=expression, sql=True)
        equal(f"messages by {expression}", {int(stored.body) for stored in pulled.messages}, expected)
        equal(f"next offset by {expression}", pulled.next_begin_offset, len(PROPERTIES))


@scenario(*ALL, of_broker=True)
def expression_of_a_consumer_selects_messages(stage: Stage) -> None:
    """Those that were there, and those that come while it waits."""
    stage.configure(enablePropertyFilter="true")
    topic = stage.topic()
    _send(stage, topic)
    consumer = stage.consumer(topic, expression="a > 1 AND (b = 'x' OR b = 'y')", sql=True)
    equal("messages", _numbers(consumer, 2), [2, 3])
    producer = stage.producer()
    for number in range(20, 26):
        producer.send(Message(topic, f"{number}".encode(), properties={"a": f"{number}", "b": "xyz"[number % 3]}))
    equal("messages", _numbers(consumer, 6), [2, 3, 21, 22, 24, 25])


@scenario(*JAVA, of_broker=True)
def wrong_expression_does_not_start_a_consumer(stage: Stage) -> None:
    """The client asks the broker first, and says what it answered."""
    stage.configure(enablePropertyFilter="true")
    try:
        stage.consumer(stage.topic(), expression="a >", sql=True)
    except DriverError as error:
        equal("what the client throws", (error.kind, error.code), ("MQClientException", 23))
        holds(f"it says why: {error.text}", "org.apache.rocketmq.filter.parser.ParseException" in error.text)
    else:
        holds("the consumer does not start", False)


@scenario("java", of_broker=True)
def expressions_are_refused_where_they_are_off(stage: Stage) -> None:
    """With the same code whether a client asks, pulls, or starts."""
    stage.configure(enablePropertyFilter="false")
    topic = stage.topic()
    _send(stage, topic)
    remark = "The broker does not support consumer to filter message by SQL92"
    equal("answer to a question", check_client(stage, "a = 1"), (1, remark))
    try:
        stage.consumer(topic, expression="a = 1", sql=True)
    except DriverError as error:
        holds(f"the client says so: {error.code} {error.text}", error.code == 1 and remark in error.text)
    try:
        queue = Queue(topic, stage.cluster.broker_name, 0)
        _puller(stage, queue).pull(queue, 0, expression="a = 1", sql=True)
    except DriverError as error:
        holds(f"the client says so: {error.code} {error.text}", error.code == 1 and remark in error.text)
    else:
        holds("the pull is refused", False)
    group = stage.unique("group")
    with RawClient(stage.cluster.broker) as broker:
        heartbeat(broker, group, topic, "a = 1", 5)
        equal("pull by the heartbeat", pull(broker, group, topic, subVersion=5)[:2], (1, remark))


@scenario("java", of_broker=True)
def broker_tells_what_is_wrong_with_an_expression(stage: Stage) -> None:
    """The code is always the same, the remark that of the parser; types that are not known have none."""
    stage.configure(enablePropertyFilter="true")
    equal("a good one", check_client(stage, "a = 1"), (0, None))
    equal("tags", check_client(stage, "(", "TAG"), (0, None))
    equal("an unknown type", check_client(stage, "a = 1", "LUA")[0], 23)
    for expression in WRONG:
        code, remark = check_client(stage, expression)
        equal(f"code of {expression}", code, 23)
        known = ("org.apache.rocketmq.filter.parser.", "java.lang.")
        holds(f"{expression} is told why: {remark}", remark is None or remark.startswith(known))


@scenario("java", of_broker=True)
def pull_needs_the_subscription_of_a_heartbeat(stage: Stage) -> None:
    """Each thing that can be wrong with it has a code of its own."""
    stage.configure(enablePropertyFilter="true")
    topic, other, group = stage.topic(), stage.topic(), stage.unique("group")
    _send(stage, topic)
    faq = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."
    with RawClient(stage.cluster.broker) as broker:
        equal("nobody there", pull(broker, group, topic)[:2], (24, f"the consumer's group info not exist{faq}"))
        heartbeat(broker, group, topic, "a = 2", 100)
        found = pull(broker, group, topic, subVersion=100)
        equal("found", (*found[:2], found[2]["nextBeginOffset"]), (0, "FOUND", "9"))
        equal("another topic", pull(broker, group, other)[:2], (24, f"the consumer's subscription not exist{faq}"))
        late = (25, "the consumer's subscription not latest")
        equal("a newer version", pull(broker, group, topic, subVersion=101)[:2], late)
        heartbeat(broker, group, topic, "a =", 200)
        missing = (27, "The broker's consumer filter data is not exist!Your expression may be wrong!")
        equal("a wrong expression", pull(broker, group, topic, subVersion=200)[:2], missing)
        heartbeat(broker, group, topic, "a = 2", 300)
        equal("a good one again", pull(broker, group, topic, subVersion=300)[0], 0)
        unreadable = (23, "parse the consumer's subscription failed")
        equal("bars", pull(broker, group, topic, sysFlag=4, subscription="||")[:2], unreadable)


@scenario("java", of_broker=True)
def retries_pass_by_the_filter_where_it_covers_them(stage: Stage) -> None:
    """filterSupportRetry: what the group's expression does not select any more is not tried again."""
    quick_delays_of(stage, 1)
    for supported, expected in (("false", [1, 1, 2, 2]), ("true", [1, 2, 2])):
        stage.configure(enablePropertyFilter="true", filterSupportRetry=supported)
        topic, group = stage.topic(), stage.group()
        retries = Queue(f"%RETRY%{group}", stage.cluster.broker_name, 0)
        producer = stage.producer()
        first = stage.consumer(topic, group=group, expression="a = 1", sql=True)
        producer.send(Message(topic, b"1", properties={"a": "1", "fail": "1", "level": "1"}))
        numbers = _numbers(first, 1)
        first.stop()
        stage.wait_dispatched(retries, 1)
        second = stage.consumer(topic, group=group, expression="a = 2", sql=True)
        producer.send(Message(topic, b"2", properties={"a": "2", "fail": "1", "level": "1"}))
        becomes("messages", partial(_more_numbers, numbers, second), expected)


@scenario("java", of_broker=True)
def consume_queue_shows_the_subscription(stage: Stage) -> None:
    """QUERY_CONSUME_QUEUE: entries of a queue, and what the group that is asked about subscribes to."""
    stage.configure(enablePropertyFilter="true")
    topic, group = stage.topic(), stage.unique("group")
    _send(stage, topic)
    fields = {"topic": topic, "queueId": "0", "index": "1", "count": "2", "consumerGroup": group}
    with RawClient(stage.cluster.broker) as broker:
        nobody = broker.ask_json(RequestCode.QUERY_CONSUME_QUEUE, fields)
        equal("without a consumer", nobody["filterData"], f"{group}@{topic} is not online!")
        equal("bounds", (nobody["minQueueIndex"], nobody["maxQueueIndex"]), (0, 9))
        codes = [entry["tagsCode"] for entry in nobody["queueData"]]
        equal("tags codes", codes, [2598920, 0])
        heartbeat(broker, group, topic, "a = 2", 100)
        somebody = broker.ask_json(RequestCode.QUERY_CONSUME_QUEUE, fields)
        equal("expression", somebody["subscriptionData"]["subString"], "a = 2")
        data = json.loads(somebody["filterData"])
        expected = ("a = 2", "SQL92", 100, False)
        found = tuple(data[name] for name in ("expression", "expressionType", "clientVersion", "dead"))
        equal("filter", found, expected)
        answer = broker.ask(RequestCode.QUERY_CONSUME_QUEUE, {**fields, "queueId": "7"})
        equal("no such queue", (answer.code, answer.remark), (1, f"7@{topic} is not exist!"))
        answer = broker.ask(RequestCode.QUERY_CONSUME_QUEUE, {**fields, "index": "9"})
        equal("no such entry", (answer.code, answer.body), (0, b""))
