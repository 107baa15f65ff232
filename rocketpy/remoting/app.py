"""A thing that runs in an event loop: in yours, in a thread of its own, or as the process."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread, current_thread
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import gevent
from gevent.event import Event
from gevent.hub import Hub, get_hub

from rocketpy.remoting.loops import Loops

P = ParamSpec("P")
T = TypeVar("T")


class NotRunning(RuntimeError):
    """An app was to do something, but it is not started, or it stopped meanwhile."""


class App(ABC):
    """Something that is started and stopped in a hub.

    Three ways to run it: `start()` and `stop()` among your own greenlets; `with app:` in a thread of its own, where
    `call` reaches it from other threads; `run_forever()` as the whole process. One of them at a time, each as often
    as one likes.
    """

    _thread: Thread | None = None
    _hub: Hub
    _stopping: Event
    _ended: Future[None]
    _calls: set[Future[Any]]

    @abstractmethod
    def start(self) -> None:
        """Start, in the hub of the calling thread; returns when ready."""

    @abstractmethod
    def stop(self) -> None:
        """Undo `start`, also one that failed half-way; harmless when not started."""

    def loops(self) -> list[Loops]:
        """What it does from time to time while it runs, for who moves its clock."""
        return []

    def settle(self) -> None:
        """Wait until what it does in the background is done, such as writing files."""
        return

    def __enter__(self) -> Self:
        """Start in a new thread with a hub of its own; raises what `start` raises."""
        if self._thread is not None:
            raise RuntimeError(f"{type(self).__name__} is running")
        ready: Future[None] = Future()
        self._ended = Future()
        run = partial(self._run_thread, ready)
        self._thread = Thread(target=_in_own_hub, args=(run,), name=type(self).__name__, daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait until the thread is gone; raises what `stop` raises."""
        thread = self._thread
        if thread is None:
            return
        self._hub.loop.run_callback_threadsafe(self._stopping.set)
        thread.join()
        self._thread = None
        self._ended.result()

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the app's hub, in a greenlet of its own, and wait for what it returns or raises.

        Inside `with app:`, from any thread; in the app's own thread it is simply called. Raises NotRunning when the
        app is not running, or stops before the function returned.
        """
        if current_thread() is self._thread:
            return function(*args, **kwargs)
        return self.submit(function, *args, **kwargs).result()

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The same without waiting, from any thread. Raises NotRunning when the app is not running."""
        if self._thread is None:
            raise NotRunning(f"{type(self).__name__} is not running")
        result: Future[T] = Future()

        def run() -> None:
            try:
                if not result.set_running_or_notify_cancel():
                    return
                value = function(*args, **kwargs)
            except BaseException as error:
                if not result.done():
                    result.set_exception(error)
            else:
                if not result.done():
                    result.set_result(value)
            finally:
                self._calls.discard(result)

        self._calls.add(result)
        if self._ended.done():
            raise NotRunning(f"{type(self).__name__} is not running")
        self._hub.loop.run_callback_threadsafe(gevent.spawn, run)
        return result

    def run_forever(self, ready: Callable[[], None] | None = None) -> None:
        """Start, tell `ready`, and run until SIGINT or SIGTERM; then stop. In the main thread only."""
        stopping = Event()
        watchers = [gevent.signal_handler(number, stopping.set) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            self.start()
            if ready is not None:
                ready()
            _wait(stopping)
        finally:
            self.stop()
            for watcher in watchers:
                watcher.cancel()

    def _run_thread(self, ready: Future[None]) -> None:
        self._hub = get_hub()
        self._stopping = Event()
        self._calls = set()
        try:
            self._start_and_stop(ready)
        except BaseException as error:
            (self._ended if ready.done() else ready).set_exception(error)
        else:
            self._ended.set_result(None)
        finally:
            for call in [call for call in self._calls if not call.done()]:
                call.set_exception(NotRunning(f"{type(self).__name__} stopped before the call returned"))

    def _start_and_stop(self, ready: Future[None]) -> None:
        try:
            self.start()
            ready.set_result(None)
            _wait(self._stopping)
        finally:
            self.stop()


def _in_own_hub(run: Callable[[], None]) -> None:
    """Run with a hub of this thread, which is gone afterwards.

    gevent leaks the frame that destroys the hub of a thread (and says so), hence nothing that matters may be left in
    it: an app would stay for ever, with its store's files mapped.
    """
    hub = get_hub()
    run()
    del run
    hub.destroy(destroy_loop=True)


def _wait(event: Event) -> None:
    """Wait, with a timer: a hub in which nothing else is going on would take the wait for a deadlock."""
    while not event.wait(timeout=3600):
        pass
