"""A file of the store's config directory, written in the background.

A change is saved at once but not on the hub: the state is taken in one turn, encoded and written by a thread of the
pool. Changes that come meanwhile are saved by one more write, so a thousand new topics cost a few writes, not a
thousand.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

import gevent
from gevent import Greenlet

from rocketpy import jsonfile
from rocketpy.errors import ConfigError
from rocketpy.protocol.body import Body
from rocketpy.remoting.off_hub import off_hub

B = TypeVar("B", bound=Body)
B_contra = TypeVar("B_contra", bound=Body, contravariant=True)

_log = logging.getLogger("rocketpy.broker")


Freeze = Callable[[], Callable[[], Body]]
"""Takes hold of the state of now, quickly, and gives the function that makes of it what is to be written."""


class KeptTable(Protocol[B_contra]):
    """What a table must be able to do to be kept."""

    def freeze(self) -> Callable[[], Body]:
        """See `Freeze`."""

    def restore(self, saved: B_contra) -> None:
        """Take over what was saved in an earlier life."""


class ConfigFile:
    """Where a table is kept; `freeze` is the table's."""

    def __init__(self, path: str, freeze: Freeze) -> None:
        self.path = path
        self._freeze = freeze
        self._changed = False
        self._writer: Greenlet[[], None] | None = None

    def load(self, body: type[B]) -> B | None:
        """What the file, or else its .bak, holds; None if there is neither.

        Raises ConfigError when there is something but neither of the two can be read.
        """
        return jsonfile.load(self.path, body.from_json)

    def changed(self) -> None:
        """Have the state saved soon; does not wait for it."""
        self._changed = True
        if self._writer is None:
            self._writer = gevent.spawn(self._write)

    def wait_saved(self, timeout: float | None = None) -> None:
        """Until everything that has changed is saved, or has failed to be, or `timeout` seconds have gone."""
        if self._writer is not None:
            self._writer.join(timeout)

    def retry(self) -> None:
        """Save what could not be saved before, say because the disk was full."""
        if self._changed:
            self.changed()

    def close(self) -> None:
        """Save what is not saved yet and wait for it."""
        if self._writer is not None:
            self._writer.join()
        elif self._changed:
            self._write()

    def _write(self) -> None:
        while self._changed:
            self._changed = False
            snapshot = self._freeze()
            try:
                off_hub(lambda: self._save(snapshot))  # noqa: B023
            except ConfigError as error:
                _log.error("%s", error)
                self._changed = True  # for `retry`, the next change or `close`
                break
        self._writer = None

    def _save(self, snapshot: Callable[[], Body]) -> None:
        jsonfile.save(self.path, snapshot().to_json(pretty=True))
