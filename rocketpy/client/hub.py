"""Where a client's greenlets run, and how others reach them: in a thread of its own, or among those of the caller.

Everything in this package that waits is written for greenlets. The faces differ only here: plain threads wait for a
`concurrent.futures.Future`, greenlets of another hub do so without blocking that hub, asyncio wraps the future.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import ParamSpec, TypeVar

import gevent
from gevent._hub_local import get_hub_if_exists

from rocketpy.client.errors import ClientError
from rocketpy.client.user_code import InGreenlets, InThreads, UserCode
from rocketpy.remoting.app import App

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


class Hub(App):
    """What a client runs in; `start` and `stop` say what else is started and stopped there."""

    _here = False
    _telling = False

    def open(self, *, here: bool) -> None:
        """Start among the greenlets of the caller's hub, or in a new thread. Raises what `start` raises."""
        self._here = here
        if here:
            self.start()
        else:
            self.__enter__()

    def close(self) -> None:
        """Stop, and wait until the thread is gone."""
        if self._here:
            self.stop()
        else:
            self.__exit__(None, None, None)

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises in the hub; from any thread or greenlet, none of which blocks others.

        Raises ClientError in a callback of `tell`: what waits there keeps the answer away that it waits for.
        """
        if self.is_callers:
            if self._telling:
                raise ClientError("The callbacks of futures run in the client's event loop and must not wait.")
            return function(*args, **kwargs)
        return wait(self.submit(function, *args, **kwargs))

    @property
    def is_callers(self) -> bool:
        """Whether the caller is among the greenlets of this hub."""
        return self._here or get_hub_if_exists() is self._hub

    def begin(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The same without waiting."""
        if not self._here:
            return self.submit(function, *args, **kwargs)
        result: Future[T] = Future()
        gevent.spawn(settle, result, partial(function, *args, **kwargs))
        return result

    def tell(self, future: Future[T], value: T | None, error: BaseException | None) -> None:
        """Settle a future, whose callbacks are called at once; in the hub."""
        self._telling = True
        try:
            if error is None:
                future.set_result(value)  # type: ignore[arg-type]
            else:
                future.set_exception(error)
        finally:
            self._telling = False

    def threads(self, count: int, name: str) -> UserCode:
        """What runs the application's code, in threads of that name; to be called, and used, in the hub."""
        return InGreenlets(count) if self._here else InThreads(count, name)


def settle(result: Future[T], function: Callable[[], T]) -> None:
    """Put what `function` returns or raises into `result`."""
    try:
        value = function()
    except BaseException as error:
        if not result.done():
            result.set_exception(error)
    else:
        if not result.done():
            result.set_result(value)


def wait(future: Future[T], timeout: float | None = None) -> T:
    """The result, without blocking the hub of the calling thread if it has one.

    Raises TimeoutError after `timeout` seconds, or what the future was failed with.
    """
    hub = get_hub_if_exists()
    if hub is None or future.done():
        return future.result(timeout)
    watcher = hub.loop.async_()
    done = gevent.event.Event()
    watcher.start(done.set)
    future.add_done_callback(lambda _: watcher.send())
    try:
        while not future.done() and done.wait(timeout):
            done.clear()
    finally:
        watcher.stop()
        watcher.close()
    return future.result(0)
