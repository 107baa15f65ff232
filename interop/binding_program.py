"""A program for the C++ binding, as its users write them. It runs with the binding, and with what stands in for it.

    python binding_program.py PACKAGE NAMESRV VERB REQUEST

PACKAGE is `rocketmq` or `rocketpy.compat_client`, REQUEST the arguments of the verb as JSON, with the `account` to sign
with if there is one; what came of it is printed as JSON. What a package does not have is left out. Nothing of the
project is imported, so that the binding is alone.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

PATIENCE = 60.0
"""Seconds that a callback is waited for."""
SEND_TIMEOUT = 30_000
"""In ms: what comes late on a busy machine is not to be sent twice."""


class Program:
    """The verbs."""

    def __init__(self, package: str, namesrv: str, account: list[str] | None) -> None:
        self.client = importlib.import_module(f"{package}.client")
        self.hasty = package == "rocketmq"
        self.namesrv = namesrv
        self.account = account

    def produce(self, topic: str, group: str) -> dict[str, Any]:
        """Send in every way there is; what each came to."""
        producer = self._at(self.client.Producer(group, timeout=SEND_TIMEOUT))
        producer.start()

        def sent(body: str, send: Callable[..., Any] = producer.send_sync, *arguments: Any) -> list[Any]:
            return _sent(self._patiently(partial(send, self._message(topic, body), *arguments)))

        outcomes: dict[str, Any] = {
            "sync": [sent(f"sync {n}") for n in range(3)],
            "empty": _failure(lambda: producer.send_sync(self._message(topic, ""))),
            "large": _failure(lambda: producer.send_sync(self._message(topic, "x" * (129 << 10)))),
        }
        self._patiently(partial(producer.send_oneway, self._message(topic, "oneway")))
        with ThreadPoolExecutor(4) as threads:
            outcomes["threads"] = list(threads.map(sent, [f"thread {n}" for n in range(4)]))
        if hasattr(producer, "send_async"):
            outcomes["async"] = [sent("async", partial(_awaited, producer.send_async))]
        if hasattr(producer, "send_orderly"):
            outcomes["orderly"] = [sent(f"orderly {n}", producer.send_orderly, 2) for n in (0, 1)]
        if hasattr(producer, "send_orderly_with_sharding_key"):
            send = producer.send_orderly_with_sharding_key
            outcomes["sharded"] = [sent(f"sharded {n}", send, "orderId") for n in (0, 1)]
        producer.shutdown()
        return outcomes

    def consume(self, topic: str, group: str, count: int, expression: str, orderly: bool) -> list[Any]:
        """The first `count` messages that a push consumer is given."""
        got: list[Any] = []
        done = threading.Event()

        def callback(message: Any) -> Any:
            got.append(_shown(message))
            if len(got) >= count:
                done.set()
            return self._status("CONSUME_SUCCESS")

        consumer = self._at(self.client.PushConsumer(group, orderly))
        consumer.set_thread_count(1)
        consumer.subscribe(topic, callback, expression)
        consumer.start()
        done.wait(PATIENCE)
        consumer.shutdown()
        return got

    def consume_later(self, topic: str, group: str) -> list[Any]:
        """The first two messages of a push consumer that puts the first off."""
        got: list[Any] = []
        done = threading.Event()

        def callback(message: Any) -> Any:
            got.append(_shown(message))
            if len(got) == 1:
                return self._status("RECONSUME_LATER")
            done.set()
            return self._status("CONSUME_SUCCESS")

        consumer = self._at(self.client.PushConsumer(group))
        consumer.subscribe(topic, callback)
        consumer.start()
        done.wait(PATIENCE)
        consumer.shutdown()
        return got

    def pull(self, topic: str, group: str) -> list[Any]:
        """All messages of a topic."""
        consumer = self._at(self.client.PullConsumer(group))
        consumer.start()

        def pulled() -> list[Any]:
            messages = [_shown(message) for message in consumer.pull(topic)]
            if self.hasty and not messages:
                raise LookupError("nothing, as if there were no such topic")
            return messages

        got = self._patiently(pulled)
        again = list(consumer.pull(topic))
        consumer.shutdown()
        return [*got, *again]

    def transact(self, topic: str, group: str, consumer_group: str) -> dict[str, Any]:
        """Three transactions: one commits, one rolls back, one is asked about and commits then; what is delivered."""
        status = self.client.TransactionStatus
        checked: list[Any] = []
        done = threading.Event()

        def check(message: Any) -> Any:
            checked.append(_shown(message))
            done.set()
            return status.COMMIT

        local: list[Any] = []

        def execute(outcome: Any) -> Any:
            def local_execute(message: Any, user_args: Any) -> Any:
                local.append([message.topic, message.body.decode(), user_args])
                return outcome

            return local_execute

        producer = self._at(self.client.TransactionMQProducer(group, check, timeout=SEND_TIMEOUT))
        producer.start()
        sent = [
            _sent(producer.send_message_in_transaction(self._message(topic, one.name), execute(one), None))
            for one in (status.COMMIT, status.ROLLBACK, status.UNKNOWN)
        ]
        done.wait(PATIENCE)
        delivered = self.consume(topic, consumer_group, 2, "*", False)
        producer.shutdown()
        return {"sent": sent, "local": local, "checked": checked, "delivered": delivered}

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """What comes of the call; again, if need be, with the binding, whose library gives up at once when another of
        its threads uses the connection, or a name server is late: it sends nothing then, and pulls nothing.
        """
        deadline = time.monotonic() + PATIENCE
        while self.hasty and time.monotonic() < deadline:
            with suppress(Exception):
                return call()
        return call()

    def _at(self, member: Any) -> Any:
        """With the name server set, by the method's name of the time, and the account if there is one."""
        name = "set_name_server_address" if hasattr(member, "set_name_server_address") else "set_namesrv_addr"
        getattr(member, name)(self.namesrv)
        if self.account is not None:
            member.set_session_credentials(*self.account, "ALIYUN")
        return member

    def _message(self, topic: str, body: str) -> Any:
        message = self.client.Message(topic)
        message.set_tags(body.split(" ")[0] or "empty")
        message.set_keys(body.replace(" ", "-"))
        message.set_property("née", "ça")
        message.set_body(body)
        return message

    def _status(self, name: str) -> Any:
        """What a callback answers; before 2.0.0 nothing was asked for."""
        statuses = getattr(self.client, "ConsumeStatus", None)
        return None if statuses is None else getattr(statuses, name)


