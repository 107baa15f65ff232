"""A slave takes its master's log over, byte by byte (HAService.HAClient)."""

from __future__ import annotations

import logging
from time import monotonic

import gevent
from gevent import Greenlet, socket
from gevent.event import Event

from rocketpy.broker.replication.slaves import HEADER, REPORT
from rocketpy.config.store import StoreConfig
from rocketpy.errors import StoreError
from rocketpy.store.message_store import MessageStore

_PAUSE_S = 5.0
"""Between two attempts to reach the master (HAService:622)."""
_CONNECT_S = 3.0
_READ_SIZE = 256 << 10
_DISPATCHED_AT_ONCE = 4 << 20
_log = logging.getLogger("rocketpy.broker")


class FollowError(Exception):
    """The master cannot be followed any longer on this connection; the text says why."""


class Follower:
    """Connects to the master, reports how far this store is, appends what comes, and reports again."""

    def __init__(self, config: StoreConfig, store: MessageStore) -> None:
        self._config = config
        self._store = store
        self._master: str | None = None
        self._told = Event()
        self._work: Greenlet[[], None] | None = None

    def start(self) -> None:
        """Begin; does nothing until the master is known."""
        self._work = gevent.spawn(self._run)

    def stop(self) -> None:
        """Leave the master."""
        if self._work is not None:
            self._work.kill()
            self._work = None

    def follow(self, master: str) -> None:
        """From the next connection on the master's HA address is this one, "host:port"."""
        if master != self._master:
            _log.info("the master's log is at %s, it was at %s", master, self._master)
            self._master = master
            self._told.set()

    def _run(self) -> None:
        while True:
            self._told.wait()
            assert self._master is not None
            try:
                self._follow(self._master)
            except (OSError, StoreError, FollowError) as error:
                _log.warning("master %s: %s", self._master, error)
            gevent.sleep(_PAUSE_S)

    def _follow(self, master: str) -> None:
        host, _, port = master.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _log.info("follows %s from %d on", master, self._store.log.max_offset)
            reported = self._report(sock)
            heard_at = monotonic()
            unread = bytearray()
            while True:
                sock.settimeout(self._config.ha_send_heartbeat_interval / 1000)
                try:
                    data = sock.recv(_READ_SIZE)
                except TimeoutError:
                    if monotonic() - heard_at > self._config.ha_housekeeping_interval / 1000:
                        raise FollowError("it was silent for too long") from None
                    reported = self._report(sock)
                    continue
                if not data:
                    raise FollowError("it closed the connection")
                heard_at = monotonic()
                unread += data
                self._take(unread)
                if self._store.log.max_offset > reported:
                    reported = self._report(sock)

    def _report(self, sock: socket.socket) -> int:
        physical_offset = self._store.log.max_offset
        sock.sendall(REPORT.pack(physical_offset))
        return physical_offset

    def _take(self, unread: bytearray) -> None:
        """Append every whole piece that has come."""
        log = self._store.log
        position = 0
        while len(unread) - position >= HEADER.size:
            physical_offset, size = HEADER.unpack_from(unread, position)
            if size < 0 or physical_offset < 0:
                raise FollowError(f"it sent {size} bytes of {physical_offset}")
            if log.max_offset and physical_offset != log.max_offset:
                raise FollowError(f"it sends from {physical_offset} on, but the log here ends at {log.max_offset}")
            end = position + HEADER.size + size
            if len(unread) < end:
                break
            if size:
                self._append(physical_offset, bytes(unread[position + HEADER.size : end]))
            position = end
        del unread[:position]

    def _append(self, physical_offset: int, data: bytes) -> None:
        """Append, file by file, and enter what is whole into queues and index."""
        store = self._store
        room = store.log.file_size - physical_offset % store.log.file_size
        store.append_raw(physical_offset, data[:room])
        if len(data) > room:
            self._append(physical_offset + room, data[room:])
            return
        store.dispatch.catch_up(store.log, _DISPATCHED_AT_ONCE)
