"""What an operator changes: the key-value table and the name server's own configuration."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import gevent
from gevent.lock import BoundedSemaphore

from rocketpy.config.live import LiveConfig
from rocketpy.errors import ReplyError
from rocketpy.namesrv.kv import KVConfigTable
from rocketpy.protocol.api.broker import GetNamesrvConfig, UpdateNamesrvConfig
from rocketpy.protocol.api.kv import DeleteKVConfig, GetKVConfig, GetKVConfigReply, GetKVListByNamespace, PutKVConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles

T = TypeVar("T")
_log = logging.getLogger("rocketpy.namesrv")


class ConfigProcessor:
    """Changes are on disk when they are answered; the writing is done in the hub's thread pool, one file at a time."""

    def __init__(self, kv: KVConfigTable, live: LiveConfig, clock: Callable[[], int]) -> None:
        self._kv = kv
        self._live = live
        self._clock = clock
        self._writing = BoundedSemaphore()

    @handles(PutKVConfig, spawn=True)
    def put_kv(self, peer: Connection, request: PutKVConfig, command: Command) -> Reply:
        """Sets a key; a missing value is remembered as none."""
        namespace, key = _given(command, "namespace"), _given(command, "key")
        if namespace is None or key is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "namespace or key is null")
        self._kv.put(namespace, key, _given(command, "value"))
        self._save(self._kv.save, self._kv.content)
        return Reply()

    @handles(DeleteKVConfig, spawn=True)
    def delete_kv(self, peer: Connection, request: DeleteKVConfig, command: Command) -> Reply:
        """Deletes a key; whether there was one is all the same."""
        self._kv.delete(_given(command, "namespace"), _given(command, "key"))
        self._save(self._kv.save, self._kv.content)
        return Reply()

    @handles(GetKVConfig)
    def get_kv(self, peer: Connection, request: GetKVConfig, command: Command) -> Reply:
        """The value of a key."""
        namespace, key = _given(command, "namespace"), _given(command, "key")
        value = self._kv.get(namespace, key)
        if value is None:
            remark = f"No config item, Namespace: {_text(namespace)} Key: {_text(key)}"
            raise ReplyError(ResponseCode.QUERY_NOT_FOUND, remark)
        return Reply(header=GetKVConfigReply(value=value))

    @handles(GetKVListByNamespace)
    def get_kv_list(self, peer: Connection, request: GetKVListByNamespace, command: Command) -> Reply:
        """All keys of a namespace."""
        namespace = _given(command, "namespace")
        table = self._kv.namespace(namespace)
        if table is None:
            raise ReplyError(ResponseCode.QUERY_NOT_FOUND, f"No config item, Namespace: {_text(namespace)}")
        return Reply(body=table.to_json())

    @handles(UpdateNamesrvConfig, spawn=True)
    def update_config(self, peer: Connection, request: UpdateNamesrvConfig, command: Command) -> Reply:
        """Sets keys of the configuration and rewrites its file; an empty body changes nothing."""
        if command.body:
            changed = self._live.update(command.body, self._clock())
            _log.info("%s updates the configuration: %s", peer.remote_address, changed)
            self._save(self._live.save, self._live.text)
        return Reply()

    @handles(GetNamesrvConfig)
    def get_config(self, peer: Connection, request: GetNamesrvConfig, command: Command) -> Reply:
        """Every key and its value."""
        return Reply(body=self._live.text().encode())

    def _save(self, write: Callable[[T], None], content: Callable[[], T]) -> None:
        """Has `write` write what `content` gives when its turn has come, and waits for it."""
        with self._writing:
            gevent.get_hub().threadpool.apply(write, (content(),))


def _given(command: Command, name: str) -> str | None:
    """A header field; unlike the decoded request, this tells a missing one from an empty one."""
    return (command.ext_fields or {}).get(name)


def _text(value: str | None) -> str:
    """A value as Java puts it into a remark."""
    return "null" if value is None else value
