"""What a lite pull consumer has pulled and the application has not asked for yet, and handing it out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from gevent.event import Event

from rocketpy.client.errors import ClientError, NotRunning
from rocketpy.client.messages import ReceivedMessage
from rocketpy.remoting import app

if TYPE_CHECKING:
    from rocketpy.client.lite_reading import LiteReader

Found: TypeAlias = "tuple[LiteReader, list[ReceivedMessage]]"
"""What one pull brought, and of which queue."""


class Arrivals:
    """The results of pulls in the order of their arrival; to be used in the instance's hub."""

    def __init__(self) -> None:
        self._found: deque[Found] = deque()
        self._something = Event()

    def __len__(self) -> int:
        return len(self._found)

    def put(self, found: Found) -> None:
        """One more."""
        self._found.append(found)
        self._something.set()

    def take(self, timeout: float, is_over: Callable[[], bool]) -> Found | None:
        """The next of a queue that is still held; None if there is none within `timeout` s, or `is_over` says so."""
        deadline = time.monotonic() + timeout
        while not is_over():
            while self._found:
                reader, messages = self._found.popleft()
                if not reader.held.dropped:
                    reader.consumed = reader.held.remove(messages)
                    return reader, messages
            self._something.clear()
            left = deadline - time.monotonic()
            if left <= 0 or not self._something.wait(timeout=left):
                break
        return None

    def put_back(self, found: Found | None) -> None:
        """Nobody saw these: they come first."""
        if found is None or found[0].held.dropped:
            return
        reader, messages = found
        reader.held.put_back(messages)
        reader.consumed = messages[0].queue_offset
        self._found.appendleft(found)
        self._something.set()

    def forget(self, reader: LiteReader) -> None:
        """Drop what came of one queue."""
        self._found = deque(one for one in self._found if one[0] is not reader)

    def close(self) -> None:
        """Drop everything, and let nobody wait any longer."""
        self._found.clear()
        self._something.set()


class Polled(Future[list[ReceivedMessage]]):
    """What a poll brings. Cancelled, even when it is done, it gives the messages back, since nobody has seen them."""

    def __init__(self, give_back: Callable[[], object]) -> None:
        """`give_back` is to have `take_back` called in the hub."""
        super().__init__()
        self._give_back = give_back
        self._found: Found | None = None

    def cancel(self) -> bool:
        """As a future's; from any thread."""
        if super().cancel():
            return True
        with suppress(ClientError):  # stopped meanwhile: what was not committed comes again
            self._give_back()
        return False

    def hand_out(self, found: Found | None) -> None:
        """Here they are; in the hub."""
        self._found = found
        self.set_result([] if found is None else found[1])

    def take_back(self) -> Found | None:
        """What was handed out, once; in the hub."""
        found, self._found = self._found, None
        return found

    def fail_with(self, done: Future[None]) -> None:
        """Polling itself ended, perhaps with an error."""
        error = done.exception()
        if error is not None and not self.done():
            self.set_exception(NotRunning(str(error)) if isinstance(error, app.NotRunning) else error)
