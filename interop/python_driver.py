"""Our own Python client in the place of an official one: the verbs of the drivers, done in this process.

Requests and answers are the same JSON, so that a scenario cannot tell it from a program.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from interop.driver import Driver, DriverError
from interop.python_pullers import Pullers
from interop.python_shapes import (
    Request,
    message_of,
    queue_of,
    show_message,
    show_messages,
    show_queues,
    show_sent,
)
from rocketpy.client import (
    BrokerError,
    ClientError,
    ConsumeContext,
    ConsumeFromWhere,
    ConsumeStatus,
    LitePullConsumer,
    LocalTransactionState,
    Message,
    MessageModel,
    MessageQueue,
    Producer,
    PushConsumer,
    ReceivedMessage,
    RequestTimeout,
    Sql92,
    TransactionListener,
    create_reply,
)


class PythonDriver(Driver):
    """The client under remote control; `directory` gets the files of broadcasting groups."""

    def __init__(self, name: str, directory: Path, serialization: Literal["JSON", "ROCKETMQ"]) -> None:
        self.name = name
        self.verbs: dict[str, Callable[[Request], Any]] = {}
        for part in (Producers(serialization), Consumers(serialization, directory), Pullers(serialization)):
            self.verbs |= part.verbs()
        self.verbs["mqadmin"] = _mqadmin

    def ask(self, verb: str, **request: Any) -> Any:
        """What the client does. Raises DriverError with what it raised."""
        try:
            answer = self.verbs[verb](json.loads(json.dumps(request)))
        except Exception as error:
            raise _described(error) from error
        return json.loads(json.dumps(answer))

    def stop(self) -> None:
        """Nothing: scenarios stop what they start."""


def python_driver(directory: Path) -> Driver:
    """Our client with JSON headers."""
    return PythonDriver("python", directory, "JSON")


def binary_python_driver(directory: Path) -> Driver:
    """Our client with binary headers."""
    return PythonDriver("python-binary", directory, "ROCKETMQ")


class Producers:
    """Producers by group: sends, transactions, requests and what every client may ask."""

    def __init__(self, serialization: Literal["JSON", "ROCKETMQ"]) -> None:
        self._serialization = serialization
        self._producers: dict[str, Producer] = {}
        self._inboxes: dict[str, Inbox] = {}

    def verbs(self) -> dict[str, Callable[[Request], Any]]:
        """What it can be told."""
        return {
            "start_producer": self._start,
            "stop_producer": self._stop,
            "start_transaction_producer": self._start_transactions,
            "stop_transaction_producer": self._stop,
            "send": self._send,
            "send_in_transaction": self._send_in_transaction,
            "questions": lambda request: self._inboxes[request["group"]].wait(request),
            "request": self._request,
            "request_async": self._request_async,
            "create_topic": lambda request: self._of(request).create_topic(
                request["topic"], request["queues"], key=request["key"]
            ),
            "publish_queues": lambda request: show_queues(self._of(request).publish_queues(request["topic"])),
            "queue_bounds": self._bounds,
            "search_offset": lambda request: self._of(request).offset_for_timestamp(
                queue_of(request["queue"]), request["timestamp"]
            ),
            "query": lambda request: show_messages(
                self._of(request).query_messages(request["topic"], request["key"], max_count=request["count"]).messages
            ),
            "view": lambda request: show_message(self._of(request).view_message(request["msg_id"], request["topic"])),
            "view_by_offset_id": lambda request: show_message(self._of(request).view_message(request["msg_id"])),
        }

    def _of(self, request: Request) -> Producer:
        return self._producers[request["group"]]

    def _start(self, request: Request, listener: TransactionListener | None = None) -> None:
        producer = Producer(
            request["group"],
            namesrv=request["namesrv"],
            namespace=request.get("namespace"),
            trace=request.get("trace_topic") or request.get("trace", False),
            vip_channel=request.get("vip", False),
            send_timeout=10.0,
            poll_namesrv_interval=2.0,
            heartbeat_interval=30.0 if listener is None else 1.0,
            serialization=self._serialization,
            transaction_listener=listener,
        )
        producer.start()
        self._producers[request["group"]] = producer

    def _stop(self, request: Request) -> None:
        self._producers.pop(request["group"]).stop()

    def _start_transactions(self, request: Request) -> None:
        inbox = self._inboxes[request["group"]] = Inbox()

        def check(message: ReceivedMessage) -> LocalTransactionState:
            inbox.add([message])
            properties = message.properties
            if int(properties["TRANSACTION_CHECK_TIMES"]) < int(properties.get("answer_at", 0)):
                return LocalTransactionState.UNKNOW
            return LocalTransactionState(properties.get("answer", "UNKNOW"))

        def execute(message: Message, argument: object) -> LocalTransactionState:
            return LocalTransactionState(message.properties.get("end", "UNKNOW"))

        self._start(request, TransactionListener(execute, check))

    def _send(self, request: Request) -> list[Any]:
        producer = self._of(request)
        messages = [message_of(fields) for fields in request["messages"]]
        how = request["how"]
        queue = queue_of(request["queue"]) if "queue" in request else None
        if how == "batch":
            return [show_sent(result) for result in producer.send_batch(messages)]
        if how == "async":
            futures = [producer.send_async(message) for message in messages]
            return [show_sent(future.result(30)) for future in futures]
        if how == "oneway":
            for message in messages:
                producer.send_oneway(message, queue=queue)
            return [{} for _ in messages]
        key = request.get("sharding_key")
        return [show_sent(producer.send(message, queue=queue, sharding_key=key)) for message in messages]

    def _send_in_transaction(self, request: Request) -> list[dict[str, Any]]:
        shown = []
        for fields in request["messages"]:
            result = self._of(request).send_in_transaction(message_of(fields))
            sent = show_sent(result)
            shown.append({
                **{name: sent[name] for name in ("status", "msg_id", "queue", "queue_offset")},
                "transaction_id": result.transaction_id,
                "state": str(result.local_state),
            })  # fmt: skip
        return shown

    def _request(self, request: Request) -> dict[str, Any]:
        message = message_of(request["messages"][0])
        return show_message(self._of(request).request(message, timeout=request["timeout"] / 1000))

    def _request_async(self, request: Request) -> list[dict[str, Any]]:
        messages = [message_of(fields) for fields in request["messages"]]
        timeout = request["timeout"] / 1000
        futures: list[Future[ReceivedMessage]] = [
            self._of(request).request_async(message, timeout=timeout) for message in messages
        ]
        return [show_message(future.result(timeout + 30)) for future in futures]

    def _bounds(self, request: Request) -> dict[str, int]:
        producer, queue = self._of(request), queue_of(request["queue"])
        return {
            "min_offset": producer.min_offset(queue),
            "max_offset": producer.max_offset(queue),
            "earliest_store_time": producer.earliest_store_time(queue),
        }


class Consumers:
    """Push and lite pull consumers by name, and those that answer requests."""

    def __init__(self, serialization: Literal["JSON", "ROCKETMQ"], directory: Path) -> None:
        self._serialization = serialization
        self._directory = directory
        self._consumers: dict[str, PushConsumer | Lite] = {}
        self._inboxes: dict[str, Inbox] = {}
        self._repliers: dict[str, Producer] = {}
        self._replies: dict[str, list[str]] = {}

    def verbs(self) -> dict[str, Callable[[Request], Any]]:
        """What it can be told."""
        return {
            "start_consumer": self._start,
            "received": lambda request: self._inboxes[request["name"]].wait(request),
            "assigned": lambda request: show_queues(self._consumers[request["name"]].assigned()),
            "stop_consumer": lambda request: self._consumers.pop(request["name"]).stop(),
            "start_replier": self._start_replier,
            "stop_replier": self._stop_replier,
            "asked": lambda request: self._inboxes[request["name"]].wait(request),
            "replies_sent": lambda request: list(self._replies[request["name"]]),
        }

    def _start(self, request: Request) -> None:
        inbox = self._inboxes[request["name"]] = Inbox()
        expression = Sql92(request["expression"]) if request.get("sql") else request["expression"]
        options = self._options(request) | {"consume_from": _where(request)}
        if "from_time" in request:
            options["consume_timestamp"] = datetime.strptime(request["from_time"], "%Y%m%d%H%M%S")
        wanted = {request["topic"]: expression}
        consumer: PushConsumer | Lite
        if request.get("lite"):
            options["trace"] = request.get("trace", False)
            lite = LitePullConsumer(request["group"], wanted, auto_commit=False, poll_timeout=0.1, **options)
            lite.start()
            consumer = Lite(lite, inbox)
        else:
            if "max_reconsume_times" in request:
                options["max_reconsume_times"] = request["max_reconsume_times"]
            model = MessageModel.BROADCASTING if request.get("broadcast") else MessageModel.CLUSTERING
            consumer = PushConsumer(
                request["group"],
                _listener(inbox),
                wanted,
                model=model,
                orderly=request.get("orderly", False),
                local_offsets=str(self._directory / "offsets"),
                unit_mode=request.get("unit_mode", False),
                trace=request.get("trace_topic") or request.get("trace", False),
                **options,
            )
            consumer.start()
        self._consumers[request["name"]] = consumer

    def _options(self, request: Request) -> dict[str, Any]:
        return {
            "namesrv": request["namesrv"],
            "instance_name": request["name"],
            "namespace": request.get("namespace"),
            "vip_channel": request.get("vip", False),
            "poll_namesrv_interval": 2.0,
            "pull_retry_delay": 0.3,
            "serialization": self._serialization,
        }

    def _start_replier(self, request: Request) -> None:
        name = request["name"]
        inbox, results = Inbox(), list[str]()
        self._inboxes[name], self._replies[name] = inbox, results
        producer = Producer(f"{request['group']}_replies", namesrv=request["namesrv"], send_timeout=10.0)
        producer.start()

        def listener(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
            inbox.add(messages)
            if "silent" in messages[0].properties:
                return
            try:
                reply = create_reply(messages[0], b"re: " + messages[0].body)
                results.append(str(producer.send(reply).status))
            except Exception as error:
                results.append(str(error.__cause__ or error))

        consumer = PushConsumer(request["group"], listener, {request["topic"]: "*"}, **self._options(request))
        consumer.start()
        self._consumers[name], self._repliers[name] = consumer, producer

    def _stop_replier(self, request: Request) -> None:
        self._consumers.pop(request["name"]).stop()
        self._repliers.pop(request["name"]).stop()


class Lite:
    """A lite pull consumer that polls in a thread until it is stopped."""

    def __init__(self, consumer: LitePullConsumer, inbox: Inbox) -> None:
        self._consumer = consumer
        self._inbox = inbox
        self._stopping = False
        self._thread = threading.Thread(target=self._poll, name="lite pull", daemon=True)
        self._thread.start()

    def assigned(self) -> list[MessageQueue]:
        """The queues that it reads."""
        return self._consumer.assignment()

    def stop(self) -> None:
        """End the thread and the consumer."""
        self._stopping = True
        self._thread.join()
        self._consumer.stop()

    def _poll(self) -> None:
        while not self._stopping:
            if messages := self._consumer.poll():
                with suppress(ClientError):
                    self._consumer.commit()
                self._inbox.add(messages)


class Inbox:
    """Messages in the order of their arrival."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._arrived = threading.Condition()

    def add(self, messages: Sequence[ReceivedMessage]) -> None:
        """Take some in."""
        with self._arrived:
            self._messages += show_messages(messages)
            self._arrived.notify_all()

    def wait(self, request: Request) -> list[dict[str, Any]]:
        """What is there once there are "count" messages, or after "timeout" ms."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._messages) >= request["count"], request["timeout"] / 1000)
            return list(self._messages)


def _mqadmin(request: Request) -> dict[str, str]:
    """What our own mqadmin prints."""
    command = [str(Path(sys.executable).with_name("mqadmin")), *request["arguments"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {"out": done.stdout, "err": done.stderr}


def _listener(inbox: Inbox) -> Callable[[Sequence[ReceivedMessage], ConsumeContext], ConsumeStatus]:
    """Messages say themselves how often they fail, and after which level they come again."""

    def listener(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> ConsumeStatus:
        inbox.add(messages)
        first = messages[0]
        context.suspend = 0.1
        context.delay_level = int(first.properties.get("level", 0))
        fails = first.reconsume_times < int(first.properties.get("fail", 0))
        return ConsumeStatus.RECONSUME_LATER if fails else ConsumeStatus.SUCCESS

    return listener


def _where(request: Request) -> ConsumeFromWhere:
    if "from_time" in request:
        return ConsumeFromWhere.CONSUME_FROM_TIMESTAMP
    if request.get("from_last"):
        return ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
    return ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET


def _described(error: Exception) -> DriverError:
    """By the names that Java gives such errors."""
    if isinstance(error, RequestTimeout):
        return DriverError("RequestTimeoutException", error.code, str(error))
    if isinstance(error, BrokerError):
        return DriverError("MQBrokerException", error.code, str(error))
    if isinstance(error, ClientError):
        return DriverError("MQClientException", error.code, str(error))
    return DriverError(type(error).__name__, None, str(error))
