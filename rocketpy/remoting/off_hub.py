"""Long computations, and what blocks, in a thread of the pool: a table of thousands of topics takes tens of ms to write
as JSON.

The hub goes on meanwhile, though it waits for the interpreter's lock each time it wakes: `cli` has threads give it up
sooner than Python does by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gevent

from rocketpy.errors import RocketpyError

T = TypeVar("T")


def off_hub(compute: Callable[[], T]) -> T:
    """What `compute` returns or raises; it must not touch what the hub changes meanwhile."""
    result: T | RocketpyError = gevent.get_hub().threadpool.apply(_caught, (compute,))
    if isinstance(result, RocketpyError):
        raise result
    return result


def _caught(compute: Callable[[], T]) -> T | RocketpyError:
    """The pool prints a trace of whatever is raised in it, before the caller has a chance to say it in a line."""
    try:
        return compute()
    except RocketpyError as error:
        return error
