"""Rules about requests that go wrong: which ones, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import gevent

from rocketpy.errors import FieldError, ReplyError
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.query import QueryMessage, ViewMessageById
from rocketpy.protocol.api.route import TopicRouteData
from rocketpy.protocol.api.send import SendBatchMessage, SendMessage
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import HOLD, Command, Reply
from rocketpy.protocol.header import Header
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Answer, Handler

ANSWERED_LATER = frozenset(
    code
    for request in (SendMessage, SendBatchMessage, PullMessage, QueryMessage, ViewMessageById)
    for code in request.codes
)
"""Requests whose handlers may answer by `peer.reply`, and do not keep the peer for anything else."""

_GROUPS = ("group", "consumer_group", "producer_group")
_TOPICS = ("topic", "origin_topic")
_TESTERS = "TOOLS_CONSUMER"
"""The group that `inspector` pulls for."""


class Action:
    """What becomes of a request: nothing out of the ordinary."""

    waits = False
    """Whether it takes its time, so that the connection must go on without it."""

    def before(self, peer: Connection) -> bool:
        """Whether the request is to be handled; if not, it is not answered. Raises ReplyError."""
        return True

    def after(self, peer: Connection, reply: Reply) -> Reply | None:
        """What is answered when it was handled, None for nothing."""
        return reply


@dataclass(frozen=True)
class Refuse(Action):
    """Answer with an error, and do nothing."""

    code: int
    remark: str | None

    def before(self, peer: Connection) -> bool:
        raise ReplyError(self.code, self.remark)


@dataclass(frozen=True)
class Restate(Action):
    """Do it, but answer with another code."""

    code: int
    remark: str | None

    def after(self, peer: Connection, reply: Reply) -> Reply | None:
        if reply.code == ResponseCode.SUCCESS:
            reply.code, reply.remark = self.code, self.remark
        return reply


@dataclass(frozen=True)
class Delay(Action):
    """Take some seconds, of real time, before or after doing it."""

    seconds: float
    afterwards: bool
    waits = True

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not self.seconds >= 0:
            raise ValueError(f"seconds are 0 or more, not {self.seconds}")

    def before(self, peer: Connection) -> bool:
        if not self.afterwards:
            gevent.sleep(self.seconds)
        return not peer.closed

    def after(self, peer: Connection, reply: Reply) -> Reply | None:
        if self.afterwards:
            gevent.sleep(self.seconds)
        return reply


@dataclass(frozen=True)
class Lose(Action):
    """Do not answer; with `afterwards` it is done all the same. With `closes` the connection is gone, too."""

    afterwards: bool
    closes: bool

    def before(self, peer: Connection) -> bool:
        if not self.afterwards:
            self._close(peer)
        return self.afterwards

    def after(self, peer: Connection, reply: Reply) -> Reply | None:
        self._close(peer)
        return None

    def _close(self, peer: Connection) -> None:
        if self.closes:
            peer.close("a fault was asked for")


@dataclass(frozen=True)
class Misdirect(Action):
    """Give a route to an address where the broker is not."""

    address: str

    def after(self, peer: Connection, reply: Reply) -> Reply | None:
        if reply.code == ResponseCode.SUCCESS and isinstance(reply.body, bytes):
            route = TopicRouteData.from_json(reply.body)
            for broker in route.broker_datas:
                broker.broker_addrs = dict.fromkeys(broker.broker_addrs, self.address)
            reply.body = route.to_json()
        return reply


ClientIds = Callable[[Connection], set[str]]
"""Gives the ids that the clients on a connection have in their heartbeats."""


@dataclass(eq=False)
class Rule:
    """An action, and which requests it is about; see `faults.Where` for what the names mean."""

    codes: frozenset[int]
    action: Action
    server: str | None = None
    topic: str | None = None
    group: str | None = None
    client_id: str | None = None
    peer: str | None = None
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    hits: int = 0
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        """Raises ValueError for a number out of its range."""
        if self.server not in (None, "broker", "namesrv"):
            raise ValueError(f"a server is 'broker' or 'namesrv', not {self.server!r}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"a probability is between 0 and 1: {self.probability}")
        if self.skip < 0 or (self.times is not None and self.times < 0):
            raise ValueError("times and skip are 0 or more")
        self._random = Random(self.seed)

    def applies(self, peer: Connection, request: Header, command: Command, client_ids: ClientIds) -> bool:
        """Whether it is about this request; counts those that it is about."""
        if not self._matches(peer, request, client_ids) or self.times == self.hits:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def _matches(self, peer: Connection, request: Header, client_ids: ClientIds) -> bool:
        """Pulls of the test itself, which looks at messages, are none of it, unless it is about them."""
        return (
            (self.topic is None or self.topic in _values(request, _TOPICS))
            and (self.group in _values(request, _GROUPS) if self.group else _TESTERS not in _values(request, _GROUPS))
            and (self.peer is None or self.peer in (peer.remote_address, peer.remote_address.rpartition(":")[0]))
            and (
                self.client_id is None
                or self.client_id == _value(request, "client_id")
                or self.client_id in client_ids(peer)
            )
        )


class Intercepted:
    """The peer of a request as its handler sees it: what is answered later passes the rules first."""

    def __init__(self, peer: Connection, change: Callable[[Reply], Reply | None]) -> None:
        self._peer = peer
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._peer, name)

    def reply(self, command: Command, reply: Reply) -> None:
        """Answer, perhaps; a rule may wait, which whoever answers must not."""
        gevent.spawn(self._reply, command, reply)

    def _reply(self, command: Command, reply: Reply) -> None:
        changed = self._change(reply)
        if changed is not None:
            self._peer.reply(command, changed)


def intercept(original: Handler, rules: Callable[[], list[Rule]], client_ids: ClientIds, later: bool) -> Handler:
    """A handler with `rules` around it, the first one outermost; `later`: it may answer by `peer.reply`."""

    def handle(peer: Connection, request: Any, command: Command) -> Answer:
        actions = [rule.action for rule in rules() if rule.applies(peer, request, command, client_ids)]
        if not all(action.before(peer) for action in actions):
            return HOLD

        def change(reply: Reply) -> Reply | None:
            changed: Reply | None = reply
            for action in reversed(actions):
                changed = None if changed is None else action.after(peer, changed)
            return changed

        seen: Any = Intercepted(peer, change) if later and actions else peer
        try:
            answer: Answer = original(seen, request, command)
        except ReplyError as error:
            if not actions:
                raise
            answer = Reply(error.code, error.header, remark=error.remark)
        if isinstance(answer, Reply):
            return change(answer) or HOLD
        return answer

    return handle


def _values(request: Header, attributes: tuple[str, ...]) -> list[object]:
    return [_value(request, attribute) for attribute in attributes]


def _value(request: Header, attribute: str) -> object:
    try:
        return getattr(request, attribute, None)
    except FieldError:  # it is missing in this request, which its handler will say
        return None
