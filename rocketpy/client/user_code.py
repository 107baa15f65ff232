"""Running the application's code, which may block, away from the greenlets: in threads, which are few and kept.

Work goes to the threads through a deque, whose operations are atomic, and what came of it comes back through the inbox
of the hub. A thread is woken only when none is on its way to work already, and wakes the next one when it leaves
something to do; so quick work keeps few threads busy, and slow work finds all of them.
"""

from __future__ import annotations

import logging
import threading
from _thread import LockType, allocate_lock
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

import gevent
from gevent.event import Event
from gevent.hub import Waiter, get_hub

from rocketpy.client.inbox import Inbox
from rocketpy.remoting.app import NotRunning

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

Done = Callable[[Any, BaseException | None], None]
"""Told what a function returned or raised, in the hub, where it must not wait."""
_Task = tuple[Callable[[], Any], Done]


class Dropped(Exception):
    """A function was not run, since its turn did not come before the end."""


class UserCode(ABC):
    """Runs functions, at most `size` of them at a time; to be used in one hub."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tasks: deque[_Task] = deque()
        self._under_way = 0
        """Tasks that were begun and whose end was not told yet."""
        self._idle = Event()

    def begin(self, function: Callable[[], Any], done: Done) -> None:
        """Have `function` run, and `done` told what came of it."""
        self._under_way += 1
        self._tasks.append((function, done))
        self._wake()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises; the greenlet waits."""
        waiter: Waiter[tuple[Any, BaseException | None]] = Waiter()
        self.begin(partial(function, *args, **kwargs), lambda value, error: waiter.switch((value, error)))
        value, error = waiter.get()
        if error is not None:
            raise error
        result: T = value
        return result

    def resize(self, size: int) -> None:
        """Run so many at a time from now on."""
        self._size = size
        for _ in range(len(self._tasks)):
            self._wake()

    def stop(self, timeout: float) -> bool:
        """Drop what has not begun, and wait for the rest; whether it ended within `timeout` s."""
        self._idle.clear()
        with suppress(IndexError):
            while True:
                self._tell(self._tasks.popleft()[1], None, Dropped())
        return not self._under_way or self._idle.wait(timeout=timeout)

    def post(self, function: Callable[[], None]) -> None:
        """Have `function` called in the hub, before the end of whatever task this is called in is told."""
        function()

    @abstractmethod
    def _wake(self) -> None:
        """There is something to do."""

    def _tell(self, done: Done, value: Any, error: BaseException | None) -> None:
        """A task ended; in the hub."""
        self._under_way -= 1
        try:
            done(value, error)
        except Exception:
            log.exception("%r failed", done)
        if not self._under_way:
            self._idle.set()


class InThreads(UserCode):
    """Threads named `name`, started when they are needed first."""

    def __init__(self, size: int, name: str) -> None:
        super().__init__(size)
        self._name = name
        self._count = 0
        self._counting = allocate_lock()
        self._parked: list[LockType] = []
        self._searching = False
        """Whether a thread is on its way to the tasks. It is only a hint, which may be late."""
        self._inbox = Inbox()
        self._stopped = False

    def stop(self, timeout: float) -> bool:
        """The same; a thread that does not end is left behind."""
        if self._stopped:
            return not self._under_way
        ended = super().stop(timeout)
        self._stopped = True
        self._wake_all()
        self._inbox.close()
        return ended

    def resize(self, size: int) -> None:
        """The same; threads that are too many end when they have nothing to do."""
        super().resize(size)
        self._wake_all()

    def post(self, function: Callable[[], None]) -> None:
        """From any of the threads; one that was left behind is not heard any more."""
        with suppress(NotRunning):
            self._inbox.post(function)

    def _wake_all(self) -> None:
        with suppress(IndexError):
            while True:
                self._parked.pop().release()

    def _wake(self) -> None:
        if not self._searching and not self._unpark():
            self._start()

    def _wake_another(self) -> None:
        """The same, by a thread that goes to work now: starting one would take so long that it were overtaken."""
        if not self._searching and not self._unpark() and self._count < self._size:
            self._searching = True
            self.post(self._start)

    def _unpark(self) -> bool:
        """Wake a thread that has nothing to do, if there is one."""
        try:
            parked = self._parked.pop()
        except IndexError:
            return False
        self._searching = True
        parked.release()
        return True

    def _start(self) -> None:
        with self._counting:
            self._searching = self._count < self._size
            self._count += self._searching
        if self._searching:
            threading.Thread(target=self._work, name=f"{self._name}_{self._count}", daemon=True).start()

    def _work(self) -> None:
        own = allocate_lock()
        own.acquire()
        while not self._stopped and not self._is_one_too_many():
            try:
                function, done = self._tasks.popleft()
            except IndexError:
                self._searching = False
                self._park(own)
                continue
            self._searching = False
            if self._tasks:
                self._wake_another()
            try:
                told = partial(self._tell, done, function(), None)
            except BaseException as error:
                told = partial(self._tell, done, None, error)
            self.post(told)
        self._searching = False
        if self._tasks:
            self._wake_another()

    def _park(self, own: LockType) -> None:
        """Wait until somebody lets go of `own`, unless there is something to do after all."""
        self._parked.append(own)
        if self._tasks or self._stopped:
            try:
                self._parked.remove(own)
                return
            except ValueError:  # who took it lets go of it in a moment
                pass
        own.acquire()

    def _is_one_too_many(self) -> bool:
        if self._count <= self._size:
            return False
        with self._counting:
            if self._count <= self._size:
                return False
            self._count -= 1
            return True


class InGreenlets(UserCode):
    """Greenlets of the hub, for a program in which threads are greenlets."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._hub = get_hub()
        self._running = 0

    def _wake(self) -> None:
        if self._running < self._size:
            self._running += 1
            gevent.spawn(self._work)

    def _work(self) -> None:
        try:
            while self._tasks and self._running <= self._size:
                function, done = self._tasks.popleft()
                try:
                    told = partial(self._tell, done, function(), None)
                except BaseException as error:
                    told = partial(self._tell, done, None, error)
                self._hub.loop.run_callback(told)
        finally:
            self._running -= 1
