"""Servers that misbehave on purpose, so that a test sees what its application makes of it.

    with rocketmq.faults.fail("SEND_MESSAGE", code="SYSTEM_ERROR", times=1) as fault:
        application.order("4711")
    assert fault.hits == 1

A fault lasts as long as its `with`, or else until its `clear()`, or that of all faults.

A request is named as in `rocketpy.protocol.codes.RequestCode`, which has Java's names, or given by its number; a
sequence names several. With each goes its short form: SEND_MESSAGE is SEND_MESSAGE_V2 as well. Several faults may meet
one request: the first one begun is the first to act. Seconds are of real time: who waits for an answer is a client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self, TypedDict, Unpack

Order = Callable[[str, Mapping[str, Any]], int]
"""Gives an order to the servers' `FaultTable`, wherever that is: a verb, and arguments that JSON can carry."""

Server = Literal["broker", "namesrv"]
Request = str | int | Sequence[str | int]
DiskOperation = Literal["map", "reserve", "sync", "write", "delete"]

SENDS: Final = ("SEND_MESSAGE", "SEND_BATCH_MESSAGE")
REGISTRATIONS: Final = ("REGISTER_BROKER", "QUERY_DATA_VERSION")
NOBODY: Final = "127.0.0.1:1"
"""An address where nobody listens."""

_BUSY: Final = {
    "queue": (
        "SYSTEM_BUSY",
        "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 201ms, size of queue: 1",
    ),
    "page cache": (
        "SYSTEM_BUSY",
        "[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 1001ms, size of queue: 1",
    ),
    "store": ("SYSTEM_ERROR", "[PC_SYNCHRONIZED]broker busy, start flow control for a while"),
    "reject": ("SYSTEM_BUSY", "[REJECTREQUEST]system busy, start flow control for a while"),
    "overload": ("SYSTEM_BUSY", "[OVERLOAD]system busy, start flow control for a while"),
}
"""What Java answers (BrokerFastFailure:75 and 113, SendMessageProcessor:514, NettyRemotingAbstract:249 and 268)."""


class Where(TypedDict, total=False):
    """Which requests a fault is about, of those that it names; all of it must hold."""

    server: Server
    """The one that is asked; both, where both answer such a request."""
    topic: str
    group: str
    """Of producers or consumers."""
    client_id: str
    """In the request, or in the heartbeats that came over the same connection."""
    peer: str
    """Where it came from: "ip" or "ip:port"."""
    skip: int
    """So many that match are let alone before the first."""
    times: int
    """So many are met, then no more; any number if it is left out."""
    probability: float
    """Of those that match, this part is met, from 0 to 1."""
    seed: int
    """Of that chance: which ones are met is the same each time; 0 if it is left out."""


class Fault:
    """A fault that was begun."""

    def __init__(self, order: Order, number: int) -> None:
        self._order = order
        self.number = number
        """By which the servers know it."""

    @property
    def hits(self) -> int:
        """How many requests, or operations of the disk, it has met."""
        return self._order("hits", {"number": self.number})

    def clear(self) -> None:
        """End it; harmless when it is over."""
        self._order("lift", {"number": self.number})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()


