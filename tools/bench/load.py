"""The load generator: a fixed number of requests in flight on some connections, from one thread without greenlets."""

from __future__ import annotations

import select
import socket
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.bench.frames import PullFrame, Ring
from tools.bench.replies import Replies, next_begin_offset

_READ_SIZE = 1 << 17
_PATIENCE = 10.0


class Refused(Exception):
    """The broker answered something that no load may be built on."""


@dataclass
class Measured:
    """What one or several rounds of a case gave."""

    messages: int = 0
    requests: int = 0
    seconds: float = 0.0
    client_cpu: float = 0.0
    broker_cpu: float = 0.0
    failures: int = 0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from send to reply of every request."""

    def add(self, other: Measured) -> None:
        """Take another round into account."""
        self.messages += other.messages
        self.requests += other.requests
        self.seconds += other.seconds
        self.client_cpu += other.client_cpu
        self.broker_cpu += other.broker_cpu
        self.failures += other.failures
        self.latencies.extend(other.latencies)


class _Link:
    """One connection and what is in flight on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = Replies()
        self.in_flight = 0

    def read(self) -> bytes:
        data = self.socket.recv(_READ_SIZE)
        if not data:
            raise Refused("the broker closed the connection")
        return data


def _serve(links: list[_Link], on_readable: Callable[[_Link], None], until: Callable[[], bool]) -> None:
    """Wait for input and hand it on; one connection needs no poll."""
    if len(links) == 1:
        while not until():
            on_readable(links[0])
        return
    poll = select.epoll()
    by_fd = {link.socket.fileno(): link for link in links}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    while not until():
        ready = poll.poll(_PATIENCE)
        if not ready:
            raise Refused(f"no answer for {_PATIENCE:.0f} s")
        for fd, _ in ready:
            on_readable(by_fd[fd])
    poll.close()


def send(port: int, ring: Ring, in_flight: int, connections: int, seconds: float) -> Measured:
    """Keep `in_flight` requests of `ring` under way for `seconds`, over `connections`; then wait for all replies."""
    links = [_Link(port) for _ in range(connections)]
    measured = Measured()
    frames, count = ring.frames, len(ring.frames)
    sent_at = [0.0] * count
    latency = measured.latencies.append
    clock = time.perf_counter
    at = 0
    stop_at = 0.0

    def submit(link: _Link, number: int, now: float) -> None:
        nonlocal at
        if at + number > count:
            at = 0
        sent_at[at : at + number] = [now] * number
        link.socket.sendall(frames[at] if number == 1 else b"".join(frames[at : at + number]))
        at += number
        link.in_flight += number

    def on_readable(link: _Link) -> None:
        data = link.read()
        now = clock()
        done = 0
        for opaque, code, _, _ in link.replies.feed(data):
            done += 1
            latency(now - sent_at[opaque])
            if code:
                measured.failures += 1
        link.in_flight -= done
        if done and now < stop_at:
            submit(link, done, clock())

    cpu = time.process_time()
    begun = clock()
    stop_at = begun + seconds
    for index, link in enumerate(links):
        share = in_flight // connections + (index < in_flight % connections)
        submit(link, share, begun)
    _serve(links, on_readable, lambda: not any(link.in_flight for link in links))
    measured.seconds = clock() - begun
    measured.client_cpu = time.process_time() - cpu
    measured.requests = len(measured.latencies)
    measured.messages = (measured.requests - measured.failures) * ring.messages
    for link in links:
        link.socket.close()
    return measured


def pull(port: int, queues: int, seconds: float) -> Measured:
    """Read `queues` queues from their beginning, each with one pull under way, again from 0 when one is read out."""
    link = _Link(port)
    measured = Measured()
    pulls = [PullFrame(queue_id, queue_id) for queue_id in range(queues)]
    queue_offsets = [0] * queues
    sent_at = [0.0] * queues
    latency = measured.latencies.append
    clock = time.perf_counter
    cpu = time.process_time()
    begun = clock()
    stop_at = begun + seconds

    def on_readable(link: _Link) -> None:
        data = link.read()
        now = clock()
        requests = []
        for queue_id, code, begin, end in link.replies.feed(data):
            latency(now - sent_at[queue_id])
            link.in_flight -= 1
            if code == 0:
                next_offset = next_begin_offset(link.replies.data, begin, end)
                measured.messages += next_offset - queue_offsets[queue_id]
                queue_offsets[queue_id] = next_offset
            elif queue_offsets[queue_id]:
                queue_offsets[queue_id] = 0
            else:
                raise Refused(f"pull of queue {queue_id} from 0: code {code}")
            if now < stop_at:
                requests.append(pulls[queue_id].at(queue_offsets[queue_id]))
                sent_at[queue_id] = now
        if requests:
            link.socket.sendall(b"".join(requests))
            link.in_flight += len(requests)

    sent_at = [begun] * queues
    link.socket.sendall(b"".join(one.at(0) for one in pulls))
    link.in_flight = queues
    _serve([link], on_readable, lambda: not link.in_flight)
    measured.seconds = clock() - begun
    measured.client_cpu = time.process_time() - cpu
    measured.requests = len(measured.latencies)
    link.socket.close()
    return measured
