"""Our client as a program that does what it is told, as the official ones of interop/ do: see `interop.driver`.

It imports nothing but the client, so that what it occupies is the client's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from threading import Event, Lock, Semaphore
from typing import Any

from rocketpy.client import (
    ConsumeContext,
    ConsumeFromWhere,
    Message,
    Producer,
    PushConsumer,
    ReceivedMessage,
    SendResult,
)

Request = dict[str, Any]

_members: dict[str, AbstractContextManager[Producer | PushConsumer]] = {}


class Backlog:
    """A listener that waits until it has seen so many messages."""

    def __init__(self, count: int) -> None:
        self.seen = 0
        self.first = 0.0
        self.all_seen = Event()
        self._count = count
        self._lock = Lock()

    def __call__(self, messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        with self._lock:
            if not self.seen:
                self.first = time.perf_counter()
            self.seen += len(messages)
            if self.seen >= self._count:
                self.all_seen.set()


def start_producer(request: Request) -> None:
    """A producer of that group."""
    producer = Producer(request["group"], namesrv=request["namesrv"])
    producer.start()
    _members[request["group"]] = producer


def start_consumer(request: Request) -> None:
    """A push consumer with nothing to do."""
    consumer = PushConsumer(
        request["group"], lambda messages, context: None, {request["topic"]: "*"}, namesrv=request["namesrv"]
    )
    consumer.start()
    _members[request["group"]] = consumer


def bench_send(request: Request) -> dict[str, Any]:
    """Sends for some time, each message after the last or several in flight."""
    producer = _members[request["group"]]
    assert isinstance(producer, Producer)
    topic, body, in_flight = request["topic"], bytes(request["size"]), request["in_flight"]
    begun = time.perf_counter()
    until = begun + request["milliseconds"] / 1000
    sent = failed = 0
    if in_flight == 1:
        while time.perf_counter() < until:
            producer.send(Message(topic, body))
            sent += 1
        return _outcome(sent, begun)
    free = Semaphore(in_flight)

    def settled(future: Future[SendResult]) -> None:
        nonlocal failed
        failed += future.exception() is not None
        free.release()

    while time.perf_counter() < until:
        free.acquire()
        producer.send_async(Message(topic, body)).add_done_callback(settled)
        sent += 1
    for _ in range(in_flight):
        free.acquire()
    return _outcome(sent - failed, begun)


def bench_consume(request: Request) -> dict[str, Any]:
    """Consumes a backlog of `count` messages; the seconds are those from the first to the last."""
    backlog = Backlog(request["count"])
    where = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
    wanted = {request["topic"]: "*"}
    with PushConsumer(request["group"], backlog, wanted, namesrv=request["namesrv"], consume_from=where):
        backlog.all_seen.wait(request["timeout"] / 1000)
        return _outcome(backlog.seen, backlog.first)


def main() -> None:
    """Answer a line of JSON with a line of JSON until there are no more."""
    verbs = {one.__name__: one for one in (start_producer, start_consumer, bench_send, bench_consume)}
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {"id": request["id"]}
        try:
            answer["ok"] = verbs[request["verb"]](request)
        except Exception as error:
            answer["error"] = {"type": type(error).__name__, "text": str(error)}
        print(json.dumps(answer), flush=True)


def _outcome(messages: int, begun: float) -> dict[str, Any]:
    return {"messages": messages, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    main()