def _awaited(send_async: Callable[..., None], message: Any) -> Any:
    told: queue.Queue[Any] = queue.Queue()
    send_async(message, told.put, told.put)
    result = told.get(timeout=PATIENCE)
    if isinstance(result, Exception):
        raise result
    return result


def _sent(result: Any) -> list[Any]:
    status, msg_id, offset = result
    return [status, type(status).__name__, bool(msg_id) and type(msg_id).__name__, type(offset).__name__]


def _failure(call: Any) -> list[str]:
    try:
        call()
    except Exception as error:
        return [type(error).__name__, type(error).__mro__[1].__name__]
    return []


def _shown(message: Any) -> dict[str, Any]:
    return {
        "topic": message.topic,
        "body": bytes(message).decode(),
        "text": str(message),
        "tags": message.tags.decode(),
        "keys": message.keys.decode(),
        "property": message.get_property("née").decode(),
        "missing": message["missing"].decode(),
        "id": type(message.id).__name__,
        "times": message.reconsume_times,
        "queue_id": message.queue_id,
        "queue_offset": message.queue_offset,
    }


def main() -> None:
    """Print what comes of the verb, and leave at once: the binding's threads may outlive its objects."""
    package, namesrv, verb, request = sys.argv[1:]
    arguments = json.loads(request)
    program = Program(package, namesrv, arguments.pop("account", None))
    outcome = getattr(program, verb)(**arguments)
    print(json.dumps(outcome), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
