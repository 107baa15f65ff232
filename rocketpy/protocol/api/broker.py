"""Configuration and upkeep of a running broker or name server."""

from __future__ import annotations

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, reply, request


@request(RequestCode.UPDATE_BROKER_CONFIG)
class UpdateBrokerConfig(Header):
    """Set the keys in the body, a properties text (AdminBrokerProcessor.updateBrokerConfig:500)."""


@reply
class GetBrokerConfigReply(Header):
    """The version of the configuration, a DataVersion as JSON (GetBrokerConfigResponseHeader.java:27).

    The body is a properties text.
    """

    version: str


@request(RequestCode.GET_BROKER_CONFIG, reply=GetBrokerConfigReply)
class GetBrokerConfig(Header):
    """All keys and their values (AdminBrokerProcessor.getBrokerConfig:552)."""


@request(RequestCode.UPDATE_NAMESRV_CONFIG)
class UpdateNamesrvConfig(Header):
    """Set the keys in the body, a properties text (DefaultRequestProcessor.updateConfig:572)."""


@request(RequestCode.GET_NAMESRV_CONFIG)
class GetNamesrvConfig(Header):
    """All keys and their values, answered as a properties text (DefaultRequestProcessor.getConfig:624)."""


@request(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)
class CleanExpiredConsumeQueue(Header):
    """Delete ConsumeQueues whose messages are gone (AdminBrokerProcessor.cleanExpiredConsumeQueue:1162)."""


@request(RequestCode.DELETE_EXPIRED_COMMITLOG)
class DeleteExpiredCommitLog(Header):
    """Delete CommitLog files that are old enough, now (AdminBrokerProcessor.deleteExpiredCommitLog:1172)."""