class Faults:
    """Begins faults. What makes no sense, such as a request that there is not, is a ValueError."""

    def __init__(self, order: Order) -> None:
        self._order = order

    # ---------------------------------------------------------------- requests

    def fail(
        self, request: Request, code: str | int = "SYSTEM_ERROR", remark: str | None = None, **where: Unpack[Where]
    ) -> Fault:
        """Do nothing and answer with an error; `code` is a number or a name of ResponseCode."""
        return self._requests(request, "refuse", where, code=code, remark=remark)

    def busy(
        self,
        kind: Literal["queue", "page cache", "store", "reject", "overload"] = "queue",
        request: Request = SENDS,
        **where: Unpack[Where],
    ) -> Fault:
        """Answer as a Java broker does for flow control.

        Requests have waited too long in its queue ("queue"), or the page cache is busy, which Java notices at the queue
        ("page cache"), in the store ("store") or before either ("reject"); or no thread is left ("overload").
        """
        if kind not in _BUSY:
            raise ValueError(f"a broker is busy for {', '.join(map(repr, _BUSY))}, not {kind!r}")
        code, remark = _BUSY[kind]
        return self.fail(request, code, remark, **where)

    def answer(
        self, code: str | int, request: Request = SENDS, remark: str | None = None, **where: Unpack[Where]
    ) -> Fault:
        """Do what is asked, but where the answer would be success, answer with another code.

        FLUSH_SLAVE_TIMEOUT, SLAVE_NOT_AVAILABLE and FLUSH_DISK_TIMEOUT are what a send is answered with whose message
        is stored, but not as safely as configured.
        """
        return self._requests(request, "restate", where, code=code, remark=remark)

    def slow(
        self,
        seconds: float,
        request: Request = SENDS,
        when: Literal["before", "after"] = "before",
        **where: Unpack[Where],
    ) -> Fault:
        """Take so long before a request is handled, or after that, before it is answered."""
        return self._requests(request, "delay", where, seconds=seconds, afterwards=_is_after(when))

    def lose_request(self, request: Request = SENDS, **where: Unpack[Where]) -> Fault:
        """Do nothing, and never answer."""
        return self._requests(request, "lose", where, afterwards=False, closes=False)

    def lose_reply(self, request: Request = SENDS, **where: Unpack[Where]) -> Fault:
        """Do what is asked, store the message, say, and never answer."""
        return self._requests(request, "lose", where, afterwards=True, closes=False)

    def break_connection(
        self, request: Request = SENDS, when: Literal["before", "after"] = "before", **where: Unpack[Where]
    ) -> Fault:
        """Close the connection instead of answering, before or after doing what is asked."""
        return self._requests(request, "lose", where, afterwards=_is_after(when), closes=True)

    def wrong_route(self, address: str = NOBODY, **where: Unpack[Where]) -> Fault:
        """Have the name server say that brokers are at `address`; nobody listens there unless told otherwise."""
        return self._requests("GET_ROUTEINFO_BY_TOPIC", "misdirect", {**where, "server": "namesrv"}, address=address)

    # ---------------------------------------------------------------- the network

    def close_connections(
        self, server: Server = "broker", *, client_id: str | None = None, peer: str | None = None
    ) -> int:
        """Close connections now, all or those of a client or of an address; how many. New ones are welcome.

        A broker whose connection was closed by the name server registers again.
        """
        return self._order("close", {"server": server, "client_id": client_id, "peer": peer})

    def unreachable(self, server: Server = "broker") -> Fault:
        """Close all connections and refuse new ones."""
        return self._begin("unreachable", server=server)

    def unregister(self) -> Fault:
        """Have the name server forget the broker, and refuse it until the fault is over; then it registers again."""
        return self._begin("unregister")

    # ---------------------------------------------------------------- the disk

    def fail_disk(self, operation: DiskOperation = "sync", error: str = "EIO", path: str = "") -> Fault:
        """Have an operation of the broker's disk fail, on files whose path contains `path`.

        `map` makes or opens a file, `reserve` gets room for it, `sync` flushes it, `write` writes a small one as a
        whole; `error` is a name of the module errno. A log that could not be flushed takes no more messages until the
        broker starts again, as ever. How long it takes until a message meets the disk: sends wait for `sync` with
        flushDiskType=SYNC_FLUSH only, and for `reserve` once in 4 MiB.
        """
        return self._begin("disk", operation=operation, path=path, error=error, seconds=0)

    def slow_disk(self, seconds: float, operation: DiskOperation = "sync", path: str = "") -> Fault:
        """Have an operation of the disk take so long."""
        return self._begin("disk", operation=operation, path=path, error=None, seconds=seconds)

    def fill_disk(self, ratio: float = 0.99) -> Fault:
        """Say that this part of the disk is in use: above 0.9 messages are refused with SERVICE_NOT_AVAILABLE."""
        return self._begin("fill_disk", ratio=ratio)

    # ---------------------------------------------------------------- all of them

    def clear(self) -> None:
        """End all faults."""
        self._order("clear", {})

    def _requests(self, request: Request, action: str, where: Mapping[str, object], **options: object) -> Fault:
        named = request if isinstance(request, str | int) else list(request)
        return self._begin("requests", request=named, action=action, options=options, where=dict(where))

    def _begin(self, verb: str, **arguments: object) -> Fault:
        return Fault(self._order, self._order(verb, arguments))


def _is_after(when: str) -> bool:
    if when not in ("before", "after"):
        raise ValueError(f"either 'before' or 'after', not {when!r}")
    return when == "after"
