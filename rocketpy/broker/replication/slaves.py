"""The slaves of a master: each gets the log, and says how far it has it (HAService.java, HAConnection.java)."""

from __future__ import annotations

import logging
import struct
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import NamedTuple

import gevent
from gevent import Greenlet, socket
from gevent.event import Event

from rocketpy.clock import Clock
from rocketpy.config.store import StoreConfig
from rocketpy.remoting.connection import address_text
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutStatus

HEADER = struct.Struct(">qi")
"""Physical offset and length of what follows."""
REPORT = struct.Struct(">q")
"""The physical offset that a slave has everything before."""

Done = Callable[[PutStatus], None]
_LOOK_AGAIN_S = 0.1
"""How soon new messages are looked for while nobody waits for a slave to have them (HAConnection:348)."""
_log = logging.getLogger("rocketpy.broker")


class _Waiter(NamedTuple):
    end: int
    expires: int
    done: Done


class Slaves:
    """Serves slaves on a socket that listens; to be used in one hub."""

    def __init__(self, config: StoreConfig, store: MessageStore, clock: Clock) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._links: set[_Link] = set()
        self._waiters: deque[_Waiter] = deque()
        self._accepting: Greenlet[..., None] | None = None
        self._expiring: Greenlet[[], None] | None = None
        self.more = Event()
        """Set for a moment when somebody waits for slaves to have more."""
        self.acknowledged = 0
        """The greatest physical offset that a slave has everything before (push2SlaveMaxOffset)."""

    def serve(self, listener: socket.socket) -> None:
        """Let slaves connect to `listener`, a gevent socket, which becomes this object's to close."""
        self._accepting = gevent.spawn(self._accept, listener)

    def stop(self) -> None:
        """Close all connections; who waits is told that no slave is there."""
        if self._accepting is not None:
            self._accepting.kill()
            self._accepting = None
        for link in list(self._links):
            link.close()
        while self._waiters:
            self._waiters.popleft().done(PutStatus.SLAVE_NOT_AVAILABLE)
        if self._expiring is not None:
            self._expiring.kill()
            self._expiring = None

    def wait(self, end: int, done: Done) -> None:
        """Have `done` called when a slave has everything before `end`: PUT_OK, or FLUSH_SLAVE_TIMEOUT if it takes long.

        At once with SLAVE_NOT_AVAILABLE if there is none, or none that is near (CommitLog.submitReplicaRequest:888).
        Does not wait itself.
        """
        config = self._config
        if not self._links or end - self.acknowledged >= config.ha_slave_fallbehind_max:
            done(PutStatus.SLAVE_NOT_AVAILABLE)
            return
        self._waiters.append(_Waiter(end, self._clock() + config.slave_timeout, done))
        self.more.set()
        self.more.clear()
        if self._expiring is None:
            self._expiring = gevent.spawn(self._expire)

    def stats(self) -> dict[str, int]:
        """How many slaves there are, how many bytes the best one lacks, and how many wait for it."""
        return {
            "slaves": len(self._links),
            "slave_behind_bytes": self._store.log.max_offset - self.acknowledged,
            "slave_waiters": len(self._waiters),
        }

    def _accept(self, listener: socket.socket) -> None:
        try:
            while True:
                try:
                    sock, address = listener.accept()
                except OSError as error:
                    _log.warning("no slave can be taken: %s", error)
                    gevent.sleep(1)
                    continue
                _log.info("slave %s connected", address_text(address))
                link = _Link(sock, address_text(address), self._config, self._store, self)
                self._links.add(link)
                link.start()
        finally:
            listener.close()

    def has_come_to(self, physical_offset: int) -> None:
        """A slave has everything before that."""
        self.acknowledged = max(self.acknowledged, physical_offset)
        waiters = self._waiters
        while waiters and waiters[0].end <= self.acknowledged:
            waiters.popleft().done(PutStatus.PUT_OK)

    def gone(self, link: _Link) -> None:
        """A slave's connection is closed."""
        self._links.discard(link)

    def _expire(self) -> None:
        waiters = self._waiters
        while waiters:
            left = waiters[0].expires - self._clock()
            if left > 0:
                gevent.sleep(left / 1000)
                continue
            waiters.popleft().done(PutStatus.FLUSH_SLAVE_TIMEOUT)
        self._expiring = None


class _Link:
    """One slave."""

    def __init__(
        self, sock: socket.socket, name: str, config: StoreConfig, store: MessageStore, slaves: Slaves
    ) -> None:
        self._socket = sock
        self._name = name
        self._config = config
        self._store = store
        self._slaves = slaves
        self._wanted = -1
        self._began = Event()
        self._work: list[Greenlet[[], None]] = []

    def start(self) -> None:
        """Begin to listen and to send."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._work = [gevent.spawn(partial(self._until_it_ends, part)) for part in (self._listen, self._send)]

    def close(self) -> None:
        """End it."""
        self._slaves.gone(self)
        self._socket.close()
        for part in self._work:
            if part is not gevent.getcurrent():
                part.kill(block=False)

    def _until_it_ends(self, part: Callable[[], str]) -> None:
        try:
            reason = part()
        except OSError as error:
            reason = str(error)
        _log.warning("slave %s: closed, %s", self._name, reason)
        self.close()

    def _listen(self) -> str:
        """Take reports, of which the last whole one counts; why it ended."""
        unread = b""
        while True:
            self._socket.settimeout(self._config.ha_housekeeping_interval / 1000)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                return "it was silent for too long"
            if not data:
                return "it went"
            unread += data
            whole = len(unread) - len(unread) % REPORT.size
            if not whole:
                continue
            (physical_offset,) = REPORT.unpack_from(unread, whole - REPORT.size)
            unread = unread[whole:]
            if physical_offset < 0 or (physical_offset > self._store.log.max_offset and self._began.is_set()):
                return f"it has {physical_offset}, but the log ends at {self._store.log.max_offset}"
            if not self._began.is_set():
                self._wanted = physical_offset
                _log.info("slave %s wants what comes after %d", self._name, physical_offset)
                self._began.set()
            self._slaves.has_come_to(min(physical_offset, self._store.log.max_offset))

    def _send(self) -> str:
        """Send what there is, and heartbeats while there is nothing; never ends by itself."""
        self._began.wait()
        log, config = self._store.log, self._config
        at = self._wanted or log.max_offset - log.max_offset % log.file_size
        sent_at = monotonic()
        while True:
            window = log.window(at)
            if window is not None:
                view, start, end = window
                size = min(end - at, config.ha_transfer_batch_size)
                piece = HEADER.pack(at, size) + view[at - start : at - start + size]
                del view, window  # the file may be deleted while the slave takes its time
                at += size
            elif monotonic() - sent_at > config.ha_send_heartbeat_interval / 1000:
                piece = HEADER.pack(at, 0)
            else:
                self._slaves.more.wait(_LOOK_AGAIN_S)
                continue
            self._socket.settimeout(config.ha_housekeeping_interval / 1000)
            self._socket.sendall(piece)
            sent_at = monotonic()
            gevent.sleep(0)  # a slave that has a lot to catch up with is not alone here
