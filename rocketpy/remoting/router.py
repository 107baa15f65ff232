"""From a request's code to the method that answers it, and from what that method does to the bytes of the answer."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import gevent

from rocketpy.errors import AccessDenied, FieldError, ReplyError, RocketpyError
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import HOLD, JSON, ONEWAY_FLAG, Buffer, Command, Hold, Reply, encode_reply
from rocketpy.protocol.header import Header

if TYPE_CHECKING:
    from rocketpy.remoting.connection import Connection

log = logging.getLogger(__name__)

Answer = Reply | Hold | None
Handler = Callable[["Connection", Any, Command], Answer]
Guard = Callable[[str, Command], None]
"""Gets the address of a peer and its request; raises AccessDenied to refuse it."""
H = TypeVar("H", bound=Callable[..., Answer])

_NOTHING: list[Buffer] = []


class Mark(NamedTuple):
    """What `handles` notes of a method."""

    requests: tuple[type[Header], ...]
    vip: bool
    spawn: bool


_MARKS: dict[object, Mark] = {}
"""By method: beside them, since methods of a compiled class take no attributes."""


class Route(NamedTuple):
    """One code's way: who answers, and how the request is read."""

    handler: Handler
    from_texts: Callable[[dict[str, str] | None], Header]
    from_binary: Callable[[bytes], Header]
    request: type[Header]
    vip: bool
    spawn: bool


def handles(*requests: type[Header], vip: bool = True, spawn: bool = False) -> Callable[[H], H]:
    """Mark a method `(self, peer, request, command)` as the one that answers every code of `requests`.

    `vip=False`: not on the VIP port, which answers REQUEST_CODE_NOT_SUPPORTED. `spawn=True`: the handler waits for
    something (`peer.invoke`, another server), so it runs in a greenlet of its own and its connection goes on.

    The method returns a Reply, or None for no answer at all, or HOLD when `peer.reply(command, reply)` will follow;
    it raises ReplyError to refuse. A request that is one-way is never answered with what the method returns.
    """

    def mark(method: H) -> H:
        _MARKS[method] = Mark(requests, vip, spawn)
        return method

    return mark


class Router:
    """The handlers of some processors by request code.

    Raises ValueError for a code that two methods handle. `unknown="silent"` drops requests of other codes, as the
    name server does (DefaultRequestProcessor.java:152); otherwise they are answered with REQUEST_CODE_NOT_SUPPORTED
    (AdminBrokerProcessor.java:248).
    """

    __slots__ = ("_routes", "_silent", "_vip", "guard")

    def __init__(self, *processors: object, unknown: Literal["refuse", "silent"] = "refuse") -> None:
        self._silent = unknown == "silent"
        self.guard: Guard | None = None
        """Is shown each request first, whatever its code; set it before the servers of this router start."""
        self._routes: dict[int, Route] = {}
        self._vip: list[Router] = []
        self.add(*processors)

    def add(self, *processors: object) -> None:
        """Let more processors answer; before the servers of this router start."""
        for processor in processors:
            for code, route in _routes_of(processor):
                if code in self._routes:
                    both = f"{self._routes[code].handler} and {route.handler}"
                    raise ValueError(f"request code {code} is handled by {both}")
                self._routes[code] = route

    @property
    def codes(self) -> frozenset[int]:
        """Every request code that is handled."""
        return frozenset(self._routes)

    def route(self, code: int) -> Route | None:
        """The way of the requests of a code; None if they are not handled."""
        return self._routes.get(code)

    def redirect(self, code: int, route: Route) -> None:
        """Have the requests of a code go another way from now on, at the VIP port, too, unless it does not serve them.

        For who stands in between for a while (`rocketpy.testing.faults`); nobody else pays for it.
        """
        self._routes[code] = route
        for router in self._vip:
            if code in router._routes:
                router._routes[code] = route

    def for_vip(self) -> Router:
        """The same handlers without those that the VIP port does not serve."""
        router = Router(unknown="silent" if self._silent else "refuse")
        router._routes = {code: route for code, route in self._routes.items() if route.vip}
        router.guard = self.guard
        self._vip.append(router)
        return router

    def answer(self, peer: Connection, command: Command) -> list[Buffer]:
        """Handle one request and encode its answer; an empty list when there is none, or none yet."""
        if self.guard is not None:
            try:
                self.guard(peer.remote_address, command)
            except Exception as error:
                return _failed(f"request {command.code}", peer, command, error)
        route = self._routes.get(command.code)
        if route is None:
            return self._refuse(peer, command)
        if route.spawn:
            peer.spawn(self._answer_later, route, peer, command)
            return _NOTHING
        return _answer(route, peer, command)

    def _answer_later(self, route: Route, peer: Connection, command: Command) -> None:
        if buffers := _answer(route, peer, command):
            peer.write(buffers)

    def _refuse(self, peer: Connection, command: Command) -> list[Buffer]:
        if self._silent or command.flag & ONEWAY_FLAG:
            return _NOTHING
        remark = f" request type {command.code} not supported"
        log.info("%s:%s", peer.remote_address, remark)
        return encode_reply(command, Reply(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark=remark))


