"""The configuration of a running server: what GET_..._CONFIG prints and UPDATE_..._CONFIG changes.

Mirrors Java's Configuration (common/.../Configuration.java), with its peculiarities: keys of the file that no config
object knows are remembered, printed and written back; an update of a key that nobody has is accepted and forgotten;
the file is rewritten with every key, comments gone and nothing escaped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from rocketpy import jsonfile
from rocketpy.config.key import Config
from rocketpy.config.properties import format_properties, parse_properties
from rocketpy.errors import ConfigError, ReplyError
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.java_hash import concurrent_hash_map_order

_CAPACITY = 8
"""What java.util.Properties has room for at first; with it goes the order in which it hands out its keys."""

_log = logging.getLogger("rocketpy.config")


class LiveConfig:
    """Config objects, the keys that none of them knows, and the file that both are written to."""

    def __init__(self, *configs: Config, path: str, black_list: Iterable[str] = (), now: int = 0) -> None:
        """`path`: the file that an update rewrites; `black_list`: keys that no update may name; `now` in ms."""
        self.path = path
        self._configs = configs
        self._black_list = frozenset(black_list)
        self._entries: dict[str, str] = {}
        self._timestamp = now
        self._counter = 0
        self._refresh()

    @property
    def version(self) -> str:
        """The JSON text of Java's DataVersion: when it changed last, and how often."""
        return f'{{"counter":{self._counter},"timestamp":{self._timestamp}}}'

    def remember(self, properties: Mapping[str, str]) -> None:
        """Keeps what the file said, unknown keys included, so that rewriting it loses none of them."""
        self._entries.update(properties)

    def text(self) -> str:
        """`key=value` lines of everything that is not null, in the order of Java's Properties (a ConcurrentHashMap)."""
        self._refresh()
        return format_properties(
            {name: self._entries[name] for name in concurrent_hash_map_order(self._entries, _CAPACITY)}
        )

    def update(self, body: bytes, now: int) -> dict[str, str]:
        """Does what UPDATE_..._CONFIG asks for, but for `save`, and returns what was asked for.

        Raises ReplyError: SYSTEM_ERROR for a body that does not parse, NO_PERMISSION if it names a key on the black
        list; nothing is changed then.
        """
        try:
            properties = parse_properties(body)
        except ConfigError as error:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "string2Properties error") from error
        if not self._black_list.isdisjoint(properties):
            raise ReplyError(ResponseCode.NO_PERMISSION, "Can not update config in black list.")
        self._entries.update({name: text for name, text in properties.items() if name in self._entries})
        for config in self._configs:
            config.update(properties)
        self._counter += 1
        self._timestamp = now
        return properties

    def save(self, text: str) -> None:
        """Rewrites the file with `text`; blocks. A file that cannot be written is logged only, as in Java."""
        try:
            jsonfile.save(self.path, text.encode())
        except ConfigError as error:
            _log.error("%s", error)

    def _refresh(self) -> None:
        for config in self._configs:
            values = config.dump()
            self._entries.update((name, values[name]) for name in concurrent_hash_map_order(values, _CAPACITY))
