"""One TCP connection between two processes that may both ask and answer.

Input: a socket that becomes readable is lent a worker, read once, and every whole frame of that read is handled in
line; the answers leave in one write. One read, at most 64 KiB, is the slice after which other connections have their
turn. Answers that come later (`reply`, `push`, `invoke`) are gathered until the event loop comes round, so that all of
one instant leave together, too.

Output: what the socket does not take is kept, and until it is gone nothing more is read from that peer. So a peer
that does not read holds at most what it had asked for; only held answers and pushes can still pile up, and past
OUTPUT_LIMIT the connection is closed.

Closing: whatever is wrong with a connection's bytes closes that connection alone, with one line in the log.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from gevent.event import AsyncResult
from gevent.hub import get_hub
from gevent.pool import Pool

from rocketpy.errors import ProtocolError, SendFailed
from rocketpy.protocol.codes import LanguageCode
from rocketpy.protocol.command import JSON, RESPONSE_FLAG, Buffer, Command, Reply, encode_reply, request_command
from rocketpy.protocol.frame import FrameDecoder
from rocketpy.protocol.header import Header
from rocketpy.remoting.asked import Waiting, late
from rocketpy.remoting.router import Router
from rocketpy.remoting.workers import Workers

log = logging.getLogger(__name__)

READ_SIZE = 64 * 1024
"""The most that one slice reads; above 128 KiB the allocator would map and unmap pages for each read (2.6 -> 19 us)."""
SLICE_OUTPUT = 1 << 20
"""Answers gathered within a slice before they are written: many small pulls may ask for a lot."""
OUTPUT_LIMIT = 64 << 20
"""Output kept for a peer that does not read; beyond it the connection is closed."""

_READ, _WRITE = 1, 2

Sign = Callable[[Command], None]
Door = Callable[[socket.socket, int], socket.socket]
"""Looks at the first byte of a connection and gives the socket to go on with; may wait. Raises OSError."""


class Connection:
    """A peer: requests from it go to `router`, requests to it are matched with its answers by opaque.

    It belongs to one hub and is to be used by greenlets of that hub only. `remote_address` and `local_address` are
    "ip:port". `on_close` holds callables that are told once, with this connection, after it is closed; they run in a
    greenlet that may be anybody's, so they must not wait.
    """

    __slots__ = (
        "__weakref__", "_decoder", "_flush_due", "_handling", "_loop", "_opaque", "_out", "_out_size", "_pool",
        "_read_watcher", "_reading", "_router", "_socket", "_unsent", "_waiting", "_workers", "_write_watcher",
        "closed", "last_active", "local_address", "on_close", "remote_address",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, router: Router, workers: Workers, pool: Pool) -> None:
        """Raises OSError for a socket that is not connected any more."""
        self.local_address = address_text(sock.getsockname())
        self.remote_address = address_text(sock.getpeername())
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = get_hub().loop
        self._socket = sock
        self._router = router
        self._workers = workers
        self._pool = pool
        self._decoder = FrameDecoder()
        self._handling = False
        self._out: list[Buffer] = []
        self._out_size = 0
        self._unsent: memoryview | None = None
        self._flush_due = False
        self._waiting: dict[int, Waiting] = {}
        self._opaque = 0
        self._read_watcher = self._loop.io(sock.fileno(), _READ)
        self._write_watcher: Any = None
        self._reading = False
        self.closed = False
        self.last_active = monotonic()
        self.on_close: list[Callable[[Connection], None]] = []

    def __repr__(self) -> str:
        return f"<Connection {self.remote_address}{' closed' if self.closed else ''}>"

    def start(self, door: Door | None = None) -> None:
        """Begin to read, behind `door` if there is one."""
        if door is None:
            self._resume_reading()
        else:
            self._read_watcher.start(self._workers.run, partial(self._enter, door))

    def spawn(self, function: Callable[..., object], *args: object) -> None:
        """Run `function` in a greenlet of its own; it ends with the server or client that this connection is of.

        Waits while as many as that pool holds are running.
        """
        self._pool.spawn(function, *args)

    def reply(self, command: Command, reply: Reply) -> None:
        """Answer a request that was held; nothing happens when the connection is closed."""
        self.write(encode_reply(command, reply))

    def push(
        self,
        header: Header,
        body: bytes = b"",
        *,
        serialization: int = JSON,
        language: int = LanguageCode.JAVA,
        remark: str | None = None,
        sign: Sign | None = None,
    ) -> None:
        """Ask something one-way; nothing happens when the connection is closed."""
        request = request_command(
            header, body, opaque=self._next_opaque(), oneway=True, serialization=serialization, language=language
        )
        request.remark = remark
        if sign is not None:
            sign(request)
        self.write([request.encode()])

    def invoke(
        self,
        header: Header,
        body: bytes = b"",
        timeout_ms: float = 3000,
        *,
        serialization: int = JSON,
        language: int = LanguageCode.JAVA,
        sign: Sign | None = None,
    ) -> Command:
        """Ask, and wait for the answer, whatever its code; `language` is what the request says it is written in.

        `sign` may add fields to the request before it is encoded.

        Raises RemotingTimeout when it does not come within `timeout_ms`, SendFailed when the connection is closed
        before.
        """
        answer: AsyncResult[Command] = AsyncResult()
        opaque = self.ask(header, body, answer, serialization=serialization, language=language, sign=sign)
        try:
            answer.wait(timeout=timeout_ms / 1000)
        finally:
            self.forget(opaque)
        if not answer.ready():
            raise late(self, type(header).__name__, timeout_ms)
        command = answer.get()
        assert command is not None
        return command

    def ask(
        self,
        header: Header,
        body: bytes,
        waiting: Waiting,
        *,
        serialization: int = JSON,
        language: int = LanguageCode.JAVA,
        sign: Sign | None = None,
    ) -> int:
        """Ask; `waiting` is told the answer, in the greenlet that reads, so it must not wait.

        The request's opaque is for `forget`. Raises SendFailed when the connection is closed.
        """
        if self.closed:
            raise SendFailed(f"{type(header).__name__} to <{self.remote_address}>: the connection is closed")
        opaque = self._next_opaque()
        request = request_command(header, body, opaque=opaque, serialization=serialization, language=language)
        if sign is not None:
            sign(request)
        self._waiting[opaque] = waiting
        self.write([request.encode()])
        return opaque

    def forget(self, opaque: int) -> None:
        """Nobody waits for that answer any more."""
        self._waiting.pop(opaque, None)

    def write(self, buffers: list[Buffer]) -> None:
        """Send whole frames, together with what else is sent before the event loop comes round."""
        if self.closed:
            return
        if self._unsent is not None:
            self._keep(b"".join(buffers))
            return
        self._gather(buffers)
        if not self._flush_due:
            self._flush_due = True
            self._loop.run_callback(self._workers.run, self._flush)

    def close(self, reason: str | None = None) -> None:
        """Send what can be sent at once and close; `reason` is logged. Does nothing when already closed."""
        if self.closed:
            return
        if reason is not None:
            log.warning("%s: closed, %s", self.remote_address, reason)
        self.closed = True
        if self._out and self._unsent is None:
            with suppress(OSError):
                self._socket.send(b"".join(self._out))
        for watcher in (self._read_watcher, self._write_watcher):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._socket.close()
        self._out = []
        self._unsent = None
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer.set_exception(SendFailed(f"<{self.remote_address}> closed the connection before it answered"))
        for told in self.on_close:
            try:
                told(self)
            except Exception:
                log.exception("%s: %r failed after the close", self.remote_address, told)

    # -- input

    def _enter(self, door: Door) -> None:
        """The first byte is there: see who that is, then read on."""
        self._pause_reading()
        try:
            first = self._socket.recv(1, socket.MSG_PEEK)
            if first:
                self._socket = door(self._socket, first[0])
        except (BlockingIOError, InterruptedError):
            self.start(door)
            return
        except OSError as error:
            self._broken(error)
            return
        if self.closed:  # meanwhile; the socket behind the door is another one
            self._socket.close()
            return
        self._resume_reading()
        self._read()  # TLS may have taken more off the line than its handshake

    def _read(self) -> None:
        """A slice: one read, every whole frame of it, one write."""
        if self._handling:  # a handler of the last slice waits; it is its turn first
            self._pause_reading()
            return
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._broken(error)
            return
        if not data:
            self.close()
            return
        self.last_active = monotonic()
        self._decoder.feed(data)
        self._handle_frames()

    def _handle_frames(self) -> None:
        """Handle what was read, as far as the peer takes the answers."""
        next_frame = self._decoder.next_frame
        decode = Command.decode
        answer = self._router.answer
        self._handling = True
        try:
            while self._unsent is None and not self.closed and (frame := next_frame()) is not None:
                command = decode(frame)
                if command.flag & RESPONSE_FLAG:
                    self._settle(command)
                    continue
                if buffers := answer(self, command):
                    self._gather(buffers)
                    if self._out_size > SLICE_OUTPUT:
                        self._flush()
        except ProtocolError as error:
            self.close(str(error))
        except Exception:
            log.exception("%s: a frame could not be handled", self.remote_address)
            self.close()
        finally:
            self._handling = False
        if self.closed:
            return
        if self._out and self._unsent is None:
            self._flush()
        if not self._reading and self._unsent is None and not self.closed:
            self._resume_reading()

    def _settle(self, command: Command) -> None:
        """Hand an answer to whoever waits for it; nobody does after a timeout."""
        waiting = self._waiting.pop(command.opaque, None)
        if waiting is not None:
            waiting.set(command)

    def _resume_reading(self) -> None:
        self._reading = True
        self._read_watcher.start(self._workers.run, self._read)

    def _pause_reading(self) -> None:
        self._reading = False
        self._read_watcher.stop()

    # -- output

    def _gather(self, buffers: list[Buffer]) -> None:
        self._out += buffers
        self._out_size += len(buffers[0]) if len(buffers) == 1 else sum(map(len, buffers))

    def _flush(self) -> None:
        """Write what was gathered, joined: below 256 KiB that is quicker than sendmsg, and no view of a file stays."""
        self._flush_due = False
        out = self._out
        if not out or self._unsent is not None:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        self._out = []
        self._out_size = 0
        sent = self._send(data)
        if not self.closed and sent < len(data):
            self._wait_writable(memoryview(data)[sent:])

    def _send(self, data: Buffer) -> int:
        """Bytes that the socket takes at once; a broken connection takes none, and is closed."""
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._broken(error)
            return 0
        self.last_active = monotonic()
        return sent

    def _broken(self, error: OSError) -> None:
        log.info("%s: %s", self.remote_address, error)
        self.close()

    def _wait_writable(self, unsent: memoryview) -> None:
        """Keep `unsent`, and read nothing more until it is gone."""
        self._unsent = unsent
        self._pause_reading()
        if self._write_watcher is None:
            self._write_watcher = self._loop.io(self._socket.fileno(), _WRITE)
        self._write_watcher.start(self._workers.run, self._write_more)

    def _write_more(self) -> None:
        unsent = self._unsent
        if unsent is None:
            return
        sent = self._send(unsent)
        if self.closed:
            return
        if sent < len(unsent):
            self._unsent = unsent[sent:]
            return
        self._write_watcher.stop()
        self._unsent = None
        self._flush()
        if self._unsent is None and not self._handling and not self.closed:
            self._handle_frames()

    def _keep(self, frame: bytes) -> None:
        """Let `frame` wait until the peer reads, within bounds."""
        self._gather([frame])
        if self._out_size > OUTPUT_LIMIT:
            self.close(f"it does not read, and {self._out_size} bytes wait for it")

    def _next_opaque(self) -> int:
        self._opaque = opaque = (self._opaque + 1) & 0x7FFF_FFFF
        return opaque


def address_text(address: tuple[Any, ...]) -> str:
    """A socket's address as RocketMQ writes it: "ip:port", with brackets around a colon."""
    host = str(address[0]).removeprefix("::ffff:")
    return f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"
