"""Texts by namespace and key: Java's KVConfigManager and its file kvConfig.json."""

from __future__ import annotations

import logging

from rocketpy import jsonfile
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.kv import KVTable
from rocketpy.protocol.body import Body, body
from rocketpy.protocol.body import wire as member
from rocketpy.protocol.java_hash import hash_map_order

ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG"
"""The namespace of ordered topics: `broker:queues;broker:queues` by topic."""

_log = logging.getLogger("rocketpy.namesrv")


@body
class KVConfig(Body):
    """The whole table, as kvConfig.json has it (KVConfigSerializeWrapper.java)."""

    config_table: dict[str, dict[str, str | None]] = member(factory=dict)


class KVConfigTable:
    """The table in memory; `content` and `save` bring it into the file at `path`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._namespaces: dict[str, dict[str, str | None]] = {}

    def load(self) -> None:
        """Reads the file, if there is one; ConfigError if neither it nor its .bak can be read."""
        loaded = jsonfile.load(self.path, KVConfig.from_json)
        self._namespaces = {} if loaded is None else loaded.config_table

    def put(self, namespace: str, key: str, value: str | None) -> None:
        """Sets a key; with None it is there, but has no value and does not reach the file."""
        self._namespaces.setdefault(namespace, {})[key] = value

    def delete(self, namespace: str | None, key: str | None) -> None:
        """Deletes a key; a namespace that has become empty stays."""
        if namespace is not None and key is not None:
            self._namespaces.get(namespace, {}).pop(key, None)

    def get(self, namespace: str | None, key: str | None) -> str | None:
        """The value of a key."""
        if namespace is None or key is None:
            return None
        return self._namespaces.get(namespace, {}).get(key)

    def namespace(self, namespace: str | None) -> KVTable | None:
        """All keys of a namespace; None if there never was one."""
        table = None if namespace is None else self._namespaces.get(namespace)
        if table is None:
            return None
        return KVTable(table={key: value for key, value in _in_order(table).items() if value is not None})

    def content(self) -> bytes:
        """The table as the file has it: compact JSON in the order of Java's hash maps."""
        table = {name: _in_order(self._namespaces[name]) for name in hash_map_order(self._namespaces)}
        return KVConfig(config_table=table).to_json()

    def save(self, content: bytes) -> None:
        """Writes the file; blocks. A file that cannot be written is logged only, as in Java."""
        try:
            jsonfile.save(self.path, content)
        except ConfigError as error:
            _log.error("%s", error)


def _in_order(table: dict[str, str | None]) -> dict[str, str | None]:
    return {key: table[key] for key in hash_map_order(table)}
