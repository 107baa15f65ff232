"""The faults that there are, and how they get into running servers; all of it happens in their hub.

A request that a rule is about is redirected by the routers (`Router.redirect`); the others go their way as ever. A disk
that fails is mounted while there is such a fault. This is the one place that reaches into both servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from itertools import count
from typing import Any, cast

from rocketpy.disk import disk_at, mount, unmount
from rocketpy.faulty_disk import Operation
from rocketpy.protocol.api.route import QueryDataVersion, RegisterBroker
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.header import API
from rocketpy.remoting.app import NotRunning
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Route, Router
from rocketpy.remoting.server import Server
from rocketpy.standalone import Standalone
from rocketpy.testing import fault_rules as rules
from rocketpy.testing.failing_disk import DiskFault, FailingDisk, error_number

Undo = Callable[[], object]


class FaultTable:
    """Faults by number. `obey` does what `faults.Faults` describes; results are plain data."""

    def __init__(self, servers: Standalone) -> None:
        self._servers = servers
        self._numbers = count(1)
        self._faults: dict[int, rules.Rule | DiskFault | None] = {}
        """All that were ever begun, for what they count."""
        self._undo: dict[int, Undo] = {}
        """How those end that are not over."""
        self._own: dict[tuple[Router, int], Route] = {}
        """The routes that requests go by without faults."""
        self._disk: FailingDisk | None = None
        self._unmount: Undo = lambda: None

    def obey(self, verb: str, arguments: Mapping[str, Any]) -> int:
        """Begin or end a fault, or tell of one. Raises ValueError or TypeError for what makes no sense."""
        verbs: dict[str, Callable[..., int]] = {
            "requests": self._requests, "disk": self._disk_fault, "fill_disk": self._fill_disk,
            "unreachable": self._unreachable, "unregister": self._unregister, "close": self._close,
            "hits": self._hits, "lift": self._lift, "clear": self._clear,
        }  # fmt: skip
        if verb not in verbs:
            raise ValueError(f"there is no fault {verb!r}")
        return verbs[verb](**arguments)

    def renew(self) -> None:
        """Go on after the servers were started again; who could not be reached can be now."""
        self._own.clear()
        self._redirect()

    # ---------------------------------------------------------------- requests

    def _requests(self, request: object, action: str, options: dict[str, Any], where: dict[str, Any]) -> int:
        rule = rules.Rule(_codes(request), _action(action, **options), **where)
        if not any(rule.codes & router.codes for router in self._routers(rule.server)):
            raise ValueError(f"the {rule.server or 'broker'} does not answer {request}")
        number = self._add(rule, self._redirect)
        self._redirect()
        return number

    def _redirect(self) -> None:
        """Have all requests go by their rules, and those without rules their own way."""
        for router in self._routers(None):
            for code in router.codes:
                self._redirect_code(router, code)

    def _redirect_code(self, router: Router, code: int) -> None:
        found = self._rules_for(router, code)
        own = self._own.get((router, code)) or router.route(code)
        assert own is not None
        if not found:
            if self._own.pop((router, code), None) is not None:
                router.redirect(code, own)
            return
        self._own[router, code] = own
        handler = rules.intercept(
            own.handler, partial(self._rules_for, router, code), self._client_ids, code in rules.ANSWERED_LATER
        )
        waits = any(rule.action.waits for rule in found)
        router.redirect(code, own._replace(handler=handler, spawn=own.spawn or waits))

    def _rules_for(self, router: Router, code: int) -> list[rules.Rule]:
        begun = [self._faults[number] for number in self._undo]
        return [
            rule
            for rule in begun
            if isinstance(rule, rules.Rule) and code in rule.codes and router in self._routers(rule.server)
        ]

    def _routers(self, server: str | None) -> list[Router]:
        names = ("broker", "namesrv") if server is None else (server,)
        return [self._listening(name)[0]._router for name in names]

    def _client_ids(self, peer: Connection) -> set[str]:
        broker = self._servers.broker
        members = [*broker.producers.all_members().values(), *broker.consumers.all_members().values()]
        return {client.client_id for group in members for client in group if client.peer is peer}

    # ---------------------------------------------------------------- the disk

    def _disk_fault(self, operation: str, path: str, error: str | None, seconds: float) -> int:
        if operation not in ("map", "reserve", "sync", "write", "delete"):
            raise ValueError(f"the disk does not {operation!r}; it does map, reserve, sync, write and delete")
        named = cast(Operation, operation)
        fault = DiskFault(named, path, None if error is None else error_number(error), seconds)
        self._mounted().faults.append(fault)
        return self._add(fault, partial(self._end_disk_fault, fault))

    def _end_disk_fault(self, fault: DiskFault) -> None:
        self._mounted().faults.remove(fault)
        self._unmount_if_sound()

    def _fill_disk(self, ratio: float) -> int:
        if not 0 <= ratio <= 1:
            raise ValueError(f"so much of a disk cannot be in use: {ratio}")
        self._mounted().filled.append(ratio)
        self._look_at_disk()
        return self._add(None, partial(self._empty_disk, ratio))

    def _empty_disk(self, ratio: float) -> None:
        self._mounted().filled.remove(ratio)
        self._unmount_if_sound()
        self._look_at_disk()

    def _mounted(self) -> FailingDisk:
        """The disk in front of that of the store."""
        if self._disk is None:
            root = self._servers.broker.settings.store.store_path_root_dir
            self._disk = FailingDisk(disk_at(root))
            former = mount(root, self._disk)
            self._unmount = partial(unmount, root) if former is None else partial(mount, root, former)
        return self._disk

    def _unmount_if_sound(self) -> None:
        if self._disk is not None and not self._disk.faults and not self._disk.filled:
            self._disk = None
            self._unmount()

    def _look_at_disk(self) -> None:
        broker = self._servers.broker
        broker.store.cleanup.look_soon()
        work = broker.loops()[0].loops[0]
        work.wake()
        work.rests.wait()

    # ---------------------------------------------------------------- the network

    def _unreachable(self, server: str) -> int:
        listening = self._listening(server)
        for one in listening:
            one.pause()

        def resume() -> None:
            for one in listening:
                one.resume()
            if server == "namesrv":
                self._register()

        return self._add(None, resume)

    def _close(self, server: str, client_id: str | None, peer: str | None) -> int:
        closed = 0
        for one in self._listening(server):
            for connection in list(one.connections):
                ip = connection.remote_address.rpartition(":")[0]
                if peer not in (None, ip, connection.remote_address):
                    continue
                if client_id is None or client_id in self._client_ids(connection):
                    connection.close("a fault was asked for")
                    closed += 1
        if server == "namesrv":
            self._register()
        return closed

    def _listening(self, server: str) -> list[Server]:
        if server not in ("broker", "namesrv"):
            raise ValueError(f"a server is 'broker' or 'namesrv', not {server!r}")
        ports = self._servers.broker._ports
        both = (ports._server, ports._vip_server) if server == "broker" else (self._servers.namesrv._server,)
        if None in both:
            raise NotRunning("the servers are not started")
        return [one for one in both if one is not None]

    def _unregister(self) -> int:
        refusal = rules.Refuse(ResponseCode.SYSTEM_ERROR, "a fault keeps brokers from registering")
        codes = frozenset((RegisterBroker.code, QueryDataVersion.code))
        number = self._add(rules.Rule(codes, refusal, "namesrv"), self._let_register)
        self._redirect()
        self._servers.namesrv.drop_expired(1 << 62)
        return number

    def _let_register(self) -> None:
        self._redirect()
        self._register()

    def _register(self) -> None:
        """Have the broker, which the name server has forgotten with its connection, come back now, not within 30 s."""
        broker = self._servers.broker
        broker._client.disconnect(self._servers.namesrv.address)  # it may not have noticed
        broker._namesrv_link.register_all()

    # ---------------------------------------------------------------- all of them

    def _add(self, rule: rules.Rule | DiskFault | None, undo: Undo) -> int:
        number = next(self._numbers)
        self._faults[number] = rule
        self._undo[number] = undo
        return number

    def _hits(self, number: int) -> int:
        fault = self._faults[number]
        return 0 if fault is None else fault.hits

    def _lift(self, number: int) -> int:
        undo = self._undo.pop(number, None)
        if undo is not None:
            undo()
        return 0

    def _clear(self) -> int:
        for number in sorted(self._undo, reverse=True):
            self._lift(number)
        return 0


def _action(name: str, **options: Any) -> rules.Action:
    actions: dict[str, Callable[..., rules.Action]] = {
        "refuse": rules.Refuse, "restate": rules.Restate, "delay": rules.Delay, "lose": rules.Lose,
        "misdirect": rules.Misdirect,
    }  # fmt: skip
    if "code" in options:
        options["code"] = _response_code(options["code"])
    return actions[name](**options)


def _response_code(code: object) -> int:
    if isinstance(code, int):
        return code
    if isinstance(code, str) and code in ResponseCode.__members__:
        return ResponseCode[code]
    raise ValueError(f"there is no response code {code!r}{_near(code, list(ResponseCode.__members__))}")


def _codes(request: object) -> frozenset[int]:
    """The request codes that are meant, by numbers or names; with each also its short form."""
    if isinstance(request, (list, tuple)):
        return frozenset().union(*map(_codes, request))
    if isinstance(request, str) and request in RequestCode.__members__:
        request = RequestCode[request]
    if not isinstance(request, int) or request not in API:
        raise ValueError(f"there is no request {request!r}{_near(request, list(RequestCode.__members__))}")
    return frozenset(API[request].codes)


def _near(word: object, words: list[str]) -> str:
    found = get_close_matches(str(word).upper(), words, 3)
    return f"; there is {', '.join(found)}" if found else ""
