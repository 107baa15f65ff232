"""QUERY_MESSAGE and VIEW_MESSAGE_BY_ID: messages by key and by id (QueryMessageProcessor.java).

What is found is written past the usual way of an answer in Java: always in JSON, and also when the request is one-way.
"""

from __future__ import annotations

from rocketpy.config.store import StoreConfig
from rocketpy.protocol.api.query import QueryMessage, QueryMessageReply, ViewMessageById
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import JSON, Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore


class QueryProcessor:
    """Looks messages up."""

    def __init__(self, config: StoreConfig, store: MessageStore) -> None:
        self._config = config
        self._store = store

    @handles(QueryMessage)
    def query(self, peer: Connection, request: QueryMessage, command: Command) -> Reply | None:
        """The records whose keys have this hash, and how far the index reaches (queryMessage:70)."""
        most = self._config.default_query_max_num if request.unique_key_query else request.max_num
        found = self._store.query(request.topic, request.key, most, request.begin_timestamp, request.end_timestamp)
        header = QueryMessageReply(
            index_last_update_timestamp=found.index_last_update_timestamp,
            index_last_update_physical_offset=found.index_last_update_physical_offset,
        )
        if not found.views:
            remark = "can not find message, maybe time range not correct"
            return Reply(ResponseCode.QUERY_NOT_FOUND, header, remark=remark)
        peer.reply(command, Reply(ResponseCode.SUCCESS, header, found.views, serialization=JSON))
        return None

    @handles(ViewMessageById)
    def view(self, peer: Connection, request: ViewMessageById, command: Command) -> Reply | None:
        """The record at a physical offset; nobody checks that one begins there (viewMessageById:126)."""
        view = self._store.message_at(request.physical_offset)
        if view is None:
            remark = f"can not find message by the offset, {request.physical_offset}"
            return Reply(ResponseCode.SYSTEM_ERROR, remark=remark)
        peer.reply(command, Reply(ResponseCode.SUCCESS, body=view, serialization=JSON))
        return None