def _answer(route: Route, peer: Connection, command: Command) -> list[Buffer]:
    fields = command.binary_fields
    try:
        if fields is None:
            request = route.from_texts(command.ext_fields)
        else:
            request = route.from_binary(fields)  # a ProtocolError closes the connection
    except FieldError as error:
        return _failed(route.request.__name__, peer, command, error)
    try:
        reply = route.handler(peer, request, command)
        if reply is None or reply is HOLD or command.flag & ONEWAY_FLAG:
            return _NOTHING
        return encode_reply(command, reply)
    except ReplyError as error:
        if command.flag & ONEWAY_FLAG:
            return _NOTHING
        reply = Reply(error.code, error.header, remark=error.remark)
        return encode_reply(command, reply, empty_header=route.request.reply is not None)
    except (Exception, gevent.Timeout) as error:
        return _failed(route.request.__name__, peer, command, error)


def _failed(name: str, peer: Connection, command: Command, error: BaseException) -> list[Buffer]:
    """SYSTEM_ERROR, in JSON whatever was asked (NettyRemotingAbstract.java:238); the one place where it is logged.

    What the peer did wrong is a line; a trace is for what nobody foresaw.
    """
    remark = exception_text(error)
    if isinstance(error, RocketpyError):
        log.warning("%s: %s refused, %s", peer.remote_address, name, remark)
    else:
        log.error("%s: %s failed, %r", peer.remote_address, name, command, exc_info=error)
    if command.flag & ONEWAY_FLAG:
        return _NOTHING
    return encode_reply(command, Reply(ResponseCode.SYSTEM_ERROR, remark=remark, serialization=JSON))


def exception_text(error: BaseException) -> str:
    """An exception in one line: its type, its text, and the place that raised it (RemotingHelper.java:42).

    Java's form is `java.lang.NullPointerException: text, Class.method(File.java:7)`; the names are our own.
    """
    if isinstance(error, (FieldError, AccessDenied)):
        return str(error)
    text = str(error)
    line = type(error).__qualname__ + (f": {text}" if text else "")
    trace = error.__traceback__
    if trace is None:
        return line
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    file = code.co_filename.rpartition("/")[2]
    return f"{line}, {code.co_qualname}({file}:{trace.tb_lineno})"


def _routes_of(processor: object) -> Iterator[tuple[int, Route]]:
    for name, method in inspect.getmembers(type(processor), callable):
        mark = _MARKS.get(method)
        if mark is None:
            continue
        for request in mark.requests:
            for code in request.codes:
                yield code, Route(getattr(processor, name), *request.readers(code), request, mark.vip, mark.spawn)
