"""Codes that RocketMQ 4.9.8 names and that none of its servers knows any more."""

from __future__ import annotations

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, reply, request, wire


@request(
    RequestCode.QUERY_BROKER_OFFSET,
    codes=(
        RequestCode.GET_TOPIC_CONFIG_LIST,
        RequestCode.GET_TOPIC_NAME_LIST,
        RequestCode.TRIGGER_DELETE_FILES,
        RequestCode.SUSPEND_CONSUMER,
        RequestCode.RESUME_CONSUMER,
        RequestCode.RESET_CONSUMER_OFFSET_IN_CONSUMER,
        RequestCode.RESET_CONSUMER_OFFSET_IN_BROKER,
        RequestCode.ADJUST_CONSUMER_THREAD_POOL,
        RequestCode.WHO_CONSUME_THE_MESSAGE,
    ),
)
class Unserved(Header):
    """Requests that have only a code left; a broker answers that it is not supported (RequestCode.java:20)."""


@reply
class RegisterFilterServerReply(Header):
    """The broker that a filter server is at (RegisterFilterServerResponseHeader.java:24)."""

    broker_name: str
    broker_id: Long


@request(RequestCode.REGISTER_FILTER_SERVER, reply=RegisterFilterServerReply)
class RegisterFilterServer(Header):
    """A filter server starts (RegisterFilterServerRequestHeader.java:24)."""

    filter_server_addr: str


@request(RequestCode.REGISTER_MESSAGE_FILTER_CLASS)
class RegisterMessageFilterClass(Header):
    """Source of a filter, from a consumer to a filter server (RegisterMessageFilterClassRequestHeader.java:24)."""

    consumer_group: str
    topic: str
    class_name: str
    class_crc: Int = wire("classCRC")
